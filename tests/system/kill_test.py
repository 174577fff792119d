"""Kill runs against emulators in another process, many times, and print what became of them.

    python tests/system/kill_test.py --kills 50

ends with a table; the exit code is 1 if anything was lost, doubled, altered or out of order.
"""

import argparse
import math
import random
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from kill_campaign import BISECTION, POWER_SERIES, Campaign, Campaigns, prepare
from table_process import TableProcess

SPEED = 50.0
"""Table time over wall time. Deadlines of the drivers are at least 1 s of the table: 20 ms."""


def main() -> int:
    """Return 0 if every campaign held what was promised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="kills of each procedure")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=SPEED)
    parser.add_argument("--procedure", choices=["power_series", "bisection"])
    options = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as name, TableProcess(Path(name), options.speed) as table:
        folder = Path(name)
        prepare(table, folder)
        for procedure, values in (("power_series", POWER_SERIES), ("bisection", BISECTION)):
            if options.procedure in (None, procedure):
                campaigns = Campaigns(table, folder, procedure, values)
                wrong += kill(campaigns, options.kills, options.seed)
    return 1 if wrong else 0


def kill(campaigns: Campaigns, kills: int, seed: int) -> int:
    """Run campaigns until there were so many kills; returns how many campaigns went wrong."""
    chance = random.Random(f"{campaigns.procedure} {seed}")
    done: list[Campaign] = []
    killed, number, wrong = 0, 0, 0
    print(f"\n{campaigns.procedure}: {len(campaigns.reference.points)} points, "
          f"{campaigns.wall_s:.1f} s undisturbed")  # fmt: skip
    print("campaign  points safe after each attempt (* = shutter open at the kill)   worst pull")
    while killed < kills:
        number += 1
        wanted = min(chance.choice([1, 1, 2, 3]), kills - killed)
        try:
            campaign = campaigns.run(number, chance, wanted)
        except AssertionError:
            wrong += 1
            killed += wanted
            traceback.print_exc(file=sys.stdout)
            continue
        killed += campaign.kills
        done.append(campaign)
        print(f"{number:8d}  {in_words(campaign):<66} {worst_pull(campaign, campaigns):10.2f}")
        sys.stdout.flush()
    print_summary(campaigns, done, wrong)
    return wrong


def in_words(campaign: Campaign) -> str:
    """Return how many points were safe after each attempt."""
    return " → ".join(
        f"{attempt.points_after}{'*' if attempt.open_at_kill else ''}"
        for attempt in campaign.attempts
    )


def pulls(campaign: Campaign, campaigns: Campaigns) -> list[float]:
    """Return the differences of the temperatures to those of the undisturbed run, over σ."""
    ours, theirs = campaign.temperatures, campaigns.reference.temperatures
    assert [(one.region, one.thermometer) for one in ours] == [
        (one.region, one.thermometer) for one in theirs
    ]
    return [
        (one.value_k - other.value_k) / math.hypot(one.sigma_k, other.sigma_k)
        for one, other in zip(ours, theirs, strict=True)
        if one.thermometer == "AS/S"
    ]


def worst_pull(campaign: Campaign, campaigns: Campaigns) -> float:
    """Return the largest absolute pull, 0 without temperatures."""
    return max(map(abs, pulls(campaign, campaigns)), default=0.0)


def print_summary(campaigns: Campaigns, done: Sequence[Campaign], wrong: int) -> None:
    """Print what was killed where, and how the temperatures compare."""
    killed = [a for c in done for a in c.attempts if a.killed]
    all_pulls = [pull for campaign in done for pull in pulls(campaign, campaigns)]
    print(
        f"{campaigns.procedure}: {len(killed)} kills in {len(done)} runs, {wrong} wrong; "
        f"{sum(not a.began for a in killed)} before the run began, "
        f"{sum(a.points_after == len(c.points) for c in done for a in c.attempts if a.killed)} "
        "after the last point, "
        f"{sum(bool(a.open_at_kill) for a in killed)} with a shutter open; "
        f"{sum(len(a.acknowledged) for c in done for a in c.attempts)} points acknowledged, "
        f"0 lost, 0 doubled"
    )
    if all_pulls:
        rms = math.sqrt(sum(pull**2 for pull in all_pulls) / len(all_pulls))
        worst = max(map(abs, all_pulls))
        print(f"pulls against the undisturbed run: rms {rms:.2f}, worst {worst:.2f}")


if __name__ == "__main__":
    sys.exit(main())
