"""Show a list as a table: one row per thing, with titled columns."""

from collections.abc import Sequence
from typing import Any

from qtpy import QtCore

Index = QtCore.QModelIndex | QtCore.QPersistentModelIndex
ROOT = QtCore.QModelIndex()
_Role = QtCore.Qt.ItemDataRole


class ListModel(QtCore.QAbstractTableModel):
    """Answer what Qt asks about size and titles; a subclass has `columns`, `count` and `data`."""

    columns: Sequence[str] = ()

    def count(self) -> int:
        """Return the number of rows."""
        raise NotImplementedError

    def rowCount(self, parent: Index = ROOT) -> int:  # noqa: N802
        """Return the number of rows; a row has none of its own."""
        return 0 if parent.isValid() else self.count()

    def columnCount(self, parent: Index = ROOT) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(  # noqa: N802
        self, section: int, orientation: QtCore.Qt.Orientation, role: int = _Role.DisplayRole
    ) -> Any:
        """Return the title of a column, with its unit."""
        is_title = orientation is QtCore.Qt.Orientation.Horizontal and role == _Role.DisplayRole
        return self.columns[section] if is_title else None
