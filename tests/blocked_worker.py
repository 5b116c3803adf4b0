"""A worker process whose event loop a signal blocks for some seconds."""

import asyncio
import signal
import time

import worker
from vigil.config.settings import load_settings
from vigil.observability import set_up_logging
from vigil.process_exit import exit_now

BLOCKED_FOR = 8.0


async def _run() -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, time.sleep, BLOCKED_FOR)
    await worker.run(load_settings())


if __name__ == "__main__":
    set_up_logging()
    asyncio.run(_run())
    exit_now(0)
