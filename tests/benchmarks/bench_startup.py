"""Time how soon `labctl` answers, beside what the interpreter itself needs on the same machine.

Run with `make bench`.
"""

import statistics
import subprocess
import sys
import time

import pytest

ROUNDS = 9
COMMANDS = {
    "import": [sys.executable, "-c", "import labctl"],
    "help": [sys.executable, "-m", "labctl.cli.main", "--help"],
    "runs": [sys.executable, "-m", "labctl.cli.main", "runs", "--help"],
}
BUDGET_S = {"import": 0.050, "help": 0.200, "runs": 0.400}
"""`import labctl` counts without the start of the interpreter, commands with it."""
BUDGET_RATIO = {"import": 1.5, "help": 6.0, "runs": 12.0}
"""What is allowed on a busy machine, in starts of the bare interpreter."""


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


@pytest.mark.parametrize("what", COMMANDS)
def test_a_command_answers_at_once(what, benchmark):
    def measure() -> tuple[float, float]:
        # in turns, so that a busy machine slows both
        pairs = [
            (seconds([sys.executable, "-c", "pass"]), seconds(COMMANDS[what]))
            for _ in range(ROUNDS)
        ]
        bare, full = zip(*pairs, strict=True)
        return statistics.median(bare), statistics.median(full)

    bare_s, full_s = benchmark.pedantic(measure)
    cost_s = full_s - bare_s if what == "import" else full_s
    benchmark.extra_info.update(bare_s=bare_s, full_s=full_s, ratio=full_s / bare_s)
    print(f"\n{what}: {1e3 * cost_s:.0f} ms; {full_s / bare_s:.1f} × bare python ({bare_s:.3f} s)")
    assert cost_s <= BUDGET_S[what] or full_s <= BUDGET_RATIO[what] * bare_s
