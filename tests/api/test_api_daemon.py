"""The API in front of the real service: what a script and a phone see of a real run."""

import json
import os
import sys
from pathlib import Path

import pytest

import labctl
from labctl.core.errors import UsageError
from labctl.core.status import StationState
from labctl.service.api.server import ApiServer
from labctl.service.daemon.daemon import Daemon
from labctl.service.daemon.settings import DaemonSettings

STATION = Path(__file__).parents[2] / "configs" / "simulated.toml"
POWER_SERIES = {
    "powers": "50 uW, 100 uW",
    "windows": "raman",
    "regions": "mono",
    "exposure_s": "1 s",
    "accumulations": 1,
    "refocus": False,
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform == "win32", reason="the processes are those of POSIX"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return the data folder of a served simulated table."""
    data = tmp_path_factory.mktemp("served") / "data"
    settings = DaemonSettings(speed=50.0, poll_s=0.5, idle_s=0.2, stop_s=20.0)
    with Daemon(STATION, data, settings) as daemon, ApiServer(daemon):
        yield data


@pytest.fixture
def table(place):
    with labctl.connect(place) as table:
        yield table


def test_a_script_queues_waits_and_opens_what_was_measured(table):
    events = iter(table.events(["point", "run"]))
    assert next(events).kind == "status"
    job = table.queue.add("power_series", label="flake-7", **POWER_SERIES)
    assert job.item.estimate_s is None or job.item.estimate_s > 1
    run = job.wait(120.0)
    data = run.to_xarray()
    numbers = []
    for event in events:
        numbers += [event.data["number"]] if event.kind == "point" else []
        if event.kind == "run" and event.data.get("ended"):
            break
    # every point was told, once, in order, and all of them are in the record
    assert numbers == list(range(data.sizes["point"]))
    assert [one["number"] for one in table.points(run.name)] == numbers
    found = table.spectrum(200)
    assert (found["run"], found["saved"], len(found["counts"])) == (run.name, True, 200)
    assert run.detail["state"] == "finished"


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc of Linux")
def test_no_process_of_the_service_listens_beyond_loopback(table, place):
    from family import family, listeners

    processes = json.loads((place / "station" / "service.json").read_text())["processes"]
    pids = family(os.getpid()) | set(processes.values())
    assert len(pids) > 4
    found = [address for pid in pids for address in listeners(pid)]
    # the API, the instruments of the simulated table, the host of the camera
    assert len(found) > 10
    assert set(found) == {"0100007F"}  # 127.0.0.1


def test_exposures_of_a_live_view_arrive_as_arrays(table):
    table.attach()
    table.set("probe.power", 1e-4)
    table.start_live(0.5, beams=["probe"])
    with table.frames() as frames:
        seen = (frame for frame in frames if not frame.saved)
        spectra = [next(seen) for _ in range(3)]
        assert [one.seq for one in spectra] == sorted({one.seq for one in spectra})
        assert all(one.counts.shape == one.wavelength_nm.shape == (1340,) for one in spectra)
        # a camera that cools down is not waited for, and its counts say so
        assert all(one.quality == "good" or "camera" in one.reason for one in spectra)
        table.start_live(0.5, mode="image")
        image = next(frame for frame in seen if frame.kind == "image")
        assert image.counts.shape == (400, 1340)
        assert not image.metadata["beams"]
    table.stop_live()


def test_a_wrong_parameter_is_refused_when_it_is_added(table):
    with pytest.raises(UsageError, match="powers"):
        table.queue.add("power_series", powers="5 apples")
    with pytest.raises(UsageError, match="power_series"):
        table.queue.add("power_serie")


def test_a_token_from_afar_makes_nothing_happen_at_the_table(table, place):
    secret = table.add_token("stranger", "admin", 1.0)["secret"]
    with labctl.connect(place, token=secret) as afar:
        job = afar.queue.add("power_series", **POWER_SERIES)
        assert job.item.state == "quarantined"
        for forbidden in (afar.start, afar.proceed, afar.reset_latch, afar.attach):
            with pytest.raises(UsageError, match="a token never may"):
                forbidden()
        with pytest.raises(UsageError, match="a token never may"):
            afar.queue.approve(job.id)
        assert afar.status().state is StationState.IDLE
        assert afar.queue.remove([job.id])


def test_who_did_what_is_on_record(table):
    assert table.prove_audit()["entries"] >= 1
    assert "queue.add" in {one["command"] for one in table.audit()["entries"]}


def test_the_laser_goes_off_from_afar_and_only_somebody_here_goes_on(table, place):
    secret = table.add_token("phone", "operate", 1.0)["secret"]
    with labctl.connect(place, token=secret) as afar:
        assert afar.safe() == []
        status = afar.status()
    assert all(beam.shutter != "open" for beam in status.beams)
    assert status.queue.paused
    assert "phone" in status.queue.reason
    table.proceed()
    assert not table.status().queue.paused
