"""Bring a table into its safe state although its service does not answer."""

import json
import os
from pathlib import Path

from labctl.core.errors import ConnectionFailed, LabctlError, SafetyError
from labctl.service.guarded import GuardAddress, SafetyClient
from labctl.store.lock import is_locked, owner_of

_BY_HAND = "switch the lasers off by hand and close the shutters, now"


def make_safe(data: Path, station_file: Path | None, who: str) -> tuple[str, list[str]]:
    """Return who closed the table, in words, and what could not be confirmed.

    The safety process is asked first. If there is none, and no other process holds the
    instruments, they are opened here and brought into the safe state.

    Parameters
    ----------
    data
        The data folder of the service.
    station_file
        The station file, in case the instruments must be opened here; None: the usual one.
    who
        Who asks, for the records.

    Raises
    ------
    SafetyError
        If nothing can be done from here, because another process holds the instruments.
    LabctlError
        If the station cannot be opened.
    """
    folder = data / "station"
    try:
        with SafetyClient(GuardAddress(_address(folder))) as client:
            report = client.safe(who)
        problems = report.get("problems", {})
        return "the safety process", [f"{name}: {text}" for name, text in problems.items()]
    except ConnectionFailed:
        pass
    for lock in (folder / "table.lock", folder / "service.lock"):
        if is_locked(lock):
            raise SafetyError(
                f"NOT CONFIRMED: {owner_of(lock)} holds the table and does not answer",
                remedy=f"{_BY_HAND}; then end that process",
            )
    return "this process", _by_ourselves(station_file, data)


def _address(folder: Path) -> str:
    try:
        stored = json.loads((folder / "safety-secrets.json").read_text(encoding="utf-8"))
        return str(stored["address"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"unix:{os.fspath(folder / 'safety.sock')}"


def _by_ourselves(station_file: Path | None, data: Path) -> list[str]:
    from labctl.service.session import Session

    try:
        return Session(station_file, data).close()
    except LabctlError as error:
        raise type(error)(f"NOT CONFIRMED: {error.message}", remedy=_BY_HAND) from error
