"""Set a temperature, and wait until it is steady by a stated rule."""

from labctl.core.channels import Attend
from labctl.core.clock import Clock
from labctl.core.errors import InstrumentError, LimitError, SafetyError
from labctl.core.limits import Limits
from labctl.core.readings import Reading, Scalar
from labctl.core.roles import TemperatureController
from labctl.station.sections import CryostatSection

_RUNAWAY_K = 5.0
"""So far beyond the limits a temperature is a runaway, not an overshoot."""
_BLIND_S = 60.0
"""So long a heater may work towards a temperature that nobody knows."""


class TemperatureChannel:
    """Set, read and settle `cryostat.temperature` in K.

    Setting sends the set-point and verifies it, and does not wait. Settled means: within
    `tolerance_k` of the set-point, without a break, for `duration_s`. Past `deadline_s` the
    answer is an uncertain reading with the reason.
    """

    def __init__(
        self, section: CryostatSection, controller: TemperatureController, clock: Clock
    ) -> None:
        self.name = "cryostat.temperature"
        self.unit = "K"
        self.limits: Limits | None = Limits(section.low_k, section.high_k, "K")
        self.choices: tuple[str, ...] | None = None
        self._section = section
        self._controller = controller
        self._clock = clock
        self._asked_k: float | None = None
        self._runaway = Limits(section.low_k - _RUNAWAY_K, section.high_k + _RUNAWAY_K, "K")

    def check(self, value: Scalar) -> None:
        """Raise `LimitError` unless the temperature in K may be set."""
        if isinstance(value, (str, bool)):
            raise LimitError(f"{self.name}: {value!r} is not a temperature in K")
        if self.limits is not None:
            self.limits.check(value, self.name)

    def set(self, value: Scalar) -> Reading:
        """Send a set-point in K and return it as read back; the temperature follows later.

        Raises
        ------
        LimitError
            As `check`.
        InstrumentError
            If the controller reads back another set-point.
        """
        self.check(value)
        self._asked_k = None
        ramp = self._section.ramp_k_per_min
        if not abs(self._controller.ramp_k_per_min - ramp) <= 1e-3:
            self._controller.ramp_k_per_min = ramp
        self._controller.setpoint_k = float(value)
        setpoint_k = self._controller.setpoint_k
        # a ramp reads back where it is, on its way to the set-point
        if not ramp and not abs(setpoint_k - float(value)) <= self._section.setpoint_tolerance_k:
            raise InstrumentError(
                f"{self.name}: set-point {value:g} K was sent, {setpoint_k:g} K reads back",
                remedy="check that the controller is not locked or limited at its front panel",
            )
        self._asked_k = float(value)
        return Reading.good(setpoint_k, self.unit, self._clock)

    def read(self) -> Reading:
        """Return the temperature in K."""
        try:
            return Reading.good(self._controller.temperature_k, self.unit, self._clock)
        except InstrumentError as error:
            return Reading.invalid(f"{self.name}: {error.message}", self.unit, self._clock)

    def wait(self, attend: Attend | None = None) -> Reading:
        """Wait until the settling rule holds; `attend` is called at every look.

        Raises
        ------
        SafetyError
            If the temperature runs away beyond the limits, or stays unknown for a minute; the
            heater has then been told to hold.
        """
        rule = self._section.settling
        start_s = self._clock.monotonic_s()
        steady_since_s: float | None = None
        former_k: float | None = self._asked_k
        known_s = start_s
        while True:
            if attend is not None:
                attend()
            reading = self.read()
            now_s = self._clock.monotonic_s()
            known_s = known_s if reading.value is None else now_s
            self._stop_runaway(reading)
            if now_s - known_s >= _BLIND_S:
                self._stop_blind(reading)
            setpoint_k = self._setpoint_k()
            is_near = self._is_near(reading, setpoint_k, former_k)
            former_k = self._asked_k if self._asked_k is not None else setpoint_k
            if not is_near:
                steady_since_s = None
            elif steady_since_s is None:
                steady_since_s = now_s
            if steady_since_s is not None and now_s - steady_since_s >= rule.duration_s:
                return reading
            if now_s - start_s >= rule.deadline_s:
                return reading.doubted(
                    f"not steady within {rule.tolerance_k:g} K for {rule.duration_s:g} s "
                    f"before the deadline of {rule.deadline_s:g} s (set-point "
                    f"{setpoint_k if setpoint_k is not None else 'unreadable'})"
                )
            self._clock.sleep(rule.poll_s)

    def settling_s(self, start: Scalar | None, value: Scalar | None) -> float:
        """Estimate how long settling takes, in seconds: ramp, usual approach, duration."""
        rule = self._section.settling
        if isinstance(start, (str, type(None))) or isinstance(value, (str, type(None))):
            return rule.duration_s
        step_k = abs(float(value) - float(start))
        ramp_s = 60 * step_k / ramp if (ramp := self._section.ramp_k_per_min) else 0.0
        approach_s = rule.approach_s if step_k > rule.tolerance_k else 0.0
        return min(ramp_s + approach_s + rule.duration_s, rule.deadline_s)

    def duration_s(self, start: Scalar | None, value: Scalar) -> float:  # noqa: ARG002
        """Estimate how long sending the set-point takes, in seconds."""
        return 0.5

    def _setpoint_k(self) -> float | None:
        try:
            return self._controller.setpoint_k
        except InstrumentError:
            return None

    def _is_near(self, reading: Reading, setpoint_k: float | None, former_k: float | None) -> bool:
        """Tell whether a reading is close to a set-point that itself stands still.

        A ramp moves the set-point along with the temperature: being near it is not settled.
        """
        if reading.value is None or setpoint_k is None:
            return False
        if former_k is None or not abs(setpoint_k - former_k) <= self._section.setpoint_tolerance_k:
            return False
        return abs(reading.number - setpoint_k) <= self._section.settling.tolerance_k

    def _stop_blind(self, reading: Reading) -> None:
        self._controller.hold()
        raise SafetyError(
            f"{self.name} is unknown for {_BLIND_S:g} s: {reading.reason}; "
            "the heater was told to hold",
            remedy="check the sensor and its cable, then resume the run",
        )

    def _stop_runaway(self, reading: Reading) -> None:
        if reading.value is None or reading.number in self._runaway:
            return
        self._controller.hold()
        raise SafetyError(
            f"{self.name}: {reading.number:g} K is beyond the limits {self.limits}; "
            "the heater was told to hold",
            remedy="check sensor, heater and helium before going on",
        )
