"""Offer the table by hand while no run owns it; whatever moves is for people at the table."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from labctl.service.api import schemas as s
from labctl.service.api import table_schemas as t
from labctl.service.api.access import Editor, Operator, Present, Viewer
from labctl.service.api.table import Table
from labctl.service.api.views import spectrum_view

MOST_PIXELS = 4096
ChannelPath = Annotated[s.ChannelName, Path()]


def table_router(table: Table) -> APIRouter:
    """Return the addresses below `/table`."""
    router = APIRouter(prefix="/table", tags=["table"])
    _add_channels(router, table)
    _add_camera(router, table)
    return router


def _add_channels(router: APIRouter, table: Table) -> None:
    @router.post("/attach")
    def attach(_: Present) -> s.Done:
        """Open the table for commands by hand."""
        table.attach()
        return s.Done()

    @router.post("/release")
    def release(_: Present) -> s.Done:
        """Close the table again."""
        table.release()
        return s.Done()

    @router.get("")
    def describe(_: Viewer) -> t.TableDescription:
        """Return what the table has: channels with limits, beams, places, camera."""
        return t.TableDescription.model_validate(table.describe())

    @router.get("/channels/{channel}")
    def read_channel(channel: ChannelPath, _: Operator) -> s.Moved:
        """Read a channel now."""
        return s.Moved(**table.read_channel(channel))

    @router.post("/set")
    def set_channel(body: s.Setting, _: Present) -> s.Moved:
        """Move a channel and return its read-back."""
        return s.Moved(**table.set_channel(body.channel, body.value))

    @router.post("/estimate")
    def estimate(body: s.Plan, _: Editor) -> s.PlanEstimate:
        """Walk through a procedure without moving anything."""
        found: dict[str, Any] = table.estimate(body.procedure, body.parameters)
        return s.PlanEstimate(**found)


def _add_camera(router: APIRouter, table: Table) -> None:
    @router.post("/acquire")
    def acquire(body: s.Exposure, _: Present) -> s.SpectrumView:
        """Expose once; it is not saved."""
        live = table.acquire(
            body.exposure_s,
            accumulations=body.accumulations,
            beams=tuple(body.beams),
            mode=body.mode,
            device=body.device,
        )
        return spectrum_view(live, MOST_PIXELS)

    @router.post("/live")
    def start_live(body: s.LiveView, _: Present) -> s.Done:
        """Expose again and again, from now on with these settings; see `/frames`."""
        table.start_live(
            body.exposure_s, beams=tuple(body.beams), mode=body.mode, device=body.device
        )
        return s.Done()

    @router.post("/still")
    def stop_live(_: Operator) -> s.Done:
        """End the live view, with the shutters closed."""
        table.stop_live()
        return s.Done()
