"""Hold spectra one above the other, sorted by what was swept, in bounded memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from labctl.core.units import format_quantity
from labctl.gui.views.axes import SpectralScale

MOST_ROWS = 2048
"""More rows than a screen has lines; a longer run is thinned evenly."""
INDEX = "index"


@dataclass(slots=True)
class SpectrumStack:
    """Collect rows on one axis.

    `axis_nm` has shape (pixels,); the rows are kept as float32. When there are too many, every
    other one is dropped, and from then on only every other one that comes is taken.
    """

    axis_nm: np.ndarray = field(default_factory=lambda: np.empty(0))
    most: int = MOST_ROWS
    rows: list[np.ndarray] = field(default_factory=list)
    conditions: list[Mapping[str, tuple[float, str]]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    _every: int = 1
    _seen: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def clear(self) -> None:
        """Forget all rows."""
        self.rows.clear()
        self.conditions.clear()
        self.numbers.clear()
        self._every, self._seen = 1, 0

    def add(
        self,
        axis_nm: np.ndarray,
        counts: np.ndarray,
        number: int,
        conditions: Mapping[str, tuple[float, str]],
    ) -> None:
        """Add a row with its conditions, (value, unit) by name; another axis begins anew."""
        if not _same_axis(self.axis_nm, axis_nm):
            self.clear()
            self.axis_nm = np.asarray(axis_nm, float)
        self._seen += 1
        if (self._seen - 1) % self._every:
            return
        self.rows.append(np.asarray(counts, np.float32))
        self.conditions.append(conditions)
        self.numbers.append(number)
        if len(self.rows) > self.most:
            self._halve()

    def swept(self) -> Sequence[str]:
        """Return what differs between the rows, what differs most among them first."""
        names = dict.fromkeys(name for one in self.conditions for name in one)
        spreads = {name: self._spread(name) for name in names}
        found = [name for name in names if spreads[name] > 0.01]
        return [*sorted(found, key=lambda name: -spreads[name]), INDEX]

    def order(self, name: str) -> np.ndarray:
        """Return the rows in ascending order of a condition; by number for the index."""
        if name == INDEX:
            return np.argsort(np.array(self.numbers), kind="stable")
        return np.argsort(self.values(name), kind="stable")

    def values(self, name: str) -> np.ndarray:
        """Return a condition of every row, NaN where it is not known."""
        if name == INDEX:
            return np.array(self.numbers, float)
        missing = (float("nan"), "")
        return np.array([one.get(name, missing)[0] for one in self.conditions])

    def labels(self, name: str, order: np.ndarray) -> Sequence[str]:
        """Return what the rows are called, with units."""
        if name == INDEX:
            return [str(self.numbers[row]) for row in order]
        missing = (float("nan"), "")
        pairs = [self.conditions[row].get(name, missing) for row in order]
        return [format_quantity(value, unit, 4) if value == value else "–" for value, unit in pairs]

    def _spread(self, name: str) -> float:
        known = self.values(name)
        known = known[np.isfinite(known)]
        if known.size < 2:
            return 0.0
        return float(np.ptp(known) / max(float(np.max(np.abs(known))), 1e-30))

    def _halve(self) -> None:
        self.rows = self.rows[::2]
        self.conditions = self.conditions[::2]
        self.numbers = self.numbers[::2]
        self._every *= 2


class EvenRows:
    """Keep rows resampled to evenly spaced places: an image needs pixels of equal width.

    Rows that were resampled before are not resampled again while a stack only grows.
    """

    def __init__(self) -> None:
        self._of: tuple[int, SpectralScale] | None = None
        self._numbers: list[int] = []
        self._rows: list[np.ndarray] = []

    def image(self, stack: SpectrumStack, scale: SpectralScale) -> tuple[np.ndarray, float, float]:
        """Return an image of shape (rows, pixels), and the places of its first and last pixel."""
        places = scale.of(stack.axis_nm)
        flip = places[0] > places[-1]
        ascending = places[::-1] if flip else places
        first, last = float(ascending[0]), float(ascending[-1])
        known = len(self._rows)
        if self._of != (id(stack), scale) or stack.numbers[:known] != self._numbers:
            self._of, self._rows, known = (id(stack), scale), [], 0
        even = np.linspace(first, last, ascending.size)
        for counts in stack.rows[known:]:
            ordered = counts[::-1] if flip else counts
            self._rows.append(np.interp(even, ascending, ordered).astype(np.float32))
        self._numbers = list(stack.numbers)
        return np.stack(self._rows), first, last


def in_words(name: str) -> str:
    """Return the name of a quantity without its unit: `pump_power_w` is the pump power."""
    for unit in ("_w", "_k", "_um", "_nm", "_s", "_cm1", "_counts", "_pa"):
        name = name.removesuffix(unit)
    return name.replace("_", " ").replace(".", " ")


def _same_axis(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape:
        return False
    return not one.size or bool(np.abs(one - other).max() < 0.5)
