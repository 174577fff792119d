"""List the runs below a folder, and find one by what people type."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from labctl.core.errors import StorageError, UsageError
from labctl.core.journal import RunState
from labctl.core.parameters import nearest_hint
from labctl.store.folders import DATABASE, run_folders
from labctl.store.reader import RunReader


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Hold one line of the catalogue. A run that cannot be read has a `problem`."""

    number: int
    name: str
    folder: Path
    procedure: str
    label: str
    state: RunState
    points: int
    start_utc: str
    duration_s: float
    problem: str = ""


class Catalogue:
    """Know the runs below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def runs(self) -> list[RunSummary]:
        """Return a summary of every run, in order of their numbers."""
        return [summarise(folder) for _, folder in run_folders(self.root)]

    def find(self, text: str) -> Path:
        """Return the folder of a run by its number, its name, the start of it, or its path.

        Raises
        ------
        UsageError
            If there is none, with the nearest name, or there are several.
        """
        if (Path(text) / DATABASE).is_file():
            return Path(text)
        folders = list(run_folders(self.root))
        if text.isdecimal():
            matches = [folder for number, folder in folders if number == int(text)]
        else:
            exact = [folder for _, folder in folders if folder.name == text]
            matches = exact or [folder for _, folder in folders if folder.name.startswith(text)]
        if len(matches) == 1:
            return matches[0]
        names = [folder.name for folder in matches] or [folder.name for _, folder in folders]
        if matches:
            raise UsageError(f"several runs begin with {text!r}: {', '.join(names)}")
        hint = nearest_hint(text, names) if names else f"; there are no runs in {self.root}"
        raise UsageError(f"no run {text!r}{hint}", remedy="'labctl runs list' shows the runs")


def summarise(folder: Path) -> RunSummary:
    """Return the summary of one run; a damaged one is summarised as far as it can be read."""
    number, _, rest = folder.name.partition("_")
    procedure, _, label = rest.partition("_")
    try:
        with RunReader(folder) as reader:
            starts, states, points = reader.starts, reader.states, len(reader)
            stamps = [start.utc for start in starts] + [change.utc for change in states]
            return RunSummary(
                int(number),
                folder.name,
                folder,
                starts[0].procedure if starts else procedure,
                label,
                reader.state,
                points,
                starts[0].utc if starts else "",
                _span_s(stamps),
            )
    except (StorageError, ValueError) as error:
        return RunSummary(
            int(number), folder.name, folder, procedure, label, RunState.FAILED, 0, "", 0.0,
            str(error).splitlines()[0],
        )  # fmt: skip


def _span_s(stamps: list[str]) -> float:
    if not stamps:
        return 0.0
    times = [datetime.fromisoformat(stamp) for stamp in stamps]
    return (max(times) - min(times)).total_seconds()
