"""Measure how soon the window is there, and how late its event loop is while exposures arrive.

Against the real service on the simulated table. "First paint" is counted from the start of the
process; lateness is by how much a 5 ms timer of the window comes too late.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from labctl.core.clock import RealClock

ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT / "tests" / "gui"), str(ROOT / "tests" / "system")]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

WINDOW_S = 1.5
FIRST_S = 2.0
LATE_MS = 5.0
LIVE_S = 10.0
RATES = {"spectrum": ((1340,), 30.0), "image": ((400, 1340), 15.0)}
PACE = 0.95
RUN = {
    "powers": [50e-6] * 40,
    "windows": ["raman"],
    "regions": ["mono"],
    "exposure_s": 2.0,
    "accumulations": 1,
    "reference_every": 100,
    "refocus": False,
}
"""Exposures of 0.1 s of the machine: ten spectra per second are measured, stored and shown."""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A service of its own."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("gui_conf", ROOT / "tests/gui/conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    served = module.Served(tmp_path_factory.mktemp("bench"))
    yield served
    served.close()


def test_the_window_is_painted_in_time(benchmark, served, tmp_path, monkeypatch):
    from window_process import WindowProcess

    served.wait(lambda: served.table.status().interactive, "the table is open")
    served.table.set("probe.power", 50e-6)
    served.table.start_live(1.0, beams=["probe"])
    cpu_s = []
    first_s = []

    def open_window():
        monkeypatch.setenv("STARTED_S", repr(RealClock().utc().timestamp()))
        with WindowProcess(served.data, tmp_path) as window:
            painted = window.await_event("painted")
            frame = window.await_event("frame")
        cpu_s.append(painted["cpu_s"])
        first_s.append(frame["since_s"] - painted["since_s"])

    benchmark.pedantic(open_window, rounds=5, warmup_rounds=1)
    served.table.stop_live()
    print(f"\nto first paint {np.median(cpu_s):.2f} s of processor", file=sys.stderr)
    print(f"first spectrum {np.median(first_s):.2f} s later", file=sys.stderr)
    assert np.median(cpu_s) <= WINDOW_S
    assert np.median(first_s) <= FIRST_S


@pytest.mark.parametrize("kind", list(RATES))
def test_the_event_loop_is_on_time_while_exposures_arrive(benchmark, served, kind, tmp_path, qapp):
    from qtpy import QtCore

    import labctl
    from labctl.client.frames import LiveFrame
    from labctl.core.readings import Quality
    from labctl.gui import theme
    from labctl.gui.link import Link
    from labctl.gui.state import State
    from labctl.gui.window import MainWindow

    theme.apply(qapp, "dark")
    table = labctl.connect(served.data)
    link = Link(table)
    link.start()
    window = MainWindow(link, State(tmp_path / "window.json"))
    window.resize(1366, 768)
    window.show()
    window.fill()
    window.tabs.setCurrentIndex(list(RATES).index(kind))
    shape, rate = RATES[kind]
    random = np.random.default_rng(1)
    axis_nm = np.linspace(520.0, 545.0, 1340, dtype=np.float32)
    counts = [(600 + random.poisson(20, shape)).astype(np.float32) for _ in range(8)]
    metadata = {
        "exposure_s": 1.0, "beams": ["probe"], "laser_nm": 532.0, "medium": "air",
        "detector": [1.0, 4.0, 600.0, 60000.0, 20.0], "calibrations": {}, "settings": {},
    }  # fmt: skip
    late_ms, shown = [], []

    def live():
        last = [time.perf_counter()]

        def tick():
            now = time.perf_counter()
            late_ms.append(max((now - last[0]) * 1000 - 5, 0.0))
            last[0] = now

        def expose():
            number = len(shown)
            frame = LiveFrame(
                kind, counts[number % 8], axis_nm, f"{number}", Quality.GOOD, "",
                seq=number, metadata=metadata,
            )  # fmt: skip
            shown.append(number)
            link.frame.emit(frame)

        ticker = QtCore.QTimer(interval=5, timerType=QtCore.Qt.TimerType.PreciseTimer)
        ticker.timeout.connect(tick)
        camera = QtCore.QTimer(interval=round(1000 / rate))
        camera.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        camera.timeout.connect(expose)
        loop = QtCore.QEventLoop()
        QtCore.QTimer.singleShot(round(LIVE_S * 1000), loop.quit)
        ticker.start()
        camera.start()
        loop.exec()
        ticker.stop()
        camera.stop()

    benchmark.pedantic(live, rounds=1)
    p50, p99 = np.percentile(late_ms, [50, 99])
    print(
        f"\n{kind}: {len(shown) / LIVE_S:.1f} per s; late by {p50:.1f} ms (median), "
        f"{p99:.1f} ms (p99), {max(late_ms):.1f} ms (worst)",
        file=sys.stderr,
    )
    window.closing.keep()
    table.close()
    window.deleteLater()
    assert len(shown) / LIVE_S >= 0.9 * rate
    assert p99 <= LATE_MS


def test_a_run_keeps_its_pace_with_a_window_open(benchmark, served, tmp_path):
    from window_process import WindowProcess

    served.settle()
    served.table.set("stage.position", "mono")

    def pace() -> float:
        """Return the points per second of the table's clock."""
        job = served.table.queue.add("power_series", RUN)
        run = job.wait(timeout_s=300.0)
        with run.open() as reader:
            stamps_s = [point.monotonic_s for point in reader.points()]
        return (len(stamps_s) - 1) / (stamps_s[-1] - stamps_s[0])

    def measure() -> list[float]:
        ratios = []
        for index in range(3):
            alone = pace()
            with WindowProcess(served.data, tmp_path / str(index)) as window:
                window.await_event("painted")
                shown = pace()
            ratios.append(shown / alone)
            print(f"\n{alone:.3f} /s alone, {shown:.3f} /s with a window", file=sys.stderr)
        return ratios

    ratio = float(np.median(benchmark.pedantic(measure, rounds=1)))
    print(f"pace with a window: {ratio:.3f} of the pace without", file=sys.stderr)
    assert ratio >= PACE
