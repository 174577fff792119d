"""Share what spectral procedures have in common: parameters, focusing, darks, visiting order."""

import math
import random
from collections.abc import Generator, Iterable, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
from pydantic import Field, PositiveInt

from labctl.core.messages import Acquire, Kind, Message, Read, Record, Set, Wait
from labctl.core.parameters import DurationS, LengthUm, ParameterModel, PowerW
from labctl.core.readings import Reading
from labctl.core.spectra import Spectrum

T = TypeVar("T")
Steps = Generator[Message, Any, T]
"""A part of a plan that returns a value to the plan it belongs to."""

Window = Literal["raman", "pl"]
Order = Literal["shuffled", "given"]

FOCUS_UM_PER_K = 0.15
"""First guess of how far the focus moves with the cold finger; the search finds the rest."""


class SpectrumParameters(ParameterModel):
    """Say how one spectrum is taken, in either window."""

    beam: str = Field(default="probe", description="Beam that excites the sample")
    exposure_s: DurationS = Field(
        default=60.0, gt=0, description="Each exposure in the Raman window"
    )
    accumulations: PositiveInt = Field(
        default=10, le=1000, description="Exposures of one Raman spectrum, kept apart"
    )
    pl_exposure_s: DurationS = Field(
        default=2.0, gt=0, description="Each exposure in the PL window"
    )
    pl_accumulations: PositiveInt = Field(
        default=5, le=1000, description="Exposures of one PL spectrum, kept apart"
    )


class SweepParameters(SpectrumParameters):
    """Say in which order conditions are visited, and how the focus is kept."""

    order: Order = Field(default="shuffled", description="Visit conditions shuffled or as given")
    seed: int = Field(default=1, ge=0, description="Seed of the visiting order")
    refocus: bool = Field(
        default=True, description="Find the focus before each window and temperature"
    )
    focus_power_w: PowerW = Field(
        default=100e-6, gt=0, description="Power at the sample while focusing"
    )
    focus_step_um: LengthUm = Field(
        default=0.8, gt=0, le=20.0, description="Step of the focus search"
    )


def visiting_order(values: Sequence[T], order: Order, seed: int) -> list[T]:
    """Return the values as given, or shuffled by the seed."""
    visited = list(values)
    if order == "shuffled":
        random.Random(seed).shuffle(visited)  # noqa: S311
    return visited


def exposure_of(p: SpectrumParameters, window: Window) -> tuple[float, int]:
    """Return exposure in s and number of accumulations for a window."""
    if window == "raman":
        return p.exposure_s, p.accumulations
    return p.pl_exposure_s, p.pl_accumulations


def take_spectrum(
    p: SpectrumParameters,
    window: Window,
    beams: tuple[str, ...] | None = None,
    accumulations: int | None = None,
) -> Steps[Spectrum]:
    """Expose in the present window; without `beams`, with the beam of the parameters."""
    exposure_s, default = exposure_of(p, window)
    spectrum: Spectrum = yield Acquire(
        "spectrometer",
        exposure_s=exposure_s,
        accumulations=accumulations or default,
        beams=(p.beam,) if beams is None else beams,
    )
    return spectrum


def record_dark(
    p: SpectrumParameters, window: Window, accumulations: int | None = None
) -> Steps[None]:
    """Record a dark with the exposure of a window."""
    dark = yield from take_spectrum(p, window, beams=(), accumulations=accumulations)
    yield Record({"window": window, "spectrum": dark}, kind="dark")


def record_spectrum(
    p: SpectrumParameters,
    window: Window,
    region: str,
    power: Reading,
    *,
    kind: Kind = "measurement",
    accumulations: int | None = None,
    **more: Any,
) -> Steps[Spectrum]:
    """Take and record one spectrum with everything that the analysis needs to know."""
    spectrum = yield from take_spectrum(p, window, accumulations=accumulations)
    cryostat = yield Read("cryostat.temperature")
    yield Record(
        {
            "region": region,
            "window": window,
            "power_w": power,
            "cryostat_k": cryostat,
            "spectrum": spectrum,
            **more,
        },
        kind=kind,
    )
    return spectrum


def settle(temperature_k: float) -> Steps[Reading]:
    """Bring the cryostat to a temperature and wait until it is steady."""
    yield Set("cryostat.temperature", temperature_k)
    reading: Reading = yield Wait("cryostat.temperature")
    return reading


def find_focus(p: SweepParameters, guess_um: float | None = None) -> Steps[float]:
    """Search the focus around `guess_um` (or the present z) and go there; returns z in µm.

    The figure of merit is the light of the strongest lines. A coarse scan that moves on while
    its best position lies at an end is followed by a fine one.
    """
    yield Set(f"{p.beam}.power", p.focus_power_w)
    if guess_um is None:
        here: Reading = yield Read("stage.z")
        guess_um = here.number
    centre_um = guess_um
    for step_um in (2 * p.focus_step_um,) * 3 + (p.focus_step_um,):
        positions = [centre_um + step_um * (i - 3) for i in range(7)]
        signals = []
        for z_um in positions:
            yield Set("stage.z", z_um)
            spectrum = yield Acquire("spectrometer", 5.0, accumulations=3, beams=(p.beam,))
            signals.append(focus_signal(spectrum))
        best = int(np.argmax(signals))
        centre_um = _peak(positions, signals, best)
    yield Set("stage.z", centre_um)
    return centre_um


class FocusTrack:
    """Follow the focus while the cold finger changes its length with the temperature.

    `start` finds the focus before the first change, `follow` after each of them, beginning
    where the last two suggest.
    """

    def __init__(self, p: SweepParameters) -> None:
        self._p = p
        self._focus_um = 0.0
        self._at_k = 0.0

    def start(self) -> Steps[None]:
        """Find the focus at the present temperature."""
        cryostat: Reading = yield Read("cryostat.temperature")
        self._focus_um = yield from find_focus(self._p)
        self._at_k = cryostat.number

    def follow(self, temperature_k: float) -> Steps[None]:
        """Find the focus again at another temperature."""
        self._focus_um = yield from find_focus(self._p, self._guess_um(temperature_k))
        self._at_k = temperature_k

    def return_to(self, temperature_k: float) -> Steps[None]:
        """Go to where the focus should be, without looking for it."""
        yield Set("stage.z", self._guess_um(temperature_k))

    def _guess_um(self, temperature_k: float) -> float:
        return self._focus_um + FOCUS_UM_PER_K * (temperature_k - self._at_k)


def focus_signal(spectrum: Spectrum) -> float:
    """Return the light of the strongest lines above the level beside them, in counts.

    The median over the accumulations keeps cosmic rays out.
    """
    counts = np.median(spectrum.counts.astype(float), axis=0)
    if spectrum.laser_nm is None or not np.any(spectrum.shift_cm1 < 0):
        return float(np.sum(counts - np.percentile(counts, 10)))
    shift_cm1 = np.abs(spectrum.shift_cm1)
    lines = (shift_cm1 > 235) & (shift_cm1 < 265)
    level = (shift_cm1 > 150) & (shift_cm1 < 220)
    return float(np.sum(counts[lines] - np.mean(counts[level])))


def _peak(positions: Sequence[float], signals: Sequence[float], best: int) -> float:
    """Return the top of the parabola through the best point and its neighbours."""
    if not 0 < best < len(positions) - 1:
        return positions[best]
    left, top, right = signals[best - 1], signals[best], signals[best + 1]
    curvature = left - 2 * top + right
    step_um = positions[best + 1] - positions[best]
    return (
        positions[best] + 0.5 * step_um * (left - right) / curvature
        if curvature < 0
        else positions[best]
    )


def equal_counts(accumulations: int, power_w: float, reference_w: float, most: int = 12) -> int:
    """Return how many accumulations give the counts that `reference_w` would give.

    At most `most` times as many are taken, at least three, so that cosmic rays can be found.
    """
    wanted = (
        accumulations * min(reference_w / power_w, float(most)) if power_w > 0 else accumulations
    )
    return max(3, math.ceil(wanted))


def by_window(windows: Iterable[Window]) -> list[Window]:
    """Return the windows once each, Raman first, so that the grating moves least."""
    wanted = set(windows)
    return [window for window in ("raman", "pl") if window in wanted]
