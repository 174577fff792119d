"""Compare the temperature with and without a second beam."""

import random
from typing import Literal

from pydantic import Field, PositiveInt

from labctl.core.messages import Plan, Read, Record, Set
from labctl.core.parameters import PowerW
from labctl.core.procedure import Procedure
from labctl.core.readings import Reading
from procedures.common import (
    Steps,
    SweepParameters,
    Window,
    by_window,
    exposure_of,
    find_focus,
    record_dark,
    take_spectrum,
)


class DualBeam(Procedure):
    """Interleave spectra with the pump off and on, with pump-only and dark controls.

    Pairs come in random order within each pair, or as off-on-on-off, so that a slow drift
    cancels. Pump-only spectra show what of the pump reaches the window.
    """

    name = "dual_beam"

    class Parameters(SweepParameters):
        """Say where, with which powers and how often the pair is repeated."""

        region: str = Field(default="intermediate", description="Named position of the stage")
        power: PowerW = Field(default=100e-6, gt=0, description="Probe power at the sample")
        pump: str = Field(default="pump", description="Beam that pumps")
        pump_power: PowerW = Field(default=200e-6, gt=0, description="Pump power at the sample")
        pairs: PositiveInt = Field(default=12, le=10_000, description="Pairs of pump off and on")
        pairing: Literal["random", "abba"] = Field(
            default="random", description="Order within pairs"
        )
        control_every: PositiveInt = Field(
            default=6, description="Pairs between pump-only and dark controls"
        )
        windows: tuple[Window, ...] = Field(
            default=("raman",), min_length=1, description="Windows of the spectrometer"
        )
        exposure_s: float = Field(default=20.0, gt=0, description="Each exposure in s")
        accumulations: PositiveInt = Field(default=3, le=1000, description="Exposures per spectrum")

    def plan(self, p: Parameters) -> Plan:
        """Take the pairs in each window, with controls between them."""
        yield Set("stage.position", p.region)
        for window in by_window(p.windows):
            yield Set("spectrometer.window", window)
            if p.refocus:
                yield from find_focus(p)
            probe = yield Set(f"{p.beam}.power", p.power)
            pump = yield Set(f"{p.pump}.power", p.pump_power)
            for number, pump_first in enumerate(first_states(p.pairs, p.pairing, p.seed)):
                if number % p.control_every == 0:
                    yield from record_dark(p, window, accumulations=3 * exposure_of(p, window)[1])
                    yield from self._state(p, window, number, None, pump)
                for pump_on in (pump_first, not pump_first):
                    yield from self._state(p, window, number, probe, pump if pump_on else None)

    def _state(
        self,
        p: Parameters,
        window: Window,
        pair: int,
        probe: Reading | None,
        pump: Reading | None,
    ) -> Steps[None]:
        """Take and record one of the states: probe, probe and pump, pump alone."""
        beams = tuple(
            beam for beam, power in ((p.beam, probe), (p.pump, pump)) if power is not None
        )
        spectrum = yield from take_spectrum(p, window, beams=beams)
        cryostat = yield Read("cryostat.temperature")
        yield Record(
            {
                "region": p.region,
                "window": window,
                "pair": pair,
                "power_w": probe,
                "pump_power_w": pump,
                "cryostat_k": cryostat,
                "spectrum": spectrum,
            },
            kind="measurement" if probe is not None else "check",
        )


def first_states(pairs: int, pairing: Literal["random", "abba"], seed: int) -> list[bool]:
    """Return for each pair whether the pump comes first."""
    if pairing == "abba":
        return [number % 2 == 1 for number in range(pairs)]
    chance = random.Random(seed)  # noqa: S311
    return [chance.random() < 0.5 for _ in range(pairs)]
