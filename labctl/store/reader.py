"""Read a run, finished or not, also while another process writes it."""

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from labctl.core.errors import StorageError
from labctl.core.journal import Entry, Exchange, RunStart, RunState, StateChange
from labctl.core.messages import Note, Point
from labctl.core.readings import Reading
from labctl.store.decode import readings_from
from labctl.store.encode import checksum, tail_number
from labctl.store.folders import DATABASE, LOCK
from labctl.store.lock import is_locked
from labctl.store.record import Record
from labctl.store.schema import open_read_only

if TYPE_CHECKING:
    import numpy as np
    import xarray


class RunReader:
    """Give access to one run.

    Parameters
    ----------
    path
        The folder of the run, or its `run.sqlite`.

    Raises
    ------
    StorageError
        If there is no run, or it cannot be read.
    """

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        self.folder = path.parent if path.name == DATABASE else path
        self.run = self.folder.name
        self._db = open_read_only(self.folder / DATABASE)
        self._record = Record(self._db, self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self._record.count()

    def close(self) -> None:
        """Close the files."""
        self._db.close()

    @property
    def number(self) -> int:
        """Return the number of the run."""
        return int(self.run.split("_")[0])

    @property
    def starts(self) -> Sequence[RunStart]:
        """Return the attempts: parameters, versions, station, read-backs at the start."""
        return self._record.starts()

    @property
    def start(self) -> RunStart:
        """Return the first attempt; raises `StorageError` if the run never began."""
        starts = self.starts
        if not starts:
            raise StorageError(
                f"run {self.run} never began: it holds nothing", remedy="start a new run"
            )
        return starts[0]

    @property
    def procedure(self) -> str:
        """Return the name of the procedure."""
        return self.start.procedure

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Return the parameters as plain JSON."""
        return self.start.parameters

    @property
    def station(self) -> Mapping[str, Any]:
        """Return what the station said of itself: file, instruments, calibrations."""
        return self.start.station

    @property
    def states(self) -> Sequence[StateChange]:
        """Return the history of states."""
        return self._record.states()

    @property
    def state(self) -> RunState:
        """Return the present state; `interrupted` if the writer is gone without an end."""
        states = self.states
        last = states[-1].state if states else RunState.IDLE
        if last.is_end or is_locked(self.folder / LOCK):
            return last
        # the writer may have ended between the two questions
        last = self.states[-1].state if self.states else RunState.IDLE
        return last if last.is_end else RunState.INTERRUPTED

    @property
    def end_snapshot(self) -> Mapping[str, Reading]:
        """Return the read-backs at the end of the last attempt; empty if there was no end."""
        rows = self._record.query("SELECT snapshot FROM ends ORDER BY attempt DESC LIMIT 1")
        return readings_from(json.loads(rows[0][0])) if rows else {}

    def points(self, *, skip_damaged: bool = False) -> Iterator[Point]:
        """Yield the committed points in order.

        Raises
        ------
        StorageError
            At the first point that does not have its checksum, unless they are skipped.
        """
        return (entry.point for entry in self.entries(skip_damaged=skip_damaged))

    def point(self, number: int) -> Point:
        """Return one point; raises `StorageError` if it is missing or damaged."""
        return self._record.entry(number).point

    def entries(self, first: int = 0, *, skip_damaged: bool = False) -> Iterator[Entry]:
        """Yield the points from number `first` on with the exchanges that led to them."""
        return self._record.entries(first, skip_damaged=skip_damaged)

    def damaged(self) -> list[int]:
        """Return the numbers of the points that do not have their checksums."""
        return self._record.damaged()

    def numbers(self, names: Sequence[str], points: Sequence[int]) -> "Mapping[str, np.ndarray]":
        """Return recorded numbers of some points, NaN where there is none (`store.columns`)."""
        from labctl.store.columns import read_numbers

        return read_numbers(self._record.query, names, points)

    def replies(self) -> Iterator[tuple[int, Exchange]]:
        """Yield every message with its answer and the number of the point it led to.

        Those after the last point of the last attempt have the number of the next point.
        """
        number = 0
        for entry in self.entries():
            for exchange in entry.exchanges:
                yield entry.point.number, exchange
            number = entry.point.number + 1
        for exchange in self._tail():
            yield number, exchange

    def notes(self) -> Iterator[tuple[int, Note]]:
        """Yield the plan's remarks with the number of the point that they preceded."""
        for number, exchange in self.replies():
            if isinstance(exchange.message, Note):
                yield number, exchange.message

    def to_xarray(self) -> "xarray.Dataset":
        """Return the points as a dataset with units; see `labctl.store.dataset`."""
        from labctl.store.dataset import to_dataset

        return to_dataset(self)

    def _tail(self) -> Sequence[Exchange]:
        rows = self._record.query(
            "SELECT attempt,CAST(header AS BLOB),CAST(payload AS BLOB),crc FROM ends"
            " WHERE attempt=(SELECT max(number) FROM attempts)"
        )
        if not rows:
            return ()
        attempt, header, payload, crc = rows[0]
        number = tail_number(attempt)
        if checksum(number, header, payload) != crc:
            raise StorageError(f"run {self.run}: what followed the last point is damaged")
        return self._record.decoder(header, payload, number).exchanges()

    def _repr_html_(self) -> str:
        starts = self.starts
        rows = {
            "procedure": starts[0].procedure if starts else "",
            "state": self.state.value,
            "points": str(len(self)),
            "begun": starts[0].utc if starts else "",
            **{key: str(value) for key, value in (starts[0].parameters if starts else {}).items()},
        }
        cells = "".join(
            f"<tr><th>{html.escape(key)}</th><td>{html.escape(value)}</td></tr>"
            for key, value in rows.items()
        )
        return f"<table><caption>{html.escape(self.run)}</caption>{cells}</table>"
