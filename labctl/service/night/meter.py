"""Count what reaches each spot of the sample while it does, whether or not a point comes of it."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from labctl.core.channels import Acquirer
from labctl.core.messages import Acquire, Message, Set
from labctl.core.readings import Quality
from labctl.core.spectra import Frame, Spectrum
from labctl.engine import Event, MessageStarted, PointCommitted, RunStarted
from labctl.service.night.doing import TEMPERATURE
from labctl.service.night.ledger import SAMPLE, Entry, Ledger, spot_name
from labctl.station.station import OpticalTable

NOWHERE = "unknown place"
LEAST_K = 2.0
"""Changes of temperature below this are not entered."""


@dataclass(slots=True)
class DoseMeter:
    """Watch the exposures of a table, and enter them into the ledger at every point.

    The energy is the power that was measured for the exposure times the time it lasted; where an
    exposure broke off, the power that was asked for times the time until then: an upper bound.
    """

    station: OpticalTable
    ledger: Ledger
    _energy_j: defaultdict[tuple[str, str], float] = field(
        default_factory=lambda: defaultdict(float)
    )
    _asked_w: dict[str, float] = field(default_factory=dict)
    _last_k: float | None = None
    _run: str = ""
    _point: int = 0

    def install(self) -> None:
        """Put the meter between the table and whoever exposes."""
        self.station.acquirers = {
            name: _Metered(acquirer, self) for name, acquirer in self.station.acquirers.items()
        }

    def observe(self, event: Event) -> None:
        """Take an event of the engine into account."""
        if isinstance(event, RunStarted):
            self._run, self._point = event.run, event.first_point
        elif isinstance(event, MessageStarted):
            self._point = event.number
            self._follow(event.message)
        elif isinstance(event, PointCommitted):
            self.flush()

    def flush(self) -> None:
        """Enter what has been counted into the ledger."""
        utc = self.station.clock.utc().isoformat()
        entries = [
            Entry(spot, "dose", energy_j, "J", self._run, self._point, utc, beam)
            for (spot, beam), energy_j in self._energy_j.items()
        ]
        entries += self._temperature(utc)
        self._energy_j.clear()
        if entries:
            self.ledger.add(entries)

    def count(self, spot: str, request: Acquire, result: Spectrum | Frame) -> None:
        """Count an exposure with the powers that were measured for it."""
        for beam in request.beams:
            power_w = result.settings.get(f"{beam}_power_w", 0.0)
            if isinstance(power_w, int | float):
                self._energy_j[spot, beam] += power_w * request.exposure_s * request.accumulations

    def count_broken(self, spot: str, request: Acquire, lasted_s: float) -> None:
        """Count an exposure that broke off."""
        for beam in request.beams:
            most_w = self.station.file.beams[beam].max_power_w
            self._energy_j[spot, beam] += self._asked_w.get(beam, most_w) * lasted_s

    def spot(self) -> str:
        """Return the place that the beams meet now."""
        stage = self.station.file.stage
        if stage is None or not {"stage.x", "stage.y"} <= set(self.station.channels):
            return NOWHERE
        x, y = (self.station.channels[f"stage.{axis}"].read() for axis in "xy")
        if Quality.INVALID in (x.quality, y.quality):
            return NOWHERE
        return spot_name(x.number, y.number, stage.positions)

    def _follow(self, message: Message) -> None:
        if isinstance(message, Set) and message.channel.endswith(".power"):
            beam = message.channel.removesuffix(".power")
            if isinstance(message.value, int | float):
                self._asked_w[beam] = float(message.value)

    def _temperature(self, utc: str) -> Iterator[Entry]:
        if TEMPERATURE not in self.station.channels:
            return
        reading = self.station.channels[TEMPERATURE].read()
        if reading.quality is Quality.INVALID:
            return
        value = round(reading.number, 2)
        if self._last_k is None or abs(value - self._last_k) >= LEAST_K:
            self._last_k = value
            yield Entry(SAMPLE, "temperature", value, "K", self._run, self._point, utc)


class _Metered:
    """Expose with another acquirer, and count."""

    def __init__(self, acquirer: Acquirer, meter: DoseMeter) -> None:
        self.name = acquirer.name
        self._acquirer = acquirer
        self._meter = meter

    def check(self, request: Acquire) -> None:
        self._acquirer.check(request)

    def acquire(self, request: Acquire) -> Spectrum | Frame:
        clock = self._meter.station.clock
        spot = self._meter.spot() if request.beams else NOWHERE
        begin_s = clock.monotonic_s()
        try:
            result = self._acquirer.acquire(request)
        except BaseException:
            self._meter.count_broken(spot, request, clock.monotonic_s() - begin_s)
            raise
        self._meter.count(spot, request, result)
        return result

    def duration_s(self, request: Acquire) -> float:
        return self._acquirer.duration_s(request)
