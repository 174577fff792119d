"""Open the NeXus file of a run with h5py alone, and make it again under difficulties."""

import os

import h5py
import numpy as np
import pytest

from labctl.core.errors import StorageError
from labctl.core.readings import Reading
from labctl.service import Session
from labctl.service.evaluation import export_run
from labctl.store.nexus import Header, write_nexus
from labctl.store.reader import RunReader

QUICK = {"exposure_s": "1 s", "accumulations": 3}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return a Raman spectrum, a PL spectrum and a power series of both, as finished runs."""
    series = {"regions": "mono", "powers": "50 uW, 100 uW", "refocus": "false"}
    with Session(output=tmp_path_factory.mktemp("runs")) as table:
        found = {
            "raman": table.run("spectrum", QUICK),
            "pl": table.run("spectrum", {"window": "pl"}),
            "series": table.run("power_series", QUICK | series),
        }
    for run in found.values():
        run.check()
    return found


def nexus_of(run):
    return run.folder / f"{run.folder.name}.nxs"


def plotted(file):
    """Follow `default` from the root to the plot, as every viewer does."""
    group = file
    while group.attrs.get("NX_class") != "NXdata":
        group = group[group.attrs["default"]]
    return group


def tree(path):
    """Return every group and dataset of a file with its attributes, bit by bit."""
    found = {}

    def visit(name, item):
        value = item[()] if isinstance(item, h5py.Dataset) else None
        content = value.tobytes() if isinstance(value, np.ndarray) else value
        attributes = {key: np.asarray(one).tolist() for key, one in item.attrs.items()}
        found[name] = (repr(content), attributes)

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


@pytest.mark.parametrize(
    ("name", "axis", "unit", "definition"),
    [
        ("raman", "raman_shift", "1/cm", "NXraman"),
        ("pl", "wavelength", "nm", "NXoptical_spectroscopy"),
        ("series", "raman_shift", "1/cm", "NXraman"),
    ],
)
def test_default_leads_from_the_root_to_a_plot_with_axes_and_units(
    runs, name, axis, unit, definition
):
    with h5py.File(nexus_of(runs[name]), "r") as file:
        assert file.attrs["NX_class"] == "NXroot"
        assert file["entry/definition"].asstr()[()] == definition
        data = plotted(file)
        signal = data[data.attrs["signal"]]
        assert list(data.attrs["axes"]) == ["point", axis]
        assert signal.shape == (len(data["point"]), len(data[axis]))
        assert signal.attrs["units"] == "counts"
        assert data[axis].attrs["units"] == unit
        assert data["power_w"].attrs["units"] == "W"
        assert data["exposure_time"].attrs["units"] == "s"
        if axis == "raman_shift":
            assert data[axis][0] < 0 < data[axis][-1]


@pytest.mark.parametrize("name", ["raman", "pl", "series"])
def test_raw_counts_of_every_accumulation_are_those_of_the_record(runs, name):
    with RunReader(runs[name].folder) as reader, h5py.File(nexus_of(runs[name]), "r") as file:
        points = list(reader.points())
        assert sorted(file["entry/points"]) == [f"{point.number:06d}" for point in points]
        for point in points:
            group = file[f"entry/points/{point.number:06d}"]
            raw, spectrum = group["spectrum"], point.data["spectrum"]
            assert raw.dtype == spectrum.counts.dtype
            np.testing.assert_array_equal(raw[()], spectrum.counts)
            np.testing.assert_array_equal(group["spectrum_wavelength"][()], spectrum.wavelength_nm)
            assert group.attrs["kind"] == point.kind


def test_the_plot_holds_the_mean_of_each_measured_spectrum(runs):
    run = runs["series"]
    with RunReader(run.folder) as reader, h5py.File(nexus_of(run), "r") as file:
        data = plotted(file)
        by_number = {point.number: point for point in reader.points()}
        for row, number in enumerate(data["point"]):
            expected = by_number[int(number)].data["spectrum"].counts.mean(axis=0)
            np.testing.assert_array_equal(data["intensity"][row], expected)
        kinds = {by_number[int(number)].kind for number in data["point"]}
        assert kinds == {"measurement", "reference"}


def test_an_export_made_again_is_the_same(runs, tmp_path):
    with RunReader(runs["series"].folder) as reader:
        again = export_run(reader, tmp_path / "again.nxs")
    first = tree(nexus_of(runs["series"]))
    assert len(first) > 50
    assert tree(again) == first


def test_a_file_that_a_viewer_holds_open_can_be_made_again(runs, tmp_path):
    path = tmp_path / "run.nxs"
    with RunReader(runs["raman"].folder) as reader:
        export_run(reader, path)
        with h5py.File(path, "r") as held:
            before = plotted(held)["intensity"][()]
            written = export_run(reader, path)
            np.testing.assert_array_equal(plotted(held)["intensity"][()], before)
    with h5py.File(written, "r") as fresh:
        np.testing.assert_array_equal(plotted(fresh)["intensity"][()], before)
    assert not list(tmp_path.glob(".*"))


def test_a_target_that_cannot_be_written_keeps_the_old_file(runs, tmp_path):
    path = tmp_path / "run.nxs"
    with RunReader(runs["raman"].folder) as reader:
        export_run(reader, path)
        before = path.read_bytes()
        # what the new file is called until it is whole is taken by a folder
        (tmp_path / f".run.nxs.{os.getpid()}.new").mkdir()
        with pytest.raises(StorageError, match=r"run\.nxs: cannot be written: Is a directory"):
            export_run(reader, path)
    assert path.read_bytes() == before


def test_a_value_that_is_not_good_says_so(tmp_path, make):
    bad = Reading.invalid("sensor open", "K", make.clock)
    doubted = make.reading(300.0).doubted("not settled")
    points = [make.point(0, {"a": bad, "b": doubted, "c": make.reading(4.0)})]
    header = Header(run="0001_x", procedure="x", start_utc="", end_utc="", state="", version="")
    with h5py.File(write_nexus(tmp_path / "x.nxs", header, points), "r") as file:
        group = file["entry/points/000000"]
        assert np.isnan(group["a"][()])
        assert group["a"].attrs["quality"] == "invalid"
        assert group["a"].attrs["reason"] == "sensor open"
        assert group["b"].attrs["quality"] == "uncertain"
        assert (group["c"][()], group["c"].attrs["quality"]) == (4.0, "good")


def test_a_run_without_spectra_names_no_laser(tmp_path, make):
    points = [make.point(0, {"pressure_pa": make.reading(1e-3, "Pa")})]
    header = Header(run="0001_x", procedure="x", start_utc="", end_utc="", state="", version="")
    with h5py.File(write_nexus(tmp_path / "x.nxs", header, points), "r") as file:
        assert "wavelength" not in file["entry/instrument/beam_incident"]
