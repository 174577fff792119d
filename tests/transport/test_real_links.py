import os
import sys
import threading

import pytest

from drivers.base import PortInstrument
from labctl.core.clock import RealClock
from labctl.core.errors import ConnectionFailed, NoReply
from labctl.core.link import LinkSettings
from labctl.transport import open_adapter

FAST = LinkSettings(write_terminator=b"\n", read_terminator=b"\n", timeout_s=0.15)


class Toy(PortInstrument):
    link = FAST


def connect(resource, proofs, settings=FAST):
    return open_adapter(resource, settings, proofs=proofs, name="toy", clock=RealClock())


@pytest.mark.parametrize(
    "form",
    ["tcp://127.0.0.1:{}", "TCPIP::127.0.0.1::{}::SOCKET", "ASRLsocket://127.0.0.1:{}::INSTR"],
)
def test_questions_are_answered_and_silence_is_noticed(form, tcp_port, proofs):
    adapter = connect(form.format(tcp_port), proofs)
    for number in range(20):
        adapter.write(f"q{number}")
        assert adapter.read() == f"a{number}"
    adapter.write("nonsense")
    with pytest.raises(NoReply):
        adapter.read()
    adapter.write("q1")
    assert adapter.read() == "a1"
    adapter.close()


@pytest.mark.parametrize("form", ["tcp://127.0.0.1:{}", "ASRLsocket://127.0.0.1:{}::INSTR"])
def test_a_connection_that_was_hung_up_fails_and_is_reopened(form, tcp_port, proofs):
    adapter = connect(form.format(tcp_port), proofs)
    adapter.write("bye")
    with pytest.raises(ConnectionFailed):
        adapter.read()
    adapter.write("q1")
    assert adapter.read() == "a1"
    adapter.close()


def test_two_threads_get_600_answers_and_none_is_wrong(tcp_port, proofs):
    adapter = connect(f"tcp://127.0.0.1:{tcp_port}", proofs)
    toy = Toy(adapter, "toy", clock=RealClock())
    wrong: list[str] = []

    def ask_many(first: int) -> None:
        for number in range(first, first + 300):
            answer = toy.query(f"q{number}", r"a\d+", timeout_s=5.0)[0]
            if answer != f"a{number}":
                wrong.append(answer)

    threads = [threading.Thread(target=ask_many, args=(first,)) for first in (1000, 5000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    toy.shutdown()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_serial_port_of_seven_bits_carries_bytes_and_is_exclusive():
    import pty

    host, device = pty.openpty()
    settings = LinkSettings(data_bits=7, parity="odd", read_terminator=b"\r\n", timeout_s=0.5)
    path = os.ttyname(device)
    adapter = connect(path, (), settings)
    adapter.write("KRDG?")
    assert os.read(host, 100) == b"KRDG?\r"
    os.write(host, b"+300.000\r\n")
    assert adapter.read() == "+300.000"

    from labctl.transport.serial_link import SerialLink

    with pytest.raises(ConnectionFailed) as error:
        SerialLink(path, path, settings)
    assert "in use" in error.value.remedy
    adapter.close()
    os.close(device)
    os.close(host)
