"""Play a Thorlabs SC10 shutter controller at its serial port.

Source: SC10 manual 8654-D02, table "Keywords"; instruments.md section 2, card SC10, for echo and
prompt. [unverified]: the texts of `id?` and of errors, and that `*idn?` answers too.
"""

from labctl.sim.ports import ShutterPort
from labctl.sim.wire.base import LineEmulator, whole

_ALLOWED = {
    "mode": range(1, 6),
    "rep": range(1, 100),
    "trig": range(2),
    "xto": range(2),
    "open": range(1_000_000),
    "shut": range(1_000_000),
    "baud": range(2),
}


class Sc10(LineEmulator):
    """Play an SC10: it echoes, answers, and ends with the prompt `> `; `ens` toggles."""

    def __init__(self, port: ShutterPort) -> None:
        super().__init__()
        self._port = port
        self._enabled = False
        self.interlock_tripped = False
        self._settings = {name: allowed.start for name, allowed in _ALLOWED.items()}

    def handle(self, line: str, now_s: float) -> None:
        """Carry out one command."""
        text = line.strip()
        answer = self._query(text, now_s)
        if answer is None:
            answer = self._command(text, now_s)
        value = f"{answer}\r" if answer else ""
        self.reply(f"{line}\r{value}> ", now_s)

    def _query(self, text: str, now_s: float) -> str | None:
        if text in ("id?", "*idn?"):
            return "THORLABS SC10 VERSION 1.07"
        if text == "ens?":
            return str(int(self._enabled))
        if text == "closed?":
            return str(int(not self._port.is_open(now_s)))
        if text == "interlock?":
            return str(int(self.interlock_tripped))
        name = text.removesuffix("?")
        return str(self._settings[name]) if text == f"{name}?" and name in self._settings else None

    def _command(self, text: str, now_s: float) -> str:
        if text == "ens":
            self._enabled = not self._enabled and not self.interlock_tripped
            if not self.stuck:
                self._port.command(self._enabled, now_s)
            return ""
        name, assigned, argument = text.partition("=")
        if assigned and name in _ALLOWED:
            value = whole(argument)
            if value is None or value not in _ALLOWED[name]:
                return "Command error CMD_ARG_INVALID"
            self._settings[name] = value
            return ""
        return "" if text in ("", "save", "savp", "resp") else "Command error CMD_NOT_DEFINED"
