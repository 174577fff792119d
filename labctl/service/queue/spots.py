"""Walk through a plan and add up what it does to each spot and to the disk."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labctl.core.channels import Station
from labctl.core.messages import Acquire, Message, Plan, Record, Set
from labctl.core.parameters import ParameterModel
from labctl.core.procedure import Procedure
from labctl.core.readings import Scalar
from labctl.core.spectra import Exposure
from labctl.engine import DryRun, dry_run

UNKNOWN_SPOT = "where the stage is"
BYTES_PER_MESSAGE = 400
"""What the record keeps of a message and its answer besides the counts."""
BYTES_PER_POINT = 5_000
"""What index, headers and the NeXus file add for each point, averaged over simulated runs."""
BYTES_PER_RUN = 200_000
"""Station file, read-backs, axes and empty pages of a run, from simulated runs."""

Dose = Mapping[str, Mapping[str, float]]
"""Energy in J by spot and beam."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Hold a dry run with `dose_j`, the energy in J by spot and beam, and the disk it needs.

    A spot is a named position of the stage, or its coordinates if the plan sets these.
    """

    run: DryRun
    dose_j: Dose
    disk_bytes: int


def walk(procedure: Procedure, parameters: ParameterModel, station: Station) -> Walk:
    """Run a plan against dummy answers; see `labctl.engine.dry_run`."""
    watched = _Watched(procedure)
    found = dry_run(watched, parameters, station)
    return Walk(
        found, {spot: dict(beams) for spot, beams in watched.dose_j.items()}, watched.disk_bytes
    )


class _Watched(Procedure):
    """Pass on the messages of another procedure, and watch them."""

    name = "watched"

    def __init__(self, procedure: Procedure) -> None:
        self._procedure = procedure
        self._settings: dict[str, Scalar] = {}
        self.dose_j: defaultdict[str, defaultdict[str, float]] = defaultdict(
            lambda: defaultdict(float)
        )
        self.disk_bytes = BYTES_PER_RUN

    def plan(self, p: Any) -> Plan:
        """Yield the messages of the other procedure's plan."""
        plan = self._procedure.plan(p)
        try:
            message = next(plan, None)
            while message is not None:
                answer = yield message
                self._watch(message, answer)
                message = plan.send(answer)
        except StopIteration:
            return
        finally:
            plan.close()

    def _watch(self, message: Message, answer: object) -> None:
        self.disk_bytes += BYTES_PER_MESSAGE
        if isinstance(message, Set):
            self._settings[message.channel] = message.value
            if message.channel == "stage.position":
                self._settings.pop("stage.x", None)
                self._settings.pop("stage.y", None)
        elif isinstance(message, Acquire):
            self._expose(message)
            if isinstance(answer, Exposure):
                self.disk_bytes += answer.counts.size * 2
        elif isinstance(message, Record):
            self.disk_bytes += BYTES_PER_POINT + sum(map(_array_bytes, message.data.values()))

    def _expose(self, request: Acquire) -> None:
        spot = self._spot()
        for beam in request.beams:
            power_w = self._settings.get(f"{beam}.power", 0.0)
            if isinstance(power_w, int | float):
                self.dose_j[spot][beam] += power_w * request.exposure_s * request.accumulations

    def _spot(self) -> str:
        axes = [
            f"{axis} = {self._settings[name]:g} µm"
            for axis in ("x", "y")
            if isinstance(self._settings.get(name := f"stage.{axis}"), int | float)
        ]
        named = self._settings.get("stage.position")
        parts = ([str(named)] if named is not None else []) + axes
        return ", ".join(parts) or UNKNOWN_SPOT


def _array_bytes(value: object) -> int:
    """Return what one recorded value adds to the NeXus file, in bytes."""
    if isinstance(value, Exposure):
        return int(value.counts.size * 2 + value.wavelength_nm.size * 8)
    return int(value.nbytes) if isinstance(value, np.ndarray) else 0
