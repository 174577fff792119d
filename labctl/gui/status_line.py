"""Say in one line what runs, where it is stored, who works with which sample, and the time."""

from qtpy import QtCore, QtWidgets

from labctl.client import Run
from labctl.core.status import RunStatus, StationStatus
from labctl.core.units import format_quantity
from labctl.gui.context import Context

SAMPLE = "sample"


class StatusLine(QtWidgets.QStatusBar):
    """Show run, point k/n, time left and folder; operator, sample and UTC stand on the right."""

    def __init__(self, context: Context, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent)
        self._context = context
        self._folder = self._run = ""
        self.run = QtWidgets.QLabel("connecting …")
        self.run.setAccessibleName("Run")
        self.run.setMinimumWidth(200)
        self.operator = QtWidgets.QLabel()
        self.operator.setAccessibleName("Operator")
        self.sample = QtWidgets.QLineEdit()
        self.time = QtWidgets.QLabel()
        self.time.setAccessibleName("Time of the station in UTC")
        self._build()
        link = context.link
        link.status_changed.connect(self._show)
        link.connected.connect(self._ask_who)
        link.lost.connect(lambda reason: self.run.setText(f"NO CONNECTION: {reason}"))

    def _build(self) -> None:
        self.setSizeGripEnabled(False)
        self.setContentsMargins(6, 0, 6, 0)
        self.addWidget(self.run, 1)
        self.sample.setPlaceholderText("sample")
        self.sample.setMaxLength(60)
        self.sample.setFixedWidth(130)
        self.sample.setToolTip("Name of the sample: runs that you record carry it")
        self.sample.setAccessibleName("Sample")
        self.sample.setText(self._context.exposing.sample)
        self.sample.editingFinished.connect(
            lambda: self._context.exposing.choose(sample=self.sample.text().strip())
        )
        for widget in (self.operator, self.sample, self.time):
            self.addPermanentWidget(widget)

    @QtCore.Slot(object)
    def _show(self, status: StationStatus) -> None:
        self.time.setText(f"{status.utc[:10]} {status.utc[11:19]} UTC")
        if status.simulated:
            self.time.setToolTip(f"Time of the simulated table, which runs × {status.speed:g}")
        run = status.run
        if run is None:
            waiting = status.queue.counts.get("waiting", 0)
            more = f", {waiting} in the queue" if waiting else ""
            self.run.setText(f"{status.state.value.upper()}{more}")
            self.run.setToolTip(status.reason)
            return
        if run.name != self._run:
            self._run, self._folder = run.name, ""
            self._context.link.ask(
                lambda table: table.run(run.name), self._take_folder, lambda _: None
            )
        self.run.setText(f"{status.state.value.upper()} {_told(run)}{self._where}")
        self.run.setToolTip(f"{run.name}: {run.step}{self._where}")

    @property
    def _where(self) -> str:
        return f" → {self._folder}" if self._folder else ""

    def _take_folder(self, run: Run) -> None:
        if run.name == self._run:
            self._folder = str(run.folder)

    def _ask_who(self) -> None:
        self._context.link.ask(
            lambda table: table.me(),
            lambda me: self.operator.setText(f"{me.get('name', '')} ({me.get('role', '')})"),
            lambda _: None,
        )


def _told(run: RunStatus) -> str:
    total = f"/{run.total}" if run.total else ""
    done = min(run.point + 1, run.total) if run.total else run.point + 1
    left = f", {format_quantity(run.left_s, 's', 3)} left" if run.left_s else ""
    return f"{run.name} point {done}{total}{left}"
