"""Let people type a parameter: with its unit, its range, and what is wrong beside it at once."""

from collections.abc import Callable
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from labctl.core.errors import UsageError
from labctl.gui import theme
from labctl.gui.queue.parameters import Parameter


class _Choice(QtWidgets.QComboBox):
    """Offer names; a wheel that passes over it changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(self.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:  # noqa: N802
        """Let the form scroll instead."""
        event.ignore()


class _Line(QtWidgets.QLineEdit):
    """Show the beginning of a text that is too long, unless somebody types."""

    def show_text(self, text: str) -> None:
        """Show a text from its beginning."""
        self.setText(text)
        self.setCursorPosition(0)

    def focusOutEvent(self, event: QtGui.QFocusEvent) -> None:  # noqa: N802
        """Go back to the beginning, unless the focus comes back here as it was."""
        super().focusOutEvent(event)
        reason = QtCore.Qt.FocusReason
        if event.reason() not in (reason.PopupFocusReason, reason.ActiveWindowFocusReason):
            self.setCursorPosition(0)


class Field(QtWidgets.QWidget):
    """Hold the editor of one parameter and, below it, a hint or what is wrong.

    `changed` is emitted with every change that a person or a program makes.
    """

    changed = QtCore.Signal()

    def __init__(self, parameter: Parameter, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.parameter = parameter
        self.note = QtWidgets.QLabel()
        self.note.setWordWrap(True)
        self.note.hide()
        self._refusal = ""
        self._chooser: QtGui.QAction | None = None
        self.editor, self._read, self._write = self._make()
        self.editor.setAccessibleName(f"{parameter.title}, {parameter.allowed}".rstrip(", "))
        self.editor.setToolTip(self._tip())
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addWidget(self.editor)
        layout.addWidget(self.note)
        self.setFocusProxy(self.editor)
        theme.changed().connect(self._restyle)
        self.show_value(parameter.default)

    @property
    def error(self) -> str:
        """Return what is wrong with what stands here; empty if nothing is."""
        if self._refusal:
            return self._refusal
        try:
            self.value()
        except UsageError as error:
            return error.message
        return ""

    def value(self) -> Any:
        """Return the value, or None to take the default.

        Raises
        ------
        UsageError
            If what was typed is none.
        """
        return self.parameter.parse(self._read())

    def text(self) -> str:
        """Return what stands in the editor."""
        return self._read()

    def show_value(self, value: Any) -> None:
        """Show a value; a text is taken as typed."""
        self._write(value if isinstance(value, str) else self.parameter.show(value))
        self._edited()

    def refuse(self, text: str) -> None:
        """Show what the service says is wrong, until the value is changed."""
        self._refusal = text
        self.show_state()

    def show_state(self) -> None:
        """Show what is wrong, or a hint."""
        error, hint = self.error, ""
        if not error:
            hint = self.parameter.hint(self.value())
        colours = theme.current()
        theme.dress(self.note, f"color: {colours.bad if error else colours.dim}")
        self.note.setText(f"{self.parameter.title}: {error}" if error else hint)
        self.note.setVisible(bool(error or hint))
        if self.editor.property("refused") != bool(error):
            self.editor.setProperty("refused", bool(error))
            self.editor.style().unpolish(self.editor)
            self.editor.style().polish(self.editor)

    def _restyle(self, _: object) -> None:
        if self._chooser is not None:
            self._chooser.setIcon(theme.icon("list"))
        self.show_state()

    def _edited(self) -> None:
        self._refusal = ""
        self.show_state()
        self.changed.emit()

    def _add_unit(self) -> None:
        """Show the unit that a bare number was taken to be in."""
        typed = self._read()
        is_bare = ".." not in typed and not any(letter.isalpha() for letter in typed)
        if self.parameter.unit and is_bare and not self.error:
            text = self.parameter.show(self.value())
            if text != typed:
                self._write(text)

    def _tip(self) -> str:
        one = self.parameter
        lines = [one.description, one.allowed]
        if one.kind == "list" and one.unit:
            lines.append(f"such as '1 {one.unit}, 2 {one.unit}' or '1..10:4' or '1..100:7 log'")
        if one.default is not None:
            lines.append(f"unless changed: {one.show(one.default)}")
        return "\n".join(line for line in lines if line)

    def _make(
        self,
    ) -> tuple[QtWidgets.QWidget, Callable[[], str], Callable[[str], None]]:
        """Return the editor that fits, how to read it, and how to write to it."""
        if self.parameter.kind == "boolean":
            box = QtWidgets.QCheckBox(self.parameter.title)
            box.toggled.connect(self._edited)
            return (
                box,
                lambda: "yes" if box.isChecked() else "no",
                lambda text: box.setChecked(text in ("yes", "true")),
            )
        if self.parameter.kind == "choice":
            return self._make_choice()
        line = _Line()
        line.setPlaceholderText(self.parameter.allowed)
        line.setClearButtonEnabled(False)
        line.textChanged.connect(self._edited)
        line.editingFinished.connect(self._add_unit)
        if self.parameter.kind == "list" and self.parameter.choices:
            self._add_menu(line)
        return line, line.text, line.show_text

    def _make_choice(self) -> tuple[QtWidgets.QWidget, Callable[[], str], Callable[[str], None]]:
        combo = _Choice()
        combo.addItems(list(self.parameter.choices))

        def write(text: str) -> None:
            # a name that the station does not have (a run of last year) is shown, and refused
            if text and combo.findText(text) < 0:
                combo.addItem(text)
            combo.setCurrentText(text)

        combo.currentTextChanged.connect(self._edited)
        return combo, combo.currentText, write

    def _add_menu(self, line: _Line) -> None:
        """Offer the known names; the order in which they are chosen is kept."""
        menu = QtWidgets.QMenu(line)
        for name in self.parameter.choices:
            entry = menu.addAction(name)
            entry.setCheckable(True)
            entry.triggered.connect(lambda _=False, name=name: _toggle(line, name))
        menu.aboutToShow.connect(lambda: _check(menu, _words(line.text())))
        button = line.addAction(theme.icon("list"), line.ActionPosition.TrailingPosition)
        self._chooser = button
        button.setToolTip(f"Choose: {self.parameter.allowed}")
        button.triggered.connect(
            lambda: menu.popup(line.mapToGlobal(QtCore.QPoint(0, line.height())))
        )


def _check(menu: QtWidgets.QMenu, words: list[str]) -> None:
    for entry in menu.actions():
        entry.setChecked(entry.text() in words)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _toggle(line: _Line, name: str) -> None:
    words = _words(line.text())
    words = [word for word in words if word != name] if name in words else [*words, name]
    line.show_text(", ".join(words))
