"""Hold what a queue led to: a job that waits or runs, and the run that came of it."""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labctl.client.connection import Connection
from labctl.core.errors import LabctlError, PartialData, RunAborted, UsageError
from labctl.core.items import ItemState, QueueItem

if TYPE_CHECKING:
    import xarray

    from labctl.store.reader import RunReader

POLL_S = 0.5

_ENDS: Mapping[ItemState, type[LabctlError]] = {
    ItemState.FAILED: LabctlError,
    ItemState.ABORTED: RunAborted,
}


@dataclass(frozen=True, slots=True)
class Run:
    """Hold a run; its points are in `folder`, on the machine of the service.

    `detail` is what the service says of it: parameters, states, result.
    """

    name: str
    folder: Path
    detail: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def open(self) -> "RunReader":
        """Open the record; raises `StorageError` if its folder cannot be reached from here."""
        import labctl

        reader: RunReader = labctl.open_run(self.folder)
        return reader

    def to_xarray(self) -> "xarray.Dataset":
        """Return the points as a dataset with units."""
        with self.open() as reader:
            return reader.to_xarray()

    @property
    def result(self) -> Mapping[str, Any]:
        """Return what the analysis found: temperatures, verdicts, numbers."""
        found: Mapping[str, Any] = self.detail.get("result", {})
        return found

    def _repr_html_(self) -> str:
        shown = {key: self.detail.get(key, "") for key in ("procedure", "state", "points")}
        rows = "".join(
            f"<tr><th>{key}</th><td>{html.escape(str(value))}</td></tr>"
            for key, value in (shown | {"folder": self.folder}).items()
        )
        return f"<table><caption>{html.escape(self.name)}</caption>{rows}</table>"


class Job:
    """Follow one item of the queue."""

    def __init__(self, connection: Connection, item: QueueItem) -> None:
        self._connection = connection
        self._item = item

    def __repr__(self) -> str:
        return f"<Job {self.id} {self._item.state}: {self._item.summary}>"

    @property
    def id(self) -> str:
        """Return the identity of the item."""
        return self._item.id

    @property
    def item(self) -> QueueItem:
        """Return the item as it is now; raises `UsageError` if it was removed."""
        self._item = QueueItem.model_validate(self._connection.get(f"/queue/items/{self.id}"))
        return self._item

    def wait(self, timeout_s: float | None = None) -> Run:
        """Return the run when the item has ended.

        Parameters
        ----------
        timeout_s
            Longest wait in s of this machine's time; None waits for ever.

        Raises
        ------
        TimeoutError
            If it has not ended by then; it goes on.
        RunAborted, PartialData, LabctlError
            If it did not finish; what was measured is kept, see `run`.
        """
        clock = self._connection.clock
        end_s = None if timeout_s is None else clock.monotonic_s() + timeout_s
        while not (item := self.item).state.is_end:
            if end_s is not None and clock.monotonic_s() > end_s:
                held = self._connection.get("/status")["queue"]["reason"]
                why = f"; the queue does not go on: {held}" if held else ""
                raise TimeoutError(f"{item.summary} is still {item.state} after {timeout_s} s{why}")
            clock.sleep(POLL_S)
        if item.state is not ItemState.FINISHED:
            kept = f"; what was measured is in run {item.runs[-1]}" if item.runs else ""
            raise _ENDS.get(item.state, PartialData)(
                f"{item.summary} is {item.state}: {item.reason or 'no reason was given'}{kept}",
                remedy=f"'labctl queue requeue {item.id}' runs it again",
            )
        return self.run()

    def run(self) -> Run:
        """Return the last run of the item, finished or not.

        Raises
        ------
        PartialData
            If it has none yet.
        """
        item = self.item
        if not item.runs:
            raise PartialData(f"{item.summary} is {item.state} and has no run")
        return get_run(self._connection, item.runs[-1])


def open_local(name: str, folder: Path) -> "RunReader":
    """Open the record of a run that lies on this machine.

    Raises
    ------
    UsageError
        If it does not: the service is on another one.
    StorageError
        If it cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(
            f"run {name} lies in {folder}, which is not on this machine",
            remedy="open it on the machine of the service, or copy the folder",
        )
    return Run(name, folder).open()


def get_run(connection: Connection, name: str) -> Run:
    """Return a run by its name; raises `UsageError` if there is none."""
    detail = connection.get(f"/runs/{name}")
    return Run(str(detail["run"]), Path(str(detail["folder"])), detail)
