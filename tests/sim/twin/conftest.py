from collections.abc import Callable

import pytest

from labctl.sim.parameters import with_overrides
from labctl.sim.twin import Table, build_table

QUIET = {
    "laser.probe.rin": 0.0,
    "laser.pump.rin": 0.0,
    "laser.probe.drift_per_h": 0.0,
    "laser.pump.drift_per_h": 0.0,
    "attenuator.probe.repeatability_deg": 0.0,
    "attenuator.pump.repeatability_deg": 0.0,
    "stage.drift_um_per_h": 0.0,
    "spectrograph.repositioning_nm": 0.0,
    "spectrograph.drift_nm_per_k": 0.0,
    "spectrograph.cubic_nm": 0.0,
    "ccd.cosmic_per_min": 0.0,
    "ccd.prnu": 0.0,
    "ccd.read_noise_e": 0.0,
    "ccd.dark_per_px_s": 0.0,
    "ccd.bias_counts": 0.0,
    "background.rate_per_s_mw_cm1": 0.0,
    "background.ambient_per_s_nm": 0.0,
    "notch.elastic_per_s_mw": 0.0,
    "response.slope": 0.0,
    "response.etalon_depth": 0.0,
    "ccd.qe_width_nm": 1e9,
}
"""Switch everything off that stands between the sample and the counts."""


@pytest.fixture
def make_table() -> Callable[..., Table]:
    """Build a table; `quiet` leaves only the shot noise."""

    def make(
        overrides: dict[str, float] | None = None, truth: str = "A", seed: int = 1, quiet=True
    ) -> Table:
        numbers = {**(QUIET if quiet else {}), **(overrides or {})}
        return build_table(with_overrides(numbers), truth, seed)

    return make


@pytest.fixture
def light_up() -> Callable[..., None]:
    """Put a power in W on the sample at 0 s, in the middle of a region, shutter open."""

    def light(table: Table, power_w: float, region: str = "substrate", beam: str = "probe") -> None:
        path = getattr(table.parameters.path, beam)
        laser = table.lasers[beam]
        laser.emission = True
        laser.power_setpoint_w = power_w / ((1 - path.pickoff) * path.transmission)
        assert laser.power_setpoint_w <= laser.max_power_w
        table.rotators[beam].move_to(getattr(table.parameters.attenuator, beam).zero_deg, 0.0)
        place = table.parameters.region.named(region)
        table.axes["x"].move_to(place.x_um, 0.0)
        table.axes["y"].move_to(place.y_um, 0.0)
        table.shutters[beam].command(True, 0.0)

    return light
