"""Whoever looks gets the newest exposure as bytes, and a slow one costs nothing."""

import io
import json
import struct
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.client.frames import parse_frames
from labctl.core.clock import RealClock
from labctl.core.errors import ConnectionFailed
from labctl.core.readings import Quality
from labctl.service.api.frames import MOST_FRAME_STREAMS, frame_header

CLOCK = RealClock()


class Viewer:
    def __init__(self, served, query="", door="unix"):
        self.connection = served.connection(door)
        self.connection.request("GET", f"/api/v1/frames{query}")
        self.response = self.connection.getresponse()
        self.frames = (one for one in parse_frames(self.response) if one is not None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.response.close()
        self.connection.close()


def test_the_newest_exposure_comes_first_and_with_its_quality(served, scripted):
    scripted.exposes(height=1.0)
    newest = scripted.exposes(run="0001_x", point=4)
    with Viewer(served) as viewer:
        assert viewer.response.getheader("content-type") == "application/octet-stream"
        frame = next(viewer.frames)
    np.testing.assert_array_equal(frame.counts, newest.array())
    np.testing.assert_array_equal(frame.wavelength_nm, newest.axis_nm())
    assert (frame.run, frame.point, frame.saved, frame.seq) == ("0001_x", 4, True, newest.seq)
    assert (frame.quality, frame.reason) == (Quality.GOOD, "")
    assert frame.metadata["laser_nm"] == 532.0


def test_a_doubted_exposure_arrives_with_its_doubt(served, scripted):
    scripted.exposes(quality="uncertain", reason="the camera is warm")
    with Viewer(served) as viewer:
        frame = next(viewer.frames)
    assert (frame.quality, frame.reason) == (Quality.UNCERTAIN, "the camera is warm")


def test_images_arrive_as_they_were_counted(served, scripted):
    counts = np.arange(12, dtype="<u2").reshape(3, 4)
    scripted.exposes_image(counts)
    with Viewer(served) as viewer:
        frame = next(viewer.frames)
    assert frame.kind == "image"
    assert frame.counts.dtype == np.uint16
    np.testing.assert_array_equal(frame.counts, counts)


def test_each_exposure_is_shown_to_who_keeps_up(served, scripted):
    scripted.exposes()
    with Viewer(served, "?most_per_s=100") as viewer:
        next(viewer.frames)
        for _ in range(20):
            made = scripted.exposes()
            assert next(viewer.frames).seq == made.seq


def test_a_slow_viewer_misses_exposures_and_gets_the_newest(served, scripted):
    image = np.zeros((400, 1340), "<u2")
    scripted.exposes_image(image)
    with Viewer(served, "?most_per_s=100") as viewer:
        next(viewer.frames)
        for _ in range(200):
            last = scripted.exposes_image(image)
            CLOCK.sleep(0.002)
        seen = 0
        for frame in viewer.frames:
            seen += 1
            if frame.seq == last.seq:
                break
    # what the socket and one frame can hold
    assert seen < 20


def test_the_rate_is_bounded_by_what_the_viewer_wants(served, scripted):
    stop = threading.Event()

    def expose():
        while not stop.is_set():
            scripted.exposes(pixels=16)
            CLOCK.sleep(0.005)

    worker = threading.Thread(target=expose)
    worker.start()
    try:
        with Viewer(served, "?most_per_s=10") as viewer:
            next(viewer.frames)
            start_s = CLOCK.monotonic_s()
            for _ in range(5):
                next(viewer.frames)
            took_s = CLOCK.monotonic_s() - start_s
    finally:
        stop.set()
        worker.join()
    assert took_s > 0.45


def test_silence_is_broken_by_signs_of_life(served, scripted, monkeypatch):
    monkeypatch.setattr("labctl.service.api.frames.BEAT_S", 0.05)
    with Viewer(served) as viewer:
        assert next(parse_frames(viewer.response)) is None


def test_only_so_many_may_look(served, scripted):
    scripted.exposes()
    viewers = [Viewer(served) for _ in range(MOST_FRAME_STREAMS)]
    for one in viewers:
        next(one.frames)
    assert served.get("/frames").status == 429
    for one in viewers:
        one.__exit__()


@pytest.mark.parametrize("rate", ["0", "-1", "1e9", "nan", "x"])
def test_an_impossible_rate_is_refused(served, rate):
    assert served.get(f"/frames?most_per_s={rate}").status == 422


# ---- what a client makes of the bytes


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_one_known_error(data):
    try:
        list(parse_frames(io.BytesIO(data)))
    except ConnectionFailed:
        return


def test_a_frame_that_was_cut_short_is_none():
    data = frame_header({"kind": "beat"}, 0)
    assert list(parse_frames(io.BytesIO(data + data[:-2]))) == [None]
    assert list(parse_frames(io.BytesIO(frame_header({"kind": "beat"}, 5) + b"abc"))) == []


GOOD = {
    "kind": "spectrum", "dtype": "<f4", "shape": [3], "utc": "", "run": "", "point": None,
    "saved": False, "seq": 1, "metadata": {"quality": "good", "reason": ""},
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "|O"}, {"shape": [4]}, {"shape": []}, {"shape": "x"}, {"metadata": {}},
        {"metadata": {"quality": "great", "reason": ""}}, {"kind": None, "shape": [2, 9]},
    ],
)  # fmt: skip
def test_a_frame_that_is_none_is_refused(change):
    data = frame_header(GOOD | change, 24) + bytes(24)
    with pytest.raises(ConnectionFailed, match="none"):
        list(parse_frames(io.BytesIO(data)))


@pytest.mark.parametrize("size", [-1, 1.5, "x", 10**9, None])
def test_a_payload_of_an_impossible_length_is_refused(size):
    text = json.dumps(GOOD | {"bytes": size}).encode()
    with pytest.raises(ConnectionFailed):
        list(parse_frames(io.BytesIO(struct.pack(">I", len(text)) + text + bytes(24))))


def test_an_exposure_is_sent_once(served, scripted, monkeypatch):
    monkeypatch.setattr("labctl.service.api.frames.BEAT_S", 0.05)
    scripted.exposes()
    with Viewer(served, "?most_per_s=100") as viewer:
        raw = parse_frames(viewer.response)
        assert next(raw).counts.size == 1340
        assert [next(raw) for _ in range(3)] == [None, None, None]
