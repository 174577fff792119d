"""Look into runs that are over."""

import json

import pytest

from labctl.core.errors import StorageError, UsageError
from labctl.service import Session, open_run
from labctl.service.archive import describe_run, export, run_summaries, runs_json

QUICK = {"exposure_s": "1 s", "accumulations": 3}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    with Session(output=folder) as table:
        table.run("spectrum", QUICK, label="first try").check()
        table.run("spectrum", QUICK | {"window": "pl"}).check()
    return folder


def test_every_run_is_listed_with_its_label_and_state(root):
    runs = run_summaries(root)
    assert [run.name for run in runs] == ["0001_spectrum_first-try", "0002_spectrum"]
    listed = runs_json(root)["runs"]
    assert json.loads(json.dumps(listed, allow_nan=False)) == listed
    assert [one["state"] for one in listed] == ["finished", "finished"]


@pytest.mark.parametrize("name", ["1", "0001_spectrum_first-try", "0001"])
def test_a_run_is_found_by_number_name_or_the_start_of_it(root, name):
    with open_run(name, root) as run:
        assert run.number == 1


def test_a_run_is_found_by_its_folder_or_its_record(root):
    folder = next(root.glob("*/*/*/0002_*"))
    for place in (folder, folder / "run.sqlite"):
        with open_run(str(place), "nowhere") as run:
            assert run.number == 2


def test_a_run_is_described_as_plain_json(root):
    described = describe_run(root, "1")
    assert json.loads(json.dumps(described, allow_nan=False)) == described
    assert described["parameters"]["accumulations"] == 3
    assert described["station"] == "simulated table"
    assert set(described["calibrations"]) >= {"wavelength", "power.probe"}


@pytest.mark.parametrize(("file_format", "name"), [("nexus", "a.nxs"), ("csv", "a.csv")])
def test_an_export_goes_where_it_is_wanted(root, tmp_path, file_format, name):
    assert export(root, "1", file_format, tmp_path / name) == [tmp_path / name]
    assert (tmp_path / name).stat().st_size > 100


def test_text_exports_one_file_for_each_spectrum(root, tmp_path):
    written = export(root, "1", "text", tmp_path / "texts")
    assert [path.name for path in written] == [
        "000000_dark_spectrum.txt", "000001_measurement_spectrum.txt",
    ]  # fmt: skip
    rows = [line for line in written[1].read_text().splitlines() if line[:1] in "-0123456789"]
    assert len(rows) == 1340


def test_an_export_that_cannot_be_written_names_file_and_remedy(root, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="File exists") as error:
        export(root, "1", "text", tmp_path / "file")
    assert "choose another" in error.value.remedy


def test_a_run_that_does_not_exist_is_refused_with_the_known_ones(root):
    with pytest.raises(UsageError, match=r"no run '9'.*0002_spectrum"):
        open_run(9, root)


def test_a_damaged_result_does_not_hide_the_run(root):
    folder = next(root.glob("*/*/*/0002_*"))
    (folder / "result.json").write_text("{")
    assert "result.json" in describe_run(root, "2")["result"]["problem"]
