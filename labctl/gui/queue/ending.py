"""Choose what happens at the end of the queue; it is an item, so it needs no window."""

from qtpy import QtWidgets

from labctl.gui.queue.desk import END_LABEL, END_PROCEDURE, QueueDesk

_CHOICES = ("shutters closed", "warm up the cryostat")


class EndAction(QtWidgets.QWidget):
    """Offer what may follow the last run. Shutters are closed after every run in any case."""

    def __init__(self, desk: QueueDesk) -> None:
        super().__init__()
        self._desk = desk
        self.chooser = QtWidgets.QComboBox()
        self.chooser.addItems(list(_CHOICES))
        self.chooser.setAccessibleName("At the end of the queue")
        self.chooser.setToolTip(
            "What happens when the queue is done. Shutters are closed and emission is blocked "
            "after every run in any case."
        )
        self.chooser.activated.connect(self._choose)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QtWidgets.QLabel("At the end:"))
        row.addWidget(self.chooser)
        desk.shown.connect(lambda _: self._show())
        desk.learned.connect(self._show)
        self._show()

    def _choose(self, index: int) -> None:
        end = self._desk.end_item
        if index == 1 and end is None:
            self._desk.do(lambda table: table.queue.add(END_PROCEDURE, {}, label=END_LABEL))
        elif index == 0 and end is not None:
            self._desk.do(lambda table: table.queue.remove([end.id]))

    def _show(self) -> None:
        self.setVisible(END_PROCEDURE in self._desk.procedures)
        self.chooser.setCurrentIndex(0 if self._desk.end_item is None else 1)
