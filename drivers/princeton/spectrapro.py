"""Drive SpectraPro monochromators of Princeton Instruments and Acton."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from pymeasure.adapters import Adapter

from drivers.base import READ_RETRIES, PortInstrument
from drivers.strict import strict_discrete_set, strict_range
from labctl.core.clock import Clock
from labctl.core.errors import BadReply, CommandRefused, NoReply
from labctl.core.link import LinkSettings, Proof
from labctl.core.roles import Grating, Identity

WAVELENGTH_NM = (0.0, 10000.0)
"""What the command takes; the grating decides what the instrument reaches."""

_WAVELENGTH_TOLERANCE_NM = 0.02
_MOVE_TIMEOUT_S = 30.0
_ENDS = (b" ok\r\n", b"? \r\n")
_GRATING = re.compile(
    r"[\x1a\xaf ]?\s*(\d{1,2})\s+(?:(\d{1,4}) g/mm BLZ=\s*(\S+)|Not Installed)\s*"
)
_NM = r"\s+(\d{1,5}\.\d{1,4})\s*(?:nm)?\s* ok"


class SpectraPro(PortInstrument):
    """Turn the grating of a SpectraPro to a wavelength.

    Parameters precede the command word; the reply ends with ` ok` and comes when the action is
    complete. Over RS-232 the command is echoed in front of it (by default), over USB it is not:
    both are accepted, and an echo must be that of the command. A wavelength out of range is
    clamped without a word and a grating that is not installed is answered with ok, so each set
    is read back. A move is sent once: after a fault the position is read back.

    Sources: manual pages of IsoPlane and SP-750, odemis `spectrapro`, ScopeFoundry
    `HW_acton_spec`, yaqd-acton. [unverified]: decimals of `?NM`, echo of error lines.

    Parameters
    ----------
    lower_case
        Send command words in lower case, which some firmware demands.
    """

    link: ClassVar[LinkSettings] = LinkSettings(
        baud_rate=9600, write_terminator=b"\r", read_terminator=b"\r\n", timeout_s=3.0
    )
    proofs: ClassVar[tuple[Proof, ...]] = (
        Proof(b"MODEL\r", rb"(?:MODEL)?\s+[A-Za-z][\w .-]* ok\r\n"),
        Proof(b"?NM\r", rb"(?:\?NM)?" + _NM.encode() + rb"\r\n"),
    )
    encoding: ClassVar[str] = "latin-1"

    def __init__(
        self,
        connection: Adapter,
        name: str = "SpectraPro",
        *,
        clock: Clock,
        lower_case: bool = False,
    ) -> None:
        super().__init__(connection, name, clock=clock)
        self._lower_case = lower_case
        self._gratings: Mapping[int, Grating] | None = None

    def read_identity(self) -> Identity:
        """Get model and serial number."""
        with self.exchange():
            model = self._ask("MODEL", r"\s+([A-Za-z][\w .-]*?)\s+ok")[1]
            serial = self._ask("SERIAL", r"\s+(\w+)\s+ok")[1]
        return Identity("Princeton Instruments", model, serial)

    @property
    def wavelength_nm(self) -> float:
        """Control the wavelength at the centre in nm (float strictly from 0 to 10000).

        Setting waits until the grating is there.

        Raises
        ------
        CommandRefused
            If it reads back more than 0.02 nm beside, as the instrument clamps in silence.
        """
        with self.exchange():
            return self.number(self._ask("?NM", _NM)[1])

    @wavelength_nm.setter
    def wavelength_nm(self, value: float) -> None:
        wavelength_nm = strict_range(value, WAVELENGTH_NM)
        with self.exchange():
            fault = self._act(f"{wavelength_nm:.3f} GOTO")
            try:
                self.confirm(
                    "the wavelength",
                    wavelength_nm,
                    self.wavelength_nm,
                    tolerance=_WAVELENGTH_TOLERANCE_NM,
                    unit="nm",
                )
            except CommandRefused as error:
                raise error from fault

    @property
    def grating(self) -> int:
        """Control the number of the grating (one of `gratings`).

        Setting waits until the turret is there and may shift the wavelength.

        Raises
        ------
        CommandRefused
            If another grating reads back.
        """
        return int(self._ask("?GRATING", r"\s+(\d{1,2})\s+ok")[1])

    @grating.setter
    def grating(self, value: int) -> None:
        number = strict_discrete_set(value, tuple(self.gratings))
        with self.exchange():
            fault = self._act(f"{number} GRATING")
            try:
                self.confirm("the grating", number, self.grating)
            except CommandRefused as error:
                raise error from fault

    @property
    def gratings(self) -> Mapping[int, Grating]:
        """Get the installed gratings by number; asked once."""
        if self._gratings is None:
            self._gratings = MappingProxyType(self._list_gratings())
        return self._gratings

    def safe(self) -> None:
        """Do nothing: a grating can stay where it is."""

    def _list_gratings(self) -> dict[int, Grating]:
        with self.exchange():
            match = self._ask("?GRATINGS", r"\s*\r\n(.+)\r\n\s*ok")
            found: dict[int, Grating] = {}
            for expected, line in enumerate(match[1].split("\r\n"), start=1):
                entry = _GRATING.fullmatch(line)
                if entry is None or int(entry[1]) != expected:
                    raise self.bad_reply(repr(line), f"the entry of grating {expected}")
                if entry[2]:
                    found[expected] = Grating(expected, float(entry[2]), entry[3])
            return found

    def _ask(self, command: str, pattern: str) -> re.Match[str]:
        sent = self._spelled(command)
        return self.query(sent, _echoed(sent) + pattern, retries=READ_RETRIES, until=_ENDS)

    def _act(self, command: str) -> NoReply | BadReply | None:
        """Send a move once and wait for its end; return the error of a lost reply."""
        sent = self._spelled(command)
        try:
            match = self.query(
                sent,
                rf"{_echoed(sent)}\s+ok|({re.escape(sent)})? \? ",
                timeout_s=_MOVE_TIMEOUT_S,
                until=_ENDS,
            )
        except (NoReply, BadReply) as error:
            return error
        if not match[0].endswith("ok"):
            raise CommandRefused(
                f"{self.name}: asked {sent!r}, got {match[0]!r}",
                remedy="check the firmware: some knows lower case only (lower_case = true)",
            )
        return None

    def _spelled(self, command: str) -> str:
        return command.lower() if self._lower_case else command


def _echoed(sent: str) -> str:
    return f"(?:{re.escape(sent)})?"
