"""Offer control: pause, continue, stop, abort, and the way to the safe state."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path

from labctl.core.items import QueueItem
from labctl.core.status import Alarm
from labctl.service.api import schemas as s
from labctl.service.api.access import Operator, Present
from labctl.service.api.table import Table

T = TypeVar("T")
AlarmId = Annotated[int, Path(ge=0, le=2**53)]


class Urgent:
    """Carry out what must not wait behind other commands, on threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="urgent")

    async def __call__(self, command: Callable[[], T]) -> T:
        """Return what a command returns."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, command)


def control_router(table: Table, urgent: Urgent) -> APIRouter:
    """Return the addresses below `/control` and `/alarms`."""
    router = APIRouter(tags=["control"])
    _add_safety(router, table, urgent)
    _add_flow(router, table)
    return router


def _add_safety(router: APIRouter, table: Table, urgent: Urgent) -> None:
    @router.post("/control/safe")
    async def make_safe(identity: Operator) -> s.Safety:
        """Close shutters and block emission now, whatever is going on; the queue stops."""
        unconfirmed = await urgent(lambda: table.safe(identity.who))
        return s.Safety(confirmed=not unconfirmed, unconfirmed=list(unconfirmed))

    @router.post("/control/abort")
    async def abort(body: s.Abort, identity: Operator) -> s.Done:
        """End the run at once in the safe state; the queue stops."""
        reason = body.reason or f"aborted by {identity.who}"
        await urgent(lambda: table.abort_now(reason))
        return s.Done()

    @router.post("/control/reset")
    def reset_latch(identity: Present) -> s.Done:
        """Allow beams again after the safety process has latched; only at the table."""
        table.reset_latch(identity.who)
        return s.Done()

    @router.post("/alarms/{alarm}/acknowledge")
    def acknowledge(alarm: AlarmId, identity: Operator) -> Alarm:
        """Acknowledge an alarm."""
        return table.acknowledge(alarm, identity.who)


def _add_flow(router: APIRouter, table: Table) -> None:
    @router.post("/control/pause")
    def pause(body: s.Pause, _: Operator) -> s.Done:
        """Pause the run, or the queue if nothing runs."""
        table.pause(body.when)
        return s.Done()

    @router.post("/control/stop")
    def stop(body: s.Stop, _: Operator) -> s.Done:
        """Stop the queue after the present run or point."""
        if body.after == "run":
            table.stop_after_run()
        else:
            table.stop_after_point()
        return s.Done()

    @router.post("/control/start")
    def start(_: Present) -> s.Done:
        """Work through the queue; only at the table."""
        table.start_queue()
        return s.Done()

    @router.post("/control/run")
    def run_now(body: s.RunNow, _: Present) -> QueueItem:
        """Run an item in front of all others; a queue that is held does not go on after it."""
        return table.run_now(body.item.item())

    @router.post("/control/continue")
    def proceed(_: Present) -> s.Done:
        """Go on after a pause; only at the table."""
        table.proceed()
        return s.Done()
