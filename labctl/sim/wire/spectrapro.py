"""Play a Princeton Instruments/Acton SpectraPro spectrograph at its RS-232 port.

Source: instruments.md section 2, card SpectraPro (IsoPlane and SP-750 manual pages). [unverified]:
three decimals in `?NM`, the echo in front of an error line, commands during a blocking move.
"""

import math
import re
from collections.abc import Callable

from labctl.sim.ports import SpectrographPort
from labctl.sim.wire.base import LineEmulator, number

_BLAZE = {1800: "500NM", 1200: "500NM", 300: "750NM"}
_MOTION = re.compile(r"(\S+) (GOTO|>NM|GRATING|TURRET|NM/MIN)")
_POSITIONS = 9


class SpectraPro(LineEmulator):
    """Play a SpectraPro: ` ok` and CRLF come only when an action is complete.

    Commands that arrive during a blocking move are lost.

    Parameters
    ----------
    port
        The spectrograph of the simulated table.
    echo
        Whether commands are echoed at power-on: yes on RS-232, no on USB.
    """

    def __init__(
        self,
        port: SpectrographPort,
        *,
        echo: bool = True,
        model: str = "SP-2-500i",
        serial: str = "25580117",
    ) -> None:
        super().__init__()
        self._port = port
        self._echo = echo
        self._model = model
        self._serial = serial
        self._turret = 1
        self._speed_nm_per_min = 100.0
        self._blocked_until_s = 0.0
        self._moving_until_s = 0.0

    def handle(self, line: str, now_s: float) -> None:
        """Carry out one command."""
        if self._is_lost(now_s):
            return
        text = line.strip()
        if self._echo:
            self.reply(text, now_s)
        answer = self._switch(text) or self._query(text, now_s)
        if answer is not None:
            self.reply(answer, now_s)
            return
        duration_s = self._move(text, now_s)
        if duration_s is None:
            self.reply(f"{text} ? \r\n", now_s)
        elif math.isfinite(duration_s):
            self.reply(" ok\r\n", now_s, duration_s)

    def _is_lost(self, now_s: float) -> bool:
        if math.isinf(self._blocked_until_s) and not self.stuck:
            self._blocked_until_s = now_s
        return now_s < self._blocked_until_s

    def _switch(self, text: str) -> str | None:
        if text in ("ECHO", "NO-ECHO"):
            self._echo = text == "ECHO"
        elif text == "MONO-STOP":
            self._moving_until_s = 0.0
        elif text not in ("", "MONO-RESET"):
            return None
        return " ok\r\n"

    def _query(self, text: str, now_s: float) -> str | None:
        if text == "?NM":
            return f" {self._port.wavelength_nm(now_s):.3f} nm  ok\r\n"
        if text == "MONO-?DONE":
            done = not self.stuck and now_s >= self._moving_until_s
            return f" {int(done)}  ok\r\n"
        if text == "?GRATINGS":
            return self._list_gratings(now_s)
        plain: dict[str, Callable[[], object]] = {
            "?GRATING": lambda: self._port.grating(now_s),
            "?TURRET": lambda: self._turret,
            "?NM/MIN": lambda: f"{self._speed_nm_per_min:.3f} nm/min",
            "MODEL": lambda: self._model,
            "SERIAL": lambda: self._serial,
        }
        return f" {plain[text]()}  ok\r\n" if text in plain else None

    def _list_gratings(self, now_s: float) -> str:
        selected = self._port.grating(now_s)
        lines = []
        for index in range(1, _POSITIONS + 1):
            mark = "\x1a" if index == selected else " "
            grooves = self._port.gratings.get(index)
            if grooves is None:
                lines.append(f"{mark}{index}  Not Installed     ")
            else:
                blaze = _BLAZE.get(round(grooves), "500NM")
                lines.append(f"{mark}{index}  {grooves:.0f} g/mm BLZ=  {blaze} ")
        return "\r\n" + "\r\n".join(lines) + "\r\n ok\r\n"

    def _move(self, text: str, now_s: float) -> float | None:
        """Return how long the action blocks in s, or None if the command is unknown."""
        match = _MOTION.fullmatch(text)
        value = number(match[1]) if match else None
        if match is None or value is None:
            return None
        if match[2] == "NM/MIN":
            self._speed_nm_per_min = value
            return 0.0
        if match[2] == "TURRET":
            self._turret = int(value) if value in (1, 2, 3) else self._turret
            return 0.0
        if not self.stuck:
            return self._start(match[2], value, now_s)
        if match[2] == ">NM":
            return 0.0
        self._blocked_until_s = math.inf
        return math.inf

    def _start(self, word: str, value: float, now_s: float) -> float:
        if word == "GRATING":
            known = value in self._port.gratings
            duration_s = self._port.select(int(value), now_s) if known else 0.0
        else:
            duration_s = self._port.move_to(value, now_s)
        if word == ">NM":
            self._moving_until_s = now_s + duration_s
            return 0.0
        self._blocked_until_s = now_s + duration_s
        return duration_s
