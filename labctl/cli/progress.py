"""Show how far a run is, with the time that is left, on standard error."""

import sys
from types import TracebackType

from labctl.cli.output import say
from labctl.core.units import format_quantity


class ProgressDisplay:
    """Show runs as they go: bars on a terminal, one line every tenth of a run elsewhere.

    Fulfils `labctl.service.following.Display`. `left_words` follows the time left.
    """

    def __init__(self, left_words: str = "left") -> None:
        self._terminal = sys.stderr.isatty()
        self._left_words = left_words
        self._task: int | None = None
        self._tenth = -1
        self._label = ""
        if self._terminal:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            self._bars = Progress(
                TextColumn("{task.description:<34}"),
                BarColumn(bar_width=28),
                TextColumn("{task.completed:>4.0f}/{task.total:.0f} points"),
                TextColumn("{task.fields[left]:<30}"),
                TimeElapsedColumn(),
                console=Console(stderr=True),
            )

    def __enter__(self) -> "ProgressDisplay":
        if self._terminal:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._terminal:
            self._bars.stop()

    def start(self, label: str, total: int | None) -> None:
        """Begin to show a run."""
        self._label, self._tenth = label, -1
        if self._terminal:
            from rich.progress import TaskID

            self._task = int(self._bars.add_task(label, total=total or 1, left=""))
            self._bars.update(TaskID(self._task), total=total or 1)
        else:
            say(f"{label}: {total or 'unknown number of'} points")

    def advance(self, done: int, total: int | None, left_s: float | None) -> None:
        """Show that `done` points are safe and how much table time is left."""
        left = ""
        if left_s is not None and done != total:
            left = f"{format_time_left(left_s)} {self._left_words}"
        if self._terminal and self._task is not None:
            from rich.progress import TaskID

            self._bars.update(
                TaskID(self._task), completed=done, total=max(total or done, 1), left=left
            )
        elif total and 10 * done // total > self._tenth:
            self._tenth = 10 * done // total
            say(f"{self._label}: {done}/{total} points {left}".rstrip())

    def tell(self, text: str) -> None:
        """Show a remark."""
        if self._terminal:
            self._bars.console.print(text, markup=False, highlight=False)
        else:
            say(text)


def format_time_left(left_s: float) -> str:
    """Return a duration as people read it: `45 s`, `12 min`, `3 h 05 min`."""
    if left_s < 99.5:
        return format_quantity(round(left_s), "s")
    minutes = round(left_s / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
