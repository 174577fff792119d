"""Let one thing happen to a table with a beam on, and measure until it is closed on the wire.

Each scenario returns the times in s from the event to the closing command of the shutter
(`sc10`) and of the laser (`cobolt`), as stamped where the instrument stands.
"""

import signal

from safety_rig import kill


def sigkill(rig):
    worker, _ = rig.worker()
    return rig.times(kill(worker))


def segfault(rig):
    _, stamp_s = rig.worker("segfault")
    return rig.times(stamp_s)


def sigstop(rig):
    worker, stamp_s = rig.worker("stop")
    times = rig.times(stamp_s)
    kill(worker)
    return times


def gil_hang(rig):
    worker, stamp_s = rig.worker("gil")
    times = rig.times(stamp_s)
    kill(worker)
    return times


def hang(rig):
    worker, stamp_s = rig.worker("hang")
    times = rig.times(stamp_s)
    kill(worker)
    return times


def interlock(rig):
    worker, _ = rig.worker()
    times = rig.times(rig.table.ask("interlock", "probe", False))
    rig.table.ask("interlock", "probe", True)
    kill(worker)
    return times


def safe_command(rig):
    worker, _ = rig.worker()
    with rig.client() as client:
        stamp_s = kill(worker.pid, signal.SIGCONT)  # a stamp: it was not stopped
        assert client.safe("the test")["confirmed"]
    times = rig.times(stamp_s)
    kill(worker)
    return times


def stuck_shutter(rig):
    worker, _ = rig.worker()
    rig.table.ask("stick", "probe", True)
    times = rig.times(kill(worker))
    report = rig.await_report("eof", rig.count + 1)
    assert not report["confirmed"], report
    assert set(report["problems"]) == {"probe_shutter"}, report
    truth = rig.table.ask("truth")
    assert truth == {"open": ["probe"], "emits": []}, truth
    rig.table.ask("stick", "probe", False)
    rig.table.ask("free_blade", "probe")
    return times


def guard_killed(rig):
    worker, _ = rig.worker()
    times = rig.times(kill(rig.guard_pid()))
    kill(worker)
    return times


SCENARIOS = {
    "SIGKILL of the worker": (sigkill, 0.050),
    "segmentation fault": (segfault, 0.050),
    "SIGSTOP": (sigstop, 0.250),
    "hang that holds the GIL": (gil_hang, 0.250),
    "hang past its deadline": (hang, 0.250),
    "interlock opens": (interlock, 0.050),
    "'safe' from another process": (safe_command, 0.050),
    "SIGKILL, blade sticks open": (stuck_shutter, 0.050),
    "SIGKILL of the safety process": (guard_killed, 0.250),
}
"""What happens, and the bound in s for an emulated table on a machine that is not overloaded."""


def measure(rig, name):
    """Run a scenario once and leave the table reset and dark."""
    scenario, _ = SCENARIOS[name]
    rig.count = len(rig.reports("eof"))
    times = scenario(rig)
    rig.is_dark()
    rig.reset()
    return times
