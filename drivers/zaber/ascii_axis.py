"""Move axes of Zaber devices with the ASCII protocol."""

import math
import re
from dataclasses import dataclass
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
)
from labctl.core.link import LinkSettings, Proof
from labctl.core.roles import Identity

_REJECTIONS = {
    "BADDATA": "the value is out of range",
    "BADCOMMAND": "the command is unknown",
    "BADAXIS": "the axis does not exist",
    "BADMESSAGEID": "the message id is wrong",
    "DRIVERDISABLED": "the motor driver is disabled",
    "PARKED": "the axis is parked",
    "STATUSBUSY": "the axis is busy",
}
_WARNINGS = {
    "FB": "position beyond its limits",
    "FD": "motor driver disabled",
    "FE": "limit error",
    "FF": "critical system error",
    "FN": "encoder error",
    "FQ": "encoder error",
    "FS": "stalled and stopped",
    "FT": "excessive twist",
    "WH": "not homed",
    "WR": "no reference position",
}
_UNREFERENCED = {"WH", "WR"}
_IDS = 90
"""Driver ids are 0 to 89; 90 and 91 belong to the proofs."""
_MOVE_DEADLINE_S = 60.0
_HOME_DEADLINE_S = 120.0
_STOP_DEADLINE_S = 5.0
_POLL_S = 0.05
_TOLERANCE_UM = 0.5


@dataclass(frozen=True, slots=True)
class _Reply:
    accepted: bool
    busy: bool
    warning: str
    data: str


class ZaberAxis(PortInstrument):
    """Move one axis of one device of a Zaber chain; several share a port by device and axis.

    Every command carries a message id and the reply must carry the same device, axis and id.
    Commands that move carry a checksum as well, because a corrupted target would be reached;
    the checksum of a reply is checked where there is one. Alerts (`!`) and info lines (`#`) are
    no answer to anything: the link is put in step and the position read.

    Sources: Zaber ASCII protocol manual [from memory: alerts, info lines, warning flags];
    framing, id, checksum, RJ and BUSY were seen with the vendor's client zaber-motion 10.3.

    Parameters
    ----------
    device, axis
        Numbers of the device in its chain, 1 to 99, and of the axis on the device, 1 to 9. The
        proofs of the link ask device 1, where the numbering of a chain begins.
    microstep_um
        Travel of one microstep in µm, greater than 0, from the data sheet of the stage.
    """

    link: ClassVar[LinkSettings] = LinkSettings(
        baud_rate=115200, write_terminator=b"\n", read_terminator=b"\r\n", timeout_s=1.0
    )
    proofs: ClassVar[tuple[Proof, ...]] = (
        Proof(b"/1 0 90 get deviceid\n", rb"@01 0 90 OK (?:IDLE|BUSY) (?:--|[A-Z]{2}) \d+\r\n"),
        Proof(b"/1 0 91 get version\n", rb"@01 0 91 OK (?:IDLE|BUSY) (?:--|[A-Z]{2}) \d+\.\d+\r\n"),
    )

    def __init__(
        self,
        connection: Adapter,
        name: str = "Zaber axis",
        *,
        clock: Clock,
        device: int = 1,
        axis: int = 1,
        microstep_um: float,
    ) -> None:
        super().__init__(connection, name, clock=clock)
        if not (1 <= device <= 99 and 1 <= axis <= 9 and 0 < microstep_um < math.inf):
            raise ConfigError(
                f"{name}: device {device}, axis {axis}, microstep_um {microstep_um} is not "
                "possible (1 to 99, 1 to 9, more than 0)",
                remedy="correct the options in the station file",
            )
        self._device = device
        self._axis = axis
        self._microstep_um = microstep_um
        self._last_id = -1

    def read_identity(self) -> Identity:
        """Get device number of the maker, serial number and firmware."""
        with self.exchange():
            model, serial, firmware = (
                self._get(setting, form, axis=0)
                for setting, form in (
                    ("deviceid", r"\d+"), ("system.serial", r"\d+"), ("version", r"\d+\.\d+"),
                )
            )  # fmt: skip
        return Identity("Zaber", f"device {model}", serial, firmware)

    @property
    def position_um(self) -> float:
        """Control the position in µm, in the range of the stage; resolution one microstep.

        Setting moves, waits until the axis is idle and reads back. A move is sent once;
        whatever its answer, the read-back decides.

        Raises
        ------
        InvalidReading
            If the axis is not homed or reports a fault.
        CommandRefused
            If the axis is not homed, rejects the move (out of range) or stops elsewhere.
        """
        return self._steps() * self._microstep_um

    @position_um.setter
    def position_um(self, value: float) -> None:
        if not math.isfinite(value):
            raise LimitError(f"{self.name}: {value} is no position", remedy="choose a number")
        steps = round(value / self._microstep_um)
        try:
            self._steps()
        except InvalidReading as error:
            raise CommandRefused(
                f"{self.name}: asked to move to {value:g} µm, refused: {error.message}",
                remedy=error.remedy,
            ) from error
        lost = self._act(f"move abs {steps}")
        self._wait_until_idle(_MOVE_DEADLINE_S)
        tolerance_um = max(_TOLERANCE_UM, 2.0 * self._microstep_um)
        try:
            self.confirm("position", value, self.position_um, tolerance=tolerance_um, unit="µm")
        except CommandRefused as error:
            raise error from lost

    def home(self) -> None:
        """Set the reference by moving to the home sensor; only on an operator's command.

        Raises
        ------
        InstrumentError
            If the axis has no reference after it.
        """
        lost = self._act("home")
        self._wait_until_idle(_HOME_DEADLINE_S)
        try:
            self._steps()
        except InvalidReading as error:
            raise error from lost

    def stop(self) -> None:
        """Stop at once and wait until the axis is idle.

        Raises
        ------
        InstrumentError
            If that is not confirmed within 5 s.
        """
        # stopping twice does no harm, so that a lost reply may be answered by asking again
        self._accepted("stop", self._request("stop", "0", retries=READ_RETRIES))
        self.wait_until(lambda: not self._poll().busy, _STOP_DEADLINE_S, _POLL_S, "stopping")

    def safe(self) -> None:
        """Stop and confirm it; raises as `stop`."""
        self.stop()

    def _steps(self) -> int:
        reply = self._request("get pos", r"-?\d{1,10}", retries=READ_RETRIES)
        self._accepted("get pos", reply)
        if reply.warning in _UNREFERENCED or reply.warning.startswith("F"):
            raise InvalidReading(
                f"{self.name}: asked 'get pos', got {reply.data!r} with the warning "
                f"{reply.warning}: {_WARNINGS.get(reply.warning, 'fault')}",
                remedy="look at the stage, then home the axis (an operator's command)",
            )
        return int(reply.data)

    def _get(self, setting: str, form: str, *, axis: int) -> str:
        command = f"get {setting}"
        reply = self._request(command, form, axis=axis, retries=READ_RETRIES)
        return self._accepted(command, reply).data

    def _poll(self) -> _Reply:
        return self._request("", "0", retries=READ_RETRIES)

    def _wait_until_idle(self, deadline_s: float) -> None:
        def idle() -> bool:
            reply = self._poll()
            if reply.warning.startswith("F"):
                raise InstrumentError(
                    f"{self.name}: the move ended with the warning {reply.warning}: "
                    f"{_WARNINGS.get(reply.warning, 'fault')}",
                    remedy="free the stage, then home the axis (an operator's command)",
                )
            return not reply.busy

        try:
            self.wait_until(idle, deadline_s, _POLL_S, "the end of the move")
        except InstrumentError as error:
            try:
                self.stop()
            except InstrumentError as unstopped:
                raise InstrumentError(
                    f"{error.message}; nor could it be stopped: {unstopped.message}",
                    remedy="switch the stage off if it still moves",
                ) from error
            raise

    def _act(self, command: str) -> InstrumentError | None:
        """Send a move once and return the error of a lost reply for the read-back."""
        try:
            self._accepted(command, self._request(command, "0", checksum=True))
        except (NoReply, BadReply) as error:
            return error
        return None

    def _accepted(self, command: str, reply: _Reply) -> _Reply:
        if not reply.accepted:
            raise CommandRefused(
                f"{self.name}: asked {command!r}, got RJ {reply.data}: "
                f"{_REJECTIONS.get(reply.data, 'rejected')}",
                remedy="check the range, the numbers of device and axis and the firmware",
            )
        return reply

    def _request(
        self,
        command: str,
        form: str,
        *,
        axis: int | None = None,
        checksum: bool = False,
        retries: int = 0,
    ) -> _Reply:
        """Send a command with a fresh id; an accepted reply carries data of the given form."""
        number = self._axis if axis is None else axis
        with self.exchange():
            self._last_id = (self._last_id + 1) % _IDS
            text = f"{self._device} {number} {self._last_id:02d} {command}".rstrip()
            tail = f":{_checksum(text)}" if checksum else ""
            head = f"@{self._device:02d} {number} {self._last_id:02d}"
            found = self.query(
                f"/{text}{tail}",
                rf"{head} (?:OK (?P<status>IDLE|BUSY) (?P<warning>--|[A-Z]{{2}}) (?P<data>{form})"
                r"|RJ (?:IDLE|BUSY) (?:--|[A-Z]{2}) (?P<reason>[A-Z]+))(?::(?P<sum>[0-9A-F]{2}))?",
                retries=retries,
            )
            self._check_sum(found)
        if found["reason"]:
            return _Reply(False, False, "", found["reason"])
        return _Reply(True, found["status"] == "BUSY", found["warning"], found["data"])

    def _check_sum(self, found: re.Match[str]) -> None:
        if found["sum"] and _checksum(found[0][1:-3]) != found["sum"]:
            raise self.bad_reply(repr(found[0]), "a reply whose checksum is right")


def _checksum(text: str) -> str:
    """Return the two's complement of the sum of the characters, two hexadecimal digits."""
    return f"{-sum(text.encode('ascii')) & 0xFF:02X}"
