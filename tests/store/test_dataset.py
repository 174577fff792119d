"""A run becomes an xarray dataset with units."""

import numpy as np

from labctl.core.readings import Reading
from labctl.store import RunReader


def dataset_of(make, points):
    run = make.run()
    for number, data in enumerate(points):
        run.commit(make.point(number, data), [])
    make.finish(run)
    return RunReader(run.path).to_xarray()


def test_readings_have_units_and_quality_and_invalid_is_not_a_number(make):
    invalid = Reading.invalid("sensor fault", "K", make.clock)
    found = dataset_of(make, [{"t": make.reading(4.2)}, {"t": invalid}])
    np.testing.assert_array_equal(found["t"], [4.2, np.nan])
    assert found["t"].attrs["units"] == "K"
    assert list(found["t_quality"].values) == ["good", "invalid"]


def test_spectra_on_one_axis_are_stacked_untouched(make):
    spectra = [make.exposure(seed) for seed in range(3)]
    found = dataset_of(make, [{"s": spectrum} for spectrum in spectra])
    assert found["s"].dims == ("point", "s_accumulation", "s_pixel")
    assert found["s"].dtype == np.uint16
    np.testing.assert_array_equal(found["s"], np.stack([item.counts for item in spectra]))
    assert found["s_wavelength_nm"].attrs["units"] == "nm"
    assert list(found["s_quality"].values) == ["good"] * 3


def test_another_axis_is_another_variable_with_its_points(make):
    data = [
        {"s": make.exposure(0)},
        {"s": make.exposure(1, axis_nm=700.0)},
        {"s": make.exposure(2)},
    ]
    found = dataset_of(make, data)
    assert list(found["s_point"].values) == [0, 2]
    assert list(found["s_2_point"].values) == [1]
    assert found["s_2_wavelength_nm"][0] == 700.0


def test_frames_arrays_and_plain_values_have_their_place(make):
    data = [
        {"f": make.exposure(0, (1, 4, 10)), "a": np.arange(3), "n": 1, "ok": True, "word": "x"},
        {"f": make.exposure(1, (1, 4, 10)), "a": np.arange(3), "n": 2, "ok": False, "word": "y"},
    ]
    found = dataset_of(make, data)
    assert found["f"].dims == ("point", "f_accumulation", "f_row", "f_pixel")
    assert found["a"].shape == (2, 3)
    assert found["n"].dtype == np.int64
    assert found["ok"].dtype == bool
    assert list(found["word"].values) == ["x", "y"]


def test_an_empty_run_is_an_empty_dataset(make):
    assert dataset_of(make, []).sizes["point"] == 0


def test_a_reader_shows_itself_in_a_notebook(make):
    run = make.run()
    make.finish(run)
    text = RunReader(run.path)._repr_html_()
    assert "0001_series" in text
    assert "finished" in text
