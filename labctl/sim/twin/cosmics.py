"""Let cosmic rays draw short tracks on the chip."""

import math
from dataclasses import dataclass

import numpy as np

from labctl.sim.twin.detection_numbers import Ccd

CHARGE_SPREAD = 0.8
"""Standard deviation of the logarithm of a ray's charge."""


@dataclass(frozen=True, slots=True)
class Tracks:
    """Hold hit pixels: row, column and charge in electrons, shape (hits,) each."""

    rows: np.ndarray
    columns: np.ndarray
    electrons: np.ndarray


def draw_tracks(ccd: Ccd, duration_s: float, random: np.random.Generator) -> Tracks:
    """Return the hits of all rays that cross the chip within a duration in s."""
    count = int(random.poisson(ccd.cosmic_per_min * duration_s / 60.0))
    rows, columns, charges = [], [], []
    for _ in range(count):
        length = 1 + int(random.exponential(max(ccd.cosmic_length_px - 1.0, 0.0)))
        angle_rad = random.uniform(0, 2 * math.pi)
        steps = np.arange(length)
        rows.append(np.rint(random.uniform(-0.5, ccd.rows - 0.5) + steps * math.sin(angle_rad)))
        columns.append(
            np.rint(random.uniform(-0.5, ccd.columns - 0.5) + steps * math.cos(angle_rad))
        )
        charge_e = ccd.cosmic_e * math.exp(CHARGE_SPREAD * random.standard_normal())
        charges.append(np.full(length, charge_e / length))
    if not count:
        return Tracks(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0))
    row, column = np.concatenate(rows).astype(np.intp), np.concatenate(columns).astype(np.intp)
    inside = (row >= 0) & (row < ccd.rows) & (column >= 0) & (column < ccd.columns)
    return Tracks(row[inside], column[inside], np.concatenate(charges)[inside])
