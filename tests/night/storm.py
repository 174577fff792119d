"""Run a day of faults on the simulated table: `python tests/night/storm.py --hours 24 --seed 1`."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

from night_storm import day, run_storm

from labctl.core.items import ItemState


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--hours", type=float, default=24.0)
    options.add_argument("--wires", type=int, default=220)
    options.add_argument("--tables", type=int, default=54)
    options.add_argument("--kills", type=int, default=6)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", type=Path)
    chosen = options.parse_args()
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="labctl-storm-"))
    folder.mkdir(parents=True, exist_ok=True)
    stormy = run_storm(
        folder, day(0.7 * chosen.hours), seed=chosen.seed, hours=chosen.hours, wires=chosen.wires,
        tables=chosen.tables, kills=chosen.kills, say=print,
    )  # fmt: skip
    print(stormy.summary())
    for failure in stormy.failures():
        print("WRONG:", failure)
    for item in stormy.items:
        if item.state is not ItemState.FINISHED:
            print(f"not finished: {item.summary[:60]}: {item.state}: {item.reason}")
    (folder / "storm.json").write_text(json.dumps({"faults": dict(stormy.faults)}))
    return 1 if stormy.failures() else 0


if __name__ == "__main__":
    sys.exit(main())
