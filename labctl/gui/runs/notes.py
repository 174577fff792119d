"""Let people write about a run: text, tags, rating; the record itself stays as it is."""

from collections.abc import Mapping
from typing import Any

from qtpy import QtCore, QtWidgets

SAVE_MS = 1500
"""Pause in the typing after which the notes are kept."""


class NotesEditor(QtWidgets.QWidget):
    """Edit the notes on one run; `changed` carries run, text, tags and rating."""

    changed = QtCore.Signal(str, str, list, int)

    def __init__(self) -> None:
        super().__init__()
        self._run = ""
        self._is_filling = False
        self.rating = QtWidgets.QComboBox()
        self.rating.addItems(["no rating", *("★" * count for count in range(1, 6))])
        self.rating.setAccessibleName("Rating, of five stars")
        self.rating.setToolTip("How good the run is, of five stars")
        self.tags = QtWidgets.QLineEdit()
        self.tags.setPlaceholderText("tags, with commas between them")
        self.tags.setAccessibleName("Tags")
        self.tags.setToolTip("Words by which the run is found: search for tag:word")
        self.text = QtWidgets.QPlainTextEdit()
        self.text.setPlaceholderText("What is worth knowing about this run")
        self.text.setAccessibleName("Notes")
        self.text.setTabChangesFocus(True)
        self.about = QtWidgets.QLabel()
        top = QtWidgets.QHBoxLayout()
        top.addWidget(self.rating)
        top.addWidget(self.tags, 1)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.about)
        self._timer = QtCore.QTimer(self, singleShot=True, interval=SAVE_MS)
        self._timer.timeout.connect(self.save)
        self.rating.activated.connect(lambda _: self.save())
        self.tags.editingFinished.connect(self.save)
        self.text.textChanged.connect(self._edited)
        self.tags.textEdited.connect(lambda _: self._edited())

    def show_notes(self, run: str, notes: Mapping[str, Any]) -> None:
        """Show the notes on a run; what was typed for another one is kept first."""
        if run != self._run:
            self.save()
        elif self._timer.isActive() or self.text.hasFocus():
            # what somebody types is newer than what comes from the service
            return
        self._run = run
        self._is_filling = True
        self.text.setPlainText(str(notes.get("text", "")))
        self.tags.setText(", ".join(notes.get("tags", ())))
        self.rating.setCurrentIndex(int(notes.get("rating", 0)))
        self._is_filling = False
        self._kept = self._value()
        by = str(notes.get("changed_by", ""))
        self.about.setText(f"last changed by {by}" if by else "kept beside the record")
        self.setEnabled(bool(run))

    def save(self) -> None:
        """Keep what was changed."""
        self._timer.stop()
        if self._run and self._value() != self._kept:
            self._kept = self._value()
            text, tags, rating = self._kept
            self.changed.emit(self._run, text, list(tags), rating)

    def _value(self) -> tuple[str, tuple[str, ...], int]:
        tags = tuple(word.strip() for word in self.tags.text().split(",") if word.strip())
        return self.text.toPlainText(), tags, self.rating.currentIndex()

    def _edited(self) -> None:
        if not self._is_filling:
            self._timer.start()
