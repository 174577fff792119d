"""Runs are numbered, never overwritten, and found by what people type."""

import threading

import pytest

from labctl.core.errors import UsageError
from labctl.core.journal import RunState
from labctl.store import Catalogue, RunWriter


def test_folders_are_dated_numbered_and_named(make):
    runs = [make.run("power_series", label="sample 7/b"), make.run("spectrum")]
    assert [str(run.path.relative_to(make.root)) for run in runs] == [
        "2026/01/01/0001_power-series_sample-7-b",
        "2026/01/01/0002_spectrum",
    ]
    for run in runs:
        run.release()


def test_numbers_go_on_over_days_and_without_the_counter(make):
    make.run().release()
    make.clock.sleep(86400.0)
    make.run().release()
    (make.root / "run-number").unlink()
    run = make.run()
    run.release()
    assert run.path.name == "0003_series"
    (make.root / "run-number").write_text("garbage")
    run = make.run()
    run.release()
    assert run.path.name == "0004_series"


def test_runs_started_at_once_get_different_numbers(make):
    names = []

    def start():
        run = RunWriter.create(make.root, "series", clock=make.clock)
        names.append(run.path.name)
        run.release()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names) == [f"{number:04d}_series" for number in range(1, 7)]


def test_a_run_is_found_by_number_name_prefix_and_path(make):
    run = make.run("power_series")
    other = make.run("spectrum")
    catalogue = Catalogue(make.root)
    for text in ("1", "0001", "0001_power", run.path.name, str(run.path)):
        assert catalogue.find(text) == run.path
    (run.path.parent / "0001_second").mkdir()
    (run.path.parent / "0001_series").mkdir()
    with pytest.raises(UsageError, match="several runs begin with '0001_s'"):
        catalogue.find("0001_s")
    run.release()
    other.release()


def test_an_unknown_run_is_answered_with_the_nearest(make):
    make.run("spectrum").release()
    with pytest.raises(UsageError, match="did you mean '0001_spectrum'"):
        Catalogue(make.root).find("0001_spectum")
    with pytest.raises(UsageError, match="no run '7'"):
        Catalogue(make.root).find("7")


def test_summaries_tell_state_points_and_duration(make):
    run = make.run(label="a")
    make.commit(run, 0)
    make.clock.sleep(60.0)
    make.finish(run)
    make.run(begin=False).release()
    first, second = Catalogue(make.root).runs()
    assert (first.number, first.procedure, first.label) == (1, "series", "a")
    assert (first.state, first.points, first.duration_s) == (RunState.FINISHED, 1, 60.0)
    assert (second.state, second.points) == (RunState.INTERRUPTED, 0)


def test_a_damaged_run_does_not_hide_the_others(make):
    run = make.run()
    make.finish(run)
    (run.path / "run.sqlite").write_bytes(b"garbage" * 100)
    make.finish(make.run())
    first, second = Catalogue(make.root).runs()
    assert "not a database" in first.problem
    assert not second.problem
