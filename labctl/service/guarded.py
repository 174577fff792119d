"""Reach shutters and lasers through the safety process: the client's side of docs/safety.md.

A worker acquires the lease, gives `GuardBackend` to its station for the scheme `guard`, and feeds
a `Heartbeat` (`labctl.service.heartbeat`) with the events of the engine.
"""

import contextlib
import json
import re
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labctl.core.errors import ConfigError, ConnectionFailed, SafetyError
from labctl.core.link import Link, LinkSettings

SCHEME = "guard"
_ANSWER_S = 10.0
_CHUNK_BYTES = 65536
_GONE = (
    "nothing can be opened without it: see that 'labctl serve' or the service manager starts it "
    "again, which closes everything"
)
_REFUSED = "look at the table, then reset the latch there with 'labctl safe --reset'"


@dataclass(frozen=True, slots=True)
class GuardAddress:
    """Say where the safety process listens, and the secret of the caller's role."""

    address: str
    """`unix:PATH` or `tcp://127.0.0.1:PORT`."""
    token: str = ""


class _Wire:
    """Exchange lines of JSON with the safety process."""

    def __init__(self, place: GuardAddress) -> None:
        self._rest = b""
        self._token = place.token
        try:
            self._socket = _connect(place.address)
        except OSError as error:
            raise ConnectionFailed(
                f"the safety process does not listen at {place.address}: {error.strerror or error}",
                remedy=_GONE,
            ) from error

    def send(self, operation: str, **values: Any) -> None:
        """Send a request; raises `ConnectionFailed`."""
        request = {"op": operation, **values}
        if self._token:
            request["token"] = self._token
        try:
            self._socket.settimeout(_ANSWER_S)
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise _gone(error) from error

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        """Return the next line, or None if none came in time; raises `ConnectionFailed`."""
        while b"\n" not in self._rest:
            try:
                self._socket.settimeout(max(timeout_s, 0.0))
                data = self._socket.recv(_CHUNK_BYTES)
            except (TimeoutError, BlockingIOError):
                return None
            except OSError as error:
                raise _gone(error) from error
            if not data:
                raise _gone(None)
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def close(self) -> None:
        """Hang up; closing twice is allowed."""
        with contextlib.suppress(OSError):
            # a thread that reads wakes up
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class GuardLink:
    """Carry bytes to a guarded device and back; fulfils `labctl.core.link.Link`.

    The safety process refuses what may open something while it is latched or while no step of a
    run is under way, and everything once the lease is over: then `SafetyError` is raised.
    """

    def __init__(self, place: GuardAddress, port: str, epoch: int) -> None:
        self._port = port
        self._wire = _Wire(place)
        self._received = b""
        self._wire.send("open", port=port, epoch=epoch)
        try:
            self._await_answer()
        except BaseException:
            self._wire.close()
            raise

    def write(self, data: bytes) -> None:
        """Send bytes; returns when they are on their way.

        Raises
        ------
        ConnectionFailed
            If the line to the device, or the safety process, is gone.
        SafetyError
            If the safety process refuses them.
        """
        self._wire.send("write", data=data.decode("latin-1"))
        self._await_answer()

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, or b"" after `timeout_s`; raises `ConnectionFailed`."""
        if not self._received:
            message = self._wire.receive(timeout_s)
            if message is not None:
                self._take(message)
        data, self._received = self._received, b""
        return data

    def close(self) -> None:
        """Give the port back; closing twice is allowed."""
        self._wire.close()

    def _await_answer(self) -> None:
        while True:
            message = self._wire.receive(_ANSWER_S)
            if message is None:
                raise ConnectionFailed(
                    f"{self._port}: the safety process does not answer", remedy=_GONE
                )
            if "ok" not in message:
                self._take(message)
                continue
            if not message["ok"]:
                raise SafetyError(
                    f"{self._port}: the safety process refuses: {message.get('refused')}",
                    remedy=_REFUSED,
                )
            return

    def _take(self, message: Mapping[str, Any]) -> None:
        if "dropped" in message:
            raise ConnectionFailed(
                f"{message['dropped']}", remedy="check power and cable of the instrument"
            )
        self._received += str(message.get("data", "")).encode("latin-1")


@dataclass(frozen=True, slots=True)
class GuardBackend:
    """Open `guard://NAME` for the holder of a lease; fulfils `labctl.core.link.Backend`."""

    place: GuardAddress
    epoch: int

    def open_link(self, resource: str, settings: LinkSettings) -> Link:  # noqa: ARG002
        """Open the link to a guarded device; the safety process has set its line up.

        Raises
        ------
        ConnectionFailed
            If the safety process or the device is gone.
        SafetyError
            If the lease is over or there is no such port.
        """
        return GuardLink(self.place, resource.removeprefix(f"{SCHEME}://"), self.epoch)

    def open_sdk(self, resource: str) -> object:
        """Refuse: vendor SDKs are not guarded."""
        raise ConfigError(f"{resource!r} is a byte port, not an SDK", remedy="correct the driver")


class SafetyClient:
    """Speak to the safety process: one connection, which is also the sign of life of a holder.

    Attributes
    ----------
    epoch
        The epoch of the lease that this client acquired; 0 before.
    """

    def __init__(self, place: GuardAddress) -> None:
        self.place = place
        self.epoch = 0
        self._wire = _Wire(place)
        self._lock = threading.Lock()

    def __enter__(self) -> "SafetyClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def status(self) -> dict[str, Any]:
        """Return latch, lease, ports and interlocks."""
        return self._ask("status")

    def safe(self, who: str) -> dict[str, Any]:
        """Close every shutter and switch every laser off; needs no token.

        Returns the report: `confirmed`, and `problems` by port if it is not.
        """
        return self._ask("safe", who=who)

    def acquire(self, who: str, epoch: int | None = None) -> GuardBackend:
        """Acquire the lease and return what opens the guarded ports.

        Raises
        ------
        SafetyError
            If somebody holds it, the epoch is over, the latch is set, or the table is not
            known to be safe.
        """
        self.epoch = int(self._ask("acquire", who=who, epoch=epoch)["epoch"])
        return GuardBackend(self.place, self.epoch)

    def beat(self, step: int, progress: float, deadline_s: float, open_s: float) -> None:
        """Give a sign of life; it is not answered. Raises `ConnectionFailed`."""
        values = {"step": step, "progress": progress, "deadline_s": deadline_s, "open_s": open_s}
        with self._lock:
            self._wire.send("beat", epoch=self.epoch, **values)

    def rest(self) -> dict[str, Any]:
        """Let nothing be opened until the next step, and have the shutters verified."""
        return self._ask("rest", epoch=self.epoch)

    def release(self) -> dict[str, Any]:
        """End the lease; everything is closed. Returns the report."""
        return self._ask("release", epoch=self.epoch)

    def reset(self, who: str, *, policy: bool = False) -> dict[str, Any]:
        """Reset the latch once everything is closed; a policy may only after some faults.

        Raises
        ------
        SafetyError
            If it stays, with the reason.
        """
        return self._ask("reset", who=who, policy=policy)

    def revoke(self, who: str) -> dict[str, Any]:
        """End the lease of whoever holds it and close everything."""
        return self._ask("revoke", who=who)

    def follow(self) -> dict[str, Any]:
        """Ask for every report from now on (see `next_event`); returns the status."""
        return self._ask("follow")

    def next_event(self, timeout_s: float) -> dict[str, Any] | None:
        """Return the next report of a client that follows, or None; raises `ConnectionFailed`."""
        return self._wire.receive(timeout_s)

    def close(self) -> None:
        """Hang up; a holder who does so has lost the lease, and everything is closed."""
        self._wire.close()

    def _ask(self, operation: str, **values: Any) -> dict[str, Any]:
        with self._lock:
            self._wire.send(operation, **values)
            while (answer := self._wire.receive(_ANSWER_S)) is not None and "event" in answer:
                """Pass over what a follower is told."""
        if answer is None:
            raise ConnectionFailed("the safety process does not answer", remedy=_GONE)
        if not answer.get("ok"):
            raise SafetyError(
                f"the safety process refuses: {answer.get('refused')}", remedy=_REFUSED
            )
        return answer


def _connect(address: str) -> socket.socket:
    if match := re.fullmatch(r"tcp://(127\.0\.0\.1):(\d+)", address):
        return socket.create_connection((match[1], int(match[2])), timeout=_ANSWER_S)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_ANSWER_S)
        connection.connect(address.removeprefix("unix:"))
    except BaseException:
        connection.close()
        raise
    return connection


def _gone(error: OSError | None) -> ConnectionFailed:
    cause = "it hung up" if error is None else error.strerror or str(error)
    return ConnectionFailed(f"the safety process is gone: {cause}", remedy=_GONE)
