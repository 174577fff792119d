"""Give every driver on a byte port strict exchanges: full match, finite numbers, no stale reply.

A driver is a PyMeasure instrument. PyMeasure hands back raw strings when a cast fails and takes
whatever comes after a timeout for the next answer; here a reply that is not exactly what the
protocol prescribes raises, and the link is distrusted until it has been proved to be in step.
"""

import math
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument

from drivers.port import Port
from labctl.core.clock import Clock
from labctl.core.errors import (
    BadReply,
    CommandRefused,
    InstrumentError,
    NoReply,
    WrongIdentity,
)
from labctl.core.link import LinkSettings, Proof
from labctl.core.roles import Identity

READ_RETRIES = 2
"""How often an idempotent read is repeated after a fault."""

_BACK_OFF_S = (0.1, 0.4, 1.6)
_INTEGER = re.compile(r"[+-]?\d+")


class PortInstrument(Instrument):  # type: ignore[misc]  # PyMeasure has no py.typed
    """Speak to one device on a byte port.

    Parameters
    ----------
    connection
        An adapter of `labctl.transport.open_adapter`, or PyMeasure's ProtocolAdapter in tests.
    name
        How messages call the instrument.
    clock
        The clock that waits and back-offs use.
    """

    link: ClassVar[LinkSettings] = LinkSettings()
    proofs: ClassVar[tuple[Proof, ...]] = ()
    encoding: ClassVar[str] = "ascii"
    number_format: ClassVar[str] = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
    """Regular expression that a whole number of this instrument must match."""

    def __init__(self, connection: Adapter, name: str, *, clock: Clock) -> None:
        super().__init__(connection, name, includeSCPI=False)
        self.clock = clock
        self._known: Identity | None = None
        self._asked = ""
        self._port = connection if isinstance(connection, Port) else None
        self._lock: AbstractContextManager[Any] = (
            threading.RLock() if self._port is None else self._port.lock
        )
        if self._port is not None:
            self._port.on_reopen = self._verify_same_device

    def read_identity(self) -> Identity:
        """Ask the device who it is; implemented by each driver."""
        raise NotImplementedError(f"{type(self).__name__} must implement read_identity")

    def identify(self) -> Identity:
        """Ask the device who it is.

        Raises
        ------
        WrongIdentity
            If another device answers than the one that answered first.
        """
        identity = self.read_identity()
        if self._known is not None and identity != self._known:
            raise WrongIdentity(
                f"{self.name}: {identity} answers where {self._known} answered before",
                remedy="connect the former device, or restart with a station file that fits",
            )
        self._known = identity
        return identity

    def shutdown(self) -> None:
        """Release the port; does not move anything."""
        if not self.isShutdown:
            super().shutdown()
            self.adapter.close()

    def _verify_same_device(self) -> None:
        if self._known is not None:
            self.identify()

    def exchange(self) -> AbstractContextManager[Any]:
        """Return the lock of the port, to keep several questions together."""
        return self._lock

    def send(self, command: str | bytes) -> None:
        """Send a command; text gets the write terminator, bytes go out as they are."""
        self._asked = _shown(command)
        if isinstance(command, bytes):
            self.adapter.write_bytes(command)
        else:
            self.adapter.write(command)

    def receive(self, *, timeout_s: float | None = None, until: Sequence[bytes] = ()) -> str:
        """Return one reply without the read terminator.

        Parameters
        ----------
        timeout_s
            How long the whole reply may take; by default as `link` says.
        until
            What may end the reply, instead of the read terminator. Of these only a trailing
            read terminator is taken off the reply.

        Raises
        ------
        NoReply
            If the reply did not come whole before the timeout.
        BadReply
            If it is no text in the encoding of the instrument.
        """
        if self._port is None:
            raw = bytes(self.adapter.read_bytes(-1))
        else:
            raw = self._port.read_until(until, timeout_s=timeout_s)
            raw = raw.removesuffix(self.link.read_terminator)
        try:
            return raw.decode(self.encoding)
        except UnicodeDecodeError as error:
            raise self.bad_reply(repr(raw), f"{self.encoding} text") from error

    def tell(self, command: str | bytes) -> None:
        """Send a command that is not answered. Never repeated."""
        with self.exchange():
            self.send(command)

    def query(
        self,
        command: str | bytes,
        pattern: str,
        *,
        timeout_s: float | None = None,
        retries: int = 0,
        until: Sequence[bytes] = (),
    ) -> re.Match[str]:
        """Ask and return the match of the whole reply.

        Parameters
        ----------
        pattern
            Regular expression (DOTALL) that the whole reply must match, without its terminator.
        retries
            How often to repeat after a fault, 0 to 3. Only for reads that change nothing: a
            command that moves, heats or emits is read back instead.
        until
            See `receive`.

        Raises
        ------
        NoReply, BadReply
            After the last repetition.
        ConnectionFailed
            If the line has dropped or the link cannot be brought back in step.
        """
        for pause_s in _BACK_OFF_S[:retries]:
            try:
                return self._ask_once(command, pattern, timeout_s, until)
            except (NoReply, BadReply):
                self.clock.sleep(pause_s)
        return self._ask_once(command, pattern, timeout_s, until)

    def query_number(
        self,
        command: str | bytes,
        pattern: str | None = None,
        *,
        timeout_s: float | None = None,
        retries: int = READ_RETRIES,
        until: Sequence[bytes] = (),
    ) -> float:
        """Ask for one finite number: the first group of `pattern`, or the whole reply."""
        form = pattern or f"({self.number_format})"
        with self.exchange():
            reply = self.query(command, form, timeout_s=timeout_s, retries=retries, until=until)
            return self.number(reply[1])

    def _ask_once(
        self, command: str | bytes, pattern: str, timeout_s: float | None, until: Sequence[bytes]
    ) -> re.Match[str]:
        with self.exchange():
            self.send(command)
            reply = self.receive(timeout_s=timeout_s, until=until)
            match = re.fullmatch(pattern, reply, re.DOTALL)
            if match is None:
                raise self.bad_reply(repr(reply), f"the form {pattern}")
            extra = b"" if self._port is None else self._port.surplus()
            if extra:
                # one of the two replies is stale, and nobody can tell which
                raise self.bad_reply(f"{reply!r} and {extra!r}", "one reply")
            return match

    def distrust(self, reason: str) -> None:
        """Demand that the link is proved to be in step before the next question."""
        if self._port is not None:
            self._port.distrust(reason)

    def bad_reply(self, reply: str, expected: str) -> BadReply:
        """Distrust the link and return the error to raise."""
        error = BadReply(
            f"{self.name}: asked {self._asked!r}, got {reply} instead of {expected}",
            remedy="check cable, baud rate and model; labctl proves the link before it asks again",
        )
        self.distrust(error.message)
        return error

    def number(self, text: str) -> float:
        """Return a number that matches `number_format` and is finite, or raise `BadReply`."""
        if re.fullmatch(self.number_format, text):
            value = float(text)
            if math.isfinite(value):
                return value
        raise self.bad_reply(repr(text), "a finite number")

    def confirm(
        self, what: str, wanted: float, actual: float, *, tolerance: float = 0.0, unit: str = ""
    ) -> None:
        """Raise `CommandRefused` unless a read-back agrees with what was set."""
        # written so that NaN is refused
        if not abs(actual - wanted) <= tolerance:
            raise CommandRefused(
                f"{self.name}: {what} was set to {wanted:g} {unit} but reads back "
                f"{actual:g} {unit} (tolerance {tolerance:g})",
                remedy="check the range of the instrument and that it is under remote control",
            )

    def wait_until(
        self, condition: Callable[[], bool], deadline_s: float, poll_s: float, what: str
    ) -> None:
        """Poll a condition, `poll_s` apart, for at most `deadline_s` seconds of the clock.

        Raises
        ------
        InstrumentError
            If the condition does not hold by then.
        """
        end_s = self.clock.monotonic_s() + deadline_s
        while not condition():
            if self.clock.monotonic_s() >= end_s:
                raise InstrumentError(
                    f"{self.name}: {what} did not happen within {deadline_s:g} s",
                    remedy="look at the device: it may be blocked or switched off",
                )
            self.clock.sleep(poll_s)

    def write(self, command: str, **kwargs: Any) -> None:
        """Send a command, as PyMeasure's setters do."""
        with self.exchange():
            self._asked = command
            self.adapter.write(command, **kwargs)

    def ask(self, command: str, query_delay: float | None = None) -> str:
        """Ask as PyMeasure's getters do: an idempotent read, repeated after a fault."""
        if query_delay:
            raise ValueError("a delay between question and reply is not supported")
        return self.query(command, ".*", retries=READ_RETRIES)[0]

    def values(
        self,
        command: str,
        separator: str = ",",
        cast: Callable[[str], Any] = float,
        preprocess_reply: Callable[[str], str] | None = None,
        maxsplit: int = -1,
        *,
        count: int = 1,
    ) -> list[Any]:
        """Ask for exactly `count` values; a value that cannot be cast raises `BadReply`.

        With PyMeasure's creators pass the count as `values_kwargs={"count": 3}`.
        """
        with self.exchange():
            reply = self.ask(command).strip()
            if preprocess_reply is not None:
                reply = preprocess_reply(reply)
            parts = reply.split(separator, maxsplit=maxsplit)
            if len(parts) != count:
                raise self.bad_reply(repr(reply), f"{count} values")
            return [self._cast(part.strip(), cast) for part in parts]

    def _cast(self, text: str, cast: Callable[[str], Any]) -> Any:
        if cast is float:
            return self.number(text)
        if cast is bool:
            if text not in ("0", "1"):
                raise self.bad_reply(repr(text), "0 or 1")
            return text == "1"
        if cast is int and not _INTEGER.fullmatch(text):
            raise self.bad_reply(repr(text), "an integer")
        try:
            return cast(text)
        except (ValueError, TypeError, KeyError) as error:
            raise self.bad_reply(repr(text), "a value of the right type") from error


def _shown(command: str | bytes) -> str:
    return command if isinstance(command, str) else repr(command)[2:-1]
