"""Put a real driver, a real serial port or socket and an emulator together, and break them."""

import os
import pty
import select
import socket
import threading
import tty
from pathlib import Path

from labctl.core.clock import RealClock, VirtualClock
from labctl.sim import build_simulation

CLOCK = RealClock()


class TerminalDevice:
    """Play an instrument of the simulated table at a pseudo-terminal with a stable name.

    `name` is a symbolic link, as udev keeps them by serial number in `/dev/serial/by-id`.
    """

    def __init__(self, emulator, name: Path) -> None:
        self.emulator = emulator
        self.name = name
        self.cut_after: int | None = None
        self.plug_in()

    def plug_in(self) -> None:
        """Appear at another terminal, under the same stable name."""
        self.ours, theirs = pty.openpty()
        tty.setraw(theirs)
        self.path = os.ttyname(theirs)
        os.close(theirs)
        fresh = self.name.with_suffix(".new")
        fresh.symlink_to(self.path)
        fresh.replace(self.name)
        self.is_plugged = True
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        self.is_plugged = False
        self._thread.join(5)

    def _serve(self) -> None:
        while self.is_plugged:
            if not select.select([self.ours], [], [], 0.01)[0]:
                continue
            try:
                data = os.read(self.ours, 4096)
            except OSError:
                # nobody has opened the other side
                CLOCK.sleep(0.01)
                continue
            self.emulator.feed(data, CLOCK.monotonic_s())
            reply = self.emulator.take(CLOCK.monotonic_s() + 10.0)
            if self.cut_after is not None and reply:
                os.write(self.ours, reply[: self.cut_after])
                self.cut_after, self.is_plugged = None, False
            else:
                os.write(self.ours, reply)
        os.close(self.ours)


class BlackHole:
    """Pass bytes on between clients and a server, until the network swallows them."""

    def __init__(self, target: int) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.target = target
        self.connections = 0
        self.swallows = False
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in (self._server, *self._sockets):
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            there = socket.create_connection(("127.0.0.1", self.target))
            self._sockets += [client, there]
            number = self.connections
            for pair in ((client, there), (there, client)):
                threading.Thread(target=self._pass, args=(*pair, number), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, number: int) -> None:
        while True:
            try:
                data = source.recv(4096)
                # what is lost is lost for this connection, for ever
                if not data:
                    return
                if not (self.swallows and number == 1):
                    sink.sendall(data)
            except OSError:
                return


def emulator_of(name: str):
    simulation = build_simulation({}, VirtualClock())
    return simulation.emulators[name]
