"""The morning report: complete, self-contained, and safe to open."""

import re

import pytest

from labctl.core.errors import UsageError
from labctl.core.items import ItemState
from labctl.service.night.advice import advice_of
from labctl.service.night.digest import digest_of
from labctl.service.night.failures import begin_transcripts
from labctl.service.night.report import write_report
from labctl.service.night.runner import QueueRunner
from labctl.service.queue.database import StationDatabase

HOSTILE = '<script>alert(1)</script> & "quoted"'


@pytest.fixture
def reported(evening, item):
    """A night with a failure that was repaired, one that was not, a gap, and a hostile label."""
    with evening() as night:
        begin_transcripts(night.transcripts, night.session.station, night.clock)
        table = night.table
        night.queue.add([
            item(label="good", retry={"most": 3, "wait_s": 10.0}),
            item("dual_beam", label=HOSTILE, parameters={"pairs": 1}),
        ])  # fmt: skip
        table.simulation.faults("pm100d_probe").at(8, "silence", count=1)
        sdk = table.simulation.sdks["andor"].faults

        def later(event):
            if getattr(event, "run", "").startswith("0002") and not hasattr(later, "done"):
                later.done = True
                sdk.zero_frames = True

        QueueRunner(night.session, night.queue, observer=later).run()
        report = write_report(night.database, night.output, transcripts=night.transcripts.parent)
    return night, report


def test_the_page_says_what_ran_what_failed_and_what_to_do(reported):
    _, report = reported
    page = report.page.read_text(encoding="utf-8")
    digest = report.digest
    assert [one.item.state for one in digest.items] == [ItemState.FINISHED, ItemState.FAILED]
    assert digest.items[0].points == 2
    assert "points all of" in digest.items[1].missing
    assert "all zeros" in digest.items[1].missing
    for text in ("What to do now", "1 of 2", "all zeros", "probe_meter", "labctl resume"):
        assert text in page
    assert report.failures
    assert all(path.is_file() for path in report.failures)
    assert all(path.name in page for path in report.failures)


def test_every_failed_attempt_is_in_the_report_with_what_was_done(reported):
    _, report = reported
    faults = report.digest.faults
    assert [f.error for f in faults][-1] == "InvalidReading"
    assert all(f.done for f in faults)
    assert "gave up" in faults[-1].done
    assert all(gap.cause and gap.outcome for gap in report.digest.gaps)


def test_the_page_asks_nothing_from_outside_and_runs_no_script(reported):
    _, report = reported
    page = report.page.read_text(encoding="utf-8")
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    assert not re.search(r"url\(|@import", page)
    links = re.findall(r"href=\"([^\"#]+)\"", page)
    assert all((report.page.parent / link).is_file() for link in links)
    anchors = set(re.findall(r"href=\"#([^\"]+)\"", page))
    assert anchors <= set(re.findall(r"id=\"([^\"]+)\"", page))


def test_the_page_follows_light_and_dark(reported):
    _, report = reported
    assert "prefers-color-scheme: dark" in report.page.read_text(encoding="utf-8")


def test_the_report_can_be_written_again_while_somebody_else_serves_the_station(reported):
    night, report = reported
    with (
        StationDatabase(night.output / "station.sqlite"),
        StationDatabase(night.output / "station.sqlite", read_only=True) as database,
    ):
        again = write_report(database, night.output, transcripts=night.transcripts.parent)
    assert again.page == report.page
    assert "SIMULATED: truth A, seed 1" in again.page.read_text(encoding="utf-8")
    assert advice_of(again.digest) == advice_of(report.digest)


def test_a_night_without_trouble_asks_for_nothing(evening, item):
    with evening() as night:
        night.queue.add([item()])
        QueueRunner(night.session, night.queue).run().check()
        report = write_report(night.database, night.output)
    assert advice_of(report.digest) == []
    assert "Nothing: every item finished" in report.page.read_text(encoding="utf-8")


def test_a_station_without_a_night_has_no_report(tmp_path):
    with (
        StationDatabase(tmp_path / "station.sqlite") as database,
        pytest.raises(UsageError, match="no night is known"),
    ):
        digest_of(database, tmp_path)
