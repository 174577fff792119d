"""Serve the simulated instruments on TCP ports, for clients in other processes."""

import ipaddress
import math
import selectors
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from labctl.core.clock import Clock, ScaledClock, VirtualClock
from labctl.core.errors import ConfigError, ConnectionFailed
from labctl.sim.faults import FaultScript

_SLICE_S = 0.002
_CHUNK_BYTES = 4096


class Servable(Protocol):
    """Say what is served of a simulation: `labctl.sim.simulation.Simulation` fulfils it."""

    clock: Clock
    sdks: Mapping[str, object]

    @property
    def names(self) -> Sequence[str]:
        """Return the names of the byte emulators."""
        ...

    def faults(self, name: str) -> FaultScript:
        """Return the line of an emulator."""
        ...


class ExtraServer(Protocol):
    """Serve something beside bytes, such as a camera's SDK object."""

    @property
    def resource(self) -> str:
        """Return the resource string with which a client connects."""
        ...

    def close(self) -> None:
        """Stop serving; closing twice is allowed."""
        ...


class _Line:
    """One TCP port: like a serial line, it has one instrument and carries the last caller."""

    def __init__(self, name: str, script: FaultScript, listener: socket.socket) -> None:
        self.name = name
        self.script = script
        self.listener = listener
        self.clients: list[socket.socket] = []
        self._caller: socket.socket | None = None
        self._drops = script.drops

    def hear(self, client: socket.socket, clock: Clock) -> bool:
        """Pass on what a client sent; False once the client is gone."""
        try:
            data = client.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not data:
            return False
        self._caller = client
        self.script.feed(data, clock.monotonic_s())
        return True

    def answer(self, now_s: float) -> list[socket.socket]:
        """Send what is due; returns the clients whose connection has ended."""
        if self.script.drops != self._drops:
            self._drops = self.script.drops
            return list(self.clients)
        data = self.script.take(now_s)
        caller = self._caller
        if not data or caller not in self.clients:
            return []
        try:
            caller.sendall(data)
        except OSError:
            # a client that does not read must not hold up the others
            return [caller]
        return []


class RunningServers:
    """Hold the servers of one simulation; a context manager that closes them.

    Attributes
    ----------
    resources
        `tcp://HOST:PORT` by instrument, or what an extra server names itself.
    """

    def __init__(self, simulation: Servable, host: str, ports: Mapping[str, int]) -> None:
        self.resources: dict[str, str] = {}
        self._clock = simulation.clock
        self._selector = selectors.DefaultSelector()
        self._wake_out, self._wake_in = socket.socketpair()
        self._selector.register(self._wake_in, selectors.EVENT_READ)
        self._lines: list[_Line] = []
        self._extra: list[ExtraServer] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated table", daemon=True)
        try:
            for name in simulation.names:
                self._listen(name, simulation.faults(name), host, ports.get(name, 0))
        except BaseException:
            self._release()
            raise
        self._thread.start()

    def __enter__(self) -> "RunningServers":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, name: str, server: ExtraServer) -> None:
        """Take over a server that is already running; it is closed with the others."""
        self._extra.append(server)
        self.resources[name] = server.resource

    def close(self) -> None:
        """Stop serving and release every port; closing twice is allowed."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._wake_out.send(b"\0")
        self._thread.join()
        self._release()

    def _release(self) -> None:
        for server in self._extra:
            server.close()
        for line in self._lines:
            for client in list(line.clients):
                self._hang_up(line, client)
            self._selector.unregister(line.listener)
            line.listener.close()
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def _listen(self, name: str, script: FaultScript, host: str, port: int) -> None:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host, port), family=family)
        except OSError as error:
            raise ConnectionFailed(
                f"{name}: cannot serve on {host}:{port}: {error.strerror or error}",
                remedy="choose another port, or 0 for any free one",
            ) from error
        listener.setblocking(False)
        line = _Line(name, script, listener)
        self._lines.append(line)
        self._selector.register(listener, selectors.EVENT_READ, line)
        address = f"[{host}]" if ":" in host else host
        self.resources[name] = f"tcp://{address}:{listener.getsockname()[1]}"

    def _run(self) -> None:
        while not self._closing.is_set():
            due_s = self._next_due_s()
            events = self._selector.select(None if math.isinf(due_s) else 0)
            for key, _ in events:
                if isinstance(key.data, _Line):
                    self._serve(key.data, key.fileobj)
            if not events:
                self._clock.sleep(min(due_s - self._clock.monotonic_s(), _slice_s(self._clock)))
            now_s = self._clock.monotonic_s()
            for line in self._lines:
                for client in line.answer(now_s):
                    self._hang_up(line, client)

    def _next_due_s(self) -> float:
        dues = (line.script.next_due_s() for line in self._lines)
        return min((due for due in dues if due is not None), default=math.inf)

    def _serve(self, line: _Line, source: object) -> None:
        if source is line.listener:
            try:
                client, _ = line.listener.accept()
            except OSError:
                # it left again before it was served
                return
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.clients.append(client)
            self._selector.register(client, selectors.EVENT_READ, line)
            return
        for client in list(line.clients):
            if client is source and not line.hear(client, self._clock):
                self._hang_up(line, client)

    def _hang_up(self, line: _Line, client: socket.socket) -> None:
        self._selector.unregister(client)
        line.clients.remove(client)
        client.close()


def serve(
    simulation: Servable,
    host: str = "127.0.0.1",
    *,
    ports: Mapping[str, int] | None = None,
    extra: Mapping[str, Callable[[object, str], ExtraServer]] | None = None,
    allow_remote: bool = False,
) -> RunningServers:
    """Serve every instrument of a simulation on its own TCP port.

    Parameters
    ----------
    host
        Address to listen on.
    ports
        Port by instrument; any free one where none is given.
    extra
        How to serve the SDK objects, by name: a callable that takes the object and the host and
        returns the running server.
    allow_remote
        Whether `host` may be reachable from other machines. Nothing on these ports asks who
        is calling.

    Raises
    ------
    ConfigError
        If the host is not this machine's loopback and `allow_remote` is not set, or a name in
        `ports` or `extra` is unknown.
    ConnectionFailed
        If a port cannot be opened.
    """
    if not allow_remote and not _is_loopback(host):
        raise ConfigError(
            f"host {host!r} can be reached from other machines",
            remedy="serve on 127.0.0.1, or allow remote access on purpose",
        )
    starters = dict(extra or {})
    for name in {*(ports or {})} - {*simulation.names} | {*starters} - {*simulation.sdks}:
        raise ConfigError(f"the simulated table cannot serve {name!r}")
    running = RunningServers(simulation, host, ports or {})
    try:
        for name, start in starters.items():
            running.add(name, start(simulation.sdks[name], host))
    except BaseException:
        running.close()
        raise
    return running


def _slice_s(clock: Clock) -> float:
    """Return how long to wait, in seconds of the clock, before looking at the sockets again."""
    if isinstance(clock, VirtualClock):
        return math.inf
    return _SLICE_S * clock.speed if isinstance(clock, ScaledClock) else _SLICE_S


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
