"""All simulated providers as one ASGI application, each under its name, with message receivers and control routes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Final

import httpx
from starlette.applications import Starlette
from starlette.routing import Mount, Router

from vigil.simulator.backend import Backend
from vigil.simulator.clock import Clock
from vigil.simulator.control import PROBLEMS, Control
from vigil.simulator.engine import Engine
from vigil.simulator.gateway import Gateway
from vigil.simulator.kept_state import KeptState, keep
from vigil.simulator.mail import MailServer
from vigil.simulator.outage import OutageSwitch
from vigil.simulator.registry import SIMULATED

# The time that a sender waits for a connection counts as waiting for the answer, so there is no limit to connections.
# None is kept alive: a connection that the receiver has closed meanwhile would count as a failed delivery.
FRESH_CONNECTIONS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=0)

_certificates = cache(httpx.create_ssl_context)


def create_app(
    *,
    time_scale: float,
    client: httpx.AsyncClient | None = None,
    clock: Clock | None = None,
    mail_at: tuple[str, int] | None = None,
    kept_in: Path | None = None,
) -> Starlette:
    """Return the application. Contract time passes `time_scale` times as fast as real time.

    `client` sends the callbacks; None: the application opens its own, which ignores the proxies of the environment.
    `clock` replaces the real one; `time_scale` must be its scale. `mail_at` is the host and port of the mail server,
    which listens during the application's lifespan; None: there is no mail server. Who serves the application without
    its lifespan must close `app.state.engine`. `kept_in` is the file that keeps the verifications from one lifespan to
    the next; None: they are forgotten.
    """
    kept = KeptState.load(kept_in, time_scale) if kept_in else None
    clock = clock or (kept.clock() if kept else Clock(time_scale))
    delivering = client or httpx.AsyncClient(trust_env=False, verify=_certificates(), limits=FRESH_CONNECTIONS)
    engine = Engine(delivering, clock)
    simulators = kept.restore(engine) if kept else None
    if simulators is None:
        simulators = {name: provider(engine) for name, provider in SIMULATED.items()}
    switches = {
        name: OutageSwitch(Router(each.routes(), redirect_slashes=False), clock) for name, each in simulators.items()
    }
    gateway, mail, backend = Gateway(), MailServer(), Backend(delivering)
    control = Control(simulators, switches, engine)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as open_:
            if mail_at is not None:
                await open_.enter_async_context(mail.listening(*mail_at))
            for simulator in simulators.values():
                for verification in simulator.verifications.values():
                    verification.resume()
            yield
        if kept_in is not None:
            keep(kept_in, simulators, engine)
        await engine.aclose()
        if client is None:
            await delivering.aclose()

    app = Starlette(
        routes=[
            Mount(
                "/control",
                routes=[
                    *gateway.control_routes(),
                    *mail.control_routes(),
                    *backend.control_routes(),
                    *control.routes(),
                ],
            ),
            Mount("/gateway", routes=gateway.routes()),
            Mount("/backend", routes=backend.routes()),
            *(Mount(f"/{name}", app=switch) for name, switch in switches.items()),
        ],
        exception_handlers=PROBLEMS,
        lifespan=lifespan,
    )
    app.state.engine = engine
    return app
