"""Take a picture of every screen in every theme and size: `make screenshots`.

    python tests/gui/screenshots.py FOLDER [DATA]

Without DATA a simulated table is served for it, with a live view on and a short series in its
record, so that no screen is empty.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent / "system")]
SIZES = ((1366, 768), (1920, 1080))
SERIES = {
    "powers": [20e-6, 50e-6, 100e-6, 200e-6], "windows": ["raman"], "regions": ["mono"],
    "exposure_s": 2.0, "accumulations": 2, "refocus": False,
}  # fmt: skip


def main(folder: Path, data: Path | None) -> None:
    """Take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    served = None
    with tempfile.TemporaryDirectory() as place:
        os.environ["LABCTL_STATE"] = str(Path(place) / "state")
        if data is None:
            from conftest import Served

            served = Served(Path(place))
            prepare(served)
            data = served.data
        try:
            take(folder, data)
        finally:
            if served is not None:
                served.close()


def prepare(served) -> None:
    """Measure a series, add one that waits, and begin a live view."""
    table = served.table
    job = table.run_now("power_series", SERIES)
    served.wait(lambda: job.item.state.is_end, "the series ends")
    table.pause()
    table.queue.add("power_series", SERIES, label="flake-7")
    table.queue.add("spectrum", {"exposure_s": 10.0}, label="flake-7")
    served.wait(lambda: table.status().interactive, "the table is open")
    table.set("probe.power", 50e-6)
    table.start_live(1.0, beams=["probe"])


def take(folder: Path, data: Path) -> None:
    """Open the window and take a picture of every tab and dock."""
    from qtpy import QtCore

    from labctl.gui import theme
    from labctl.gui.app import connect, open_window

    def wait(duration_ms: int) -> None:
        loop = QtCore.QEventLoop()
        QtCore.QTimer.singleShot(duration_ms, loop.quit)
        loop.exec()

    table = connect(data)
    window = open_window(table, data=data)
    window.show()
    window.fill()
    wait(2000)
    for run in table.runs(most=1):
        window.open_run(run["run"])
    wait(2000)
    for width, height in SIZES:
        window.resize(width, height)
        for name in theme.themes():
            window.layouts.paint(name)
            for part, show in screens(window):
                show()
                wait(400)
                path = folder / f"{part}-{name}-{width}x{height}.png"
                window.grab().save(str(path))
                print(path)
    window.closing.keep()
    table.close()


def screens(window):
    """Return name and opener of every screen."""
    views = [
        (view_id, lambda view_id=view_id: window.show_view(view_id)) for view_id in window.view_ids
    ]
    docks = [
        (f"dock-{dock_id}", lambda dock_id=dock_id: window.show_dock(dock_id))
        for dock_id in window.docks
        if dock_id != "console"
    ]
    return [*views, *docks]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
