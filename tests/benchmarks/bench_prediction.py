"""Measure how well the service predicts the end of a run, on the simulated table.

The clock of the table is four times as fast as the machine's: what the machine spends between its
own processes, which no real table knows, is then small against the run.
"""

import sys
from datetime import datetime, timedelta

import pytest

pytestmark = pytest.mark.timeout(600)

SPEED = 4.0
WITHIN = 0.1
SERIES = {
    "powers": [5e-5, 1e-4, 2e-4],
    "windows": ["raman"],
    "regions": ["mono"],
    "exposure_s": 10.0,
    "accumulations": 3,
    "refocus": False,
}


@pytest.fixture
def slow(serve, tmp_path):
    """A service whose table is not much faster than a real one."""
    served = serve(tmp_path, SPEED)
    yield served
    served.close()


def test_the_predicted_end_is_right_within_a_tenth(benchmark, slow):
    table = slow.table
    slow.wait(lambda: table.status().interactive, "the table is open")

    def measure() -> list[float]:
        table.start()
        job = table.queue.add("power_series", SERIES)
        estimate_s = table.queue.get(job.id).estimate_s
        ends = []
        for done in (1, 3):
            slow.wait(lambda: (run := table.status().run) and run.point >= done, f"point {done}")  # noqa: B023
            status = table.status()
            left = timedelta(seconds=status.run.left_s)
            ends.append(datetime.fromisoformat(status.utc) + left)
        job.wait(timeout_s=300.0)
        states = table.run(table.queue.get(job.id).runs[0]).detail["states"]
        stamps = {one["state"]: datetime.fromisoformat(one["utc"]) for one in states}
        took_s = (stamps["finished"] - stamps["running"]).total_seconds()
        errors = [estimate_s / took_s - 1.0]
        errors += [(end - stamps["finished"]).total_seconds() / took_s for end in ends]
        print(
            f"\nrun of {took_s:.0f} s: estimate {errors[0]:+.1%}; end predicted after one point "
            f"{errors[1]:+.1%}, after three {errors[2]:+.1%}",
            file=sys.stderr,
        )
        return errors

    assert max(map(abs, benchmark.pedantic(measure, rounds=1))) <= WITHIN
