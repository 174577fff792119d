"""List the calibrations with their age and expiry, and begin the wizards."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from qtpy import QtCore, QtWidgets

from labctl.client import Event
from labctl.gui import theme
from labctl.gui.context import Context
from labctl.gui.panels.fields import paint
from labctl.gui.wizards.kinds import KINDS, Kind
from labctl.gui.wizards.wizard import Wizard

HEADS = ("Calibration", "State", "Made (UTC)", "Expires (UTC)", "Identity", "Source")
SOON_DAYS = 2.0


class Calibrations(QtWidgets.QWidget):
    """Show what the table is calibrated with: what is in force, what waits for a decision."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._open: dict[str, Wizard] = {}
        self._found: Sequence[Mapping[str, Any]] = ()
        self.summary = QtWidgets.QLabel("not read yet")
        self.summary.setWordWrap(True)
        self.table = QtWidgets.QTreeWidget()
        self.table.setHeaderLabels(list(HEADS))
        self.table.setRootIsDecorated(False)
        self.table.setAlternatingRowColors(True)
        self.table.setUniformRowHeights(True)
        self.table.setAccessibleName("Calibrations")
        self.old = QtWidgets.QCheckBox("Show older and discarded ones")
        self.old.setToolTip("Show also calibrations that are not in force")
        self.old.toggled.connect(self._show)
        self._lay_out()
        context.link.connected.connect(self.read)
        context.link.event.connect(self._hear)
        theme.changed().connect(self._show)
        self.read()

    def read(self) -> None:
        """Fetch the calibrations."""
        self._context.link.ask(lambda table: table.calibrations(), self.take, lambda _: None)

    def take(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Show these."""
        self._found = found
        self._show()

    def begin(self, kind: Kind) -> Wizard:
        """Show the wizard of a kind; it stands beside the window."""
        wizard = self._open.get(kind.id)
        if wizard is None:
            wizard = Wizard(self._context, kind, self.window())
            wizard.decided.connect(self.read)
            self._open[kind.id] = wizard
        wizard.show()
        wizard.raise_()
        return wizard

    # ---- inside

    def _hear(self, event: Event) -> None:
        if event.kind == "run" and "ended" in event.data:
            self.read()

    def _show(self, *_: object) -> None:
        self.table.clear()
        now_utc = self._now()
        shown = [
            one
            for one in self._found
            if self.old.isChecked() or one["active"] or one["status"] == "found"
        ]
        for one in shown:
            self.table.addTopLevelItem(_row(one, now_utc))
        for column in range(len(HEADS)):
            self.table.resizeColumnToContents(column)
        text, level = summary(self._found, now_utc)
        self.summary.setText(text)
        paint(self.summary, level)

    def _now(self) -> datetime:
        status = self._context.link.status
        return datetime.fromisoformat(status.utc) if status else datetime.max.replace(tzinfo=UTC)

    def _lay_out(self) -> None:
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        head = QtWidgets.QHBoxLayout()
        for kind in KINDS:
            action = self._context.actions.add(
                f"calibrate.{kind.id}",
                f"Calibrate {kind.title.lower()} …",
                lambda kind=kind: self.begin(kind),
                tooltip=kind.about,
                icon="wizard",
                menu="Calibrate",
            )
            button = QtWidgets.QToolButton()
            button.setDefaultAction(action)
            button.setText(kind.title)
            button.setAccessibleName(action.text())
            button.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            head.addWidget(button)
        head.addStretch(1)
        head.addWidget(self.old)
        column.addLayout(head)
        column.addWidget(self.summary)
        # the summary wraps: without this the table's own hint decides how tall all of it is
        policy = QtWidgets.QSizePolicy.Policy
        self.table.setSizePolicy(policy.Expanding, policy.Ignored)
        self.table.setMinimumHeight(60)
        column.addWidget(self.table, 1)


def summary(found: Sequence[Mapping[str, Any]], now_utc: datetime) -> tuple[str, Any]:
    """Return in a sentence what has expired or waits, and the colour that it deserves."""
    active = [one for one in found if one["active"]]
    expired = [one for one in active if _expires(one) <= now_utc]
    waiting = [one for one in found if one["status"] == "found" and not one["active"]]
    parts = []
    if expired:
        parts.append(f"expired: {', '.join(str(one['kind']) for one in expired)}")
    if waiting:
        parts.append(f"wait to be accepted: {', '.join(str(one['kind']) for one in waiting)}")
    if not parts:
        return f"in force: {len(active)}, expired: none", None
    return "; ".join(parts), "bad" if expired else "warning"


def _row(one: Mapping[str, Any], now_utc: datetime) -> QtWidgets.QTreeWidgetItem:
    left_days = (_expires(one) - now_utc).total_seconds() / 86400
    expires = str(one["expires_utc"])[:16].replace("T", " ")
    if left_days <= 0:
        expires = f"{expires} EXPIRED"
    elif left_days < SOON_DAYS:
        expires = f"{expires} (soon)"
    state = "in force" if one["active"] else str(one["status"])
    texts = [
        str(one["kind"]),
        f"{state} ({one['status']})" if one["active"] else state,
        str(one["made_utc"])[:16].replace("T", " "),
        expires,
        str(one["identity"]),
        str(one["source"]),
    ]
    item = QtWidgets.QTreeWidgetItem(texts)
    for column, text in enumerate(texts):
        item.setToolTip(column, text)
    colour = "bad" if left_days <= 0 else "warning" if one["status"] == "found" else "text"
    item.setForeground(3 if left_days <= 0 else 1, _brush(colour))
    return item


def _expires(one: Mapping[str, Any]) -> datetime:
    moment = datetime.fromisoformat(str(one["expires_utc"]))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _brush(name: str) -> Any:
    from qtpy import QtGui

    return QtGui.QBrush(QtGui.QColor(str(getattr(theme.current(), name))))
