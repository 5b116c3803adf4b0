"""A real nginx with the configuration that compose mounts, before processes on this machine."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from vigil.demo.ports import LOOPBACK, find_free_ports

CONFIGURATION: Final = Path(__file__).parents[1] / "deploy" / "nginx" / "nginx.conf"


class Proxy:
    """nginx before the API processes at `upstreams`. Its certificate, for `LOOPBACK`, is `certificate`."""

    def __init__(self, folder: Path, *upstreams: int) -> None:
        self.folder = folder
        self.certificate = folder / "fullchain.pem"
        self.public, self.private = find_free_ports(2)
        servers = " ".join(f"server {LOOPBACK}:{port} max_fails=0;" for port in upstreams)
        text = CONFIGURATION.read_text()
        for shipped, here in {
            " /tmp/": f" {folder}/",
            "listen 8443": f"listen {LOOPBACK}:{self.public}",
            "listen 8000": f"listen {LOOPBACK}:{self.private}",
            # In the place of Docker's DNS, which has an address for each process.
            "    resolver 127.0.0.11": f"    upstream processes {{ {servers} }}\n    resolver 127.0.0.11",
            "set $api api:8000": "set $api processes",
            "/run/tls/": f"{folder}/",
            "access_log /dev/stdout": f"access_log {folder}/access.log",
            "error_log /dev/stderr": f"error_log {folder}/error.log",
        }.items():
            assert shipped in text, shipped
            text = text.replace(shipped, here)
        (folder / "nginx.conf").write_text(text)
        self._make_certificate()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        # As root it would give its own folders to another user, who may not enter those above them.
        user = " user root;" if os.geteuid() == 0 else ""
        with (self.folder / "start.log").open("w") as log:
            self._process = subprocess.Popen(
                ["nginx", "-p", self.folder, "-c", self.folder / "nginx.conf", "-g", f"daemon off;{user}"],
                stderr=log,
                process_group=0,
            )
        for _ in range(100):
            with suppress(OSError):
                socket.create_connection((LOOPBACK, self.public)).close()
                return
            assert self._process.poll() is None, (self.folder / "start.log").read_text()
            time.sleep(0.1)
        raise TimeoutError("nginx does not listen")

    def stop(self) -> None:
        """Stop it in order."""
        self._process.terminate()
        self._process.wait(10)

    def kill(self) -> None:
        """Send SIGKILL to all its processes: those of a dead master would go on alone."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def _make_certificate(self) -> None:
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=vigil"
        files = ("-keyout", self.folder / "privkey.pem", "-out", self.certificate)
        names = ("-addext", f"subjectAltName=IP:{LOOPBACK}")
        subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
