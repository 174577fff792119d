"""Whether two spectra of one condition differ by more than their noise."""

from dataclasses import replace

import numpy as np
import pytest

from labctl.core.clock import VirtualClock
from labctl.core.errors import AnalysisError
from labctl.core.spectra import Detector, Spectrum
from labctl.service.night.comparison import compare
from labctl.service.night.steadiness import unsteady_reason

CLOCK = VirtualClock()
DETECTOR = Detector(1.0, 4.0, 600.0, 65535.0, 20.0)
AXIS_NM = np.linspace(520.0, 544.0, 1340)


def spectrum(seed, rate=40.0, line=300.0, power_w=1e-4, per_accumulation=None, beams=("probe",)):
    """A line on a background, in counts, with shot and read noise."""
    random = np.random.default_rng(seed)
    shape = rate + line * np.exp(-(((AXIS_NM - 535.0) / 0.3) ** 2))
    factors = per_accumulation or [1.0] * 6
    counts = np.stack([
        600 + random.poisson(20.0 * factor * shape * (power_w / 1e-4) * bool(beams))
        + 4.0 * random.standard_normal(shape.size)
        for factor in factors
    ])  # fmt: skip
    return Spectrum(
        counts=np.rint(counts).astype(np.uint16), wavelength_nm=AXIS_NM, exposure_s=20.0,
        beams=beams, laser_nm=532.0 if beams else None, detector=DETECTOR, utc=CLOCK.utc(),
        monotonic_s=0.0, settings={"grating": 1, "centre_nm": 532.0, "probe_power_w": power_w},
    )  # fmt: skip


DARK = spectrum(1000, beams=())


def test_repetitions_of_one_condition_agree():
    found = [compare(spectrum(2 * i), spectrum(2 * i + 1), [DARK]) for i in range(40)]
    assert all(one.agrees for one in found)
    # the scatter of the set power is allowed for, but not drawn here
    assert np.std([one.rate_z for one in found]) < 1.0


def test_another_power_is_taken_out_because_it_was_measured():
    assert compare(spectrum(1), spectrum(2, power_w=2e-4), [DARK]).agrees


@pytest.mark.parametrize(
    ("change", "which"),
    [({"rate": 52.0, "line": 390.0}, "rate_z"), ({"line": 450.0}, "chi2_z")],
)
def test_a_change_of_the_signal_or_of_its_shape_is_found(change, which):
    found = compare(spectrum(1), spectrum(2, **change), [DARK])
    assert not found.agrees
    assert abs(getattr(found, which)) > 4.0
    assert "changed by" in str(found)


def test_a_spectrum_without_light_says_nothing():
    with pytest.raises(AnalysisError, match="no light"):
        compare(spectrum(1, rate=0.0, line=0.0), spectrum(2, rate=0.0, line=0.0), [DARK])


def test_spectra_of_different_beams_are_not_compared():
    with pytest.raises(AnalysisError, match="not of one condition"):
        compare(spectrum(1), replace(spectrum(2), beams=("pump",)), [])


@pytest.mark.parametrize("odd", [0, 3, 5])
def test_an_accumulation_with_less_light_is_named(odd):
    factors = [1.0] * 6
    factors[odd] = 0.6
    assert f"accumulations {odd} by up to -4" in unsteady_reason(
        spectrum(3, per_accumulation=factors)
    )


def test_steady_light_weak_light_and_darks_say_nothing():
    assert all(not unsteady_reason(spectrum(seed)) for seed in range(40))
    weak = [0.02] * 6
    assert all(not unsteady_reason(spectrum(seed, per_accumulation=weak)) for seed in range(40))
    assert not unsteady_reason(DARK)


def test_a_cosmic_ray_is_no_change_of_the_light():
    one = spectrum(4)
    counts = one.counts.copy()
    counts[2, 700:706] += 30_000
    assert not unsteady_reason(replace(one, counts=counts))
