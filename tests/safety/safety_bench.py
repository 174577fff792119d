"""Measure how long it takes until everything is closed on the wire, and hold it to its bounds.

    python tests/safety/safety_bench.py --repeats 12

ends with a table; the exit code is 1 if any time lies above its bound.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from safety_rig import Rig
from safety_scenarios import SCENARIOS, measure


def main() -> int:
    """Return 0 if every time kept its bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=12)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Rig(Path(folder)) as rig:
        found = {name: [measure(rig, name) for _ in range(options.repeats)] for name in SCENARIOS}
    print(f"time in ms from the event to the closing command on the wire, n = {options.repeats}")
    print(f"{'event':32}{'shutter p50':>12}{'max':>8}{'laser p50':>12}{'max':>8}{'bound':>8}")
    late = 0
    for name, times in found.items():
        bound_s = SCENARIOS[name][1]
        row = ""
        for instrument in ("sc10", "cobolt"):
            values = [one[instrument] for one in times]
            late += max(values) > bound_s
            row += f"{1e3 * statistics.median(values):12.1f}{1e3 * max(values):8.1f}"
        print(f"{name:32}{row}{1e3 * bound_s:8.0f}")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
