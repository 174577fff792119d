"""Let people say when an item may run, and what happens if it fails."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from qtpy import QtCore, QtWidgets

from labctl.core.errors import UsageError
from labctl.core.items import Conditions, QueueItem, plain
from labctl.core.units import parse_quantity

_FAILURE = (
    ("skip", "go on with the next"),
    ("pause", "pause the queue"),
    ("stop", "stop the queue"),
)
_RECOVERY = (("ask", "ask somebody"), ("resume", "resume by itself"), ("skip", "leave it"))


class ConditionsBox(QtWidgets.QWidget):
    """Hold earliest start, deadline, retries and policies; all of them are optional.

    Parameters
    ----------
    now_utc
        Returns the time of the station, from which '+2 h' counts, or None.
    """

    changed = QtCore.Signal()

    def __init__(self, now_utc: Callable[[], datetime | None]) -> None:
        super().__init__()
        self._now_utc = now_utc
        self.not_before = _line("such as 22:00 or +2 h", "Earliest start: in UTC, or from now")
        self.deadline = _line(
            "such as 07:00 or +8 h", "Skipped if it has not started by then: in UTC, or from now"
        )
        self.retries = QtWidgets.QComboBox()
        self.retries.addItems(["none", "1 time", "2 times", "3 times"])
        self.on_failure = _choice(_FAILURE)
        self.on_recovery = _choice(_RECOVERY)
        self.form = QtWidgets.QFormLayout(self)
        self.form.setContentsMargins(0, 0, 0, 0)
        for title, editor in (
            ("Not before (UTC)", self.not_before),
            ("Not after (UTC)", self.deadline),
            ("Retries", self.retries),
            ("If it fails", self.on_failure),
            ("After a crash", self.on_recovery),
        ):
            editor.setAccessibleName(title)
            self.form.addRow(title, editor)
        for line in (self.not_before, self.deadline):
            line.textChanged.connect(self.changed)

    def value(self) -> dict[str, Any]:
        """Return the conditions as plain JSON.

        Raises
        ------
        UsageError
            If a time is none.
        """
        found: dict[str, Any] = {
            "on_failure": self.on_failure.currentData(),
            "on_recovery": self.on_recovery.currentData(),
            "retry": {"most": self.retries.currentIndex()},
        }
        for name, line in (("not_before", self.not_before), ("deadline", self.deadline)):
            if line.text().strip():
                found[name] = read_moment(line.text(), self._now_utc()).isoformat()
        return found

    def merged(self, before: QueueItem) -> dict[str, Any]:
        """Return the conditions of an item with what stands here; the rest is left as it is."""
        kept = plain(before.conditions)
        retry = {**kept["retry"], **self.value().pop("retry")}
        times = {"not_before": None, "deadline": None}
        return {**kept, **times, **self.value(), "retry": retry}

    def show_conditions(self, conditions: Conditions) -> None:
        """Show the conditions of an item."""
        for line, moment in (
            (self.not_before, conditions.not_before),
            (self.deadline, conditions.deadline),
        ):
            line.setText(f"{moment:%Y-%m-%d %H:%M}" if moment else "")
        self.retries.setCurrentIndex(min(conditions.retry.most, 3))
        self.on_failure.setCurrentIndex(self.on_failure.findData(conditions.on_failure))
        self.on_recovery.setCurrentIndex(self.on_recovery.findData(conditions.on_recovery))


def read_moment(text: str, now_utc: datetime | None) -> datetime:
    """Return the moment that `22:00`, `2026-01-31 22:00` or `+2 h` stand for, in UTC.

    A time of day is the next one; both are in UTC.

    Raises
    ------
    UsageError
        If the text is none of these.
    """
    plain_text = text.strip()
    if now_utc is None:
        raise UsageError("the time of the station is not known yet")
    if plain_text.startswith("+"):
        return now_utc + timedelta(seconds=parse_quantity(plain_text[1:], "s"))
    for form in ("%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"):
        try:
            found = datetime.strptime(plain_text, form)
        except ValueError:
            continue
        if form != "%H:%M":
            return found.replace(tzinfo=UTC)
        moment = now_utc.replace(hour=found.hour, minute=found.minute, second=0, microsecond=0)
        return moment if moment > now_utc else moment + timedelta(days=1)
    raise UsageError(f"{plain_text!r} is no time: write 22:00, 2026-01-31 22:00 or +2 h")


def _line(hint: str, tip: str) -> QtWidgets.QLineEdit:
    line = QtWidgets.QLineEdit()
    line.setPlaceholderText(hint)
    line.setToolTip(tip)
    return line


def _choice(entries: tuple[tuple[str, str], ...]) -> QtWidgets.QComboBox:
    combo = QtWidgets.QComboBox()
    for value, text in entries:
        combo.addItem(text, value)
    return combo
