"""Kill a service many times while it works through a queue, and print what became of it.

    python tests/daemon/storm.py --kills 50

The exit code is 1 if a point was lost, doubled or changed, a file cannot be read, or a run was
not resumed.
"""

import argparse
import random
import statistics
import sys
import tempfile
import traceback
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "system"))

import daemon_storm
from daemon_rig import SPEED
from daemon_storm import KINDS, Figures, Storm
from table_process import TableProcess


def main() -> int:
    """Return 0 if everything held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=KINDS, help="kill only this")
    parser.add_argument("--patience", type=float, default=50.0, help="s to wait for anything")
    options = parser.parse_args()
    daemon_storm.LONGEST_S = options.patience
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with TableProcess(folder, SPEED, procedures=("procedures",)) as table:
            storm = Storm(table.station, folder, options.seed)
            try:
                while sum(storm.figures.kills.values()) < options.kills:
                    several = range(chance.choice([1, 1, 2, 3]))
                    storm.run([options.kind or chance.choice(KINDS) for _ in several])
                    print(in_words(storm.figures), flush=True)
                storm.close()
                check_closed(table)
            except AssertionError:
                traceback.print_exc()
                return 1
    print("0 committed points lost, 0 doubled, 0 changed, 0 files unreadable")
    print(summary(storm.figures))
    return 0


def in_words(figures: Figures) -> str:
    """Return where the storm is."""
    kills = ", ".join(f"{count} {kind}" for kind, count in figures.kills.items())
    return f"{figures.runs} runs, {figures.points} points; kills: {kills}"


def summary(figures: Figures) -> str:
    """Return how long it took until runs went on."""
    times = sorted(figures.resumed_s)
    if not times:
        return "nothing had to be resumed"
    return (
        f"{len(times)} resumed after {statistics.median(times):.1f} s (median), "
        f"{times[-1]:.1f} s (longest); {figures.quarantines} let out of quarantine"
    )


def check_closed(table: TableProcess) -> None:
    """Check, by the table itself, that no shutter is open at the end."""
    table.mark("end")
    last = [line for line in table.log.read_text().splitlines() if '"open"' in line][-1]
    assert '"open": []' in last, last


if __name__ == "__main__":
    sys.exit(main())
