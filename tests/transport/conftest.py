"""Give the tests of the transport devices that answer as slowly as they are told."""

import socketserver
import threading
from collections.abc import Callable, Iterator

import pytest

from labctl.core.clock import Clock, VirtualClock
from labctl.core.errors import ConnectionFailed
from labctl.core.link import LinkSettings, Proof

LATENCY_S = 0.01


class FifoDevice:
    """Answer `q<n>` with `a<n>`, `who` and `ok` in order of the questions, after delays.

    `hold` replies stay inside until more questions come, as in a gateway that is out of step.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.delays_s: list[float] = []
        self.hold = 0
        self.name = "device 1"
        self.opened = 0
        self.closed = 0
        self.refuse = False
        self.dropped = False
        self.questions: list[bytes] = []
        self.line: list[tuple[float, bytes]] = []
        self._half = b""

    def open_link(self, resource: str, settings: LinkSettings) -> "FifoDevice":
        if self.refuse:
            raise ConnectionFailed(f"{resource}: refused", remedy="start it")
        self.opened += 1
        self.dropped = False
        self.line.clear()
        return self

    def open_sdk(self, resource: str) -> object:
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        self._check()
        *lines, self._half = (self._half + data).split(b"\n")
        for question in lines:
            self.questions.append(question)
            reply = self.answer(question)
            delay_s = self.delays_s.pop(0) if self.delays_s else 0.0
            earliest = self.line[-1][0] if self.line else 0.0
            due_s = max(earliest, self.clock.monotonic_s() + LATENCY_S + delay_s)
            if reply:
                self.line.append((due_s, reply))

    def answer(self, question: bytes) -> bytes:
        if question == b"who":
            return f"{self.name}\n".encode()
        if question == b"ok":
            return b"OK\n"
        return b"a" + question[1:] + b"\n" if question[:1] == b"q" else b""

    def read(self, timeout_s: float) -> bytes:
        self._check()
        if len(self.line) <= self.hold or self.line[0][0] > self.clock.monotonic_s() + timeout_s:
            self.clock.sleep(timeout_s)
            return b""
        due_s, reply = self.line.pop(0)
        self.clock.sleep(due_s - self.clock.monotonic_s())
        return reply

    def close(self) -> None:
        self.closed += 1

    def _check(self) -> None:
        if self.dropped:
            raise ConnectionFailed("the line has dropped", remedy="open it again")


SETTINGS = LinkSettings(write_terminator=b"\n", read_terminator=b"\n", timeout_s=1.0)
PROOFS = (Proof(b"who\n", rb"device \d\n"), Proof(b"ok\n", rb"OK\n"))


@pytest.fixture(scope="session")
def settings() -> LinkSettings:
    return SETTINGS


@pytest.fixture(scope="session")
def proofs() -> tuple[Proof, ...]:
    return PROOFS


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="session")
def new_device() -> Callable[[Clock], FifoDevice]:
    return FifoDevice


@pytest.fixture
def device(clock: VirtualClock) -> FifoDevice:
    return FifoDevice(clock)


class _Answering(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            reply = FifoDevice(VirtualClock()).answer(line.strip())
            if line.strip() == b"bye":
                return
            self.wfile.write(reply)


@pytest.fixture
def tcp_port() -> Iterator[int]:
    """Serve the device over TCP; `bye` makes it hang up."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Answering) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()
