import pytest

from labctl.core.clock import ScaledClock
from labctl.core.errors import ConnectionFailed
from labctl.sim.memory import MemoryLink


def test_reading_waits_exactly_until_the_reply_is_due(bench):
    table = bench("spectrapro")
    table.link.write(b"NO-ECHO\r")
    table.link.read(1.0)
    start_s = table.clock.monotonic_s()
    table.link.write(b"540.000 GOTO\r")
    assert table.link.read(20.0) == b" ok\r\n"
    # 40 nm at 20 nm/s and the emulator's latency
    assert table.clock.monotonic_s() - start_s == pytest.approx(2.002)


def test_a_timeout_costs_exactly_the_timeout(bench):
    table = bench("cobolt")
    assert table.link.read(1.5) == b""
    assert table.clock.monotonic_s() == 1.5


def test_reading_without_waiting_costs_no_time(bench):
    table = bench("cobolt")
    table.link.write(b"f?\r")
    assert table.link.read(0.0) == b""
    assert table.clock.monotonic_s() == 0.0


def test_late_in_a_long_run_reading_still_ends(bench):
    table = bench("cobolt")
    table.clock.sleep(1e9 + 0.1)
    assert table.ask("f?\r") == "0\r\n"


def test_a_closed_link_refuses_and_may_be_closed_twice(bench):
    table = bench("cobolt")
    table.link.close()
    table.link.close()
    with pytest.raises(ConnectionFailed, match="closed"):
        table.link.read(0.0)


def test_a_scaled_clock_shortens_the_wait(bench):
    table = bench("spectrapro")
    table.clock = ScaledClock(speed=1000.0)
    table.link = MemoryLink("spectrapro", table.faults, table.clock)
    assert table.ask("900.000 GOTO\r", timeout_s=100.0) == "900.000 GOTO ok\r\n"
