"""Give the tests of the views what a view needs, without a whole window."""

import shutil

import pytest

FEW = {"temperatures": (210.0, 255.0, 298.0, 340.0), "exposure_s": 5.0, "powers": (2e-5, 8e-5)}
MAP = {
    "x_low_um": 34.0, "x_high_um": 42.0, "y_low_um": 4.0, "y_high_um": 12.0, "step_um": 2.0,
    "power": 1e-4, "exposure_s": 2.0, "accumulations": 1,
}  # fmt: skip


@pytest.fixture(scope="session")
def measured(served, tmp_path_factory):
    """Measure a calibration and a map on the same table in this process, in virtual time."""
    from labctl.core.messages import Acquire
    from labctl.service import Session

    folder = tmp_path_factory.mktemp("measured")
    with Session(served.station, folder) as session:
        session.station.acquirers["spectrometer"].acquire(Acquire("spectrometer", 0.1))
        assert session.run("thermometry_calibration", FEW).result.calibrations
        session.run("map", MAP).check()
    return folder


@pytest.fixture(scope="module")
def calibrated(served, measured):
    """Put the thermometry calibration beside the service's runs."""
    kept = served.data / "calibrations"
    kept.mkdir(exist_ok=True)
    copies = [shutil.copy(path, kept) for path in (measured / "calibrations").glob("therm*")]
    yield served
    for copy in copies:
        (kept / copy).unlink()


@pytest.fixture
def light(link, state, qtbot):
    """What views are given, with a window that holds nothing."""
    from qtpy import QtWidgets

    from labctl.gui.actions import Actions
    from labctl.gui.context import Context
    from labctl.gui.exposing import Exposing

    shown = []
    window = QtWidgets.QWidget()
    qtbot.addWidget(window)
    QtWidgets.QVBoxLayout(window)
    window.resize(1000, 640)
    return Context(
        link, state, Actions(window), Exposing(link, state), shown.append, shown.append,
        shown.append,
    )  # fmt: skip


@pytest.fixture
def seen(light, qtbot):
    """Show a view."""

    def show(kind):
        window = light.actions.parent()
        view = kind(light)
        window.layout().addWidget(view)
        window.show()
        qtbot.waitExposed(window)
        return view

    return show


@pytest.fixture(scope="session")
def old_runs(served, measured):
    """Put the runs that were measured in this process among those of the service."""
    for database in measured.glob("*/*/*/*/run.sqlite"):
        folder = database.parent
        number, name = folder.name.split("_", 1)
        target = served.data / folder.parent.relative_to(measured) / f"9{number[1:]}_{name}"
        shutil.copytree(folder, target)
    return served
