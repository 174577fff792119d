"""Drive Thorlabs SC10 shutter controllers."""

import re
from typing import ClassVar

from pymeasure.adapters import Adapter

from drivers.base import READ_RETRIES, PortInstrument
from labctl.core.clock import Clock
from labctl.core.closing import ClosingScript, Step
from labctl.core.errors import (
    BadReply,
    CommandRefused,
    InstrumentError,
    NoReply,
    SafetyError,
)
from labctl.core.link import LinkSettings, Proof
from labctl.core.roles import Identity

_MANUAL_MODE = "1"
_BLADE_DEADLINE_S = 1.0
_POLL_S = 0.02
_CLOSING_ATTEMPTS = 3


def _whole_reply(command: bytes, answer: bytes) -> bytes:
    """Return the form of a whole reply: echo, answer, prompt."""
    return re.escape(command) + rb"\r\n?" + answer + rb"> "


_IS_ENABLED = _whole_reply(b"ens?", rb"1\r\n?")
_IS_DISABLED = _whole_reply(b"ens?", rb"0\r\n?")
_IS_CLOSED = _whole_reply(b"closed?", rb"1\r\n?")
_BLADE_POLLS = 10


class Sc10(PortInstrument):
    r"""Open and close a shutter with an SC10.

    The controller echoes a command, answers on a line of its own and ends with the prompt `> `,
    so every reply names its question. `ens` toggles: it is sent only if `ens?` says that the
    shutter is not as wanted, never twice in a row without asking, and the blade is read by
    `closed?`.

    Sources: SC10 manual 8654-D02, table "Keywords"; Micro-Manager `ThorlabsSC10`, InstrumentKit.
    [unverified]: the texts of `id?` and of errors.

    Parameters
    ----------
    name
        How messages call the shutter.
    """

    link: ClassVar[LinkSettings] = LinkSettings(
        baud_rate=9600, write_terminator=b"\r", read_terminator=b"> ", timeout_s=1.0
    )
    proofs: ClassVar[tuple[Proof, ...]] = (
        Proof(b"id?\r", rb"id\?\r\n?[ -~]*SC10[ -~]*\r\n?> "),
        Proof(b"mode?\r", rb"mode\?\r\n?[1-5]\r\n?> "),
    )

    closing: ClassVar[ClosingScript] = ClosingScript(
        kind="shutter",
        steps=(
            Step(b"ens?\r", _whole_reply(b"ens?", rb"[01]\r\n?")),
            # it toggles: sent only after an answer that says that it opens
            Step(b"ens\r", _whole_reply(b"ens", rb""), only_if=_IS_ENABLED),
            Step(b"ens?\r", _IS_DISABLED),
            Step(b"closed?\r", _IS_CLOSED, repeats=_BLADE_POLLS),
            Step(b"ens?\r", _IS_DISABLED),
            Step(b"closed?\r", _IS_CLOSED),
        ),
        safe=_IS_CLOSED,
        unsafe=_whole_reply(b"closed?", rb"0\r\n?"),
        harmless=rb"[a-z*]+\?",
    )

    def __init__(self, connection: Adapter, name: str = "Thorlabs SC10", *, clock: Clock) -> None:
        super().__init__(connection, name, clock=clock)

    def read_identity(self) -> Identity:
        """Get model and firmware; the controller does not tell a serial number."""
        text = self._ask("id?", r"[ -~]*SC10[ -~]*")
        _, _, firmware = text.rpartition("VERSION")
        return Identity("Thorlabs", "SC10", firmware=firmware.strip())

    @property
    def is_open(self) -> bool:
        """Control whether the shutter is open; reads the blade, not the command.

        Setting waits until the blade is there.

        Raises
        ------
        InstrumentError
            If it is not confirmed to have opened; then it has been closed again.
        SafetyError
            If it is not confirmed to have closed, or the interlock is open.
        """
        return self._ask("closed?", "[01]") == "0"

    @is_open.setter
    def is_open(self, value: bool) -> None:
        if value:
            self._open()
        else:
            self.safe()

    @property
    def interlock_tripped(self) -> bool:
        """Get whether the interlock forbids to open."""
        return self._ask("interlock?", "[01]") == "1"

    def safe(self) -> None:
        """Close the shutter and confirm it by the blade.

        Raises
        ------
        SafetyError
            If the blade is not confirmed to be closed.
        """
        failure = InstrumentError(f"{self.name}: not tried")
        for _ in range(_CLOSING_ATTEMPTS):
            try:
                self._switch(False)
                return
            except InstrumentError as error:
                failure = error
        raise SafetyError(
            f"{self.name}: the shutter is not confirmed to be closed: {failure.message}",
            remedy="block the beam by hand or switch the laser off, then look at the shutter",
        ) from failure

    def _open(self) -> None:
        with self.exchange():
            if self.interlock_tripped:
                raise SafetyError(
                    f"{self.name}: the interlock is open, so the shutter stays closed",
                    remedy="close the interlock circuit of the shutter controller",
                )
            self._use_manual_mode()
            try:
                self._switch(True)
            except InstrumentError:
                # nobody knows where the blade is now, and nobody will expect the beam
                self.safe()
                raise

    def _use_manual_mode(self) -> None:
        if self._ask("mode?", "[1-5]") != _MANUAL_MODE:
            self._tell_echoed(f"mode={_MANUAL_MODE}")
            mode = self._ask("mode?", "[1-5]")
            if mode != _MANUAL_MODE:
                raise CommandRefused(
                    f"{self.name}: asked for mode 1 (manual), reads back mode {mode}",
                    remedy="set the mode on the front panel",
                )

    def _switch(self, enable: bool) -> None:
        with self.exchange():
            if (self._ask("ens?", "[01]") == "1") is not enable:
                self._tell_echoed("ens")
            enabled = self._ask("ens?", "[01]") == "1"
            if enabled is not enable:
                raise CommandRefused(
                    f"{self.name}: asked 'ens', but ens? reads back {int(enabled)}",
                    remedy="check mode and interlock of the shutter controller",
                )
            self.wait_until(
                lambda: self.is_open is enable,
                _BLADE_DEADLINE_S,
                _POLL_S,
                "opening of the blade" if enable else "closing of the blade",
            )

    def _ask(self, command: str, value: str) -> str:
        pattern = rf"{re.escape(command)}\r\n?({value})\r\n?"
        return self.query(command, pattern, retries=READ_RETRIES)[1]

    def _tell_echoed(self, command: str) -> None:
        """Send once; a lost reply is no error here, because the caller reads back."""
        try:
            match = self.query(command, rf"{re.escape(command)}\r\n?(?:(Command error \w+)\r\n?)?")
        except (NoReply, BadReply):
            return
        if match[1]:
            raise CommandRefused(
                f"{self.name}: asked {command!r}, got {match[1]!r}",
                remedy="check the firmware of the shutter controller",
            )
