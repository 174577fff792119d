"""Put the API together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware

from labctl import __version__
from labctl.core.clock import Clock, RealClock
from labctl.service.api.access import Needs
from labctl.service.api.admin_routes import admin_router
from labctl.service.api.audit import Audit
from labctl.service.api.commands import Commands
from labctl.service.api.control_routes import Urgent, control_router
from labctl.service.api.event_routes import event_router
from labctl.service.api.gate import Gate
from labctl.service.api.guard import Guard
from labctl.service.api.pages import page_router
from labctl.service.api.problems import Problem, install_handlers
from labctl.service.api.queue_routes import queue_router
from labctl.service.api.record_routes import record_router
from labctl.service.api.stream import Snapshots
from labctl.service.api.table import Table
from labctl.service.api.table_routes import table_router
from labctl.service.api.tokens import Tokens
from labctl.service.api.views import TrendKeeper
from labctl.service.api.watch_routes import watch_router

PREFIX = "/api/v1"

_MEANINGS = {
    400: "The request is malformed",
    401: "A token is needed, or it is unknown, revoked or expired",
    403: "The role, the place, the host name or the origin does not allow it",
    404: "There is no such item, run, token or address",
    405: "The address has another method",
    409: "The state of the table, or a safety condition, does not allow it",
    413: "The body is larger than 1 MiB",
    415: "The body is not application/json",
    422: "A value is wrong, unknown or out of range; nothing was changed",
    424: "An instrument did not do or answer what it was asked",
    429: "Too many clients are listening",
}


def build_app(
    table: Table,
    *,
    local_token: str,
    remote_names: frozenset[str] = frozenset(),
    clock: Clock | None = None,
) -> FastAPI:
    """Return the ASGI app of a station.

    Parameters
    ----------
    table
        What serves the station: the `Daemon`.
    local_token
        Secret of whoever uses the account of the service on its machine.
    remote_names
        Host names by which remote clients may call it.
    clock
        By which tokens expire and the audit is stamped; None takes the machine's.
    """
    wall = RealClock()
    clock = clock or wall
    trends = TrendKeeper()
    snapshots = Snapshots(table, trends, wall)
    tokens, audit = Tokens(table.database, clock), Audit(table.database, clock)
    gate = Gate(tokens, local_token, remote_names)
    app = FastAPI(
        title="labctl",
        version=__version__,
        description="Control and acquisition of one optical table.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(snapshots),
        # the first one is the outermost
        middleware=[Middleware(Guard, gate=gate), Middleware(Commands, audit=audit)],
    )
    app.state.snapshots = snapshots
    app.state.needs = {}
    install_handlers(app)
    for router in (
        watch_router(table, trends),
        event_router(table, snapshots),
        queue_router(table),
        control_router(table, Urgent()),
        table_router(table),
        record_router(table, clock),
        admin_router(tokens, audit, clock),
    ):
        app.state.needs |= _needs(router)
        app.include_router(router, prefix=PREFIX, responses=_problems())
    app.include_router(page_router())
    return app


def needs_of(app: FastAPI) -> Mapping[tuple[str, str], Needs]:
    """Return what each method and address of the API needs."""
    needs: Mapping[tuple[str, str], Needs] = app.state.needs
    return needs


def _needs(router: APIRouter) -> Mapping[tuple[str, str], Needs]:
    """Return what the addresses need; refuse to build an API with one that is for everybody."""
    found = {}
    for route in router.routes:
        calls = route.dependant.dependencies if isinstance(route, APIRoute) else ()
        needs = [one.call for one in calls if isinstance(one.call, Needs)]
        if not isinstance(route, APIRoute) or len(needs) != 1:
            raise AssertionError(f"{route} does not say which role it needs")
        for method in route.methods or ():
            found[method, PREFIX + route.path] = needs[0]
    return found


def _problems() -> dict[int | str, dict[str, Any]]:
    return {code: {"model": Problem, "description": text} for code, text in _MEANINGS.items()}


def _lifespan(
    snapshots: Snapshots,
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        keeping = asyncio.create_task(snapshots.keep_trends())
        try:
            yield
        finally:
            snapshots.is_closing = True
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping

    return lifespan
