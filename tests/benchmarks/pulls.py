"""Print how the demo's temperatures scatter around the truth, in units of their errors.

Runs the demo for many seeds in several processes and compares every anti-Stokes/Stokes
temperature with `labctl sim truth`. Acceptance: |mean| ≤ 0.3 and 0.8 ≤ standard deviation ≤ 1.25.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from labctl.service.simulator import true_state

STATION = Path(__file__).resolve().parents[2] / "configs" / "simulated.toml"


def measure(seed: int, truth: str) -> dict:
    """Run the demo with a seed; returns its JSON object."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "labctl.cli.main", "demo", "--json"]
        command += ["--seed", str(seed), "--truth", truth]
        command += ["--station", str(STATION), "--output", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"seed {seed}: exit code {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def pulls_of(report: dict, truth: str) -> list[tuple[str, float, float]]:
    """Return (procedure and region, pull, significance against ambient) of each temperature."""
    found = []
    for one in report["temperatures"]:
        condition = one["condition"]
        true_k = true_state(
            STATION,
            truth,
            one["region"],
            condition["power_w"],
            condition["pump_power_w"],
            condition["cryostat_k"],
        ).t_wse2_k
        pull = (one["value_k"] - true_k) / one["sigma_k"]
        ambient = (one["value_k"] - condition["cryostat_k"]) / one["sigma_k"]
        found.append((f"{one['procedure']} {one['region']}", pull, ambient))
    return found


def main() -> int:
    """Print the figures; returns 1 if they are not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--truth", default="A", choices="AC")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    with ThreadPoolExecutor(options.processes) as pool:
        reports = list(pool.map(lambda seed: measure(seed, options.truth), seeds))
    found = [item for report in reports for item in pulls_of(report, options.truth)]
    groups = defaultdict(list)
    for name, pull, _ in found:
        groups[name].append(pull)
    for name, values in sorted(groups.items()):
        print(f"{name:36} n {len(values):4}  mean {np.mean(values):+.2f}  sd {np.std(values):.2f}")
    pulls = np.array([pull for _, pull, _ in found])
    mean, deviation = float(np.mean(pulls)), float(np.std(pulls))
    print(f"all, {len(seeds)} seeds: mean {mean:+.3f}  sd {deviation:.3f}  n {pulls.size}")
    print(f"largest |pull| {np.max(np.abs(pulls)):.2f}")
    coldest = min(ambient for *_, ambient in found)
    print(f"lowest (T − cryostat)/σ of any condition: {coldest:.2f}")
    verdicts = defaultdict(int)
    for report in reports:
        for one in report["verdicts"]:
            verdicts[f"{one['procedure']} {one['region']}: {one['statement']}"] += 1
    for text, count in sorted(verdicts.items()):
        print(f"{count:4} × {text}")
    return 0 if abs(mean) <= 0.3 and 0.8 <= deviation <= 1.25 else 1


if __name__ == "__main__":
    raise SystemExit(main())
