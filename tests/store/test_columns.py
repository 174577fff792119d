"""Numbers of many points are those of the points, or none."""

import sqlite3

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labctl.core.errors import UsageError
from labctl.core.readings import Reading
from labctl.store import RunReader

NAMES = ("x_um", "row", "signal_counts", "power_w", "stage.x", "text", "missing", "spectrum")
finite = st.floats(allow_nan=False, allow_infinity=False)


def record(make, rows):
    run = make.run()
    for number, (x_um, row, signal) in enumerate(rows):
        make.commit(
            run,
            number,
            shape=(1, 8),
            x_um=make.reading(x_um, "µm"),
            row=row,
            signal_counts=signal,
            text="12",
            **{"stage.x": x_um},
        )
    make.finish(run)
    return run.path


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(finite, st.integers(-(2**40), 2**40), finite), min_size=1))
def test_numbers_are_those_of_the_points(make, rows):
    with RunReader(record(make, rows)) as reader:
        numbers = list(range(len(rows)))[::-1]
        found = reader.numbers(NAMES, numbers)
        points = [reader.point(number) for number in numbers]
    np.testing.assert_array_equal(found["x_um"], [p.data["x_um"].value for p in points])
    np.testing.assert_array_equal(found["row"], [float(p.data["row"]) for p in points])
    np.testing.assert_array_equal(found["stage.x"], [p.data["stage.x"] for p in points])
    for name in ("text", "missing", "spectrum", "power_w"):
        assert np.isnan(found[name]).all()


def test_an_invalid_reading_gives_no_number(make):
    run = make.run()
    make.commit(run, 0, shape=(1, 8), x_um=Reading.invalid("stuck", "µm", make.clock))
    make.finish(run)
    with RunReader(run.path) as reader:
        assert np.isnan(reader.numbers(["x_um"], [0])["x_um"]).all()


def test_a_damaged_point_gives_no_number_and_leaves_the_others(make):
    path = record(make, [(1.0, 1, 1.0), (2.0, 2, 2.0), (3.0, 3, 3.0)])
    db = sqlite3.connect(path / "run.sqlite")
    with db:
        db.execute("UPDATE points SET header=replace(header,'2.0','2.5') WHERE number=1")
    db.close()
    with RunReader(path) as reader:
        found = reader.numbers(["x_um"], [0, 1, 2])["x_um"]
    np.testing.assert_array_equal(found, [1.0, np.nan, 3.0])


def test_a_header_that_is_no_json_gives_no_number(make):
    path = record(make, [(1.0, 1, 1.0), (2.0, 2, 2.0)])
    db = sqlite3.connect(path / "run.sqlite")
    with db:
        db.execute("UPDATE points SET header='{' WHERE number=0")
    db.close()
    with RunReader(path) as reader:
        np.testing.assert_array_equal(reader.numbers(["row"], [0, 1])["row"], [np.nan, 2.0])


def test_points_that_are_not_there_give_no_number(make):
    with RunReader(record(make, [(1.0, 1, 1.0)])) as reader:
        np.testing.assert_array_equal(reader.numbers(["row"], [0, 7])["row"], [1.0, np.nan])


@pytest.mark.parametrize("name", ['x"', "x'", "$.a", "a b", "", "x);--"])
def test_a_name_that_could_be_more_than_a_name_is_refused(make, name):
    with (
        RunReader(record(make, [(1.0, 1, 1.0)])) as reader,
        pytest.raises(UsageError, match="no name"),
    ):
        reader.numbers([name], [0])
