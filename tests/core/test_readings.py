import math

import pytest

from labctl.core.clock import ScaledClock, VirtualClock
from labctl.core.errors import LimitError
from labctl.core.limits import Limits
from labctl.core.readings import Quality, Reading

CLOCK = VirtualClock()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_never_good(value):
    reading = Reading.good(value, "K", CLOCK)
    assert reading.quality is Quality.INVALID
    assert reading.value is None
    assert str(value) in reading.reason
    with pytest.raises(ValueError, match="mark it invalid"):
        Reading(value, "K", CLOCK.utc(), 0.0)


def test_an_invalid_reading_gives_no_number():
    with pytest.raises(ValueError, match="sensor open"):
        _ = Reading.invalid("sensor open", "K", CLOCK).number


def test_doubt_needs_a_reason_and_does_not_heal_an_invalid_reading():
    good = Reading.good(1.0, "K", CLOCK)
    assert good.doubted("drifts").quality is Quality.UNCERTAIN
    assert Reading.invalid("gone", "K", CLOCK).doubted("drifts").quality is Quality.INVALID
    with pytest.raises(ValueError, match="needs a reason"):
        good.doubted("")


@pytest.mark.parametrize("value", [math.nan, 9.99, 20.01, math.inf])
def test_limits_refuse_what_is_outside_and_nan(value):
    with pytest.raises(LimitError, match="10 to 20 K"):
        Limits(10.0, 20.0, "K").check(value, "cryostat.temperature")


def test_the_virtual_clock_moves_only_when_someone_waits():
    clock = VirtualClock()
    start = clock.utc()
    clock.sleep(3600.0)
    assert clock.monotonic_s() == 3600.0
    assert (clock.utc() - start).total_seconds() == 3600.0


def test_scaled_clocks_of_the_same_origin_agree():
    first = ScaledClock(speed=1000.0)
    second = ScaledClock(speed=1000.0, origin_utc=first.origin_utc)
    assert abs(first.monotonic_s() - second.monotonic_s()) < 50.0
    with pytest.raises(ValueError, match="positive"):
        ScaledClock(speed=0.0)
