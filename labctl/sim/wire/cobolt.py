"""Play a Cobolt 06-01 or 04-01 laser at its serial port.

Source: instruments.md section 2, card Cobolt (04 series manual and drivers). [unverified]: the
words after `Syntax error:`, the bits of `leds?`, the texts of `glm?` and `gfv?`, and that `l1`
answers `OK` while a fault keeps the emission off.
"""

from collections.abc import Callable

from labctl.sim.ports import LaserPort
from labctl.sim.wire.base import LineEmulator, number

_NO_FAULT, _INTERLOCK_FAULT = 0, 3
_OFF, _CONTINUOUS, _FAULT = 0, 2, 5
_ILLEGAL_COMMAND = "Syntax error: illegal command"
_ILLEGAL_VALUE = "Syntax error: illegal value"


class Cobolt(LineEmulator):
    """Play a Cobolt: every command replies a value, `OK` or `Syntax error: …`, then CRLF.

    An interlock that opens stops the emission and latches fault 3; `cf` clears it once the
    interlock is closed again, and emission stays off until somebody asks for it.

    Parameters
    ----------
    port
        The laser of the simulated table.
    autostart
        Whether the laser is in autostart mode, which refuses `l1` and `l0`.
    """

    def __init__(self, port: LaserPort, *, serial: str = "12345", autostart: bool = False) -> None:
        super().__init__()
        self._port = port
        self._serial = serial
        self._autostart = autostart
        self._fault = _NO_FAULT

    def handle(self, line: str, now_s: float) -> None:
        """Carry out one command."""
        text = line.strip()
        if not text:
            return
        self._watch_interlock()
        answer = self._query(text, now_s)
        if answer is None:
            answer = self._command(text)
        self.reply(answer + "\r\n", now_s)

    def _watch_interlock(self) -> None:
        if not self._port.interlock_closed:
            self._fault = _INTERLOCK_FAULT
            self._port.emission = False

    def _query(self, text: str, now_s: float) -> str | None:
        port = self._port
        answers: dict[str, Callable[[], str]] = {
            "p?": lambda: f"{port.power_setpoint_w:.4f}",
            "pa?": lambda: f"{port.power_w(now_s):.4f}",
            "i?": lambda: f"{self._current_ma(now_s):.1f}",
            "l?": lambda: str(int(port.emission)),
            "@cobas?": lambda: str(int(self._autostart)),
            "ilk?": lambda: str(int(not port.interlock_closed)),
            "f?": lambda: str(self._fault),
            "leds?": lambda: str(1 | port.emission << 1 | (self._fault != _NO_FAULT) << 3),
            "sn?": lambda: self._serial,
            "gsn?": lambda: self._serial,
            "hrs?": lambda: f"{1234.5 + now_s / 3600:.2f}",
            "gom?": lambda: str(self._mode()),
            "gmlp?": lambda: f"{port.max_power_w * 1000:.1f}",
            "glm?": lambda: f"{port.wavelength_nm:04.0f}-06-01-{port.max_power_w * 1000:04.0f}-100",
            "gfv?": lambda: "4.0.2",
        }
        return answers[text]() if text in answers else None

    def _mode(self) -> int:
        if self._fault:
            return _FAULT
        return _CONTINUOUS if self._port.emission else _OFF

    def _current_ma(self, now_s: float) -> float:
        if not self._port.emission:
            return 0.0
        return 200.0 + 600.0 * self._port.power_w(now_s) / self._port.max_power_w

    def _command(self, text: str) -> str:
        word, _, argument = text.partition(" ")
        if word == "p" and argument:
            return self._set_power(argument)
        if word == "@cobas" and argument in ("0", "1"):
            self._autostart = argument == "1"
            return "OK"
        if text in ("l1", "l0"):
            return self._switch(text == "l1", allowed=not self._autostart)
        if text in ("@cob1", "@cob0"):
            return self._switch(text == "@cob1", allowed=True)
        if text == "cf":
            self._fault = _NO_FAULT if self._port.interlock_closed else self._fault
            return "OK"
        return "OK" if text in ("cp", "ci", "em") else _ILLEGAL_COMMAND

    def _set_power(self, argument: str) -> str:
        power_w = number(argument)
        if power_w is None or not 0 <= power_w <= self._port.max_power_w:
            return _ILLEGAL_VALUE
        self._port.power_setpoint_w = power_w
        return "OK"

    def _switch(self, on: bool, *, allowed: bool) -> str:
        if not allowed:
            return _ILLEGAL_COMMAND
        self._port.emission = on and self._fault == _NO_FAULT
        return "OK"
