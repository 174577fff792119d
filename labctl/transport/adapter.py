"""Give PyMeasure an adapter that proves its link before it asks again after a fault."""

import re
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

from pymeasure.adapters import Adapter

from labctl.core.errors import BadReply, ConnectionFailed, InstrumentError, NoReply, WrongIdentity
from labctl.core.link import LinkSettings, Proof
from labctl.transport.port import Port

_ATTEMPTS = 3
_MAX_REPEATS = 8

T = TypeVar("T")


_abandoned: SimpleQueue[Callable[[], None]] = SimpleQueue()


def release_abandoned() -> None:
    """Give back the ports of adapters that were dropped without being closed."""
    while True:
        try:
            release = _abandoned.get_nowait()
        except Empty:
            return
        release()


class PortAdapter(Adapter):  # type: ignore[misc]  # PyMeasure has no py.typed
    """Ask one instrument on a port that others may share.

    A timeout, a partial or undecodable reply, unsolicited bytes or a driver's `distrust` put the
    link in doubt. Then nothing is asked until the line has been silent for at least the timeout
    and the proofs have passed: proof 1 as often as replies may be late, then proof 2. Their
    replies have different forms, so if an instrument answers in order and each of up to that
    many late replies shifted the answers, proof 2 would get an answer of proof 1.

    A dropped line raises at once. The next use opens it again, proves it and calls `on_reopen`,
    which is to verify that the same device answers.

    Not thread safe by itself: hold `lock` from the question to the end of its reply, as
    `drivers.base.PortInstrument` does.
    """

    def __init__(
        self,
        port: Port,
        settings: LinkSettings,
        *,
        proofs: Sequence[Proof] = (),
        name: str,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__()
        self.name = name
        self.settings = settings
        self.on_reopen: Callable[[], None] | None = None
        self._port = port
        self._proofs = tuple(proofs)
        self._release: Callable[[], None] | None = release
        self._proved_at = -1
        self._opening: int | None = None
        self._owed = 0
        self._quiet_s = settings.timeout_s
        self._asked = b""

    @property
    def resource(self) -> str:
        """Return the resource string of the port."""
        return self._port.resource

    @property
    def lock(self) -> "threading.RLock":
        """Return the re-entrant lock of the port, shared by all instruments on it."""
        return self._port.lock

    def open(self) -> None:
        """Open the port unless it is open; raises `ConnectionFailed`, also once closed."""
        if self._release is None:
            raise ConnectionFailed(
                f"{self.name} ({self.resource}): has been shut down",
                remedy="load the station again to use the instrument",
            )
        self._named(self._port.open)

    def close(self) -> None:
        """Give the port back; the last one closes it. Closing twice is allowed."""
        release = getattr(self, "_release", None)
        if release is not None:
            self._release = None
            release()

    def __del__(self) -> None:
        # the garbage collector may run while this very thread holds a lock: leave the closing
        # to the next one who opens a port
        release = getattr(self, "_release", None)
        if release is not None:
            self._release = None
            _abandoned.put(release)

    def distrust(self, reason: str) -> None:
        """Demand that the link is proved to be in step before the next question."""
        with self.lock:
            self._owed += 1
            self._port.doubt(reason)

    def read_until(
        self, terminators: Sequence[bytes] = (), *, timeout_s: float | None = None
    ) -> bytes:
        """Return one reply up to and including the first terminator.

        Parameters
        ----------
        terminators
            What may end the reply; by default the read terminator of the settings.
        timeout_s
            How long the whole reply may take; by default as in the settings.

        Raises
        ------
        NoReply
            If it does not come whole in time.
        BadReply
            If it never ends.
        ConnectionFailed
            If the line drops.
        """
        ends = tuple(terminators) or (self.settings.read_terminator,)
        wait_s = self.settings.timeout_s if timeout_s is None else timeout_s
        return self._read_reply(lambda: self._port.read_until(ends, wait_s), wait_s)

    def surplus(self) -> bytes:
        """Return what came after the last reply without waiting for it."""
        return self._named(self._port.pending)

    def prove(self) -> None:
        """Open the port if need be and make sure that it is in step.

        Raises
        ------
        ConnectionFailed, NoReply, WrongIdentity
            If the port cannot be opened, or the proofs do not pass.
        """
        with self.lock:
            self.open()
            if self._proved_at == self._port.doubts:
                return
            fresh = self._opening is None and self._owed == 0
            self._synchronise(patient=not fresh)
            if self._opening is not None and self._opening != self._port.openings:
                self._after_reopening()
            self._opening = self._port.openings

    # -- proving

    def _synchronise(self, patient: bool) -> None:
        faults: list[InstrumentError] = []
        for attempt in range(_ATTEMPTS):
            if patient or attempt:
                self._named(lambda: self._port.drain(self._quiet_s))
            else:
                self._named(self._port.pending)
            try:
                self._named(self._pass_proofs, raw=True)
            except (NoReply, BadReply) as error:
                self.distrust(f"proof failed: {error.message}")
                faults.append(error)
            else:
                self._owed = 0
                self._quiet_s = self.settings.timeout_s
                self._proved_at = self._port.doubts
                return
        raise self._unproved(faults)

    def _pass_proofs(self) -> None:
        repeats = min(max(self._owed, 1), _MAX_REPEATS)
        for proof in self._proofs[:1] * repeats + self._proofs[1:]:
            self._port.write(proof.question)
            asked = _shown(proof.question)
            try:
                ends = (self.settings.read_terminator,)
                reply = self._port.read_until(ends, self.settings.timeout_s)
            except NoReply as error:
                raise NoReply(f"asked {asked}, {error.message}") from error
            if re.fullmatch(proof.reply, reply, re.DOTALL) is None:
                raise BadReply(f"asked {asked}, got {_shown(reply)}")
        extra = self._port.pending()
        if extra:
            raise BadReply(f"got {_shown(extra)} after the last proof")

    def _unproved(self, faults: list[InstrumentError]) -> InstrumentError:
        where = f"{self.name} ({self.resource})"
        if all(isinstance(fault, NoReply) for fault in faults):
            # a connection whose other end has vanished stays silent for ever: try a new one
            self._port.hang_up()
            return NoReply(
                f"{where}: does not answer; {faults[-1].message}",
                remedy="check power and cable, and baud rate and resource in the station file",
            )
        if len({fault.message for fault in faults}) == 1:
            return WrongIdentity(
                f"{where}: another instrument seems to answer; {faults[-1].message}",
                remedy="check that the resource in the station file belongs to this instrument",
            )
        return ConnectionFailed(
            f"{where}: question and reply are out of step after {len(faults)} attempts; "
            f"{faults[-1].message}",
            remedy="switch the instrument off and on, and check that nothing else uses the port",
        )

    def _after_reopening(self) -> None:
        if self.on_reopen is None:
            return
        # the hook asks questions itself: while it runs the opening counts as known
        before, self._opening = self._opening, self._port.openings
        try:
            self.on_reopen()
        except BaseException:
            self._opening = before
            self._proved_at = -1
            raise

    def _begin(self, data: bytes) -> None:
        with self.lock:
            self.prove()
            stray = self.surplus()
            if stray:
                self.distrust(f"{stray!r} came before {data!r} was asked")
                self.prove()
            self._asked = data
            self._named(lambda: self._port.write(data))

    def _read_reply(self, act: Callable[[], bytes], timeout_s: float) -> bytes:
        try:
            return self._named(act)
        except ConnectionFailed:
            raise
        # whatever interrupted the reply, it is still on its way
        except BaseException:
            self._owed += 1
            self._quiet_s = max(self._quiet_s, timeout_s)
            raise

    def _named(self, act: Callable[[], T], raw: bool = False) -> T:
        """Act with the lock held, and put the name of the instrument into errors."""
        try:
            with self.lock:
                return act()
        except (NoReply, BadReply) as error:
            if raw:
                raise
            raise type(error)(
                f"{self.name} ({self.resource}): asked {_shown(self._asked)}, {error.message}",
                remedy="check power, cable and baud rate; the link is proved before its next use",
            ) from error
        except ConnectionFailed as error:
            raise ConnectionFailed(f"{self.name}: {error.message}", remedy=error.remedy) from error

    # -- what PyMeasure's Adapter calls

    def _write(self, command: str) -> None:
        self._begin(command.encode("ascii") + self.settings.write_terminator)

    def _write_bytes(self, content: bytes) -> None:
        self._begin(content)

    def _read(self) -> str:
        raw = self.read_until()
        try:
            return raw.removesuffix(self.settings.read_terminator).decode("ascii")
        except UnicodeDecodeError as error:
            self.distrust(f"{raw!r} is no text")
            raise BadReply(
                f"{self.name} ({self.resource}): got {raw!r}, which is no text",
                remedy="check the baud rate and the parity",
            ) from error

    def _read_bytes(self, count: int, break_on_termchar: bool = False) -> bytes:
        if count >= 0 and not break_on_termchar:
            wait_s = self.settings.timeout_s
            return self._read_reply(lambda: self._port.read_count(count, wait_s), wait_s)
        return self.read_until()

    def flush_read_buffer(self) -> None:
        """Discard what has come and demand that the link is proved."""
        if self.surplus():
            self.distrust("bytes were discarded unread")


def _shown(data: bytes) -> str:
    return repr(data)[1:]
