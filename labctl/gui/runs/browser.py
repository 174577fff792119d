"""Browse runs: find them, look at them, and use them again."""

from functools import partial
from pathlib import Path

from qtpy import QtCore, QtGui, QtWidgets

from labctl.client import Job, Table
from labctl.gui.context import Context
from labctl.gui.plural import counted
from labctl.gui.queue.desk import desk_of
from labctl.gui.queue.widgets import raise_dock
from labctl.gui.runs.compare import CompareWindow
from labctl.gui.runs.detail import RunDetail
from labctl.gui.runs.index import RunIndex
from labctl.gui.runs.model import RunsFilter, RunsModel
from labctl.gui.runs.saving import FORMS, save_run
from labctl.gui.runs.search import Entry, parse_query
from labctl.gui.runs.view import RunsView

FOLDER = "runs/folder"
_SEARCH_TIP = (
    "Words are looked for everywhere. Also: sample:flake  procedure:power  date:2026-11  "
    "after:2026-11-20  state:finished  tag:good  rating>=3  power>50uW  region:mono  (dates in UTC)"
)


class RunsBrowser(QtWidgets.QWidget):
    """Hold the list of runs, the search, what is known of the chosen run, and what to do with it.

    Runs are never deleted here.
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._desk = desk_of(context.link)
        self.index = RunIndex(context.link, self._desk)
        self.model = RunsModel(self.index, self)
        self.shown = RunsFilter(self.model)
        self.search = QtWidgets.QLineEdit()
        self.search.setPlaceholderText("Search: sample, procedure, date:2026-11, power>50uW …")
        self.search.setToolTip(_SEARCH_TIP)
        self.search.setAccessibleName("Search runs")
        self.search.setClearButtonEnabled(True)
        self.count = QtWidgets.QLabel()
        self.count.setAccessibleName("Number of runs shown")
        self.detail = RunDetail()
        # a table that moved between two clicks would not see them as a double one
        pause_ms = QtWidgets.QApplication.doubleClickInterval()
        self._unfold = QtCore.QTimer(self, singleShot=True, interval=pause_ms)
        self._unfold.timeout.connect(lambda: self.detail.setVisible(bool(self.selected())))
        self._build()
        self._add_actions()
        self._pause = QtCore.QTimer(self, singleShot=True, interval=200)
        self._pause.timeout.connect(self._search)
        self.search.textChanged.connect(lambda _: self._pause.start())
        self.index.listed.connect(self._recount)
        self.index.learned.connect(self._learned)
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._chosen())
        self.view.doubleClicked.connect(lambda _: self.open())
        self.detail.notes.changed.connect(self.index.note)
        self._chosen()

    # ---- what is chosen

    def selected(self) -> list[Entry]:
        """Return the chosen runs in the order of the list."""
        return [self.index.entries[name] for name in self.view.chosen()
                if name in self.index.entries]  # fmt: skip

    def choose(self, name: str) -> bool:
        """Choose a run by its name; False if it is not in the list."""
        row = self.model.row_of(name)
        index = QtCore.QModelIndex() if row is None else self.model.index(row, 0)
        shown = self.shown.mapFromSource(index)
        if shown.isValid():
            self.view.selectRow(shown.row())
            self.view.scrollTo(shown)
        return shown.isValid()

    # ---- what to do with it

    def open(self) -> None:
        """Show the chosen run in the views."""
        for entry in self.selected()[:1]:
            self._context.open_run(entry.name)

    def compare(self) -> None:
        """Lay the chosen runs over each other."""
        names = [entry.name for entry in self.selected()]
        if names:
            window = CompareWindow(self._context.link, names, self)
            window.show()

    def load(self) -> None:
        """Put the parameters of the chosen run into the form."""
        for entry in self.selected()[:1]:
            if not entry.detail:
                self._say("this run is still being read")
                return
            self._context.show_dock("form")
            label = str(entry.line.get("label", ""))
            self._desk.load(str(entry.detail["procedure"]), entry.parameters, label)

    def requeue(self) -> None:
        """Add the chosen runs to the queue as they were measured."""
        entries = [entry for entry in self.selected() if entry.detail]
        for entry in entries:
            self._desk.do(
                partial(_add_again, entry=entry, at=self._desk.place()),
                partial(self._say_added, entry.name),
            )

    def export(self, form: str, path: Path) -> None:
        """Save the chosen run in a form of `FORMS`."""
        for entry in self.selected()[:1]:
            self._context.state.set(FOLDER, str(path.parent))
            self._context.link.ask(
                partial(save_run, name=entry.name, form=form, path=path),
                lambda files: self._say(
                    f"saved {files[0]}" if len(files) == 1 else f"saved {len(files)} files"
                ),
            )

    def ask_export(self, form: str) -> None:
        """Ask where to save the chosen run."""
        for entry in self.selected()[:1]:
            one = FORMS[form]
            folder = Path(self._context.state.get(FOLDER, str(Path.home()), str))
            dialog = QtWidgets.QFileDialog(self, one.title, str(folder), one.filters)
            dialog.setAcceptMode(dialog.AcceptMode.AcceptSave)
            dialog.setDefaultSuffix(one.ending.removeprefix("."))
            dialog.selectFile(f"{entry.name}{one.ending}")
            dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.fileSelected.connect(lambda path, form=form: self.export(form, Path(path)))
            dialog.open()

    def reveal(self) -> None:
        """Show the folder of the chosen run in the file manager."""
        for entry in self.selected()[:1]:
            folder = str(entry.line.get("folder", ""))
            QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(folder))

    def copy_path(self) -> None:
        """Copy the path of the chosen run, to cite it."""
        for entry in self.selected()[:1]:
            QtWidgets.QApplication.clipboard().setText(str(entry.line.get("folder", "")))
            self._say("the path was copied")

    def go_to_search(self) -> None:
        """Go to the search."""
        raise_dock(self)
        self.search.setFocus()
        self.search.selectAll()

    # ---- what it looks like

    def _build(self) -> None:
        self.view = RunsView(self.shown)
        self.bar = QtWidgets.QToolBar()
        self.bar.setIconSize(QtCore.QSize(16, 16))
        top = QtWidgets.QHBoxLayout()
        top.setContentsMargins(0, 0, 0, 0)
        top.addWidget(self.search, 1)
        top.addWidget(self.count)
        top.addWidget(self.bar)
        left = QtWidgets.QWidget()
        column_layout = QtWidgets.QVBoxLayout(left)
        column_layout.setContentsMargins(0, 0, 0, 0)
        column_layout.addLayout(top)
        column_layout.addWidget(self.view, 1)
        self.splitter = QtWidgets.QSplitter(QtCore.Qt.Orientation.Horizontal)
        self.splitter.addWidget(left)
        self.splitter.addWidget(self.detail)
        self.splitter.setStretchFactor(0, 2)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.splitter)

    def _add_actions(self) -> None:
        self.actions_by_id: dict[str, QtGui.QAction] = {}
        add = self._context.actions.add
        for name, text, slot, keys, icon, tip in (
            ("runs.find", "Find runs …", self.go_to_search, "Ctrl+F", "search", "Search the runs"),
            ("runs.open", "Open run", self.open, "Ctrl+Shift+O", "open",
             "Show the chosen run in the views"),
            ("runs.compare", "Compare", self.compare, "Ctrl+Shift+C", "compare",
             "Lay the chosen runs over each other"),
            ("runs.load", "Load parameters", self.load, "Ctrl+L", "edit",
             "Put the parameters of the chosen run into the form"),
            ("runs.requeue", "Measure again", self.requeue, "Ctrl+Shift+R", "refresh",
             "Add the chosen runs to the queue as they were measured"),
            ("runs.reveal", "Show folder", self.reveal, None, "folder-search-outline",
             "Show the folder of the chosen run"),
            ("runs.copy_path", "Copy path", self.copy_path, None, "copy",
             "Copy the path of the chosen run, to cite it"),
            ("runs.copy_temperatures", "Copy temperatures", self.detail.temperatures.copy, None,
             "temperature", "Copy the temperature table as text"),
        ):  # fmt: skip
            action = add(name, text, slot, keys, tooltip=tip, icon=icon, menu="Runs")
            self.actions_by_id[name] = action
            if name != "runs.find":
                self.bar.addAction(action)
                self._name(action)
        menu = QtWidgets.QMenu(self)
        for form in FORMS.values():
            name = f"runs.export_{form.id}"
            keys = "Ctrl+E" if form.id == "nexus" else None
            action = add(name, f"Export: {form.title}", lambda form=form.id: self.ask_export(form),
                         keys, tooltip=form.tip, icon="export", menu="Runs")  # fmt: skip
            self.actions_by_id[name] = action
            menu.addAction(action)
        self.export_button = QtWidgets.QToolButton()
        self.export_button.setText("Export")
        self.export_button.setToolTip("Save the chosen run as NeXus, CSV, text or figure")
        self.export_button.setAccessibleName("Export")
        self.export_button.setPopupMode(QtWidgets.QToolButton.ToolButtonPopupMode.InstantPopup)
        self.export_button.setMenu(menu)
        self.bar.addWidget(self.export_button)

    def _name(self, action: QtGui.QAction) -> None:
        button = self.bar.widgetForAction(action)
        if button is not None:
            button.setAccessibleName(action.text())

    # ---- following

    def _search(self) -> None:
        terms = parse_query(self.search.text())
        if terms:
            self.index.want_all()
        self.shown.search(terms)
        self._recount()

    def _learned(self, name: str) -> None:
        if self.search.text():
            self._pause.start()
        if any(entry.name == name for entry in self.selected()[:1]):
            self._chosen()

    def _recount(self) -> None:
        total, shown = len(self.index.entries), self.shown.rowCount()
        text = counted(total, "run")
        if shown != total:
            text = f"{shown} of {text}"
        if self.search.text() and self.index.unknown:
            text += f", reading {self.index.unknown} …"
        self.count.setText(text)

    def _chosen(self) -> None:
        found = self.selected()
        if found:
            self.index.want(found[0].name)
            self.detail.show_entry(found[0])
            self._unfold.start()
        else:
            self.detail.hide()
        for name, action in self.actions_by_id.items():
            if name != "runs.find":
                action.setEnabled(bool(found))
        self.export_button.setEnabled(bool(found))

    def _say_added(self, name: str, _: object) -> None:
        self._say(f"{name} was added to the queue again")

    def _say(self, text: str) -> None:
        self._context.link.notice.emit("info", text)


def _add_again(table: Table, *, entry: Entry, at: int | None) -> Job:
    label = str(entry.line.get("label", ""))
    return table.queue.add(str(entry.detail["procedure"]), entry.parameters, label=label, at=at)
