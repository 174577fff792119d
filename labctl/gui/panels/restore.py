"""Offer the set-points of the last session; nothing is set before somebody says so."""

from collections.abc import Sequence

from qtpy import QtWidgets

from labctl.core.errors import LabctlError
from labctl.core.readings import Scalar
from labctl.gui.context import Context
from labctl.gui.panels.channels import ChannelInfo
from labctl.gui.panels.commands import REMEMBERED, set_channel
from labctl.gui.panels.wording import owner_of, value_text


class RestoreOffer(QtWidgets.QFrame):
    """Offer what was set last; powers and temperatures are never among it."""

    def __init__(self, context: Context, channels: Sequence[ChannelInfo]) -> None:
        super().__init__()
        self._context = context
        kept: dict[str, Scalar] = context.state.get(REMEMBERED, {}, dict)
        known = {one.name: one for one in channels if one.settable and one.unit not in ("W", "K")}
        self.offered = {name: value for name, value in kept.items() if name in known}
        shown = "\n".join(
            f"{name}: {value_text(value, known[name].unit)}" for name, value in self.offered.items()
        )
        column = QtWidgets.QHBoxLayout(self)
        column.setContentsMargins(4, 0, 4, 0)
        count = len(self.offered)
        values = "1 value" if count == 1 else f"{count} values"
        self.button = QtWidgets.QPushButton(f"Restore last session ({values})")
        self.button.setAccessibleName("Restore the set-points of the last session")
        self.button.setToolTip(f"Set again, one after the other:\n{shown}\nPower stays as it is.")
        self.button.clicked.connect(self.restore)
        dismiss = QtWidgets.QToolButton()
        dismiss.setText("Not now")
        dismiss.setAccessibleName("Do not restore the last session")
        dismiss.setToolTip("Leave everything as it is")
        dismiss.clicked.connect(self.hide)
        column.addWidget(self.button, 1)
        column.addWidget(dismiss)
        self.setVisible(bool(self.offered))

    def restore(self) -> None:
        """Set what was offered."""
        link = self._context.link
        if owner := owner_of(link.status):
            link.notice.emit("warning", f"nothing was restored: the table is {owner}")
            return
        for channel, value in self.offered.items():
            set_channel(self._context, channel, value, lambda _: None, self._fail)
        self.hide()

    def _fail(self, error: LabctlError) -> None:
        self._context.link.notice.emit("error", str(error))
