"""Put a served table, a safety process and workers together, and read what went over the wire."""

import contextlib
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from safety_victim import work

from labctl.core.clock import RealClock
from labctl.service.guarded import SafetyClient
from labctl.service.guarding import SILENCE_S, plan_safety, start_safety

HERE = Path(__file__).parent
CONFIGS = HERE.parents[1] / "configs"
CLOCK = RealClock()
CLOSING = {"sc10": "ens", "cobolt": "l0"}
"""What closes: the toggle of an open shutter, and emission off."""


NOWHERE = {
    name: f"tcp://127.0.0.1:{number}"
    for number, name in enumerate(
        [
            *("spectrapro", "andor", "ell14", "lakeshore336", "zaber", "tpg261"),
            *(
                f"{one}_{beam}"
                for one in ("cobolt", "sc10", "pm100d")
                for beam in ("probe", "pump")
            ),
        ],
        1,
    )
}
"""Resources of a table that is switched off: nothing listens on these ports."""


class TableProcess:
    """Hold the process that serves the table."""

    def __init__(self, speed):
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "safety_table.py"), str(speed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.resources = json.loads(self._process.stdout.readline())

    def ask(self, name, *values):
        self._process.stdin.write(json.dumps([name, *values]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()


def station_text(resources, speed):
    """Return the station file of the served table."""
    text = (CONFIGS / "simulated.toml").read_text(encoding="utf-8")
    for name, resource in resources.items():
        text = text.replace(f'"sim://{name}"', json.dumps(resource))
    text = text.replace('"calibrations"  #', f"{json.dumps(str(CONFIGS / 'calibrations'))}  #")
    tables = re.split(r"(?m)^(?=\[)", text)
    kept = "".join(one for one in tables if not one.startswith("[simulation"))
    return f'{kept}\n[simulation]\nclock = "scaled"\nspeed = {speed}\n'


class Rig:
    """Hold everything; a context manager.

    Attributes
    ----------
    plan
        What `plan_safety` made of the station file.
    """

    def __init__(self, folder, speed=1.0, silence_s=SILENCE_S, **options):
        self.folder = folder
        self.table = TableProcess(speed)
        station = folder / "table.toml"
        station.write_text(station_text(self.table.resources, speed), encoding="utf-8")
        self.plan = plan_safety(station, folder / "safety", **options)
        self.plan.config["silence_s"] = silence_s
        self.config, self.station = self.plan.write(folder / "safety")
        paths = [str(HERE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, paths)))
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["safety_victim"])
        self._workers = []
        self.safety = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        for worker in self._workers:
            worker.kill()
            worker.join()
        self.end()
        self.table.close()

    def start(self):
        self.safety = start_safety(self.config)

    def end(self):
        """Let the safety process end properly; returns its exit code."""
        if self.safety is None:
            return None
        self.safety.terminate()
        code = self.safety.wait(timeout=20)
        self.safety = None
        return code

    def guard_pid(self):
        """Return the process that the keeper has forked."""
        children = Path(f"/proc/{self.safety.pid}/task/{self.safety.pid}/children")
        return int(wait_until(lambda: children.read_text().split())[0])

    @property
    def state(self):
        return Path(self.plan.config["state"])

    def client(self, place=None):
        return contextlib.closing(SafetyClient(place or self.plan.holder))

    def local(self):
        return contextlib.closing(SafetyClient(self.plan.local))

    def log(self):
        """Return the entries of the log of the safety process."""
        path = Path(self.plan.config["log"])
        wait_until(path.exists)
        return [json.loads(line) for line in path.read_text().splitlines()]

    def reset(self, *, policy=False):
        """Reset the latch, if there is one, and forget what was on the wire."""
        with self.local() as client:
            wait_until(lambda: client.status()["holder"] is None)
            wait_until(lambda: not any(p["problem"] for p in client.status()["ports"].values()))
            wait_until(lambda: "open" not in client.status()["interlocks"].values())
            if client.status()["latched"]:
                client.reset("the test", policy=policy)
        self.table.ask("log")

    def worker(self, end="waiting"):
        """Start a worker with a beam on; returns the process and when its end begins."""
        ours, theirs = self._context.Pipe(duplex=False)
        place = (self.plan.holder.address, self.plan.holder.token)
        process = self._context.Process(target=work, args=(place, theirs, end))
        process.start()
        theirs.close()
        self._workers.append(process)
        assert ours.poll(20), "the worker did not come so far"
        try:
            stamp_s = ours.recv()
        except EOFError:
            raise AssertionError(f"the worker ended: {self.log()[-4:]}") from None
        if end in ("waiting", "hang", "exposed"):
            truth = self.table.ask("truth")
            assert truth == {"open": ["probe"], "emits": ["probe"]}, truth
        return process, stamp_s

    def times(self, stamp_s, within_s=5.0):
        """Return the times to both closing commands, shutter and laser."""
        seen = []

        def found():
            seen.extend(self.table.ask("log"))
            times = {}
            for at, name, data in reversed(seen):
                # what was written at once may arrive together: commands end with CR
                wanted = CLOSING.get(name.removesuffix("_probe"), "none")
                if wanted in data.split("\r") and at > stamp_s:
                    times[name.removesuffix("_probe")] = at - stamp_s
            return times if len(times) == 2 else None

        try:
            return wait_until(found, within_s)
        except AssertionError:
            told = [one for one in seen if one[2] != "ilk?\r"]
            raise AssertionError(f"since {stamp_s}: {told}, {self.log()[-5:]}") from None

    def reports(self, kind):
        """Return the reports of closings of a kind, oldest first."""
        return [one for one in self.log() if one["what"] == "closed" and one["kind"] == kind]

    def await_report(self, kind, count=1):
        """Return the newest report of a kind once there are `count`."""
        return wait_until(lambda: self.reports(kind)[count - 1 :])[-1]

    def is_dark(self):
        """Wait until no blade is open and no laser emits, by the twin."""
        return wait_until(lambda: self.table.ask("truth") == {"open": [], "emits": []})


def wait_until(found, within_s=5.0):
    """Return what `found` returns as soon as it is true."""
    end_s = CLOCK.monotonic_s() + within_s
    while not (value := found()):
        assert CLOCK.monotonic_s() < end_s, f"nothing within {within_s} s"
        CLOCK.sleep(0.005)
    return value


def kill(process, number=signal.SIGKILL):
    """Send a signal; returns when."""
    stamp_s = CLOCK.monotonic_s()
    with contextlib.suppress(ProcessLookupError):
        os.kill(process if isinstance(process, int) else process.pid, number)
    return stamp_s
