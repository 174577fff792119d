"""Drive Cobolt 06-01 lasers."""

from typing import ClassVar

from pymeasure.adapters import Adapter

from drivers.base import READ_RETRIES, PortInstrument
from labctl.core.clock import Clock
from labctl.core.closing import ClosingScript, InterlockQuestion, Step
from labctl.core.errors import (
    BadReply,
    CommandRefused,
    InstrumentError,
    InvalidReading,
    NoReply,
    SafetyError,
    WrongIdentity,
)
from labctl.core.limits import Limits
from labctl.core.link import LinkSettings, Proof
from labctl.core.roles import Identity

MAX_POWER_W = 1.0
"""No head of the family emits more [unverified]; the power limit of a table is its station's."""

_FAULTS = {
    "0": "",
    "1": "temperature error",
    "3": "interlock error",
    "4": "constant power time-out",
}
_MODES = {
    "0": "off",
    "1": "waiting for key",
    "2": "continuous wave",
    "3": "on/off modulation",
    "4": "modulation",
    "5": "fault",
    "6": "aborted",
}
_POWER = r"(-?\d+\.\d+)"
_POWER_RESOLUTION_W = 1e-4
_ON_DEADLINE_S = 10.0
_OFF_DEADLINE_S = 1.0
_OFF_ATTEMPTS = 2
_POLL_S = 0.25


class CoboltLaser(PortInstrument):
    """Emit light with a Cobolt 06-01 laser in constant-power mode.

    Commands end with CR and are case-sensitive; each one is answered, by a value, `OK` or
    `Syntax error: …`. Powers are in W. The manual ends replies with CR, real devices with
    CR LF, which is what this driver expects.

    Sources: Cobolt 04-01 manual, list of commands; QMI `Cobolt_Laser_06_01`, Micro-Manager
    `CoboltOfficial`, python-microscope `cobolt`. The forms of the replies to `glm?` and `gfv?`
    and the fault codes beyond 0, 1, 3, 4 are [unverified].

    The driver never re-arms the interlock (`@cobas`, `cf` and `@cob1` are never sent): an open
    interlock has to be closed, and the laser re-armed, by a person.

    Parameters
    ----------
    wavelength_nm
        What the station expects to be connected; compared with the model by `identify`.
    """

    link: ClassVar[LinkSettings] = LinkSettings(
        baud_rate=115200, write_terminator=b"\r", read_terminator=b"\r\n", timeout_s=1.0
    )
    # in this order: a late power passes for a version, but then the version is no serial number
    proofs: ClassVar[tuple[Proof, ...]] = (
        Proof(b"gfv?\r", rb"\d+(?:\.\d+)+\r\n"),
        Proof(b"sn?\r", rb"\d{3,}\r\n"),
    )

    closing: ClassVar[ClosingScript] = ClosingScript(
        kind="laser",
        steps=(
            Step(b"l0\r", rb"(?:OK|Syntax error[ -~]*)\r\n"),
            # with autostart on, the laser refuses l0
            Step(b"@cob0\r", rb"OK\r\n", only_if=rb"Syntax error[ -~]*\r\n"),
            Step(b"l?\r", rb"0\r\n", repeats=5),
            Step(b"sn?\r", rb"\d{3,}\r\n"),
            Step(b"l?\r", rb"0\r\n"),
        ),
        # a bare 0 or 1 answers several questions
        safe=rb"(?!)",
        unsafe=rb"(?!)",
        harmless=rb"[@a-z]+\?|l0|@cob0",
        interlock=InterlockQuestion(b"ilk?\r", closed=rb"0\r\n", open=rb"1\r\n"),
    )

    def __init__(
        self, connection: Adapter, name: str = "Cobolt laser", *, clock: Clock, wavelength_nm: float
    ) -> None:
        super().__init__(connection, name, clock=clock)
        self.wavelength_nm = wavelength_nm

    def read_identity(self) -> Identity:
        """Get model, serial number and firmware.

        Raises
        ------
        WrongIdentity
            If the model begins with another wavelength than the station file says.
        """
        with self.exchange():
            model = self.query("glm?", r"\d{3,4}(?:-[0-9A-Z]+)+", retries=READ_RETRIES)[0]
            serial = self.query("sn?", r"\d{3,}", retries=READ_RETRIES)[0]
            firmware = self.query("gfv?", r"\d+(?:\.\d+)+", retries=READ_RETRIES)[0]
        actual_nm = int(model.split("-")[0])
        if abs(actual_nm - self.wavelength_nm) > 1.0:
            raise WrongIdentity(
                f"{self.name}: a laser of {actual_nm} nm ({model}) answers where the station "
                f"file says {self.wavelength_nm:g} nm",
                remedy="exchange the ports of the lasers, or correct wavelength_nm",
            )
        return Identity("Cobolt", model, serial, firmware)

    @property
    def emission(self) -> bool:
        """Control whether the laser emits: True or False.

        Switching on asks first that the interlock is closed, that there is no fault and that
        autostart is off, and switches off again if `l?` does not confirm within 10 s.

        Raises
        ------
        SafetyError
            If the interlock is open, or "off" cannot be confirmed.
        CommandRefused
            If a fault, autostart or the laser itself forbids to switch on.
        """
        return self.query("l?", "[01]", retries=READ_RETRIES)[0] == "1"

    @emission.setter
    def emission(self, on: bool) -> None:
        if on:
            self._switch_on()
        else:
            self._switch_off()

    @property
    def power_setpoint_w(self) -> float:
        """Control the output power in W, from 0 to 1, in steps of 0.1 mW; read back by `p?`."""
        return self._watts("p?")

    @power_setpoint_w.setter
    def power_setpoint_w(self, value: float) -> None:
        power_w = float(value)
        Limits(0.0, MAX_POWER_W, "W").check(power_w, f"{self.name}, power set-point")
        with self.exchange():
            lost = self._command(f"p {power_w:.4f}")
            try:
                self.confirm(
                    "power",
                    power_w,
                    self.power_setpoint_w,
                    tolerance=_POWER_RESOLUTION_W,
                    unit="W",
                )
            except CommandRefused as error:
                raise error from lost

    @property
    def power_w(self) -> float:
        """Measure the output power in W, from 0 to 1.

        A bare `1`, which some lasers answer to `pa?` now and then (python-microscope), has not
        the form of a power: it is refused, and asked again.
        """
        return self._watts("pa?")

    @property
    def interlock_closed(self) -> bool:
        """Get whether the interlock circuit allows emission: True or False."""
        return self.query("ilk?", "[01]", retries=READ_RETRIES)[0] == "0"

    @property
    def fault(self) -> str:
        """Get the fault in words, or an empty string if there is none."""
        return self._word("f?", _FAULTS)

    @property
    def mode(self) -> str:
        """Get the operating mode in words: `off`, `continuous wave`, `waiting for key`, `fault`."""
        return self._word("gom?", _MODES)

    @property
    def autostart(self) -> bool:
        """Get whether the laser starts by itself when powered: True or False."""
        return self.query("@cobas?", "[01]", retries=READ_RETRIES)[0] == "1"

    def safe(self) -> None:
        """Set emission off and confirm it.

        Raises
        ------
        SafetyError
            If that cannot be confirmed.
        """
        self._switch_off()

    def _switch_on(self) -> None:
        self._check_ready()
        with self.exchange():
            if lost := self._command("cp"):
                raise lost
            lost = self._command("l1")
            try:
                self.wait_until(self._emits_steadily, _ON_DEADLINE_S, _POLL_S, "switching on")
            except InstrumentError as error:
                mode = self._mode_for_message()
                # a key turned later must not start a beam that nobody expects any more
                self._switch_off()
                raise CommandRefused(
                    f"{self.name}: asked 'l1', but emission was not confirmed by l? and gom? "
                    f"(mode: {mode}); it is switched off again",
                    remedy="check key, interlock and cover; then switch on again",
                ) from (lost or error)

    def _emits_steadily(self) -> bool:
        return self.emission and self.mode == "continuous wave"

    def _switch_off(self) -> None:
        failure: InstrumentError | None = None
        # unlike every other command, this one may be repeated
        for _ in range(_OFF_ATTEMPTS):
            try:
                failure = self._command("l0")
            except InstrumentError as error:
                failure = error
            try:
                self.wait_until(
                    lambda: not self.emission, _OFF_DEADLINE_S, _POLL_S, "emission off (l?)"
                )
            except InstrumentError as error:
                failure = error
            else:
                return
        raise SafetyError(
            f"{self.name}: asked 'l0', but emission off is not confirmed"
            + (f": {failure.message}" if failure else ""),
            remedy="turn the key of the laser off or open its interlock, and look at the "
            "emission indicator",
        ) from failure

    def _check_ready(self) -> None:
        with self.exchange():
            if not self.interlock_closed:
                raise SafetyError(
                    f"{self.name}: asked for emission, but the interlock is open (ilk? = 1)",
                    remedy="close the interlock circuit and re-arm the laser by hand",
                )
            if fault := self.fault:
                raise CommandRefused(
                    f"{self.name}: asked for emission, but the laser reports: {fault}",
                    remedy="remove the cause and clear the fault by hand",
                )
            if self.autostart:
                raise CommandRefused(
                    f"{self.name}: asked for emission, but autostart is on (@cobas? = 1)",
                    remedy="switch autostart off with the vendor's program: with it the laser "
                    "ignores l1 and l0",
                )

    def _command(self, command: str) -> InstrumentError | None:
        """Send once and return the error of a lost reply: the read-back that follows decides."""
        try:
            reply = self.query(command, r"OK|Syntax error(?::[ -~]*)?")[0]
        except (NoReply, BadReply) as error:
            return error
        if reply != "OK":
            raise CommandRefused(
                f"{self.name}: asked {command!r}, got {reply!r}",
                remedy="check the model and firmware of the laser, and the value",
            )
        return None

    def _watts(self, command: str) -> float:
        power_w = self.query_number(command, _POWER)
        # a photodiode without light may read a little below zero
        if not -0.01 <= power_w <= 2.0 * MAX_POWER_W:
            raise InvalidReading(
                f"{self.name}: asked {command!r}, got {power_w:g} W, which is outside 0 to "
                f"{MAX_POWER_W:g} W",
                remedy="ask again; if it stays, the power sensor of the laser is faulty",
            )
        return power_w

    def _word(self, command: str, words: dict[str, str]) -> str:
        pattern = "[" + "".join(words) + "]"
        return words[self.query(command, pattern, retries=READ_RETRIES)[0]]

    def _mode_for_message(self) -> str:
        try:
            return self.mode
        except InstrumentError as error:
            return f"unknown: {error.message}"
