"""Make exposures like those that a service shows, with known content."""

import math
from datetime import UTC, datetime

import numpy as np

from labctl.analysis.lines import voigt
from labctl.client.frames import LiveFrame
from labctl.core.readings import Quality
from labctl.gui.views.thermometer import StoredCalibration

LASER_NM = 532.0
AXIS_NM = np.linspace(521.3, 543.0, 1340)
DETECTOR = [1.0, 4.0, 600.0, 65535.0, 20.0]
C2 = 1.438776877
SHIFT_CM1 = 250.0
LN_C = -0.1
CALIBRATION = StoredCalibration(
    "thermometry.probe",
    {
        "mode": "WSe2 A1g",
        "laser_nm": LASER_NM,
        "ln_c": LN_C,
        "ln_c_sigma": 1e-4,
        "shift_cm1": SHIFT_CM1,
        "shift_reference_k": 298.0,
        "shift_slope_cm1_per_k": 0.0,
        "shift_slope_sigma_cm1_per_k": 1e-4,
        "shift_curvature_cm1_per_k2": 0.0,
    },
    "sha256:0123456789abcdef",
)
CALIBRATIONS = {CALIBRATION.kind: CALIBRATION}


def raman_counts(stokes_e, temperature_k, seed=1, *, rays=0, level=600.0):
    """Return the counts of one exposure of WSe2 at a temperature, (pixels,)."""
    rng = np.random.default_rng(seed)
    shift_cm1 = 1e7 / LASER_NM - 1e7 / AXIS_NM
    pixel_cm1 = np.abs(np.gradient(shift_cm1))
    factor = ((1e7 / LASER_NM + SHIFT_CM1) / (1e7 / LASER_NM - SHIFT_CM1)) ** 3
    ratio = math.exp(LN_C) * factor * math.exp(-C2 * SHIFT_CM1 / temperature_k)
    expected = 20.0 + sum(
        area * voigt(shift_cm1 - place, 2.0, 3.0) * pixel_cm1
        for area, place in ((stokes_e, SHIFT_CM1), (stokes_e * ratio, -SHIFT_CM1))
    )
    counts = level + rng.poisson(expected) + rng.normal(0.0, 4.0, expected.size)
    counts[rng.integers(0, counts.size, rays)] += 3000.0
    return counts.astype(np.float32)


def frame(
    counts=None,
    *,
    seq=1,
    run="",
    point=None,
    beams=("probe",),
    power_w=1e-4,
    exposure_s=1.0,
    accumulations=1,
    quality=Quality.GOOD,
    reason="",
    axis_nm=AXIS_NM,
    laser_nm=LASER_NM,
):
    """Return an exposure as the service shows it."""
    counts = raman_counts(2e4, 300.0, seq) if counts is None else np.asarray(counts)
    metadata = {
        "exposure_s": exposure_s,
        "beams": list(beams),
        "laser_nm": laser_nm if beams else None,
        "detector": DETECTOR,
        "medium": "air",
        "quality": quality.value,
        "reason": reason,
        "calibrations": {"wavelength": "sha256:aaaabbbbccccdddd"},
        "settings": {"grating": 1, "rows": "188-211"} | {f"{b}_power_w": power_w for b in beams},
        "accumulations": accumulations,
    }
    return LiveFrame(
        kind="spectrum" if counts.ndim == 1 else "image",
        counts=counts,
        wavelength_nm=np.asarray(axis_nm, np.float32),
        utc=datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
        quality=quality,
        reason=reason,
        run=run,
        point=point,
        saved=bool(run),
        seq=seq,
        metadata=metadata,
    )
