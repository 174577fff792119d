"""Put a stated power on the sample, measured before the shutter opens."""

from labctl.core.calibration import Calibration
from labctl.core.clock import Clock
from labctl.core.errors import ConfigError, InstrumentError, LimitError, SafetyError
from labctl.core.limits import Limits
from labctl.core.readings import Quality, Reading, Scalar
from labctl.core.roles import Attenuator
from labctl.core.units import format_quantity
from labctl.station.calibrations import CalibrationFolder, expiry_reason
from labctl.station.guard import BeamGuard
from labctl.station.power import PowerCalibration
from labctl.station.readback import Measured, PowerReadback
from labctl.station.sections import BeamSection

_CORRECTIONS = 3
_MOST_CORRECTION = 2.0
"""Largest factor of all corrections: a dead meter must not open the attenuator."""
_GAIN = 0.7
"""Part of an error that is corrected at once: the rest may be the scatter of the rotator."""
_SAME_LINE_NM = 0.5
_CALIBRATE = "calibrate the power of this beam with a meter at the sample"


class Beam:
    """Set and read the power of one beam at the sample: the channel `<beam>.power`.

    The attenuator follows the power calibration; the pick-off meter, in front of the shutter,
    corrects it. The value is what the sample gets while the shutter is open; 0 means that the
    shutter stays closed.
    """

    def __init__(
        self,
        name: str,
        section: BeamSection,
        *,
        guard: BeamGuard,
        attenuator: Attenuator,
        readback: PowerReadback,
        calibrations: CalibrationFolder,
        clock: Clock,
    ) -> None:
        self.beam = name
        self.name = f"{name}.power"
        self.unit = "W"
        self.limits: Limits | None = Limits(0.0, section.max_power_w, "W")
        self.choices: tuple[str, ...] | None = None
        self.section = section
        self.guard = guard
        self._attenuator = attenuator
        self._readback = readback
        self._calibrations = calibrations
        self._clock = clock
        self._reached_w: float | None = None
        """What the last `set` reached, 0 for a beam that stays closed; None after a failure."""

    def calibration(self) -> PowerCalibration:
        """Return the power calibration in force.

        Raises
        ------
        ConfigError
            If there is none, it has expired, or it is for another wavelength.
        """
        kind = self.section.calibration
        now_utc = self._clock.utc()
        found = self._calibrations.newest(kind, now_utc)
        if found is None:
            raise ConfigError(
                f"{self.name}: no calibration {kind!r} in {self._calibrations.folder}",
                remedy=_CALIBRATE,
            )
        if reason := expiry_reason(found, now_utc):
            raise ConfigError(f"{self.name}: {reason}", remedy=_CALIBRATE)
        calibration = PowerCalibration.from_calibration(found)
        if abs(calibration.wavelength_nm - self.section.wavelength_nm) > _SAME_LINE_NM:
            raise ConfigError(
                f"{self.name}: calibration {kind} ({found.identity}) is for "
                f"{calibration.wavelength_nm:g} nm, the beam has {self.section.wavelength_nm:g} nm",
                remedy=_CALIBRATE,
            )
        return calibration

    def laser_line(self) -> Calibration | None:
        """Return the newest calibration of the laser's wavelength, expired or not.

        Raises
        ------
        ConfigError
            If it is for another line than that of the station file.
        """
        found = self._calibrations.newest(f"laser.{self.beam}", self._clock.utc())
        if found is not None:
            line_nm = found.values.get("wavelength_nm")
            known = line_nm if isinstance(line_nm, float | int) else float("nan")
            if not abs(known - self.section.wavelength_nm) <= _SAME_LINE_NM:
                raise ConfigError(
                    f"{self.beam}: calibration {found.kind} ({found.identity}) is for "
                    f"{line_nm} nm, the beam has {self.section.wavelength_nm:g} nm",
                    remedy="measure the zero of the laser again: procedure laser_zero",
                )
        return found

    def check(self, value: Scalar) -> None:
        """Raise `LimitError` unless the power in W can and may be set; touches no hardware.

        A calibration that cannot be used raises `ConfigError`.
        """
        if isinstance(value, (str, bool)):
            raise LimitError(f"{self.name}: {value!r} is not a power in W")
        Limits(0.0, self.section.max_power_w, "W").check(value, self.name)
        lowest_w, highest_w = self.calibration().range_w(self.section.laser_power_w)
        if value != 0 and not lowest_w <= value <= highest_w:
            raise LimitError(
                f"{self.name}: {format_quantity(value, 'W')} cannot be reached: the attenuator "
                f"gives {format_quantity(lowest_w, 'W')} to {format_quantity(highest_w, 'W')} "
                f"at {format_quantity(self.section.laser_power_w, 'W')} of laser",
                remedy="choose a power in this range, or change laser_power_w in the station file",
            )

    def set(self, value: Scalar) -> Reading:
        """Prepare a power in W behind the closed shutter and return what is measured.

        The laser is switched on for the measurement, unless the power is 0.

        Raises
        ------
        LimitError, ConfigError
            As `check`.
        InstrumentError, SafetyError
            If the laser does not emit, or more than `max_power_w` is measured.
        """
        self.check(value)
        power_w = float(value)
        self._reached_w = None
        self.guard.start()
        self.guard.ensure_closed()
        calibration = self.calibration()
        if power_w == 0:
            self._attenuator.angle_deg = calibration.darkest_deg
            self._reached_w = 0.0
            return Reading.good(0.0, "W", self._clock)
        self.guard.emit(self.section.laser_power_w)
        reading = self._approach(power_w, calibration)
        self.guard.require_untouched()
        if reading.quality is not Quality.INVALID:
            self._reached_w = self._some_light_w(reading)
        return reading

    def read(self) -> Reading:
        """Return the power in W that the sample gets while the shutter is open."""
        try:
            if self._reached_w == 0 or not self.guard.laser.emission:
                return Reading.good(0.0, "W", self._clock)
            calibration = self.calibration()
            return self._readback.judge(self._readback.measure(calibration), calibration)
        except (InstrumentError, ConfigError) as error:
            return Reading.invalid(error.message, "W", self._clock)

    def duration_s(self, start: Scalar | None, value: Scalar) -> float:  # noqa: ARG002
        """Estimate how long setting takes, in seconds."""
        return 1.0 if value == 0 else 3.0

    def prepare(self) -> Reading:
        """Make sure, behind the closed shutter, that the power is still what was set.

        Raises
        ------
        InstrumentError
            If no power was set, or the read-backs contradict each other.
        SafetyError
            If the interlock is open, or more than `max_power_w` would reach the sample.
        """
        if self._reached_w is None:
            raise InstrumentError(
                f"{self.beam}: its power has not been set since the table was connected",
                remedy=f"set {self.name} before exposing with this beam",
            )
        if self._reached_w == 0:
            return Reading.good(0.0, "W", self._clock)
        self.guard.start()
        self.guard.ensure_closed()
        calibration = self.calibration()
        self.guard.emit(self.section.laser_power_w)
        measured = self._readback.measure(calibration)
        if abs(measured.power_w / self._reached_w - 1) > 2 * self.section.tolerance:
            reading = self._approach(self._reached_w, calibration)
        else:
            self._refuse_excess(measured, calibration)
            reading = self._readback.judge(measured, calibration)
        if reading.quality is Quality.INVALID:
            raise InstrumentError(
                f"{self.name}: {reading.reason}", remedy="check the beam path and the meter"
            )
        self._some_light_w(reading)
        return reading

    def _some_light_w(self, reading: Reading) -> float:
        """Return a power in W above 0, which alone means a beam that is to be opened."""
        if reading.number > 0:
            return reading.number
        raise InstrumentError(
            f"{self.name}: no light arrives, {reading.number:g} W",
            remedy="check the laser and the beam path up to the pick-off meter",
        )

    def _approach(self, power_w: float, calibration: PowerCalibration) -> Reading:
        """Turn the attenuator, measure and correct until the power is within tolerance."""
        laser_w = self.guard.laser.power_w
        lowest_w, highest_w = calibration.range_w(laser_w)
        aim_w = power_w
        for attempt in range(_CORRECTIONS + 1):
            self._attenuator.angle_deg = calibration.angle_deg(laser_w, aim_w)
            measured = self._readback.measure(calibration)
            part = measured.power_w / power_w
            if abs(part - 1) <= self.section.tolerance or attempt == _CORRECTIONS:
                break
            aim_w *= max(part, 1e-3) ** -_GAIN
            aim_w = min(max(aim_w, power_w / _MOST_CORRECTION), power_w * _MOST_CORRECTION)
            aim_w = min(max(aim_w, lowest_w), highest_w)
        self._refuse_excess(measured, calibration)
        return self._readback.judge(measured, calibration, power_w)

    def _refuse_excess(self, measured: Measured, calibration: PowerCalibration) -> None:
        """Turn the attenuator dark and raise `SafetyError` if more than allowed would come."""
        limit_w = self.section.max_power_w * (1 + 2 * self.section.tolerance)
        worst_w = max(measured.power_w, measured.laser_w)
        if worst_w <= limit_w:
            return
        self._reached_w = None
        self._attenuator.angle_deg = calibration.darkest_deg
        raise SafetyError(
            f"{self.name}: {format_quantity(worst_w, 'W')} would reach the sample, more "
            f"than max_power_w = {format_quantity(self.section.max_power_w, 'W')}; the shutter "
            "stayed closed and the attenuator was turned dark",
            remedy="calibrate the power of this beam again, and check the attenuator",
        )
