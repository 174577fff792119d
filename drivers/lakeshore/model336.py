"""Drive Lake Shore 336 temperature controllers."""

from typing import ClassVar

from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument
from pymeasure.instruments.lakeshore.lakeshore_base import (
    LakeShoreHeaterChannel,
    LakeShoreTemperatureChannel,
)

from drivers.base import READ_RETRIES, PortInstrument
from drivers.strict import StrictChannel, strict_range
from labctl.core.clock import Clock
from labctl.core.errors import (
    BadReply,
    CommandRefused,
    ConfigError,
    InvalidReading,
    NoReply,
    WrongIdentity,
)
from labctl.core.link import LinkSettings, Proof
from labctl.core.roles import Identity

MAX_SETPOINT_K = 1000.0
"""No sensor curve reaches further; the limit of a cryostat is its station's."""
RAMP_K_PER_MIN = (0.1, 100.0)

_READING = r"([+-](?=[\d.]{7};)\d{1,5}\.\d{1,5});(\d{3})"
_SETPOINT_RESOLUTION_K = 1e-3
_RAMP_RESOLUTION_K_PER_MIN = 0.05
_EVENTS = {4: "query error", 16: "execution error", 32: "command error"}
_SENSOR_FAULTS = {
    1: "invalid reading",
    16: "temperature under range",
    32: "temperature over range",
    64: "sensor units at zero",
    128: "sensor units over range",
}


class Input(StrictChannel, LakeShoreTemperatureChannel):  # type: ignore[misc]
    """Read a sensor input: PyMeasure's channel, which here never returns a raw string."""


class Output(StrictChannel, LakeShoreHeaterChannel):  # type: ignore[misc]
    """Read a heater output: PyMeasure's channel, which here never returns a raw string."""


class Model336(PortInstrument):
    """Regulate a temperature with one sensor and one heater of a Lake Shore 336.

    The inputs and outputs are the channels of PyMeasure's Lake Shore family. PyMeasure's
    `LakeShore3xx` itself is no base: it brings SCPI commands that the 336 lacks, inputs of other
    models, and hands back raw strings. Set commands are not answered and fail in silence, so
    each one is chained with `*ESR?` and read back.

    Sources: Lake Shore 336 manual, chapter 6 (KRDG?, RDGST?, SETP, RAMP, HTR?, RANGE, *ESR?);
    lakeshore 1.10 and PyMeasure 0.16. [unverified]: that `SETP?` follows a ramp, the widths of
    the replies to `*ESR?` and `RAMP?`, and that temperatures always have six digits.

    Parameters
    ----------
    sensor
        The input that the control loop uses: A, B, C or D.
    output
        The output of the heater: 1 or 2.
    """

    # over Ethernet (port 7777) the line settings do not matter
    link: ClassVar[LinkSettings] = LinkSettings(
        baud_rate=57600,
        data_bits=7,
        parity="odd",
        write_terminator=b"\n",
        read_terminator=b"\r\n",
        timeout_s=2.0,
    )
    proofs: ClassVar[tuple[Proof, ...]] = (
        Proof(b"*IDN?\n", rb"LSCI,MODEL336,[^,\r\n]*,[^,\r\n]*\r\n"),
        Proof(b"RANGE? 1\n", rb"[0-5]\r\n"),
    )
    number_format: ClassVar[str] = r"[+-]\d{1,5}\.\d{1,5}|\d{1,3}"

    input_A = Instrument.ChannelCreator(Input, "A")  # noqa: N815
    input_B = Instrument.ChannelCreator(Input, "B")  # noqa: N815
    input_C = Instrument.ChannelCreator(Input, "C")  # noqa: N815
    input_D = Instrument.ChannelCreator(Input, "D")  # noqa: N815
    output_1 = Instrument.ChannelCreator(Output, 1)
    output_2 = Instrument.ChannelCreator(Output, 2)

    def __init__(
        self,
        connection: Adapter,
        name: str = "Lake Shore 336",
        *,
        clock: Clock,
        sensor: str = "A",
        output: int = 1,
    ) -> None:
        super().__init__(connection, name, clock=clock)
        if sensor not in ("A", "B", "C", "D") or output not in (1, 2):
            raise ConfigError(
                f"{name}: sensor {sensor!r}, output {output!r} is not possible",
                remedy="choose sensor A, B, C or D and output 1 or 2 in the station file",
            )
        self.sensor = sensor
        self.output = output
        self._heater = self.output_1 if output == 1 else self.output_2

    def read_identity(self) -> Identity:
        """Get model, serial number and firmware; raises `WrongIdentity` for another model."""
        match = self.query(
            "*IDN?", r"([ -+\--~]+),([ -+\--~]+),([ -+\--~]*),([ -~]*)", retries=READ_RETRIES
        )
        vendor, model, serial, firmware = match.groups()
        if (vendor, model) != ("LSCI", "MODEL336"):
            raise WrongIdentity(
                f"{self.name}: asked '*IDN?', got {match[0]!r}, which is no Lake Shore 336",
                remedy="correct the resource or the driver in the station file",
            )
        return Identity("Lake Shore", "336", serial, firmware)

    @property
    def temperature_k(self) -> float:
        """Measure the temperature of the sensor in K, with its status in the same reply.

        Raises
        ------
        InvalidReading
            If the status says that the reading must not be used.
        """
        asked = f"KRDG? {self.sensor};RDGST? {self.sensor}"
        with self.exchange():
            match = self.query(asked, _READING, retries=READ_RETRIES)
            temperature_k, status = self.number(match[1]), int(match[2])
        if status:
            faults = [text for bit, text in _SENSOR_FAULTS.items() if status & bit]
            raise InvalidReading(
                f"{self.name}: sensor {self.sensor}: {', '.join(faults) or 'fault'} "
                f"(asked {asked!r}, got {match[0]!r})",
                remedy="check the sensor, its wiring and its curve on the instrument",
            )
        return temperature_k

    @property
    def setpoint_k(self) -> float:
        """Control the set-point in K (float strictly from 0 to 1000).

        While a ramp is on the way it reads back where the ramp is, and a new set-point is
        verified by the event register and the ramp status.

        Raises
        ------
        CommandRefused
            If the instrument reports an error or reads back something else.
        """
        return float(self._heater.setpoint)

    @setpoint_k.setter
    def setpoint_k(self, value: float) -> None:
        setpoint_k = round(strict_range(value, (0.0, MAX_SETPOINT_K)), 3)
        with self.exchange():
            fault = self._tell_checked(f"SETP {self.output},{setpoint_k:.3f}")
            if fault is None and self.ramping:
                return
            self._confirm_setpoint(setpoint_k, fault)

    @property
    def ramp_k_per_min(self) -> float:
        """Control the ramp rate in K/min (float strictly from 0.1 to 100); 0 means no ramp."""
        is_on, rate_k_per_min = self._ramp()
        return rate_k_per_min if is_on else 0.0

    @ramp_k_per_min.setter
    def ramp_k_per_min(self, value: float) -> None:
        with self.exchange():
            if value == 0:
                rate_k_per_min = max(self._ramp()[1], RAMP_K_PER_MIN[0])
            else:
                rate_k_per_min = strict_range(value, RAMP_K_PER_MIN)
            self._tell_checked(f"RAMP {self.output},{int(value != 0)},{rate_k_per_min:.3f}")
            self.confirm(
                "the ramp rate",
                value,
                self.ramp_k_per_min,
                tolerance=_RAMP_RESOLUTION_K_PER_MIN,
                unit="K/min",
            )

    @property
    def ramping(self) -> bool:
        """Get whether the set-point is on its way."""
        return self.query(f"RAMPST? {self.output}", "([01])", retries=READ_RETRIES)[1] == "1"

    @property
    def heater_percent(self) -> float:
        """Measure the heater output in percent of its range (0 to 100).

        Raises
        ------
        InvalidReading
            If it is outside.
        """
        percent = float(self._heater.output)
        if not 0.0 <= percent <= 100.0:
            raise InvalidReading(
                f"{self.name}: the heater output of {percent:g} % is impossible",
                remedy="check the heater on the instrument",
            )
        return percent

    @property
    def heater_range(self) -> str:
        """Get the heater range: off, low, medium or high."""
        return str(self._heater.range)

    def hold(self) -> None:
        """Stop a ramp and hold the present temperature; the heater range stays.

        Raises
        ------
        InvalidReading
            If the sensor does not tell the temperature; then the present set-point is held.
        CommandRefused
            If that is not confirmed by reading back.
        """
        unknown: InvalidReading | None = None
        with self.exchange():
            try:
                target_k = round(self.temperature_k, 3)
            except InvalidReading as error:
                unknown, target_k = error, self.setpoint_k
            rate_k_per_min = max(self._ramp()[1], RAMP_K_PER_MIN[0])
            # one line, so that the set-point does not jump to the end of the ramp in between
            fault = self._tell_checked(
                f"RAMP {self.output},0,{rate_k_per_min:.3f};SETP {self.output},{target_k:.3f}"
            )
            self.confirm("the ramp rate", 0.0, self.ramp_k_per_min, unit="K/min")
            self._confirm_setpoint(target_k, fault)
        if unknown is not None:
            raise unknown

    def safe(self) -> None:
        """Hold the present temperature; see `hold`."""
        self.hold()

    def _ramp(self) -> tuple[bool, float]:
        with self.exchange():
            match = self.query(
                f"RAMP? {self.output}", r"([01]),([+-]?\d{1,3}\.\d+)", retries=READ_RETRIES
            )
            return match[1] == "1", float(match[2])

    def _confirm_setpoint(self, setpoint_k: float, fault: Exception | None) -> None:
        try:
            self.confirm(
                "the set-point",
                setpoint_k,
                self.setpoint_k,
                tolerance=_SETPOINT_RESOLUTION_K,
                unit="K",
            )
        except CommandRefused as error:
            raise error from fault

    def _tell_checked(self, command: str) -> NoReply | BadReply | None:
        """Send once and raise what the event register says; return the error of a lost reply.

        Such a command is never sent again: the read-back that follows tells what became of it.
        """
        # an error left from before must not be taken for one of this command
        self.query("*ESR?", r"\d{1,3}", retries=READ_RETRIES)
        try:
            match = self.query(f"{command};*ESR?", r"(\d{1,3})")
        except (NoReply, BadReply) as error:
            return error
        errors = [text for bit, text in _EVENTS.items() if int(match[1]) & bit]
        if errors:
            raise CommandRefused(
                f"{self.name}: asked {command!r}, got {', '.join(errors)} (*ESR? = {match[1]})",
                remedy="check that the instrument is under remote control and the value in range",
            )
        return None
