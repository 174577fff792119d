"""Bring the cryostat to a temperature at which it can be left or opened."""

from pydantic import Field

from labctl.core.messages import Plan, Read, Record
from labctl.core.parameters import ParameterModel, TemperatureK
from labctl.core.procedure import Procedure
from procedures.common import settle


class WarmUp(Procedure):
    """Warm the cryostat up and wait until it is steady; no beam is opened."""

    name = "warm_up"

    class Parameters(ParameterModel):
        """Say how warm."""

        temperature: TemperatureK = Field(default=298.0, description="Temperature at the end")

    def plan(self, p: Parameters) -> Plan:
        """Set, wait, and record what was reached."""
        reached = yield from settle(p.temperature)
        pressure = yield Read("cryostat.pressure")
        yield Record({"cryostat_k": reached, "pressure_pa": pressure}, kind="check")
