"""Turn Thorlabs ELL14 rotation mounts."""

import math
import re
from typing import ClassVar

from pymeasure.adapters import Adapter

from drivers.base import READ_RETRIES, PortInstrument
from labctl.core.clock import Clock
from labctl.core.errors import (
    BadReply,
    CommandRefused,
    ConfigError,
    InstrumentError,
    InvalidReading,
    LimitError,
    NoReply,
    WrongIdentity,
)
from labctl.core.link import LinkSettings, Proof
from labctl.core.roles import Identity

TOLERANCE_DEG = 0.25
"""How far the encoder may read from the target after a move [unverified]."""

STATUS_WORDS = {
    0x00: "ok",
    0x01: "communication time-out",
    0x02: "mechanical time-out",
    0x03: "command not supported",
    0x04: "value out of range",
    0x05: "module isolated",
    0x06: "module out of isolation",
    0x07: "initialising error",
    0x08: "thermal error",
    0x09: "busy",
    0x0A: "sensor error",
    0x0B: "motor error",
    0x0C: "out of range",
    0x0D: "over-current error",
}

_OK, _BUSY = 0x00, 0x09
_TYPE, _TRAVEL_DEG = 0x0E, 360
_STATUS = r"GS([0-9A-F]{2})"
_POSITION = r"PO([0-9A-F]{8})"
_INFORMATION = (
    r"IN([0-9A-F]{2})([0-9]{8})([0-9]{4})([0-9A-F]{2})([0-9A-F]{2})([0-9A-F]{4})([0-9A-F]{8})"
)
_MOVE_DEADLINE_S = 10.0
_SETTLE_DEADLINE_S = 5.0
_POLL_S = 0.05


class Ell14(PortInstrument):
    """Turn one ELL14 mount of an Elliptec bus; several share a port by their addresses.

    A command is the address, two lower-case letters and upper-case hexadecimal digits of fixed
    number, without terminator; a reply is the address, two upper-case letters and digits, with
    CR LF. Address and letters of every reply are checked. Positions are encoder pulses as
    32-bit two's complement; how many make a turn is read from the reply to `in`. `ma` answers
    `GS09` (busy) while it moves, possibly not at all, then `PO`. Unsolicited `BO` and `BS`
    lines (buttons) are no answer to anything: the link is put in step and the position read.

    Sources: Thorlabs Elliptec communications protocol as implemented by pylablib, tl_elliptec
    and Micro-Manager. That `in` tells pulses per turn is confirmed by tl_elliptec only; when
    busy is announced is [unverified].

    Parameters
    ----------
    address
        Address of the module on its bus, 0 to 15. The proofs of the link ask address 0, which
        therefore has to exist on each bus.
    """

    link: ClassVar[LinkSettings] = LinkSettings(
        baud_rate=9600, write_terminator=b"", read_terminator=b"\r\n", timeout_s=1.0
    )
    proofs: ClassVar[tuple[Proof, ...]] = (
        Proof(b"0gp", rb"0PO[0-9A-F]{8}\r\n"),
        Proof(b"0in", rb"0IN[0-9A-F]{30}\r\n"),
    )

    def __init__(
        self, connection: Adapter, name: str = "ELL14", *, clock: Clock, address: int = 0
    ) -> None:
        super().__init__(connection, name, clock=clock)
        if not 0 <= address <= 15:
            raise ConfigError(
                f"{name}: address {address} is outside 0 to 15",
                remedy="correct address in the station file",
            )
        self._address = f"{address:X}"
        self._pulses_per_turn = 0

    def read_identity(self) -> Identity:
        """Get model, serial number and firmware, and how many pulses make a turn.

        Raises
        ------
        WrongIdentity
            If the module is no ELL14, or does not turn by 360 degrees.
        """
        found = self._ask("in", _INFORMATION)
        kind, travel_deg, pulses = (int(found[index], 16) for index in (1, 6, 7))
        if kind != _TYPE or travel_deg != _TRAVEL_DEG or pulses == 0:
            raise WrongIdentity(
                f"{self.name}: asked {self._address}in, got {found[0]!r}: an ELL{kind} with a "
                f"travel of {travel_deg} and {pulses} pulses instead of an ELL14 with 360°",
                remedy="correct the address in the station file",
            )
        self._pulses_per_turn = pulses
        return Identity("Thorlabs", f"ELL{kind}", found[2], found[4])

    @property
    def pulses_per_turn(self) -> int:
        """Get how many encoder pulses make a turn, 1 or more; asked once."""
        if not self._pulses_per_turn:
            self.identify()
        return self._pulses_per_turn

    @property
    def angle_deg(self) -> float:
        """Control the angle in degrees, 0 ≤ angle < 360; other angles are wrapped.

        Setting moves, waits until the motor has stopped and compares the encoder with the
        target. A move is sent once; whatever its answer, the encoder decides.

        Raises
        ------
        LimitError
            If the angle to set is not finite.
        CommandRefused
            If the module refuses the move, or stops elsewhere.
        """
        with self.exchange():
            turn = self.pulses_per_turn
            return (self._position() % turn) * 360.0 / turn

    @angle_deg.setter
    def angle_deg(self, value: float) -> None:
        if not math.isfinite(value):
            raise LimitError(f"{self.name}: {value} is no angle", remedy="choose 0 to 360 degrees")
        with self.exchange():
            turn = self.pulses_per_turn
            target = round(value / 360.0 * turn) % turn
            lost = self._move(f"ma{target:08X}")
            self._wait_until_stopped()
            error_deg = self._distance(self._position(), target) * 360.0 / turn
            if abs(error_deg) > TOLERANCE_DEG:
                raise CommandRefused(
                    f"{self.name}: asked for {target * 360.0 / turn:.3f}°, but the encoder reads "
                    f"{error_deg:+.3f}° beside it (tolerance {TOLERANCE_DEG:g}°)",
                    remedy="free the mount, check its supply (5 V, 0.6 A or more) and home it",
                ) from lost

    @property
    def status(self) -> str:
        """Get the status in words, `ok` or `busy` or a fault; reading clears a fault."""
        return self._status_word(self._ask("gs", _STATUS)[1])

    def home(self) -> None:
        """Set the zero of the encoder by homing clockwise; only on an operator's command.

        Raises
        ------
        CommandRefused
            If the module refuses, or does not read 0 after it.
        """
        with self.exchange():
            lost = self._move("ho0")
            self._wait_until_stopped()
            turn = self.pulses_per_turn
            error_deg = self._distance(self._position(), 0) * 360.0 / turn
            if abs(error_deg) > TOLERANCE_DEG:
                raise CommandRefused(
                    f"{self.name}: homed, but the encoder reads {error_deg:+.3f}°",
                    remedy="free the mount and home again",
                ) from lost

    def safe(self) -> None:
        """Set nothing: a wave plate is safe at any angle, laser and shutter block the beam."""

    def _position(self) -> int:
        """Return the encoder position in pulses."""
        text = self._ask("gp", _POSITION)[1]
        pulses = int.from_bytes(bytes.fromhex(text), "big", signed=True)
        if abs(pulses) > self.pulses_per_turn:
            raise InvalidReading(
                f"{self.name}: asked {self._address}gp, got {text!r}: {pulses} pulses are more "
                "than one turn",
                remedy="home the mount",
            )
        return pulses

    def _distance(self, pulses: int, target: int) -> int:
        """Return the shorter way around the circle, in pulses."""
        half = self.pulses_per_turn // 2
        return (pulses - target + half) % self.pulses_per_turn - half

    def _move(self, command: str) -> InstrumentError | None:
        """Send once, wait for the end, return the error of a lost reply for the read-back."""
        self.send(self._address + command)
        end_s = self.clock.monotonic_s() + _MOVE_DEADLINE_S
        try:
            while True:
                left_s = max(end_s - self.clock.monotonic_s(), self.link.timeout_s)
                reply = self.receive(timeout_s=left_s)
                if re.fullmatch(self._address + _POSITION, reply):
                    return None
                status = re.fullmatch(self._address + _STATUS, reply)
                if status is None:
                    raise self.bad_reply(repr(reply), "a position or a status")
                if int(status[1], 16) == _OK:
                    return None
                if int(status[1], 16) != _BUSY:
                    raise self._refused(command, status[1])
                if self.clock.monotonic_s() >= end_s:
                    raise self.bad_reply(
                        repr(reply), f"the end of a move in {_MOVE_DEADLINE_S:g} s"
                    )
        except (NoReply, BadReply) as error:
            return error

    def _wait_until_stopped(self) -> None:
        def stopped() -> bool:
            code = self._ask("gs", _STATUS)[1]
            if int(code, 16) not in (_OK, _BUSY):
                raise self._refused("gs", code)
            return int(code, 16) == _OK

        self.wait_until(stopped, _SETTLE_DEADLINE_S, _POLL_S, "the end of the move (gs)")

    def _ask(self, command: str, pattern: str) -> re.Match[str]:
        """Ask a harmless question; a status instead of the answer raises `CommandRefused`."""
        with self.exchange():
            reply = self.query(
                self._address + command,
                f"{self._address}(?:{pattern}|{_STATUS})",
                retries=READ_RETRIES,
            )[0]
            match = re.fullmatch(pattern, reply[1:])
            if match is None:
                raise self._refused(command, reply[3:])
            return match

    def _status_word(self, code: str) -> str:
        number = int(code, 16)
        if number not in STATUS_WORDS:
            raise self.bad_reply(repr(code), "a status from 00 to 0D")
        return STATUS_WORDS[number]

    def _refused(self, command: str, code: str) -> InstrumentError:
        return CommandRefused(
            f"{self.name}: asked {self._address + command!r}, got status {code}: "
            f"{self._status_word(code)}",
            remedy="free the mount, check its supply and the address, then ask again",
        )
