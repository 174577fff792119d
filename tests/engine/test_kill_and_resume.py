"""kill -9 at random instants, then resume: nothing lost, nothing doubled, nothing altered."""

import multiprocessing
import random
from pathlib import Path

import pytest
import victim
from tiny_table import next_power, planned_power

from labctl.core.journal import RunState
from labctl.store import RunReader

POINTS = 150
CAMPAIGNS = [
    ("series", 0.0, "spectrum", 6),
    ("seeker", 0.0, "spectrum", 5),
    ("series", 0.01, "image", 4),
]


def run_until(
    root: Path, timeout_s: float | None, name: str, every_s: float, mode: str, begun: bool = True
) -> bool:
    """Kill the process some time after it started, or after the plan went live.

    Returns whether it had finished before.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["labctl.engine", "labctl.store"])
    ready, moving = context.Event(), context.Event()
    arguments = (root, name, POINTS, every_s, mode, ready, moving)
    process = context.Process(target=victim.work, args=arguments)
    process.start()
    assert (moving if begun else ready).wait(30)
    process.join(timeout_s)
    process.kill()
    process.join()
    finished = process.exitcode == 0
    assert finished or process.exitcode == -9
    process.close()
    return finished


def folder_of(root: Path) -> Path:
    return sorted((root / "runs").glob("*/*/*/*_*"))[-1]


def check_acknowledged(root: Path) -> int:
    folder = victim.begun_run(root)
    if folder is None:
        assert not (root / "acknowledged").exists() or not (root / "acknowledged").read_text()
        return 0
    reader = RunReader(folder)
    stored = {str(point.number): victim.digest(point) for point in reader.points()}
    assert list(stored) == [str(number) for number in range(len(stored))]
    path = root / "acknowledged"
    lines = path.read_text().splitlines() if path.exists() else []
    for line in lines:
        number, digest = line.split()
        assert stored[number] == digest
    return len(stored)


def check_log(root: Path, resumed: list[bool]) -> None:
    attempts = (root / "log").read_text().split("attempt\n")[1:]
    assert len(attempts) == len(resumed)
    for actions, was_resumed in zip(attempts, resumed, strict=True):
        if was_resumed and actions:
            assert actions.startswith("safe\n")
            assert "open" not in actions.partition("set")[0]


@pytest.mark.parametrize(("name", "every_s", "mode", "kills"), CAMPAIGNS)
def test_a_run_survives_kills_at_random_instants(tmp_path, name, every_s, mode, kills):
    chance = random.Random(f"{name}{mode}")
    resumed, kept = [], 0
    for kill in range(kills):
        resumed.append(victim.begun_run(tmp_path) is not None)
        # every third kill falls into opening and replay, the others into the live plan
        begun = kill % 3 != 1
        if run_until(tmp_path, chance.uniform(0.0, 0.08), name, every_s, mode, begun):
            break
        now = check_acknowledged(tmp_path)
        assert now >= kept
        kept = now
    folder = victim.begun_run(tmp_path)
    if folder is None or RunReader(folder).state is not RunState.FINISHED:
        resumed.append(folder is not None)
        assert run_until(tmp_path, None, name, every_s, mode)
    assert check_acknowledged(tmp_path) == POINTS
    assert any(resumed)
    check_log(tmp_path, resumed)
    check_conditions(folder_of(tmp_path), name)


def check_conditions(folder: Path, name: str) -> None:
    reader = RunReader(folder)
    assert reader.state is RunState.FINISHED
    points = list(reader.points())
    expected = 1e-3
    for index, point in enumerate(points):
        assert point.data["index"] == index
        if name == "series":
            expected = planned_power(index)
        assert point.data["power"].value == expected
        expected = next_power(point.data["spectrum"])
    attempts = [point.attempt for point in points]
    assert attempts == sorted(attempts)
    for number, start in enumerate(reader.starts):
        assert start.attempt == number
        assert start.gap_s is None if number == 0 else start.gap_s >= 0
    assert len(list(reader.notes())) == (2 if name == "series" else 0)
