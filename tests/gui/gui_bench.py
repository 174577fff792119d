"""Put parts of the window on a bench: docks with what they are given, without the rest."""

from qtpy import QtCore, QtWidgets

from labctl.gui.actions import Actions
from labctl.gui.context import Context
from labctl.gui.exposing import Exposing
from labctl.gui.panels.instruments import Instruments


class Bench(QtWidgets.QMainWindow):
    """Hold a context, the instruments, and the notices that were given."""

    def __init__(self, link, state):
        super().__init__()
        self.link, self.state = link, state
        self.actions_ = Actions(self)
        self.opened = []
        self.context = Context(
            link=link,
            state=state,
            actions=self.actions_,
            exposing=Exposing(link, state),
            open_run=self.opened.append,
            show_view=self.opened.append,
            show_dock=self.opened.append,
        )
        self.notices = []
        link.notice.connect(self.note)
        self.instruments = Instruments(self.context)
        scroll = QtWidgets.QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self.instruments)
        self.setCentralWidget(scroll)
        self.resize(420, 900)
        self.show()

    def note(self, level, text):
        self.notices.append((level, text))

    def add(self, make):
        """Return a dock made as the window makes it."""
        widget = make(self.context)
        dock = QtWidgets.QDockWidget(self)
        dock.setWidget(widget)
        self.addDockWidget(QtCore.Qt.DockWidgetArea.BottomDockWidgetArea, dock)
        return widget
