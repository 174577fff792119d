"""Failed exchanges are found in the transcripts, kept, and happen again in a test."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.thorlabs.pm100d import Pm100d
from labctl.core.clock import VirtualClock
from labctl.core.errors import ConfigError, InstrumentError, StorageError
from labctl.service.night.failures import (
    Exchange,
    FailedExchange,
    begin_transcripts,
    failed_exchanges,
    keep_failure,
    load_failure,
)
from labctl.service.night.replay import FaultyBackend, differences
from labctl.service.night.runner import QueueRunner
from labctl.sim import build_simulation
from labctl.transport import open_adapter

UTC_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def failed(evening, item):
    """The failures of a night in which two replies of the power meter were spoilt."""
    with evening() as night:
        begin_transcripts(night.transcripts, night.session.station, night.clock)
        meter = night.table.simulation.faults("pm100d_probe")
        night.queue.add([item(retry={"most": 3, "wait_s": 10.0})])
        meter.at(5, "garbage", noise=b"\x00\xff")
        meter.at(14, "silence")
        QueueRunner(night.session, night.queue).run().check()
    return failed_exchanges(night.output / "transcripts")


def test_every_failed_exchange_of_a_night_is_found_also_if_a_driver_repaired_it(failed):
    garbage, silence = failed
    assert garbage.instrument == silence.instrument == "probe_meter"
    assert garbage.driver == "drivers.thorlabs.pm100d:Pm100d"
    assert b"\x00\xff" in garbage.faulty.read
    assert silence.faulty.write
    assert silence.faulty.read == b""
    assert garbage.utc < silence.utc


def test_a_quiet_night_has_no_failed_exchange(evening, item):
    with evening() as night:
        begin_transcripts(night.transcripts, night.session.station, night.clock)
        night.queue.add([item()])
        QueueRunner(night.session, night.queue).run().check()
    assert failed_exchanges(night.output / "transcripts") == []


def test_a_failure_happens_again_to_the_driver_and_gives_no_wrong_value(failed, tmp_path):
    for number, one in enumerate(failed):
        kept = load_failure(keep_failure(one, tmp_path / f"{number}.toml"))
        clock = VirtualClock()
        simulation = build_simulation({}, clock)
        backend = FaultyBackend(simulation.backend, kept)
        adapter = open_adapter(
            kept.resource, Pm100d.link, proofs=Pm100d.proofs, name="meter", clock=clock,
            backends={"sim": backend},
        )  # fmt: skip
        meter = Pm100d(adapter, "meter", clock=clock)
        for _ in range(40):
            # a refusal is right; the laser is off, so that any power would be a wrong value
            with contextlib.suppress(InstrumentError):
                assert abs(meter.power_w) < 1e-8
            with contextlib.suppress(InstrumentError):
                meter.wavelength_nm = 532.0
                assert meter.wavelength_nm == pytest.approx(532.0, abs=0.01)
        assert backend.happened
        meter.shutdown()


def test_an_emulator_answers_what_failed_as_the_manual_says(failed):
    emulator = build_simulation({}, VirtualClock()).emulators["pm100d_probe"]
    for one in failed:
        wrong = [d.exchange for d in differences(one, emulator)]
        assert one.faulty in wrong


texts = st.text(st.characters(max_codepoint=255), max_size=30).map(lambda t: t.encode("latin-1"))


@given(st.lists(st.tuples(texts, texts, st.floats(0, 100), st.text(max_size=20)), min_size=1))
def test_any_bytes_survive_the_file(tmp_path_factory, rows):
    exchanges = tuple(
        Exchange(write, read, round(wait_s, 3), comment.encode("utf-8", "ignore").decode())
        for write, read, wait_s, comment in rows
    )
    options = {"address": 0, "wavelength_nm": 532.0, "on": True, "rows": [1, 2], "name": "a\x7fb"}
    one = FailedExchange(
        "meter", "sim://x", "a.b:C", options, UTC_TIME, 'why "so"\n', exchanges, "failure.toml"
    )
    path = tmp_path_factory.mktemp("kept") / "failure.toml"
    assert load_failure(keep_failure(one, path)) == one


@pytest.mark.parametrize("text", ["", "exchange = 3", "[[exchange]]\nwrite = 1", "]"])
def test_a_file_that_holds_no_failure_is_refused(tmp_path, text):
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(StorageError, match="holds no failed exchange"):
        load_failure(path)


def test_a_failure_in_which_nothing_was_written_cannot_be_replayed():
    nothing = FailedExchange(
        "meter", "sim://x", "", {}, UTC_TIME, "", (Exchange(b"", b"late", comment="x"),)
    )
    with pytest.raises(ConfigError, match="nothing was written"):
        FaultyBackend(build_simulation({}, VirtualClock()).backend, nothing)
