"""Play a Lake Shore 336 temperature controller at its serial or Ethernet port.

Source: instruments.md section 2, card Lake Shore 335/336; Model 335 manual chapter 6 for RAMP.
[unverified]: the width of `*ESR?` and `RAMP?` replies, and that `SETP?` follows a ramp.
"""

from collections.abc import Callable

from labctl.sim.ports import CryostatPort
from labctl.sim.wire.base import LineEmulator, number, whole

_EXECUTION_ERROR, _COMMAND_ERROR, _POWER_ON = 16, 32, 128
_INPUTS = ("A", "B", "C", "D")
_NO_SENSOR = 1
_RAMPING_K = 1e-3


class _Refused(Exception):
    """A command whose arguments the controller does not accept."""


class Lakeshore336(LineEmulator):
    """Play a 336: set commands reply nothing, and errors only show in `*ESR?`.

    Input A carries the control sensor, output 1 its heater. Bytes are masked to seven bits, as
    on its 7O1 line.

    Attributes
    ----------
    sensor_status
        What `RDGST? A` answers; a fault (not 0) replaces the reading by zero.
    """

    terminator = b"\n"
    ignored = b"\r"

    def __init__(self, port: CryostatPort) -> None:
        super().__init__()
        self._port = port
        self._events = _POWER_ON
        self._pid = (50.0, 20.0, 0.0)
        self._manual_percent = 0.0
        self._mode = (1, 1, 0)
        self.sensor_status = 0

    def feed(self, data: bytes, now_s: float) -> None:
        """Accept bytes of seven bits and carry out every command that is complete."""
        super().feed(bytes(byte & 0x7F for byte in data), now_s)

    def handle(self, line: str, now_s: float) -> None:
        """Carry out a line of commands chained with `;`; the answers share one line."""
        answers = [self._execute(part.strip(), now_s) for part in line.split(";") if part.strip()]
        answers = [answer for answer in answers if answer]
        if answers:
            self.reply(";".join(answers) + "\r\n", now_s)

    def _execute(self, text: str, now_s: float) -> str:
        word, _, rest = text.partition(" ")
        arguments = [item.strip() for item in rest.split(",")] if rest.strip() else []
        word = word.upper()
        try:
            if word.startswith("*"):
                return self._common(word)
            if word in ("KRDG?", "CRDG?", "SRDG?", "RDGST?"):
                return self._read_input(word, arguments, now_s)
            if word.endswith("?"):
                return self._read_output(word, arguments, now_s)
            self._set(word, arguments, now_s)
        except _Refused:
            self._events |= _EXECUTION_ERROR
        except KeyError:
            self._events |= _COMMAND_ERROR
        return ""

    def _common(self, word: str) -> str:
        if word == "*ESR?":
            events, self._events = self._events, 0
            return f"{events:03d}"
        if word == "*CLS":
            self._events = 0
            return ""
        return {"*IDN?": "LSCI,MODEL336,LSA12AB/#######,2.9", "*OPC?": "1", "*STB?": "000"}[word]

    def _read_input(self, word: str, arguments: list[str], now_s: float) -> str:
        name = arguments[0].upper() if arguments else "A"
        if name not in _INPUTS:
            raise _Refused
        status = self.sensor_status if name == "A" else _NO_SENSOR
        if word == "RDGST?":
            return f"{status:03d}"
        kelvin = 0.0 if status else self._port.sensor_k(now_s)
        shown = kelvin - 273.15 if word == "CRDG?" and not status else kelvin
        return f"{shown:+08.3f}"

    def _read_output(self, word: str, arguments: list[str], now_s: float) -> str:
        port = self._port
        ramping = abs(port.working_setpoint_k(now_s) - port.setpoint_k) > _RAMPING_K
        answers: dict[str, Callable[[], str]] = {
            "SETP?": lambda: f"{port.working_setpoint_k(now_s):+08.3f}",
            "RANGE?": lambda: str(port.heater_range),
            "HTR?": lambda: f"{port.heater_percent(now_s):+06.1f}",
            "HTRST?": lambda: "0",
            "RAMP?": lambda: f"{int(port.ramp_on)},{port.ramp_k_per_min:+08.3f}",
            "RAMPST?": lambda: str(int(port.ramp_on and ramping)),
            "PID?": lambda: ",".join(f"{value:+07.1f}" for value in self._pid),
            "OUTMODE?": lambda: ",".join(str(value) for value in self._mode),
            "MOUT?": lambda: f"{self._manual_percent:+07.2f}",
        }
        answer = answers[word]
        if arguments[:1] not in (["1"], []):
            raise _Refused
        return answer()

    def _set(self, word: str, arguments: list[str], now_s: float) -> None:
        count = {"SETP": 2, "RANGE": 2, "RAMP": 3, "PID": 4, "MOUT": 2, "OUTMODE": 4}[word]
        if len(arguments) != count or arguments[0] != "1":
            raise _Refused
        values = [_checked(text) for text in arguments[1:]]
        if word == "SETP":
            self._port.set_setpoint(_within(values[0], 0.0, 1000.0), now_s)
        elif word == "RANGE":
            self._port.heater_range = _choice(arguments[1], 4)
        elif word == "RAMP":
            rate_k_per_min = _within(values[1], 0.0, 100.0)
            self._port.ramp_on = bool(_choice(arguments[1], 2))
            self._port.ramp_k_per_min = rate_k_per_min
        elif word == "PID":
            self._pid = (values[0], values[1], values[2])
        elif word == "MOUT":
            self._manual_percent = _within(values[0], 0.0, 100.0)
        else:
            self._mode = (_choice(arguments[1], 6), _choice(arguments[2], 9), int(values[2]))


def _checked(text: str) -> float:
    value = number(text)
    if value is None:
        raise _Refused
    return value


def _within(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise _Refused
    return value


def _choice(text: str, count: int) -> int:
    value = whole(text)
    if value is None or value not in range(count):
        raise _Refused
    return value
