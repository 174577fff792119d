"""Let a service work for a while, and see whether it grows.

    python tests/daemon/soak.py --minutes 60

prints memory, descriptors and threads of the service, and the slope of its memory after a
warm-up; the exit code is 1 if memory grows by more than 1 MB/h (after at least half an hour) or
descriptors or threads do. Ended items are cleared now and then, as a person does: they are kept
until somebody clears them.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "system"))

from daemon_rig import POWER_SERIES, SPEED, item
from daemon_storm import Served
from table_process import TableProcess

from labctl.core.clock import RealClock
from labctl.core.items import plain

MOST_MB_PER_H = 1.0
WARM_UP = 0.3
WARM_UP_RUNS = 320
"""After so many runs the history of events, which is bounded, is full."""
CLEARED_EVERY = 20
"""Runs between two clearings of the ended items."""


def main() -> int:
    """Return 0 if nothing grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    options = parser.parse_args()
    samples: list[tuple[float, float, int, int]] = []
    clock = RealClock()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        with (
            TableProcess(folder, SPEED, procedures=("procedures",)) as table,
            Served(table.station, folder / "data", monitor=True) as served,
        ):
            served.until(lambda line: "ready" in line)
            start_s = clock.monotonic_s()
            while (passed_s := clock.monotonic_s() - start_s) < 60.0 * options.minutes:
                (one,) = served.order("add", items=[plain(item(parameters=dict(POWER_SERIES)))])
                served.until(lambda line, one=one: "ended" in line and line["item"] == one)
                if len(samples) % CLEARED_EVERY == 0:
                    served.order("clear")
                samples.append((passed_s, *measure(served.process.pid)))
    return report(samples, options.minutes)


def measure(pid: int) -> tuple[float, int, int]:
    """Return the resident memory in MB, the descriptors and the threads of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return int(fields["VmRSS"].split()[0]) / 1024.0, descriptors, int(fields["Threads"])


def report(samples: list[tuple[float, float, int, int]], minutes: float) -> int:
    """Print what was measured; returns the exit code."""
    late = samples[max(int(len(samples) * WARM_UP), min(WARM_UP_RUNS, len(samples) // 2)) :]
    slope = statistics.linear_regression([s[0] / 3600.0 for s in late], [s[1] for s in late]).slope
    middle = len(late) // 2
    first, last = samples[0][1], samples[-1][1]
    print(f"{len(samples)} runs in {minutes:g} min; memory {first:.1f} → {last:.1f} MB")
    print(f"slope after the warm-up: {slope:+.2f} MB/h")
    grows = minutes >= 30 and slope > MOST_MB_PER_H
    for index, what in ((2, "descriptors"), (3, "threads")):
        before, after = (max(s[index] for s in part) for part in (late[:middle], late[middle:]))
        print(f"{what}: at most {before}, then {after}")
        grows |= after > before + 2
    return int(grows)


if __name__ == "__main__":
    sys.exit(main())
