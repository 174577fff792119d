"""Answer a plan without touching hardware."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from labctl.core.channels import Channel, Station
from labctl.core.clock import VirtualClock
from labctl.core.messages import Acquire, Answer, Message, Read, Set, Wait
from labctl.core.readings import Reading, Scalar
from labctl.core.spectra import Detector, Frame, Spectrum

SHAPE = (400, 1340)
"""Rows and columns of a dummy frame, for an acquirer without a `shape` of its own."""

_DETECTOR = Detector(
    gain_e_per_count=1.0,
    read_noise_e=4.0,
    bias_counts=0.0,
    saturation_counts=65535.0,
    pixel_um=20.0,
)


@dataclass
class Dummies:
    """Give every message a well-formed answer.

    A `Set` is answered with its value, a `Read` with the value set last (or the first allowed
    one), an `Acquire` with zero counts on an axis from 500 to 900 nm.
    """

    channels: Mapping[str, Channel]
    acquirers: Mapping[str, object]
    clock: VirtualClock
    settings: dict[str, Scalar] = field(default_factory=dict)

    @classmethod
    def of(cls, station: Station) -> "Dummies":
        """Return dummies for a station, on a clock of their own."""
        return cls(station.channels, station.acquirers, VirtualClock(station.clock.utc()))

    def answer(self, message: Message) -> Answer:
        """Return the dummy answer to a message."""
        match message:
            case Set(channel=name, value=value):
                self.settings[name] = value
                return self._reading(name)
            case Wait(channel=name) | Read(channel=name):
                return self._reading(name)
            case Acquire():
                return self._exposure(message)
        return None

    def _reading(self, name: str) -> Reading:
        channel = self.channels.get(name)
        unit = "" if channel is None else channel.unit
        return Reading.good(self.settings.get(name, _first_allowed(channel)), unit, self.clock)

    def _exposure(self, request: Acquire) -> Spectrum | Frame:
        rows, columns = getattr(self.acquirers.get(request.device), "shape", SHAPE)
        kind: type[Spectrum] | type[Frame] = Frame if request.mode == "image" else Spectrum
        size = (rows, columns) if request.mode == "image" else (columns,)
        return kind(
            counts=np.zeros((request.accumulations, *size), np.uint16),
            wavelength_nm=np.linspace(500.0, 900.0, columns),
            exposure_s=request.exposure_s,
            beams=request.beams,
            laser_nm=532.0 if request.beams else None,
            detector=_DETECTOR,
            utc=self.clock.utc(),
            monotonic_s=self.clock.monotonic_s(),
        )


def _first_allowed(channel: Channel | None) -> Scalar:
    choices = getattr(channel, "choices", None)
    if choices:
        return str(choices[0])
    limits = getattr(channel, "limits", None)
    return 0.0 if limits is None or 0.0 in limits else float(limits.low)
