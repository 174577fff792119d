"""Hold measured values against time or a condition, in bounded memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np

from labctl.core.results import Temperature
from labctl.gui.runs.reading import Series as Recorded

MOST_SAMPLES = 20_000


class Against(StrEnum):
    """Say what a trend is drawn against."""

    TIME = "time"
    POWER = "power"
    CRYOSTAT = "cryostat temperature"
    POINT = "point"

    @property
    def label(self) -> str:
        """Return the label of the axis, with its unit."""
        return {
            Against.TIME: "Time (UTC)",
            Against.POWER: "Power at the sample (µW)",
            Against.CRYOSTAT: "Cryostat temperature (K)",
            Against.POINT: "Point",
        }[self]


@dataclass(frozen=True, slots=True)
class Series:
    """Hold one line of a trend: x, y and the errors of y, each of shape (n,).

    `sigma` is NaN where a value has no error of its own (read-backs of a sensor).
    """

    name: str
    unit: str
    x: np.ndarray
    y: np.ndarray
    sigma: np.ndarray


@dataclass(slots=True)
class Samples:
    """Collect samples; when there are too many every other one is forgotten."""

    name: str
    unit: str
    most: int = MOST_SAMPLES
    _rows: np.ndarray = field(default_factory=lambda: np.empty((1024, 6)))
    _count: int = 0

    def __len__(self) -> int:
        return self._count

    def add(
        self,
        utc_s: float,
        value: float,
        sigma: float = float("nan"),
        power_w: float = float("nan"),
        cryostat_k: float = float("nan"),
        point: float = float("nan"),
    ) -> None:
        """Add a value with what it was measured under."""
        if self._count == len(self._rows):
            if self._count >= self.most:
                kept = self._rows[: self._count : 2]
                self._rows[: len(kept)], self._count = kept.copy(), len(kept)
            else:
                self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._count] = (utc_s, value, sigma, power_w, cryostat_k, point)
        self._count += 1

    @property
    def last_s(self) -> float:
        """Return when the last one was, in s of UTC; minus infinity without any."""
        return float(self._rows[self._count - 1, 0]) if self._count else -np.inf

    def series(self, against: Against) -> Series:
        """Return what is drawn; samples without the condition are left out."""
        rows = self._rows[: self._count]
        column = {Against.TIME: 0, Against.POWER: 3, Against.CRYOSTAT: 4, Against.POINT: 5}
        x = rows[:, column[against]]
        known = np.isfinite(x) & np.isfinite(rows[:, 1])
        x, y, sigma = x[known], rows[known, 1], rows[known, 2]
        if against is Against.POWER:
            x = x * 1e6
        if against is not Against.TIME:
            order = np.argsort(x, kind="stable")
            x, y, sigma = x[order], y[order], sigma[order]
        return Series(self.name, self.unit, x.copy(), y.copy(), sigma.copy())


def from_temperatures(found: Sequence[Temperature]) -> Mapping[str, Samples]:
    """Return the results of a run by thermometer and region."""
    samples: dict[str, Samples] = {}
    for number, one in enumerate(found):
        name = f"{one.thermometer} {one.region}".strip()
        condition = one.condition
        samples.setdefault(name, Samples(name, "K")).add(
            float("nan"),
            one.value_k,
            one.sigma_k,
            condition.power_w + condition.pump_power_w,
            float("nan") if condition.cryostat_k is None else condition.cryostat_k,
            number,
        )
    return samples


def from_columns(found: Recorded | None) -> Mapping[str, Samples]:
    """Return the temperatures that a run recorded beside its spectra, by name."""
    if found is None:
        return {}
    nothing = np.full(len(found.numbers), np.nan)

    def column(name: str) -> np.ndarray:
        return found.columns[name].values if name in found.columns else nothing

    samples: dict[str, Samples] = {}
    power_w, cryostat_k = column("power_w"), column("cryostat_k")
    for name, values in found.columns.items():
        if values.unit != "K":
            continue
        made = samples[name] = Samples(name.removesuffix("_k"), "K")
        for at, value in enumerate(values.values):
            where = float(power_w[at]), float(cryostat_k[at]), float(found.numbers[at])
            made.add(float("nan"), float(value), float("nan"), *where)
    return samples


def swept_by(samples: Mapping[str, Samples]) -> Against:
    """Return the condition that varied most, relative to its size; the point if none did."""
    best, most = Against.POINT, 0.02
    for one in samples.values():
        for against in (Against.POWER, Against.CRYOSTAT):
            x = one.series(against).x
            spread = float(np.ptp(x) / max(float(np.max(np.abs(x))), 1e-12)) if x.size else 0.0
            if spread > most:
                best, most = against, spread
    return best


def seconds_of(utc: str) -> float:
    """Return a stamp as s since 1970; NaN if it is none."""
    try:
        return datetime.fromisoformat(utc).timestamp()
    except ValueError:
        return float("nan")
