"""Which versions of TLS providers find at the public address."""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

TIMEOUT: Final = 5.0
"""Seconds for each version."""
VERSIONS: Final = {"TLS 1.2": ssl.TLSVersion.TLSv1_2, "TLS 1.3": ssl.TLSVersion.TLSv1_3}


async def find_versions(url: str, *, trusted: Path | None = None) -> tuple[str, ...]:
    """Return those of TLS 1.2 and 1.3 that an https address offers; none if it cannot be reached.

    `trusted` is a file of authorities, in addition to the system's. Raises `ssl.SSLCertVerificationError`.
    """
    address = urlsplit(url)
    offered = []
    for name, version in VERSIONS.items():
        context = ssl.create_default_context()
        if trusted is not None:
            context.load_verify_locations(trusted)
        context.minimum_version = context.maximum_version = version
        try:
            async with asyncio.timeout(TIMEOUT):
                _, writer = await asyncio.open_connection(address.hostname, address.port or 443, ssl=context)
        except ssl.SSLCertVerificationError:
            raise
        except OSError:  # a refused version, a refused connection, a time-out
            continue
        offered.append(name)
        with suppress(OSError):
            writer.close()
            await writer.wait_closed()
    return tuple(offered)
