import pytest

from labctl.core.items import Conditions, ItemState, QueueItem, Retry, new_item_id
from labctl.service.daemon.endings import closed, crashed, ended, failed, refused


def item(**conditions):
    return QueueItem(
        id=new_item_id(), procedure="spectrum", attempts=1, conditions=Conditions(**conditions)
    )


def end(state, **fields):
    return {"state": state, "reason": "why", "points": 3} | fields


def test_a_finished_run_finishes_its_item_whatever_was_wanted():
    for intent in ("", "stop", "abort", "close", "pause_now", "suspend"):
        assert ended(item(), end("finished"), intent, "", 0).state is ItemState.FINISHED


@pytest.mark.parametrize("intent", ["pause_now", "suspend"])
def test_a_run_that_was_paused_at_once_stays_in_hand(intent):
    verdict = ended(item(), end("aborted"), intent, "", 0)
    assert (verdict.state, verdict.again) == (None, False)


@pytest.mark.parametrize("intent", ["", "stop", "abort"])
def test_an_aborted_run_aborts_its_item_and_an_unasked_one_is_told(intent):
    verdict = ended(item(), end("aborted"), intent, "", 0)
    assert verdict.state is ItemState.ABORTED
    assert bool(verdict.alarm) == (intent == "")


def test_what_the_end_of_the_service_cuts_short_goes_on_by_its_policy():
    assert closed(item(on_recovery="resume"), "").requeue
    asks = ended(item(on_recovery="ask"), end("aborted"), "close", "", 0)
    assert (asks.state, asks.requeue) == (ItemState.INTERRUPTED, False)


def test_a_failed_run_is_tried_again_as_often_as_its_policy_says():
    retry = Retry(most=2, wait_s=10.0)
    waits = [failed(item(retry=retry), "why", n, hopeless=False) for n in (1, 2, 3)]
    assert [one.requeue for one in waits] == [True, True, False]
    assert [one.wait_s for one in waits[:2]] == [10.0, 20.0]
    assert not failed(item(retry=retry), "why", 1, hopeless=True).requeue


@pytest.mark.parametrize(("policy", "holds"), [("skip", False), ("pause", True), ("stop", True)])
def test_a_failure_means_for_the_queue_what_the_policy_says(policy, holds):
    verdict = ended(item(on_failure=policy), end("failed", hopeless=True), "", "", 1)
    assert verdict.state is ItemState.FAILED
    assert bool(verdict.hold) == holds


def test_a_table_that_cannot_be_opened_holds_the_queue_and_keeps_the_item():
    for kind in ("ConnectionFailed", "WrongIdentity", "SafetyError", "ConfigError"):
        verdict = refused(item(), {"kind": kind, "message": "no answer"}, opened=False)
        assert verdict.requeue
        assert "no answer" in verdict.hold


def test_a_wrong_item_does_not_hold_the_queue():
    verdict = refused(item(), {"kind": "UsageError", "message": "unknown"}, opened=True)
    assert (verdict.state, verdict.hold) == (ItemState.FAILED, "")


def test_a_full_disk_holds_the_queue_and_keeps_the_item():
    verdict = ended(item(), end("failed", error="StorageError"), "", "", 1)
    assert verdict.requeue
    assert verdict.hold


def test_the_end_of_a_host_repeats_the_point():
    assert ended(item(), end("failed"), "", "host ccd", 1).again
    assert refused(item(), {"kind": "ConnectionFailed"}, False, "host ccd").again


def test_a_crash_names_the_signal():
    assert crashed(item(), -9).state is ItemState.INTERRUPTED
    assert "signal 9" in crashed(item(), -9).reason
    assert "exit code 1" in crashed(item(), 1).reason
