"""What the plans of the shipped procedures ask for, without any table."""

import random
from collections import Counter

import pytest
from answered import PROCEDURES, SWEEPS, conversation, transcript, visits
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.core.errors import UsageError
from labctl.core.messages import Acquire, Record, Set
from labctl.core.parameters import parse_parameters
from procedures.dual_beam import first_states

seeds = st.integers(0, 2**32)
orders = st.sampled_from(["shuffled", "given"])
powers = st.lists(st.integers(20, 400).map(lambda n: n * 1e-6), min_size=2, max_size=6, unique=True)
temperatures = st.lists(st.integers(80, 370).map(float), min_size=3, max_size=6, unique=True)
few = settings(max_examples=25, deadline=None)


EXPOSING = [
    name for name, one in PROCEDURES.items() if "accumulations" in one.Parameters.model_fields
]


def parse(name, **values):
    return parse_parameters(PROCEDURES[name].Parameters, values, name)


# -- parameters


@pytest.mark.parametrize("name", PROCEDURES)
def test_defaults_are_valid_and_survive_json(name):
    model = PROCEDURES[name].Parameters
    parameters = model()
    assert model.model_validate(parameters.model_dump(mode="json")) == parameters


@pytest.mark.parametrize("name", EXPOSING)
@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("exposure", "1 s", "did you mean 'exposure_s'"),
        ("exposure_s", "0 s", "greater than 0"),
        ("exposure_s", "5 uW", "not a quantity in s"),
        ("exposure_s", float("nan"), "finite"),
        ("exposure_s", "2 d", "less than or equal to 86400 s"),
        ("accumulations", 0, "greater than"),
        ("accumulations", 5000, "less than or equal to 1000"),
    ],
)
def test_a_wrong_parameter_is_refused_in_words(name, key, value, complaint):
    with pytest.raises(UsageError, match=complaint) as error:
        parse(name, **{key: value})
    assert name in error.value.message


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("power_series", "powers", "1 uW, 2 W"),
        ("power_series", "powers", ""),
        ("power_series", "regions", ""),
        ("power_series", "windows", ["ramen"]),
        ("power_series", "order", "backwards"),
        ("power_series", "seed", -1),
        ("power_series", "reference_every", 0),
        ("spectrum", "power", "0 W"),
        ("spectrum", "power", "50 K"),
        ("dual_beam", "pairs", 0),
        ("dual_beam", "pairing", "baab"),
        ("dual_beam", "pump_power", "-1 uW"),
        ("temperature_series", "temperatures", "0 K"),
        ("thermometry_calibration", "temperatures", "298 K, 300 K"),
        ("thermometry_calibration", "powers", "25 uW"),
        ("wavelength_check", "line_cm1", "250"),
        ("laser_zero", "line", "argon"),
        ("laser_zero", "repeats", 0),
        ("lamp_wavelength", "degree", 4),
        ("power_calibration", "powers", "1 mW, 2 mW"),
        ("power_calibration", "readings", "1 mW, 2 mW, 3 mW"),
        ("power_calibration", "meter_accuracy", 0),
    ],
)
def test_a_value_out_of_range_is_refused(name, key, value):
    with pytest.raises(UsageError, match=key):
        parse(name, **{key: value})


def test_units_are_read_as_people_type_them():
    parsed = parse("power_series", powers="10 uW..1 mW:3 log", exposure_s="2 min", seed="7")
    assert parsed.powers == pytest.approx((1e-5, 1e-4, 1e-3))
    assert (parsed.exposure_s, parsed.seed) == (120.0, 7)
    parsed = parse("temperature_series", temperatures="220 K, 298 K")
    assert parsed.temperatures == (220.0, 298.0)


# -- plans


@pytest.mark.parametrize("name", PROCEDURES)
def test_a_plan_of_defaults_is_a_function_of_its_answers(name):
    random.seed(1)
    first = transcript(name)
    random.seed(2)
    assert transcript(name) == first


@few
@given(name=st.sampled_from(SWEEPS), seed=seeds, order=orders, refocus=st.booleans())
def test_a_plan_is_a_function_of_seed_order_and_answers(name, seed, order, refocus):
    values = {"seed": seed, "order": order, "refocus": refocus}
    random.seed(1)
    first = transcript(name, **values)
    random.seed(2)
    assert transcript(name, **values) == first


@few
@given(powers=powers, seed=seeds, order=orders, reference_every=st.integers(1, 5))
def test_a_power_series_visits_every_condition_once_in_each_window(
    powers, seed, order, reference_every
):
    regions = ("intermediate", "mono")
    found = visits(
        "power_series",
        regions=regions,
        powers=tuple(powers),
        seed=seed,
        order=order,
        reference_every=reference_every,
        refocus=False,
    )
    wanted = [(region, power_w) for region in regions for power_w in powers]
    for window in ("raman", "pl"):
        inside = [v for v in found if v.settings["spectrometer.window"] == window]
        assert [v.record.kind for v in inside].count("dark") == 1
        assert inside[0].record.kind == "dark"
        measured = [place_of(v) for v in inside if v.record.kind == "measurement"]
        assert Counter(measured) == Counter(wanted)
        if order == "given":
            assert measured == wanted
        returns = [place_of(v) for v in inside if v.record.kind == "reference"]
        assert returns == [("intermediate", max(powers))] * -(-len(wanted) // reference_every)
        assert all(v.record.data["window"] == window for v in inside)


def place_of(visit):
    region = visit.settings["stage.position"]
    assert visit.record.data["region"] == region
    assert visit.beams == ("probe",)
    return region, visit.settings["probe.power"]


def test_the_seed_decides_the_visiting_order():
    def order(seed):
        found = visits("power_series", seed=seed, refocus=False, windows=("raman",))
        return [place_of(v) for v in found if v.record.kind == "measurement"]

    assert order(1) == order(1)
    assert len({tuple(order(seed)) for seed in range(8)}) > 4


@few
@given(temperatures=temperatures, seed=seeds, order=orders)
def test_a_temperature_series_visits_every_temperature_once_in_each_window(
    temperatures, seed, order
):
    found = visits(
        "temperature_series",
        temperatures=tuple(temperatures),
        seed=seed,
        order=order,
        refocus=False,
    )
    for window in ("raman", "pl"):
        measured = [
            v.settings["cryostat.temperature"]
            for v in found
            if v.record.kind == "measurement" and v.settings["spectrometer.window"] == window
        ]
        assert sorted(measured) == sorted(temperatures)
        assert order == "shuffled" or measured == temperatures


@few
@given(temperatures=temperatures, powers=powers, seed=seeds, order=orders)
def test_a_calibration_visits_every_power_at_every_temperature_once(
    temperatures, powers, seed, order
):
    found = visits(
        "thermometry_calibration",
        temperatures=tuple(temperatures),
        powers=tuple(powers),
        seed=seed,
        order=order,
        refocus=False,
    )
    measured = [
        (v.settings["cryostat.temperature"], v.settings["probe.power"])
        for v in found
        if v.record.kind == "measurement"
    ]
    assert Counter(measured) == Counter((t, p) for t in temperatures for p in powers)


@few
@given(
    pairs=st.integers(1, 15),
    pairing=st.sampled_from(["random", "abba"]),
    seed=seeds,
    control_every=st.integers(1, 7),
)
def test_dual_beam_pairs_are_balanced_and_controlled(pairs, pairing, seed, control_every):
    found = visits(
        "dual_beam",
        pairs=pairs,
        pairing=pairing,
        seed=seed,
        control_every=control_every,
        refocus=False,
    )
    firsts = []
    for pair in range(pairs):
        states = [
            v for v in found if v.record.kind == "measurement" and v.record.data["pair"] == pair
        ]
        assert sorted(v.beams for v in states) == [("probe",), ("probe", "pump")]
        for v in states:
            assert (v.record.data["pump_power_w"] is not None) == ("pump" in v.beams)
        firsts.append("pump" in states[0].beams)
    assert firsts == first_states(pairs, pairing, seed)
    controls = -(-pairs // control_every)
    assert [v.beams for v in found if v.record.kind == "check"] == [("pump",)] * controls
    assert [v.beams for v in found if v.record.kind == "dark"] == [()] * controls


def test_abba_cancels_a_linear_drift():
    # the mean number of the spectra with the pump on is that of those with it off
    states = [state for first in first_states(8, "abba", 1) for state in (first, not first)]
    on = [number for number, state in enumerate(states) if state]
    off = [number for number, state in enumerate(states) if not state]
    assert sum(on) == sum(off)


def test_random_pairs_begin_with_the_pump_about_half_the_time():
    firsts = [first for seed in range(50) for first in first_states(20, "random", seed)]
    assert 0.45 < sum(firsts) / len(firsts) < 0.55


@pytest.mark.parametrize("name", PROCEDURES)
def test_nothing_shines_before_the_power_was_set(name):
    powered = set()
    for message, _ in conversation(name):
        if isinstance(message, Set) and message.channel.endswith(".power"):
            powered.add(message.channel.removesuffix(".power"))
        if isinstance(message, Acquire):
            assert set(message.beams) <= powered


@pytest.mark.parametrize("name", PROCEDURES)
def test_every_spectrum_is_recorded_with_the_window_and_the_power_that_it_had(name):
    for visit in visits(name):
        assert isinstance(visit.record, Record)
        data = visit.record.data
        if "spectrum" not in data or "spectrometer.window" not in visit.settings:
            continue
        assert data["window"] == visit.settings["spectrometer.window"]
        assert data["spectrum"].beams == visit.beams
        if "probe" in visit.beams:
            assert data["power_w"].number == visit.settings["probe.power"]
