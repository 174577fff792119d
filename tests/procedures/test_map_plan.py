"""What a raster map asks for, and what it finds on the simulated table."""

import pytest
from answered import PROCEDURES, visits
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.core.errors import UsageError
from labctl.core.parameters import parse_parameters

RECTANGLE = {"x_low_um": 10.0, "x_high_um": 13.0, "y_low_um": -1.0, "y_high_um": 1.0}


def parse(**values):
    return parse_parameters(PROCEDURES["map"].Parameters, values, "map")


def spots(**values):
    return [v for v in visits("map", **values) if v.record.kind == "measurement"]


def test_a_map_visits_every_spot_once_row_by_row_forth_and_back():
    found = [
        (v.settings["stage.x"], v.settings["stage.y"]) for v in spots(**RECTANGLE, step_um=1.0)
    ]
    columns = [10.0, 11.0, 12.0, 13.0]
    forth, back = columns, columns[::-1]
    rows = [(-1.0, forth), (0.0, back), (1.0, forth)]
    assert found == [(x, y) for y, xs in rows for x in xs]


def test_a_spot_knows_its_place_and_its_light():
    last = spots(**RECTANGLE, step_um=1.0)[4].record.data
    assert (last["row"], last["column"]) == (1, 3)
    assert (last["x_um"].value, last["y_um"].value) == (13.0, 0.0)
    assert isinstance(last["signal_counts"], float)


def test_a_map_begins_with_its_dark_and_shines_only_with_its_beam():
    first, *others = visits("map", **RECTANGLE, step_um=3.0)
    assert (first.record.kind, first.beams) == ("dark", ())
    assert {v.beams for v in others} == {("probe",)}


@settings(max_examples=50, deadline=None)
@given(
    low=st.floats(-500, 400),
    width=st.integers(0, 40),
    step=st.floats(0.05, 20.0),
)
def test_the_grid_reaches_both_edges_and_never_leaves_them(low, width, step):
    parsed = parse(x_low_um=low, x_high_um=low + width * step, step_um=step, y_high_um=-5.0)
    assert len(parsed.xs_um) == width + 1
    assert parsed.xs_um[0] == low
    assert parsed.xs_um[-1] == pytest.approx(low + width * step, abs=1e-3)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"x_low_um": 40.0}, "x_low_um lies above"),
        ({"y_high_um": -9.0}, "y_low_um lies above"),
        ({"step_um": 1e-9}, "raise step_um"),
        ({"step_um": 0}, "step_um"),
    ],
)
def test_a_rectangle_that_cannot_be_mapped_is_refused(values, complaint):
    with pytest.raises(UsageError, match=complaint):
        parse(**values)
