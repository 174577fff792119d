"""Offer what is on record beside the runs: procedures, calibrations, notes."""

from typing import Annotated

from fastapi import APIRouter, Path

from labctl.core.clock import Clock
from labctl.service.api import schemas as s
from labctl.service.api import table_schemas as t
from labctl.service.api.access import Editor, Present, Viewer
from labctl.service.api.forms import procedure_line
from labctl.service.api.table import Table
from labctl.service.api.views import find_run_folder
from labctl.service.calibrations import Decision, Known
from labctl.service.notes import Notes, read_notes, write_notes

RunPath = Annotated[s.RunName, Path()]


def record_router(table: Table, clock: Clock) -> APIRouter:
    """Return the addresses of procedures, calibrations and notes; `clock` is the machine's."""
    router = APIRouter(tags=["record"])
    _add_procedures(router, table)
    _add_calibrations(router, table)
    _add_notes(router, table, clock)
    return router


def _add_procedures(router: APIRouter, table: Table) -> None:
    @router.get("/procedures")
    def list_procedures(_: Viewer) -> t.ProcedureList:
        """List the procedures with their parameters."""
        found = table.procedures().items()
        return t.ProcedureList(procedures=[procedure_line(name, one) for name, one in found])


def _add_calibrations(router: APIRouter, table: Table) -> None:
    def decide(body: t.CalibrationRun, decision: Decision, who: str) -> t.Decided:
        folder = find_run_folder(table.place.data, body.run)
        return t.Decided(identities=list(table.decide(folder, decision, who)))

    @router.get("/calibrations")
    def list_calibrations(_: Viewer) -> t.CalibrationList:
        """List the calibrations by kind, the newest of each first."""
        return t.CalibrationList(calibrations=[_line(one) for one in table.calibrations()])

    @router.post("/calibrations/accept")
    def accept(body: t.CalibrationRun, identity: Present) -> t.Decided:
        """Use the calibrations that a run found; only at the table."""
        return decide(body, "accepted", identity.who)

    @router.post("/calibrations/discard")
    def discard(body: t.CalibrationRun, identity: Present) -> t.Decided:
        """Do not use the calibrations that a run found; only at the table."""
        return decide(body, "discarded", identity.who)


def _add_notes(router: APIRouter, table: Table, clock: Clock) -> None:
    @router.get("/runs/{run}/notes")
    def get_notes(run: RunPath, _: Viewer) -> t.NotesOfRun:
        """Return the notes on a run."""
        return _body(read_notes(find_run_folder(table.place.data, run)))

    @router.put("/runs/{run}/notes")
    def put_notes(run: RunPath, body: t.NewNotes, identity: Editor) -> t.NotesOfRun:
        """Replace the notes on a run; its record stays as it is."""
        stamp = clock.utc().isoformat()
        notes = Notes(body.text, tuple(body.tags), body.rating, identity.who, stamp)
        write_notes(find_run_folder(table.place.data, run), notes)
        return _body(notes)


def _body(notes: Notes) -> t.NotesOfRun:
    return t.NotesOfRun(
        text=notes.text,
        tags=list(notes.tags),
        rating=notes.rating,
        changed_by=notes.changed_by,
        changed_utc=notes.changed_utc,
    )


def _line(known: Known) -> t.CalibrationLine:
    calibration = known.calibration
    return t.CalibrationLine(
        kind=calibration.kind,
        subject=calibration.kind.partition(".")[2],
        identity=calibration.identity,
        made_utc=known.made_utc,
        expires_utc=known.expires_utc,
        active=known.active,
        status=known.status,
        source=calibration.source,
        values=dict(calibration.values),
    )
