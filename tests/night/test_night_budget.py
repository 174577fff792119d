"""Where the time of a run went."""

from datetime import datetime

import pytest

from labctl.engine import PointCommitted
from labctl.service.night.budget import KINDS, budget_of
from labctl.service.night.runner import QueueRunner
from labctl.store import RunReader


def test_the_budget_of_a_run_adds_up_to_its_length(evening, item):
    parameters = {"temperatures": [290.0], "windows": ["raman"], "refocus": False}
    with evening() as night:
        night.queue.add([item("temperature_series", parameters=parameters)])
        QueueRunner(night.session, night.queue).run().check()
        (one,) = night.queue.list()
        with RunReader(night.session.runs.find(one.runs[0])) as reader:
            budget = budget_of(reader)
            states = reader.states
            exposed_s = sum(
                spectrum.exposure_s * spectrum.accumulations
                for _, exchange in reader.replies()
                if (spectrum := exchange.answer) is not None and hasattr(spectrum, "accumulations")
            )
        begin, end = (datetime.fromisoformat(states[i].utc) for i in (0, -1))
        assert sum(budget.sums_s.values()) == pytest.approx((end - begin).total_seconds())
        assert budget.sums_s["exposing"] == pytest.approx(exposed_s)
        # 290 K and back to 298 K, each steady for 300 s
        assert budget.sums_s["settling"] > 600.0
        assert budget.sums_s["suspended"] == budget.sums_s["lost"] == 0.0
        assert all(a.end <= b.start for a, b in zip(budget.spans, budget.spans[1:], strict=False))


def test_a_gap_is_suspended_time_and_what_was_measured_in_vain_is_lost(evening, item):
    with evening() as night:
        table = night.table
        night.queue.add([item(parameters={"exposure_s": 20.0})])

        def leak(event):
            if isinstance(event, PointCommitted) and event.point.number == 0:
                now_s = night.clock.monotonic_s()
                night.clock.at(now_s + 10.0, lambda: table.leak(50.0))
                night.clock.at(now_s + 300.0, lambda: table.leak(None))

        QueueRunner(night.session, night.queue, observer=leak).run().check()
        (one,) = night.queue.list()
        with RunReader(night.session.runs.find(one.runs[0])) as reader:
            sums = budget_of(reader).sums_s
        assert set(sums) == set(KINDS)
        assert sums["suspended"] > 200.0 + 120.0
        assert sums["lost"] == pytest.approx(60.0, abs=10.0)
        assert sums["exposing"] == pytest.approx(120.0)
