"""A table whose answers a test writes; queue, database and bus are the real ones."""

import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labctl.core.clock import RealClock
from labctl.core.errors import LimitError, SafetyError, UsageError
from labctl.core.procedure import find_procedures
from labctl.core.readings import Quality
from labctl.core.status import (
    Alarm,
    BeamStatus,
    QueueStatus,
    RunStatus,
    SafetyStatus,
    StationState,
    StationStatus,
    ValueStatus,
)
from labctl.service.calibrations import FoundCalibrations, known_calibrations
from labctl.service.daemon.bus import BACKLOG, Bus
from labctl.service.daemon.description import describe_station
from labctl.service.daemon.live import NewestExposure, spectrum_from
from labctl.service.queue.database import StationDatabase
from labctl.service.queue.queue import Queue
from labctl.station import read_station_file

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
PROCEDURES = ("power_series", "dual_beam")


@dataclass
class ScriptedPlace:
    data: Path

    @property
    def socket(self):
        return self.data / "station" / "service.sock"

    @property
    def info(self):
        return self.data / "station" / "service.json"


class ScriptedTable:
    def __init__(self, data):
        folder = data / "station"
        folder.mkdir(parents=True, mode=0o700)
        folder.chmod(0o700)
        self.place = ScriptedPlace(data)
        self.clock = RealClock()
        self.database = StationDatabase(folder / "station.sqlite")
        self.queue = Queue(self.database, self.clock)
        self.bus = Bus()
        self.boot = secrets.token_hex(8)
        self.calls = []
        self.announced = {}
        self.unconfirmed = []
        self.exposures = NewestExposure()
        self.file = read_station_file(CONFIGS / "simulated.toml")
        self.fields = {"state": StationState.IDLE}
        self.trouble = None

    def close(self):
        self.bus.close()
        self.database.close()

    def announce(self, **fields):
        from labctl.service.daemon.place import write_private

        self.announced |= fields
        import json

        known = {"station": "scripted table", "boot": self.boot, "data": str(self.place.data)}
        write_private(self.place.info, json.dumps(known | self.announced))

    # ---- what a test says

    def becomes(self, **fields):
        self.fields |= fields
        state = self.fields["state"]
        return self.bus.publish("state", {"state": str(state)})

    def says(self, kind, **data):
        return self.bus.publish(kind, data)

    def exposes(self, pixels=1340, height=2000.0, run="", point=None, quality="good", reason=""):
        axis_nm = np.linspace(519.0, 546.0, pixels).astype("<f4")
        shift = 1e7 / 532.0 - 1e7 / axis_nm
        rng = np.random.default_rng(1)
        counts = 600.0 + rng.normal(0.0, 8.0, pixels)
        for centre, part in ((385.0, 0.6), (404.0, 1.0), (-385.0, 0.12), (-404.0, 0.18)):
            counts += height * part / (1 + ((shift - centre) / 3.0) ** 2)
        fields = {
            "kind": "spectrum",
            "dtype": "<f4",
            "shape": [pixels],
            "utc": self.clock.utc().isoformat(),
            "run": run,
            "point": point,
            "saved": bool(run),
            "metadata": {
                "exposure_s": 20.0, "beams": ["probe"], "laser_nm": 532.0,
                "quality": quality, "reason": reason,
            },
        }  # fmt: skip
        return self._shows(fields, axis_nm, counts.astype("<f4"))

    def exposes_image(self, counts):
        rows, pixels = counts.shape
        fields = {
            "kind": "image", "dtype": "<u2", "shape": [rows, pixels], "run": "", "point": None,
            "utc": self.clock.utc().isoformat(), "saved": False,
            "metadata": {"quality": "good", "reason": ""},
        }  # fmt: skip
        return self._shows(fields, np.linspace(519.0, 546.0, pixels).astype("<f4"), counts)

    def _shows(self, fields, axis_nm, counts):
        run, point = fields["run"], fields["point"]
        event = self.bus.publish("spectrum", {"key": "spectrum", "run": run, "point": point})
        payload = axis_nm.tobytes() + counts.tobytes()
        self.exposures.show(spectrum_from(fields, payload, event.seq))
        return self.exposures.newest

    # ---- what the API asks

    def status(self):
        fields = {
            "station": "scripted table",
            "simulated": True,
            "seq": self.bus.seq,
            "boot": self.boot,
            "utc": self.clock.utc().isoformat(),
            "queue": QueueStatus(revision=self.database.revision),
            "safety": SafetyStatus(confirmed=True, process="running"),
        }
        return StationStatus(**(fields | self.fields))

    def latest_spectrum(self):
        return self.exposures.newest

    def describe(self):
        return describe_station(self.file, CONFIGS, {}, self.clock)

    def procedures(self):
        return find_procedures()

    def calibrations(self):
        return known_calibrations(self.file, CONFIGS, self.place.data, self.clock.utc())

    def decide(self, run, decision, who):
        self._call("decide", run.name, decision, who)
        return FoundCalibrations(self.place.data).decide(run, decision, who, self.clock.utc())

    def run_now(self, item):
        self._call("run_now", item)
        (added,) = self.add([item])
        return added

    def subscribe(self, since_seq=None, *, capacity=BACKLOG, notify=None):
        return self.bus.subscribe(since_seq, capacity=capacity, notify=notify)

    def add(self, items):
        for item in items:
            if item.kind == "run" and item.procedure not in PROCEDURES:
                raise UsageError(f"unknown procedure {item.procedure!r}", remedy="look them up")
        added = self.queue.add(items)
        self.says("queue", revision=self.database.revision)
        return added

    def _call(self, name, *arguments):
        self.calls.append((name, *arguments))
        if self.trouble is not None:
            raise self.trouble

    def start_queue(self):
        self._call("start_queue")

    def pause(self, kind="after_point"):
        self._call("pause", kind)

    def proceed(self):
        self._call("proceed")

    def stop_after_run(self):
        self._call("stop_after_run")

    def stop_after_point(self):
        self._call("stop_after_point")

    def abort_now(self, reason="aborted by the operator"):
        self._call("abort_now", reason)

    def approve(self, item):
        self._call("approve", item)
        return self.queue.get(item)

    def safe(self, who="operator"):
        self._call("safe", who)
        return list(self.unconfirmed)

    def reset_latch(self, who):
        self._call("reset_latch", who)
        raise SafetyError("the interlock is open", remedy="close the door")

    def acknowledge(self, alarm, who):
        self._call("acknowledge", alarm, who)
        for known in self.fields.get("alarms", ()):
            if known.id == alarm:
                return known.model_copy(update={"acknowledged_by": who})
        raise UsageError(f"there is no alarm {alarm}")

    def attach(self):
        self._call("attach")

    def release(self):
        self._call("release")

    def read_channel(self, channel):
        self._call("read_channel", channel)
        if channel != "cryostat.temperature":
            raise UsageError(f"there is no channel {channel!r}")
        return {"value": 80.0, "unit": "K", "utc": "", "quality": "good", "reason": ""}

    def set_channel(self, channel, value):
        self._call("set_channel", channel, value)
        if not isinstance(value, float | int) or not 0 <= value <= 1:
            raise LimitError(f"{channel}: {value} is beyond its limit")
        return {"value": value, "unit": "W", "utc": "", "quality": "good", "reason": ""}

    def acquire(self, exposure_s, **options):
        self._call("acquire", exposure_s, options)
        return self.exposes()

    def start_live(self, exposure_s, **options):
        self._call("start_live", exposure_s, options)

    def stop_live(self):
        self._call("stop_live")

    def estimate(self, procedure, values):
        self._call("estimate", procedure, values)
        return {"points": 3, "total_s": 60.0, "dose_j": {}, "violations": []}


def good(name, value, unit, age_s=1.0, **more):
    fields = {"quality": Quality.GOOD, "reason": "", "stale": False} | more
    return ValueStatus(name=name, value=value, unit=unit, age_s=age_s, **fields)


def running(clock, **more):
    """Return what a status says while a run is on."""
    from datetime import timedelta

    now_utc = clock.utc()
    eta_utc = (now_utc + timedelta(hours=3)).isoformat()
    return {
        "state": StationState.RUNNING,
        "run": RunStatus(
            name="0127_power-series_flake-7",
            procedure="power_series",
            label="flake-7",
            point=13,
            total=20,
            left_s=1130.0,
            eta_utc=(now_utc + timedelta(seconds=1130)).isoformat(),
            started_utc=(now_utc - timedelta(minutes=31)).isoformat(),
            step="exposing 20 s × 1, beam probe",
        ),
        "beams": (
            BeamStatus(
                name="probe", wavelength_nm=532.0, power_w=50e-6, laser_power_w=20e-3,
                shutter="open", emission=True, interlock=True, exposing=True, age_s=0.4,
                quality=Quality.GOOD, reason="",
            ),
            BeamStatus(
                name="pump", wavelength_nm=730.0, power_w=0.0, laser_power_w=5e-3,
                shutter="closed", emission=True, interlock=True, age_s=3.0,
                quality=Quality.GOOD, reason="",
            ),
        ),
        "cryostat": good("cryostat.temperature", 77.43, "K", 2.0),
        "pressure": good("cryostat.pressure", 3.2e-4, "Pa", 4.0),
        "camera": good("camera.temperature", 198.15, "K", 3.0),
        "stage": (good("stage.x", 30.0, "µm"), good("stage.z", 1.2, "µm")),
        "queue": QueueStatus(
            active=True, counts={"running": 1, "waiting": 6, "finished": 4, "failed": 1},
            left_s=11000.0, eta_utc=eta_utc, revision=12,
        ),
        **more,
    }  # fmt: skip


def alarm(number=1, text="cryostat temperature is unstable: 0.8 K in 60 s", **more):
    fields = {"level": "alarm", "utc": "2026-11-23T02:14:05+00:00", "source": "cryostat"} | more
    return Alarm(id=number, text=text, **fields)


def write_run(scripted, label="flake-7"):
    """Write a run of three points into the data folder of a scripted table."""
    from labctl.core.journal import RunStart, RunState, StateChange
    from labctl.core.messages import Point
    from labctl.store.writer import RunWriter

    writer = RunWriter.create(
        scripted.place.data, "power_series", clock=scripted.clock, label=label, margin_bytes=0
    )
    stamp = scripted.clock.utc().isoformat()
    writer.begin(RunStart("power_series", {}, "", "0", {"name": "scripted"}, {}, stamp, 0.0))
    for number in range(3):
        data = {"power": 1e-6 * number}
        writer.commit(Point(number, "measurement", data, scripted.clock.utc(), 0.0), ())
    writer.flush()
    writer.close(StateChange(RunState.FINISHED, stamp, 1.0), (), {})
    return writer.path


def write_calibration(scripted, run, kind):
    """Let a run have found a calibration."""
    from labctl.core.calibration import Calibration
    from labctl.core.results import Result
    from labctl.service.results import save_result
    from labctl.station.calibrations import CalibrationFolder

    stamp = scripted.clock.utc().isoformat()
    found = Calibration(kind, {"gratings": {}}, stamp, run.name, 30.0)
    CalibrationFolder.open(scripted.place.data / "calibrations").save(found)
    save_result(run, Result(calibrations=(found,)))
    return found
