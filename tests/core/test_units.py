import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.core.errors import UsageError
from labctl.core.units import format_quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("50 uW", "W", 50e-6),
        ("50 µW", "W", 50e-6),
        ("0.05mW", "W", 50e-6),
        ("1,5 mW", "W", 1.5e-3),
        ("5e-5", "W", 5e-5),
        (5e-5, "W", 5e-5),
        ("25 degC", "K", 298.15),
        ("77 K", "K", 77.0),
        ("10 min", "s", 600.0),
        ("250 cm-1", "cm⁻¹", 250.0),
        ("250 cm⁻¹", "cm⁻¹", 250.0),
        ("532 nm", "nm", 532.0),
        ("2.3305 eV", "nm", 532.0),
    ],
)
def test_what_people_type_becomes_a_number_in_the_unit(text, unit, value):
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("50 uA", "W"),
        ("W", "K"),
        ("", "W"),
        ("nan", "W"),
        ("inf W", "W"),
        ("1e400", "W"),
        ("1_000", "W"),
        ("50 parsnips", "W"),
        ("__import__('os')", "W"),
        (True, "W"),
        (math.nan, "W"),
    ],
)
def test_what_is_no_quantity_in_the_unit_is_refused(text, unit):
    with pytest.raises(UsageError):
        parse_quantity(text, unit)


@given(st.text(max_size=30))
def test_any_text_gives_a_finite_number_or_a_usage_error(text):
    try:
        value = parse_quantity(text, "W")
    except UsageError:
        return
    assert math.isfinite(value)


@given(st.floats(min_value=1e-12, max_value=1e3))
def test_a_formatted_power_reads_back(value):
    assert parse_quantity(format_quantity(value, "W"), "W") == pytest.approx(value, rel=1e-3)


def test_formats_as_people_read():
    assert format_quantity(50e-6, "W") == "50 µW"
    assert format_quantity(298.15, "K") == "298.1 K"
    assert format_quantity(532.0, "nm") == "532 nm"
    assert format_quantity(600.0, "s") == "600 s"
    assert format_quantity(0.0, "W") == "0 W"
