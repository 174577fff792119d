"""Record what is under the beam, here and now: nothing moves but the attenuator."""

from typing import Any, Literal

from pydantic import Field, PositiveInt, model_validator

from labctl.core.messages import Acquire, Plan, Read, Record, Set
from labctl.core.parameters import DurationS, ParameterModel, PowerW
from labctl.core.procedure import Procedure
from labctl.core.readings import Reading


class Snap(Procedure):
    """Record one exposure or several where the stage stands, in the window that is set."""

    name = "snap"

    class Parameters(ParameterModel):
        """Say how to expose, and with which beams at which power."""

        exposure_s: DurationS = Field(default=1.0, gt=0, description="Each exposure")
        accumulations: PositiveInt = Field(
            default=1, le=1000, description="Exposures that are kept apart"
        )
        beams: tuple[str, ...] = Field(
            default=("probe",), description="Beams that are opened; none: a dark"
        )
        powers: tuple[PowerW, ...] = Field(
            default=(50e-6,), description="Power at the sample of each of them"
        )
        dark: bool = Field(default=False, description="Record a dark with the same exposure first")
        mode: Literal["spectrum", "image"] = Field(
            default="spectrum", description="Binned rows, or the whole chip"
        )

        @model_validator(mode="after")
        def _check_powers(self) -> "Snap.Parameters":
            if len(self.powers) != len(self.beams):
                raise ValueError(f"{len(self.beams)} beams need as many powers")
            return self

    def plan(self, p: Parameters) -> Plan:
        """Set the powers behind closed shutters, expose, and record with where it was."""
        powers: dict[str, Reading] = {}
        for beam, power_w in zip(p.beams, p.powers, strict=True):
            powers[beam] = yield Set(f"{beam}.power", power_w)
        if p.dark:
            dark = yield self._expose(p, ())
            yield Record({"spectrum": dark}, kind="dark")
        exposure = yield self._expose(p, p.beams)
        data: dict[str, Any] = {"spectrum": exposure}
        for axis in ("x", "y", "z"):
            data[f"{axis}_um"] = yield Read(f"stage.{axis}")
        data["cryostat_k"] = yield Read("cryostat.temperature")
        for beam, power in powers.items():
            data["power_w" if len(powers) == 1 else f"{beam}_power_w"] = power
        yield Record(data)

    def _expose(self, p: Parameters, beams: tuple[str, ...]) -> Acquire:
        return Acquire("spectrometer", p.exposure_s, p.accumulations, beams, p.mode)
