"""Read what is on record at a table, and write notes beside it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labctl.client.connection import Connection
from labctl.client.runs import Run, get_run, open_local

if TYPE_CHECKING:
    from labctl.store.reader import RunReader

DECISION_S = 60.0


class Records:
    """Ask a service for runs, calibrations and notes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def runs(self, most: int = 50) -> Sequence[Mapping[str, Any]]:
        """Return summaries of runs, the newest first."""
        found: Sequence[Mapping[str, Any]] = self._connection.get("/runs", most=most)["runs"]
        return found

    def run(self, name: str) -> Run:
        """Return a run by its name."""
        return get_run(self._connection, name)

    def points(self, run: str, first: int = 0, most: int = 1000) -> Sequence[Mapping[str, Any]]:
        """Return committed points of a run from number `first` on, without arrays."""
        page = self._connection.get(f"/runs/{run}/points", first=first, most=most)
        found: Sequence[Mapping[str, Any]] = page["points"]
        return found

    def open_local(self, run: str) -> "RunReader":
        """Open the record of a run, to read its arrays; the service must be on this machine.

        Raises
        ------
        UsageError
            If there is no such run, or it lies on another machine.
        StorageError
            If it cannot be read.
        """
        return open_local(run, self.run(run).folder)

    def calibrations(self) -> Sequence[Mapping[str, Any]]:
        """Return the calibrations by kind, the newest of each first.

        kind, subject, identity, made_utc, expires_utc, active, status (station, found, accepted
        or discarded), source, values.
        """
        found: Sequence[Mapping[str, Any]] = self._connection.get("/calibrations")["calibrations"]
        return found

    def accept_calibrations(self, run: str) -> Sequence[str]:
        """Use the calibrations that a run found; returns their identities."""
        return self._decide("accept", run)

    def discard_calibrations(self, run: str) -> Sequence[str]:
        """Do not use the calibrations that a run found; returns their identities."""
        return self._decide("discard", run)

    def notes(self, run: str) -> Mapping[str, Any]:
        """Return the notes on a run: text, tags, rating (0: none), changed_by, changed_utc."""
        found: Mapping[str, Any] = self._connection.get(f"/runs/{run}/notes")
        return found

    def set_notes(
        self, run: str, text: str = "", tags: Iterable[str] = (), rating: int = 0
    ) -> Mapping[str, Any]:
        """Replace the notes on a run; its record stays as it is."""
        body = {"text": text, "tags": list(tags), "rating": rating}
        found: Mapping[str, Any] = self._connection.put(f"/runs/{run}/notes", body)
        return found

    def _decide(self, what: str, run: str) -> Sequence[str]:
        answer = self._connection.post(f"/calibrations/{what}", {"run": run}, timeout_s=DECISION_S)
        return [str(one) for one in answer["identities"]]
