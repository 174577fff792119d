"""Run the safety process: one thread, one loop, nothing in it that waits."""

import contextlib
import os
import selectors
import signal
import socket
from types import FrameType
from typing import Any

from labctl.service.safety.clients import MOST_CLIENTS, Client
from labctl.service.safety.config import SafetyConfig
from labctl.service.safety.desk import Desk
from labctl.service.safety.journal import Journal, read_state
from labctl.service.safety.protocol import Refused
from labctl.service.safety.relay import GuardedPort
from labctl.service.safety.table import GuardedTable
from labctl.service.safety.timing import monotonic_s, suspended_s

_SLICE_S = 0.004
_ENDING_S = 3.0


class SafetyProcess:
    """Guard a table until it is told to stop; its first act is to close everything.

    Parameters
    ----------
    server
        The listening socket; see `labctl.service.safety.clients.listen`.
    parent
        Process id without which this one is not to live on; see the keeper.
    """

    def __init__(self, config: SafetyConfig, server: socket.socket, parent: int = 0) -> None:
        self._server = server
        self._parent = parent
        self._selector = selectors.DefaultSelector()
        self._clients: list[Client] = []
        self._descriptors: dict[GuardedPort, int] = {}
        self._reason = ""
        self._journal = Journal(config.log, config.state)
        self._table = GuardedTable(
            config,
            self._journal,
            read_state(config.state),
            monotonic_s(),
            suspended_s(),
            self._tell,
        )
        self._desk = Desk(self._table, config, self._journal)
        self._selector.register(server, selectors.EVENT_READ, None)
        self._journal.note("started", pid=os.getpid(), causes=self._table.latch.causes)

    def stop(self, reason: str) -> None:
        """Close everything and end the loop."""
        self._reason = self._reason or reason

    def handle_signal(self, number: int, _frame: FrameType | None) -> None:
        """End on a signal; install with `signal.signal`."""
        self.stop(f"signal {signal.Signals(number).name}")

    def run(self) -> None:
        """Guard until `stop`; then close everything and return."""
        with contextlib.suppress(OSError, AttributeError):
            # without the right to it the bounds hold on a machine that is not overloaded
            os.setpriority(os.PRIO_PROCESS, 0, -15)
        while not self._reason:
            self._turn()
            if self._parent and os.getppid() != self._parent:
                self.stop("its keeper is gone")
        self._end()

    def _turn(self) -> None:
        ready = self._selector.select(_SLICE_S)
        now_s = monotonic_s()
        # what the holder says of himself comes before what he sends to a device
        ready.sort(key=lambda event: _rank(event[0].data))
        for key, _ in ready:
            if key.data is None:
                self._welcome()
            elif isinstance(key.data, Client):
                if key.data.is_alive:
                    self._hear(key.data, now_s)
            elif key.data.fileno() == key.fd:
                key.data.on_readable(now_s)
        self._table.tick(monotonic_s(), suspended_s())
        self._part(monotonic_s())
        self._watch_lines()

    def _welcome(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                client = Client(connection)
                if client.is_foreign:
                    client.close()
                    continue
                if len(self._clients) >= MOST_CLIENTS:
                    self._make_room()
                self._clients.append(client)
                self._selector.register(client, selectors.EVENT_READ, client)

    def _make_room(self) -> None:
        """Hang up on the oldest client without a lease: whoever comes may want the safe state."""
        oldest = next((one for one in self._clients if one.epoch < 0), None)
        if oldest is not None:
            self._clients.remove(oldest)
            self._selector.unregister(oldest)
            oldest.close()

    def _hear(self, client: Client, now_s: float) -> None:
        try:
            for request in client.requests.feed(client.read()):
                if client.is_alive:
                    self._desk.answer(client, request, now_s)
        except Refused as refusal:
            client.refuse(str(refusal))
            client.is_alive = False

    def _part(self, now_s: float) -> None:
        """Send what is left, and act on clients that are gone."""
        for client in list(self._clients):
            client.flush()
            if not client.is_alive:
                self._clients.remove(client)
                self._selector.unregister(client)
                client.close()
                self._desk.gone(client, now_s)

    def _watch_lines(self) -> None:
        """Wait for the lines that are up now."""
        now = {port: port.fileno() for port in self._table.ports.values()}
        changed = [port for port in now if now[port] != self._descriptors.get(port, -1)]
        for port in changed:
            # first all that are gone: their numbers are given out again
            if (before := self._descriptors.get(port, -1)) >= 0:
                self._selector.unregister(before)
        for port in changed:
            if now[port] >= 0:
                self._selector.register(now[port], selectors.EVENT_READ, port)
        self._descriptors = now

    def _tell(self, report: dict[str, Any]) -> None:
        for client in self._clients:
            if client.is_following:
                client.send({"event": "closed", **report})

    def _end(self) -> None:
        is_over: list[dict[str, Any]] = []
        now_s = monotonic_s()
        lease = self._table.book.current
        if lease is not None:
            self._table.trip("stopped", f"the safety process ends: {self._reason}", now_s)
        self._table.close_for_good(self._reason, now_s, is_over.append)
        while not is_over and monotonic_s() - now_s < _ENDING_S:
            self._turn()
        self._journal.note(
            "ended", why=self._reason, confirmed=bool(is_over and is_over[0]["confirmed"])
        )
        for client in self._clients:
            client.close()
        for port in self._table.ports.values():
            port.shut()
        self._journal.close()


def _rank(subject: object) -> int:
    """Return when a descriptor has its turn; new ones come before any is closed."""
    if subject is None:
        return 0
    if not isinstance(subject, Client):
        return 3
    return 2 if subject.port else 1
