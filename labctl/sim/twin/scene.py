"""Let light, sample and spectrograph meet: what falls on the chip during one exposure."""

from collections.abc import Mapping

import numpy as np

from labctl.sim.twin.beam import BeamPath
from labctl.sim.twin.cryostat import Cryostat, Gauge
from labctl.sim.twin.numbers import TwinParameters
from labctl.sim.twin.sample import Environment, TruthName, sample_state
from labctl.sim.twin.spectrograph import Spectrograph
from labctl.sim.twin.spectrum import Dispersed, Illumination, photoelectron_rate
from labctl.sim.twin.stage import Axis, region_at


class Scene:
    """Couple all parts of the table that shape the light on the chip.

    The state in the middle of an exposure stands for all of it, except for the shutters, whose
    open fraction counts.
    """

    def __init__(
        self,
        parameters: TwinParameters,
        truth: TruthName,
        beams: Mapping[str, BeamPath],
        axes: Mapping[str, Axis],
        spectrograph: Spectrograph,
        cryostat: Cryostat,
        gauge: Gauge,
    ) -> None:
        self._parameters = parameters
        self._truth: TruthName = truth
        self._beams = beams
        self._axes = axes
        self._spectrograph = spectrograph
        self._cryostat = cryostat
        self._gauge = gauge

    def rate(self, start_s: float, exposure_s: float, random: np.random.Generator) -> np.ndarray:
        """Return mean photoelectrons per second in each column, shape (columns,)."""
        middle_s = start_s + exposure_s / 2
        dispersed = Dispersed(self._parameters, self._spectrograph.axis_nm(middle_s))
        light = self._illumination(start_s, exposure_s, random)
        return photoelectron_rate(self._parameters, dispersed, light)

    def _illumination(
        self, start_s: float, exposure_s: float, random: np.random.Generator
    ) -> Illumination:
        middle_s, end_s = start_s + exposure_s / 2, start_s + exposure_s
        power_w: dict[str, float] = {}
        fraction: dict[str, float] = {}
        for name, beam in self._beams.items():
            noise = beam.laser.relative_noise(exposure_s) * random.standard_normal()
            power_w[name] = beam.sample_power_w(middle_s) * float(1.0 + noise)
            fraction[name] = beam.shutter.open_fraction(start_s, end_s)
        # while one beam is open, the other heats for the part of the exposure that it is open
        heating_w = {name: power_w[name] * (fraction[name] > 0) for name in power_w}
        if fraction["probe"] > 0:
            heating_w["pump"] = power_w["pump"] * fraction["pump"] / fraction["probe"]
            heating_w["pump"] = min(heating_w["pump"], power_w["pump"])
        environment = Environment(self._cryostat.true_k(middle_s), self._gauge.true_pa(middle_s))
        region = region_at(
            self._parameters.region,
            self._axes["x"].sample_um(middle_s),
            self._axes["y"].sample_um(middle_s),
            self._parameters.heat.spot_radius_um,
        )
        return Illumination(
            probe_power_w=power_w["probe"] * fraction["probe"],
            pump_power_w=power_w["pump"] * fraction["pump"],
            region=region,
            state=sample_state(
                self._parameters,
                self._truth,
                region,
                heating_w["probe"],
                heating_w["pump"],
                environment,
            ),
            focus=self._focus(middle_s, environment.cryostat_k),
        )

    def _focus(self, now_s: float, cryostat_k: float) -> float:
        values = self._parameters.focus
        best_um = values.shift_um_per_k * (cryostat_k - values.reference_k)
        defocus = (self._axes["z"].sample_um(now_s) - best_um) / values.rayleigh_um
        return 1.0 / (1.0 + defocus * defocus)
