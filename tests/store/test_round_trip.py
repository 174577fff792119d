"""What is stored comes back as it was, bit by bit."""

import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from labctl.core.clock import VirtualClock
from labctl.core.errors import UsageError
from labctl.core.journal import Exchange
from labctl.core.messages import Acquire, Note, Point, Read, Set, Sleep, Wait
from labctl.core.readings import Quality, Reading
from labctl.core.spectra import Detector, Frame, Spectrum
from labctl.store import RunReader, RunWriter
from labctl.store.segment import to_block

FINITE = st.floats(allow_nan=False, allow_infinity=False)
STAMP = datetime(2026, 1, 1, tzinfo=UTC)
SCALARS = st.booleans() | st.integers() | FINITE | st.text(max_size=20)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=2))])
TIMES = st.datetimes(timezones=ZONES, min_value=datetime(1990, 1, 1))
DTYPES = (
    hnp.unsigned_integer_dtypes()
    | hnp.integer_dtypes()
    | hnp.floating_dtypes(sizes=(16, 32, 64))
    | hnp.complex_number_dtypes(sizes=(64, 128))
    | hnp.boolean_dtypes()
)
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
    )
)


@st.composite
def readings(draw):
    quality = draw(st.sampled_from(Quality))
    value = None if quality is Quality.INVALID else draw(SCALARS)
    reason = draw(st.text(min_size=1, max_size=10)) if quality is not Quality.GOOD else ""
    return Reading(value, draw(st.text(max_size=5)), draw(TIMES), draw(FINITE), quality, reason)


@st.composite
def exposures(draw):
    kind, dims = draw(st.sampled_from([(Spectrum, 2), (Frame, 3)]))
    shape = draw(hnp.array_shapes(min_dims=dims, max_dims=dims, min_side=1, max_side=6))
    dtype = draw(st.sampled_from([np.dtype("<u2"), np.dtype(">i4"), np.dtype("f8")]))
    return kind(
        counts=draw(hnp.arrays(dtype, shape)),
        wavelength_nm=draw(hnp.arrays("f8", shape[-1:])),
        exposure_s=draw(FINITE),
        beams=tuple(draw(st.lists(st.text(max_size=5), max_size=3))),
        laser_nm=draw(st.none() | FINITE),
        detector=Detector(*draw(st.tuples(*[FINITE] * 5))),
        utc=draw(TIMES),
        monotonic_s=draw(FINITE),
        medium=draw(st.text(max_size=5)),
        quality=draw(st.sampled_from(Quality)),
        reason=draw(st.text(max_size=5)),
        calibrations=draw(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)),
        settings=draw(st.dictionaries(st.text(max_size=5), SCALARS, max_size=3)),
    )


ANSWERS = st.none() | readings() | exposures()
MESSAGES = st.one_of(
    st.builds(Set, st.text(max_size=8), SCALARS),
    st.builds(Wait, st.text(max_size=8)),
    st.builds(Read, st.text(max_size=8)),
    st.builds(Sleep, FINITE),
    st.builds(Note, st.text(max_size=8), st.dictionaries(st.text(max_size=3), SCALARS, max_size=2)),
    st.builds(
        Acquire,
        st.text(max_size=8),
        FINITE,
        st.integers(1, 9),
        st.lists(st.text(max_size=4), max_size=2).map(tuple),
        st.sampled_from(["spectrum", "image"]),
    ),
)
RECORDS = st.dictionaries(
    st.text(max_size=8), st.none() | SCALARS | ARRAYS | readings() | exposures(), max_size=4
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    points=st.lists(
        st.tuples(RECORDS, st.lists(st.builds(Exchange, MESSAGES, ANSWERS), max_size=4)),
        min_size=1,
        max_size=3,
    )
)
def test_anything_recordable_comes_back_identical(points):
    from_conftest = _plain
    with tempfile.TemporaryDirectory() as folder:
        run = RunWriter.create(Path(folder), "series", clock=VirtualClock(), margin_bytes=0)
        for number, (data, exchanges) in enumerate(points):
            run.commit(Point(number, "dark", data, STAMP, 1.5, 0), exchanges)
        run.release()
        reader = RunReader(run.path)
        entries = list(reader.entries())
        reader.close()
    assert len(entries) == len(points)
    for entry, (data, exchanges) in zip(entries, points, strict=True):
        assert list(entry.point.data) == list(data)
        for name, value in data.items():
            assert from_conftest(entry.point.data[name]) == from_conftest(value)
        assert [item.message for item in entry.exchanges] == [item.message for item in exchanges]
        for mine, theirs in zip(entry.exchanges, exchanges, strict=True):
            assert from_conftest(mine.answer) == from_conftest(theirs.answer)


def _plain(value):
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, (Spectrum, Frame)):
        names = value.__dataclass_fields__
        return (type(value), [(name, _plain(getattr(value, name))) for name in names])
    return (type(value), repr(value) if isinstance(value, float) else value)


def test_an_acquired_and_recorded_spectrum_is_stored_and_read_as_one(make):
    run = make.run()
    make.commit(run, 0)
    make.finish(run)
    reader = RunReader(run.path)
    (entry,) = reader.entries()
    assert entry.point.data["spectrum"] is entry.exchanges[1].answer
    (size,) = reader._db.execute("SELECT length(payload) FROM points").fetchone()
    assert size == 2 * 1340 * 2


def test_what_points_share_is_stored_once(make):
    run = make.run()
    for number in range(20):
        make.commit(run, number)
    make.finish(run)
    (count,) = RunReader(run.path)._db.execute("SELECT count(*) FROM shared").fetchone()
    assert count == 2


def test_a_mapping_that_the_station_fills_again_is_not_confused(make):
    run, settings_now = make.run(), {"centre_nm": 1.0}
    for number in range(3):
        exposure = make.exposure(number)
        settings_now["centre_nm"] = float(number)
        object.__setattr__(exposure, "settings", settings_now)
        run.commit(make.point(number, {"spectrum": exposure}), [])
    make.finish(run)
    found = [point.data["spectrum"].settings for point in RunReader(run.path).points()]
    assert found == [{"centre_nm": 0.0}, {"centre_nm": 1.0}, {"centre_nm": 2.0}]


def test_an_array_changed_in_place_is_a_new_axis(make):
    run, axis = make.run(), np.linspace(500.0, 560.0, 1340)
    for number in range(2):
        exposure = make.exposure(number)
        object.__setattr__(exposure, "wavelength_nm", axis)
        run.commit(make.point(number, {"spectrum": exposure}), [])
        axis += 1.0
    make.finish(run)
    first, second = RunReader(run.path).points()
    assert second.data["spectrum"].wavelength_nm[0] == first.data["spectrum"].wavelength_nm[0] + 1


@pytest.mark.parametrize("shape", [(1, 400, 1340), (3, 400, 1340)])
@pytest.mark.parametrize("every_s", [0.0, 30.0])
def test_frames_come_back_identical(make, plain, shape, every_s):
    run = make.run(commit_every_s=every_s)
    for number in range(3):
        make.commit(run, number, shape=shape)
    make.finish(run)
    for number, point in enumerate(RunReader(run.path).points()):
        assert plain(point.data["spectrum"]) == plain(make.exposure(number, shape))
    frame = to_block(int(np.prod(shape)) * 2 + 40)
    assert (run.path / "frames.seg").stat().st_size == 3 * frame


def test_what_is_read_cannot_be_altered(make):
    run = make.run()
    make.commit(run, 0)
    make.finish(run)
    spectrum = RunReader(run.path).point(0).data["spectrum"]
    for array in (spectrum.counts, spectrum.wavelength_nm):
        with pytest.raises(ValueError, match="read-only"):
            array[..., 0] = 1


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), np.float64("nan"), {1: 2}, [1]])
def test_what_cannot_be_stored_is_refused_and_the_run_goes_on(make, value):
    run = make.run()
    with pytest.raises(UsageError):
        run.commit(make.point(0, {"value": value}), [])
    run.commit(make.point(0, {"value": 1.0}), [])
    make.finish(run)
    assert RunReader(run.path).point(0).data == {"value": 1.0}
