"""Collect what a report shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labctl.core.results import Result


@dataclass(frozen=True, slots=True)
class ShownSpectrum:
    """Hold one spectrum for the figure: shift in cm⁻¹ and rate in e⁻/s, both (pixels,)."""

    label: str
    shift_cm1: np.ndarray
    rate_e_per_s: np.ndarray


@dataclass(frozen=True, slots=True)
class RunSection:
    """Hold one run of the series with what its analysis found."""

    run: str
    procedure: str
    summary: str
    points: int
    duration_s: float
    result: Result
    parameters: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""


@dataclass(frozen=True, slots=True)
class ReportContent:
    """Hold everything that a report shows.

    `simulated` says in words that, and how, the table was simulated; empty for a real one.
    `mode_cm1` is the shift of the mode that serves as thermometer.
    """

    title: str
    made_utc: str
    station: str
    ambient_k: float
    mode_cm1: float
    sections: Sequence[RunSection]
    spectra: Sequence[ShownSpectrum] = ()
    simulated: str = ""
    version: str = ""
