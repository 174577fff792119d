"""Collect every number of the simulated table in one frozen tree."""

from labctl.sim.twin.detection_numbers import Ccd, Lamp, Notch, Response, Spectrograph
from labctl.sim.twin.quantity import Group
from labctl.sim.twin.sample_numbers import (
    Artefact,
    Background,
    Focus,
    Heat,
    Pl,
    Raman,
    Regions,
)
from labctl.sim.twin.table_numbers import Attenuators, Cryostat, Gauge, Lasers, Paths, Stage


class TwinParameters(Group):
    """Hold all numbers of the simulated table; the dotted path of a number is its name."""

    laser: Lasers = Lasers()
    attenuator: Attenuators = Attenuators()
    path: Paths = Paths()
    region: Regions = Regions()
    heat: Heat = Heat()
    artefact: Artefact = Artefact()
    raman: Raman = Raman()
    pl: Pl = Pl()
    background: Background = Background()
    focus: Focus = Focus()
    notch: Notch = Notch()
    lamp: Lamp = Lamp()
    response: Response = Response()
    spectrograph: Spectrograph = Spectrograph()
    ccd: Ccd = Ccd()
    stage: Stage = Stage()
    cryostat: Cryostat = Cryostat()
    gauge: Gauge = Gauge()
