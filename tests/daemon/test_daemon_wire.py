import contextlib
import io
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.core.clock import VirtualClock
from labctl.core.errors import BadReply
from labctl.core.spectra import Detector, Frame, Spectrum
from labctl.service.daemon import wire
from labctl.service.daemon.live import NewestExposure, exposure_message, spectrum_from
from labctl.service.daemon.wire import Outbox, encode, messages

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.text(max_size=8), PLAIN, max_size=3), max_size=3))
def test_messages_come_back_as_they_were_sent(sent):
    data = b"".join(encode(one) for one in sent)
    assert list(messages(io.BytesIO(data))) == sent


@given(st.binary(max_size=300))
def test_any_bytes_give_messages_or_one_known_error(data):
    with contextlib.suppress(BadReply):
        assert all(isinstance(one, dict) for one in messages(io.BytesIO(data)))


def test_a_line_that_was_cut_short_is_no_message():
    data = encode({"a": 1}) + encode({"b": 2})[:-3]
    assert list(messages(io.BytesIO(data))) == [{"a": 1}]


def test_a_line_without_end_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(wire, "LARGEST_BYTES", 1000)
    with pytest.raises(BadReply, match="longer than"):
        list(messages(io.BytesIO(b"x" * 5000)))


def test_deeply_nested_json_is_refused():
    with pytest.raises(BadReply):
        list(messages(io.BytesIO(b'{"a":' + b"[" * 100_000 + b"\n")))


def test_nan_is_not_sent():
    with pytest.raises(ValueError, match="JSON"):
        encode({"value": float("nan")})


def test_a_slow_reader_gets_every_kept_message_and_the_newest_live_one():
    read_end, write_end = os.pipe()
    out = Outbox(write_end)
    for number in range(3000):
        out.send("point", number=number, text="x" * 100)
        out.send("reading", key="a", number=number)
    with os.fdopen(read_end, "rb") as stream:
        found, numbers = messages(stream), []
        for message in found:
            if message["event"] == "point":
                numbers.append(message["number"])
            elif message["number"] == 2999:
                break
    out.close(5.0)
    os.close(write_end)
    assert numbers == list(range(3000))


def test_sending_goes_on_when_the_reader_has_gone():
    read_end, write_end = os.pipe()
    out = Outbox(write_end)
    os.close(read_end)
    for number in range(1000):
        out.send("point", number=number)
    out.close(5.0)
    os.close(write_end)
    assert out.is_broken


def exposure(kind, counts):
    clock = VirtualClock()
    return kind(
        counts=counts,
        wavelength_nm=np.linspace(500.0, 600.0, counts.shape[-1]),
        exposure_s=1.0,
        beams=("probe",),
        laser_nm=532.0,
        detector=Detector(1.0, 4.0, 600.0, 65535.0, 20.0),
        utc=clock.utc(),
        monotonic_s=clock.monotonic_s(),
    )


@pytest.mark.parametrize(
    ("kind", "counts", "shown"),
    [
        (Spectrum, np.array([[1, 2, 3], [3, 4, 5]], "uint16"), [2.0, 3.0, 4.0]),
        (Frame, np.arange(12, dtype="uint16").reshape(1, 3, 4), np.arange(12).reshape(3, 4)),
        (Frame, np.arange(12, dtype="int32").reshape(1, 3, 4), np.arange(12).reshape(3, 4)),
    ],
)
def test_an_exposure_passes_between_processes(kind, counts, shown):
    read_end, write_end = os.pipe()
    out = Outbox(write_end)
    fields, payload = exposure_message(exposure(kind, counts), "0001_a", 3, True)
    out.send("spectrum", key="spectrum", payload=payload, **fields)
    out.send("beat", key="beat")
    out.close(5.0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as stream:
        sent, beat = messages(stream)
    assert beat == {"event": "beat"}
    live = spectrum_from(sent, sent["payload"], seq=7)
    np.testing.assert_array_equal(live.array(), shown)
    assert live.axis_nm()[0] == 500.0
    assert (live.run, live.point, live.saved, live.seq) == ("0001_a", 3, True, 7)
    assert live.metadata["beams"] == ["probe"]


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [9, 9]}, {"shape": None}, {"shape": []}, {"shape": [-3]}, {"shape": [1, 1, 3]},
        {"shape": [2**40]}, {"dtype": "<u2"}, {"metadata": {}}, {"metadata": {"quality": "fine"}},
    ],
)  # fmt: skip
def test_an_exposure_that_is_none_is_refused(change):
    found = exposure(Spectrum, np.zeros((1, 3), "uint16"))
    sent, payload = exposure_message(found, "", None, False)
    with pytest.raises(BadReply):
        spectrum_from(sent | change, payload, 0)


def test_an_exposure_whose_bytes_were_cut_short_is_refused():
    found = exposure(Spectrum, np.zeros((1, 3), "uint16"))
    sent, payload = exposure_message(found, "", None, False)
    with pytest.raises(BadReply, match="23 bytes"):
        spectrum_from(sent, payload[:-1], 0)


@pytest.mark.parametrize("length", [-1, 1.5, True, "7", None, 10**12])
def test_a_payload_of_an_impossible_length_is_refused(length):
    data = encode({"event": "spectrum", "payload_bytes": length}) + b"x" * 20
    with pytest.raises(BadReply, match="payload"):
        list(messages(io.BytesIO(data)))


def test_a_payload_that_was_cut_short_is_no_message():
    data = encode({"payload_bytes": 5}) + b"12345" + encode({"payload_bytes": 5}) + b"123"
    assert list(messages(io.BytesIO(data))) == [{"payload": b"12345"}]


def test_who_looks_at_exposures_is_told_of_each_and_of_none_afterwards():
    found = exposure(Spectrum, np.zeros((1, 3), "uint16"))
    live = spectrum_from(*exposure_message(found, "", None, False), seq=1)
    newest, told = NewestExposure(), []
    assert newest.newest is None
    with newest.watched(lambda: told.append(newest.newest)):
        newest.show(live)
    newest.show(live)
    assert told == [live]
