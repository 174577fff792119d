import pytest
from pydantic import Field

from labctl.core.errors import UsageError
from labctl.core.parameters import (
    DurationS,
    Names,
    ParameterModel,
    PowersW,
    PowerW,
    describe_parameters,
    parse_parameters,
)


class Example(ParameterModel):
    power: PowerW = Field(default=50e-6, gt=0, le=1e-3, description="Power at the sample")
    powers: PowersW = Field(default=(1e-6,), description="Several")
    exposure_s: DurationS = Field(default=1.0, description="Each exposure")
    regions: Names = ("mono",)


def parse(**values):
    return parse_parameters(Example, values, "example")


def test_units_are_converted():
    assert parse(power="0.2 mW", exposure_s="2 min").power == pytest.approx(2e-4)
    assert parse(exposure_s="2 min").exposure_s == 120.0


def test_lists_and_ranges_are_read():
    assert parse(powers="1 uW, 10 uW, 100 uW").powers == pytest.approx((1e-6, 1e-5, 1e-4))
    assert parse(powers="1 uW..100 uW:3 log").powers == pytest.approx((1e-6, 1e-5, 1e-4))
    assert parse(powers="1 uW..3 uW:3").powers == pytest.approx((1e-6, 2e-6, 3e-6))
    assert parse(regions="mono, weak").regions == ("mono", "weak")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"powr": "1 uW"}, ["unknown parameter 'powr'", "did you mean 'power'"]),
        ({"power": "1 uA"}, ["power", "1 uA", "not a quantity in W"]),
        ({"power": "2 mW"}, ["power", "less than or equal to 0.001 W"]),
        ({"power": float("nan")}, ["power", "finite"]),
        ({"powers": "1 uW..2 uW"}, ["first..last:count"]),
        ({"powers": ""}, ["powers", "at least 1"]),
        ({"powers": "0 W..1 W:3 log"}, ["logarithmic"]),
    ],
)
def test_a_wrong_parameter_is_named_with_what_is_allowed(values, words):
    with pytest.raises(UsageError) as error:
        parse(**values)
    for word in words:
        assert word in str(error.value)


def test_description_has_units_ranges_and_defaults():
    rows = {row.name: row for row in describe_parameters(Example)}
    assert rows["power"].default == "50 µW"
    assert rows["power"].allowed == "> 0 W, ≤ 1 mW"
    assert rows["powers"].default == "1 µW"
    assert rows["exposure_s"].unit == "s"


def test_parameters_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        parse().power = 1.0
