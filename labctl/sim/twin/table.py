"""Put the simulated table together."""

from collections.abc import Mapping
from typing import get_args

from labctl.core.errors import ConfigError
from labctl.sim import ports
from labctl.sim.twin.beam import BeamPath, Laser, Rotator
from labctl.sim.twin.camera import Camera
from labctl.sim.twin.cryostat import Cryostat, Gauge
from labctl.sim.twin.noise import generator
from labctl.sim.twin.numbers import TwinParameters
from labctl.sim.twin.sample import TruthName
from labctl.sim.twin.scene import Scene
from labctl.sim.twin.spectrograph import Spectrograph
from labctl.sim.twin.stage import build_axes

BEAMS = ("probe", "pump")


class Table:
    """Hold every device of the simulated table, coupled. Fulfils `TablePorts`."""

    def __init__(
        self,
        parameters: TwinParameters,
        truth: TruthName,
        seed: int,
        clock_start_s: float,
    ) -> None:
        self.parameters = parameters
        self.truth: TruthName = truth
        self.seed = seed
        beams = {name: _beam(parameters, name, seed, clock_start_s) for name in BEAMS}
        axes = build_axes(parameters.stage, generator(seed, "stage"), clock_start_s)
        spectrograph = Spectrograph(
            parameters.spectrograph,
            parameters.ccd,
            generator(seed, "spectrograph"),
            clock_start_s,
        )
        cryostat = Cryostat(parameters.cryostat, generator(seed, "cryostat"), clock_start_s)
        gauge = Gauge(parameters.gauge, cryostat, generator(seed, "gauge"))
        scene = Scene(parameters, truth, beams, axes, spectrograph, cryostat, gauge)
        self.lasers: Mapping[str, ports.LaserPort] = {n: b.laser for n, b in beams.items()}
        self.rotators: Mapping[str, ports.RotatorPort] = {n: b.rotator for n, b in beams.items()}
        self.shutters: Mapping[str, ports.ShutterPort] = {n: b.shutter for n, b in beams.items()}
        self.powers: Mapping[str, ports.PowerPort] = {n: b.head for n, b in beams.items()}
        self.axes: Mapping[str, ports.AxisPort] = axes
        self.spectrograph: ports.SpectrographPort = spectrograph
        self.camera: ports.CameraPort = Camera(
            parameters.ccd,
            scene,
            generator(seed, "camera"),
            generator(seed, "chip"),
            clock_start_s,
        )
        self.cryostat: ports.CryostatPort = cryostat
        self.gauge: ports.GaugePort = gauge


def _beam(parameters: TwinParameters, name: str, seed: int, clock_start_s: float) -> BeamPath:
    laser = Laser(getattr(parameters.laser, name), generator(seed, f"laser.{name}"), clock_start_s)
    rotator = Rotator(getattr(parameters.attenuator, name), generator(seed, f"attenuator.{name}"))
    return BeamPath(getattr(parameters.path, name), laser, rotator, generator(seed, f"path.{name}"))


def build_table(
    parameters: TwinParameters, truth: TruthName, seed: int, clock_start_s: float = 0.0
) -> Table:
    """Return a table at rest: emission off, shutters closed, stage at 0, cryostat at room.

    Parameters
    ----------
    parameters
        All numbers; see `labctl.sim.parameters`.
    truth
        A, B or C.
    seed
        Not negative; with the same calls at the same times the same seed gives the same data.
    clock_start_s
        Monotonic time of the station's clock at which drifts begin.

    Raises
    ------
    ConfigError
        If there is no such truth, or the seed is negative.
    """
    if truth not in get_args(TruthName):
        raise ConfigError(f"simulation truth {truth!r} does not exist", remedy="choose A, B or C")
    if seed < 0:
        raise ConfigError(f"simulation seed {seed} is negative", remedy="choose 0 or more")
    return Table(parameters, truth, seed, clock_start_s)
