"""Clients that are killed while a run is on cost the run nothing (row 44)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import labctl
from labctl.service.api.server import ApiServer
from labctl.service.daemon.daemon import Daemon
from labctl.service.daemon.settings import DaemonSettings
from labctl.store import RunReader
from labctl.store.folders import run_folders

STATION = Path(__file__).parents[2] / "configs" / "simulated.toml"
KILLS = int(os.environ.get("LABCTL_CLIENT_KILLS", "3"))
SERIES = {
    "powers": "50 uW, 100 uW",
    "windows": "raman",
    "regions": "mono",
    "exposure_s": "5 s",
    "accumulations": 3,
    "refocus": False,
}
WATCH = """
import sys
import labctl
with labctl.connect(sys.argv[1]) as table:
    for event in table.events():
        print(event.kind, flush=True)
        table.status(), table.queue.list()
"""

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform == "win32", reason="the processes are those of POSIX"),
]


def test_a_run_is_the_same_whoever_is_killed_while_watching_it(tmp_path):
    data = tmp_path / "data"
    settings = DaemonSettings(speed=50.0, poll_s=0.5, idle_s=0.2, stop_s=20.0)
    with (
        Daemon(STATION, data, settings) as daemon,
        ApiServer(daemon),
        labctl.connect(data) as table,
    ):
        jobs = [table.queue.add("power_series", **SERIES)]
        watched = 0
        while watched < KILLS:
            with subprocess.Popen(
                [sys.executable, "-c", WATCH, str(data)], stdout=subprocess.PIPE, text=True
            ) as client:
                assert client.stdout.readline().strip() == "status"
                assert client.stdout.readline()
                client.kill()
            watched += 1
            if table.queue.get(jobs[-1].id).state.is_end:
                jobs.append(table.queue.add("power_series", **SERIES))
        names = [job.wait(120.0).name for job in jobs]
        assert table.status().safety.confirmed
    folders = {folder.name: folder for _, folder in run_folders(data)}
    counts = set()
    for name in names:
        with RunReader(folders[name]) as reader:
            assert reader.damaged() == []
            assert len(reader.starts) == 1
            numbers = [point.number for point in reader.points()]
            assert numbers == list(range(len(numbers)))
            counts.add(len(numbers))
    # a dark, a reference, two powers
    assert counts == {4}
