"""Move the sample, always arriving from the same side, to numbers and to named places."""

from collections.abc import Mapping

from labctl.core.clock import Clock
from labctl.core.errors import InstrumentError, LimitError
from labctl.core.limits import Limits
from labctl.core.parameters import nearest_hint
from labctl.core.readings import Quality, Reading, Scalar
from labctl.core.roles import Axis
from labctl.station.sections import StageSection

_OVERHEAD_S = 0.2
NO_POSITION = "none"


class AxisChannel:
    """Set and read one axis of the stage in µm.

    Every move ends upwards over at least `backlash_um`, so that the play of the screw is always
    taken up on the same side.
    """

    def __init__(self, name: str, section: StageSection, axis: Axis, clock: Clock) -> None:
        own = section.axes[name]
        self.name = f"stage.{name}"
        self.unit = "µm"
        self.limits: Limits | None = Limits(own.low_um + section.backlash_um, own.high_um, "µm")
        self.choices: tuple[str, ...] | None = None
        self.tolerance_um = own.tolerance_um
        self._backlash_um = section.backlash_um
        self._speed_um_per_s = section.speed_um_per_s
        self._axis = axis
        self._clock = clock
        self._arrived_um: float | None = None

    def check(self, value: Scalar) -> None:
        """Raise `LimitError` unless the position in µm may be reached."""
        if isinstance(value, (str, bool)):
            raise LimitError(f"{self.name}: {value!r} is not a position in µm")
        if self.limits is not None:
            self.limits.check(value, self.name)

    def set(self, value: Scalar) -> Reading:
        """Move and return the verified position.

        Raises
        ------
        LimitError
            As `check`.
        InstrumentError
            If the axis stalls or does not arrive within its tolerance.
        """
        self.check(value)
        target_um = float(value)
        present_um = self._axis.position_um
        if self._arrived_um == target_um and abs(present_um - target_um) <= self.tolerance_um:
            return Reading.good(present_um, self.unit, self._clock)
        self._arrived_um = None
        if self._backlash_um and not present_um <= target_um - self._backlash_um:
            self._axis.position_um = target_um - self._backlash_um
        self._axis.position_um = target_um
        position_um = self._axis.position_um
        if not abs(position_um - target_um) <= self.tolerance_um:
            raise InstrumentError(
                f"{self.name}: asked {target_um:g} µm, got {position_um:g} µm",
                remedy="check the axis for a stall; home it on the operator's command only",
            )
        self._arrived_um = target_um
        return Reading.good(position_um, self.unit, self._clock)

    def read(self) -> Reading:
        """Return the position in µm."""
        try:
            return Reading.good(self._axis.position_um, self.unit, self._clock)
        except InstrumentError as error:
            return Reading.invalid(f"{self.name}: {error.message}", self.unit, self._clock)

    def duration_s(self, start: Scalar | None, value: Scalar) -> float:
        """Estimate how long a move takes, in seconds."""
        numbers = [item for item in (start, value) if not isinstance(item, (str, type(None)))]
        distance_um = abs(float(numbers[-1]) - float(numbers[0])) if len(numbers) == 2 else 0.0
        return _OVERHEAD_S + (distance_um + 2 * self._backlash_um) / self._speed_um_per_s

    def stop(self) -> None:
        """Stop at once."""
        self._arrived_um = None
        self._axis.stop()


class PositionChannel:
    """Set and read `stage.position` by the names of the station file."""

    def __init__(
        self, section: StageSection, axes: Mapping[str, AxisChannel], clock: Clock
    ) -> None:
        self.name = "stage.position"
        self.unit = ""
        self.limits: Limits | None = None
        self.choices: tuple[str, ...] | None = tuple(section.positions)
        self._places = {
            name: {key.removesuffix("_um"): value for key, value in place.items()}
            for name, place in section.positions.items()
        }
        self._axes = axes
        self._clock = clock

    def check(self, value: Scalar) -> None:
        """Raise `LimitError` unless the position is in the station file."""
        if value not in self._places:
            hint = nearest_hint(str(value), self._places)
            raise LimitError(f"{self.name}: there is no position {value!r}{hint}")

    def set(self, value: Scalar) -> Reading:
        """Move the axes of a named position one after the other; raises as `AxisChannel.set`."""
        self.check(value)
        for axis, position_um in self._places[str(value)].items():
            self._axes[axis].set(position_um)
        return Reading.good(str(value), "", self._clock)

    def read(self) -> Reading:
        """Return the name of the place where the stage is, "none" elsewhere."""
        readings = {name: axis.read() for name, axis in self._axes.items()}
        for reading in readings.values():
            if reading.quality is Quality.INVALID:
                return Reading.invalid(reading.reason, "", self._clock)
        for name, place in self._places.items():
            if all(
                abs(readings[axis].number - value_um) <= self._axes[axis].tolerance_um
                for axis, value_um in place.items()
            ):
                return Reading.good(name, "", self._clock)
        return Reading.good(NO_POSITION, "", self._clock)

    def duration_s(self, start: Scalar | None, value: Scalar) -> float:
        """Estimate how long a move takes, in seconds."""
        if start == value:
            return _OVERHEAD_S
        to_place = self._places.get(str(value), {})
        from_place = self._places.get(str(start), {})
        return sum(
            self._axes[axis].duration_s(from_place.get(axis), value_um)
            for axis, value_um in to_place.items()
        )
