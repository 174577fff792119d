"""Run the safety process of a station, ask it, and notice when it ends."""

import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labctl.core.clock import RealClock
from labctl.core.errors import ConfigError, ConnectionFailed, LabctlError, SafetyError
from labctl.service.daemon.place import StationPlace, write_private
from labctl.service.guarded import GuardAddress, SafetyClient
from labctl.service.guarding import SafetyPlan, plan_safety, start_safety

SECRETS = "safety-secrets.json"
CONFIG = "safety.json"
LONGEST_SOCKET_PATH = 100
END_S = 6.0
LISTEN_S = 0.5
SLICE_S = 0.05
OnEvent = Callable[[Mapping[str, Any]], None]


class SafetyService:
    """Hold the safety process. `OnEvent` gets its reports, and `{"event": "lost"}` when it ends.

    One that a service before has left behind goes on if it guards the same ports: it may hold
    the lease of a worker that is still ending its point.
    """

    def __init__(self, place: StationPlace, on_event: OnEvent) -> None:
        self._place = place
        self._on_event = on_event
        self._wall = RealClock()
        self._closing = threading.Event()
        self._local: GuardAddress | None = None
        self._holder: GuardAddress | None = None
        self._pid = 0
        self._process: subprocess.Popen[bytes] | None = None
        """None if a service before has started it."""
        self._follower: threading.Thread | None = None

    @property
    def is_up(self) -> bool:
        """Tell whether this station has a safety process."""
        return self._local is not None

    @property
    def pid(self) -> int:
        """Return the number of the process, or 0."""
        return self._pid

    def worker_fields(self) -> dict[str, str] | None:
        """Return what a worker needs to get the lease; None without a safety process."""
        if self._holder is None:
            return None
        return {"address": self._holder.address, "token": self._holder.token}

    def start(self, direct: Path) -> None:
        """Guard the station of a file with plain resources, and write the one for workers.

        Raises
        ------
        ConfigError
            If it cannot be guarded, with the reason.
        SafetyError
            If the process does not start.
        """
        plan = plan_safety(direct, self._place.folder, address=self._address())
        ports = _digest(plan.config["ports"])
        if not self._adopt(ports):
            self._end(self._stored())
            self._begin(plan, ports)
        write_private(self._place.served_file, plan.station)
        self._follower = threading.Thread(target=self._follow, name="safety", daemon=True)
        self._follower.start()

    def revive(self) -> None:
        """Start the process again, unless its keeper has done so; raises `SafetyError`."""
        with contextlib.suppress(LabctlError), self._client() as client:
            client.status()
            return
        self._collect()
        self._run(self._place.folder / CONFIG)
        self._store({**self._stored(), "pid": self._pid})

    def safe(self, who: str) -> Mapping[str, Any]:
        """Close everything now; returns its report. Raises if it cannot be asked."""
        with self._client() as client:
            return client.safe(who)

    def status(self) -> Mapping[str, Any]:
        """Return latch, lease and ports; raises `ConnectionFailed`."""
        with self._client() as client:
            return client.status()

    def reset(self, who: str, *, policy: bool = False) -> None:
        """Reset the latch; raises `SafetyError` with the reason why it stays."""
        with self._client() as client:
            client.reset(who, policy=policy)

    def close(self) -> None:
        """End the process, which closes everything first; allowed repeatedly."""
        self._closing.set()
        if self._local is not None:
            self._local = self._holder = None
            self._end(self._stored())
            with contextlib.suppress(OSError):
                (self._place.folder / SECRETS).unlink()

    # ---- the process

    def _address(self) -> str:
        path = self._place.folder / "safety.sock"
        if hasattr(socket, "AF_UNIX") and len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
            return f"unix:{path}"
        with socket.create_server(("127.0.0.1", 0)) as free:
            return f"tcp://127.0.0.1:{free.getsockname()[1]}"

    def _adopt(self, ports: str) -> bool:
        stored = self._stored()
        try:
            if stored["ports"] != ports:
                return False
            local = GuardAddress(stored["address"], stored["local"])
            with SafetyClient(local) as client:
                client.status()
            self._holder = GuardAddress(stored["address"], stored["holder"])
            self._pid = int(stored["pid"])
        except (KeyError, TypeError, ValueError, LabctlError):
            return False
        self._local = local
        return True

    def _begin(self, plan: SafetyPlan, ports: str) -> None:
        config, _ = plan.write(self._place.folder)
        self._run(config)
        self._holder, self._local = plan.holder, plan.local
        self._store(
            {
                "ports": ports,
                "address": plan.local.address,
                "holder": plan.holder.token,
                "local": plan.local.token,
                "pid": self._pid,
            }
        )

    def _end(self, stored: Mapping[str, Any]) -> None:
        """End the process of these secrets, if it still answers: only then the number is its."""
        try:
            place, pid = GuardAddress(str(stored["address"])), int(stored["pid"])
            SafetyClient(place).close()
            os.kill(pid, signal.SIGTERM)
        except (KeyError, TypeError, ValueError, LabctlError, OSError):
            return
        if self._process is not None and self._process.pid == pid:
            self._collect()
            return
        end_s = self._wall.monotonic_s() + END_S
        while self._wall.monotonic_s() < end_s and _is_alive(pid):
            self._wall.sleep(SLICE_S)

    def _run(self, config: Path) -> None:
        self._process = start_safety(config)
        self._pid = self._process.pid

    def _collect(self) -> None:
        """Wait for the end of our own process; kill it if it does not come."""
        if self._process is not None:
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _stored(self) -> dict[str, Any]:
        try:
            found = json.loads((self._place.folder / SECRETS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _store(self, secrets: Mapping[str, Any]) -> None:
        write_private(self._place.folder / SECRETS, json.dumps(secrets) + "\n")

    def _client(self) -> SafetyClient:
        if self._local is None:
            raise SafetyError("this station has no safety process")
        return SafetyClient(self._local)

    # ---- what it tells

    def _follow(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(ConnectionFailed, SafetyError):
                self._listen()
                self._closing.wait(LISTEN_S)

    def _listen(self) -> None:
        """Pass on what the process tells until its connection ends; then say that, once."""
        with self._client() as client:
            self._on_event({"event": "status", **client.follow()})
            try:
                while not self._closing.is_set():
                    event = client.next_event(LISTEN_S)
                    if event is not None:
                        self._on_event(event)
            except ConnectionFailed:
                if not self._closing.is_set():
                    self._on_event({"event": "lost"})


def guarded_or_reason(service: SafetyService, direct: Path) -> str:
    """Start the safety process; returns why there can be none, or an empty string."""
    try:
        service.start(direct)
    except ConfigError as error:
        return error.message
    return ""


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
