import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.core.errors import ConfigError
from labctl.sim.parameters import TwinParameters, list_parameters, with_overrides

NAMES = [entry.name for entry in list_parameters()]


def test_every_number_has_a_unique_dotted_name_and_a_description():
    entries = list_parameters()
    assert len(entries) == len({entry.name for entry in entries}) > 200
    assert all("." in entry.name and entry.description for entry in entries)
    assert all(math.isfinite(entry.value) for entry in entries)


def test_every_physical_number_states_the_unit_of_its_name():
    for entry in list_parameters():
        suffixes = {"_um": "µm", "_nm": "nm", "_cm1": "cm⁻¹", "_ev": "eV", "_s": "s", "_pa": "Pa"}
        for suffix, unit in suffixes.items():
            if entry.name.endswith(suffix) and "_per_" not in entry.name:
                assert unit in entry.unit, entry.name


@pytest.mark.parametrize("name", NAMES)
def test_every_listed_number_can_be_overridden(name):
    value = {entry.name: entry.value for entry in list_parameters()}[name]
    assert with_overrides({name: value}) == TwinParameters()


def test_override_changes_only_its_number():
    changed = with_overrides({"region.mono.heating_k_per_uw": 0.07})
    before = {entry.name: entry.value for entry in list_parameters()}
    after = {entry.name: entry.value for entry in list_parameters(changed)}
    assert {name for name in NAMES if before[name] != after[name]} == {
        "region.mono.heating_k_per_uw"
    }
    assert after["region.mono.heating_k_per_uw"] == 0.07


def test_nested_mapping_from_toml_is_read_as_dotted_names():
    nested = with_overrides({"ccd": {"rows": 300, "prnu": 0.0}})
    assert nested == with_overrides({"ccd.rows": 300, "ccd.prnu": 0.0})


def test_unknown_name_is_refused_with_the_nearest_known_one():
    with pytest.raises(ConfigError, match=r"did you mean 'region\.mono\.heating_k_per_uw'"):
        with_overrides({"region.mono.heating_k_per_w": 1.0})
    with pytest.raises(ConfigError, match=r"group of region\.mono\.x_um"):
        with_overrides({"region.mono": 1.0})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ccd.prnu", "0.01"),
        ("ccd.prnu", True),
        ("ccd.prnu", float("nan")),
        ("ccd.prnu", float("inf")),
        ("ccd.prnu", None),
        ("ccd.prnu", [0.01]),
        ("ccd.prnu", -0.01),
        ("ccd.rows", 1.5),
        ("ccd.last_row", 400),
        ("ccd.gain_e_per_count", 0.0),
    ],
)
def test_wrong_value_is_refused_by_name(name, value):
    with pytest.raises(ConfigError, match="ccd"):
        with_overrides({name: value})


@given(
    st.text(max_size=30).filter(lambda name: name not in NAMES),
    st.one_of(st.floats(), st.text(max_size=5), st.booleans()),
)
def test_any_unknown_name_is_refused_with_a_config_error(name, value):
    with pytest.raises(ConfigError):
        with_overrides({name: value})
