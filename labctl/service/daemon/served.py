"""Start what stands behind a station's resources, and write the station file that workers open."""

import contextlib
import json
import os
import queue
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labctl.core.errors import ConfigError, InstrumentError
from labctl.service.daemon.child import Child
from labctl.service.daemon.host import SCHEMES
from labctl.service.daemon.place import StationPlace, write_private
from labctl.station import read_station_file
from labctl.station.sections import InstrumentSection

START_S = 60.0
MODULE = "labctl.service.daemon"
OnLoss = Callable[[str], None]


class ServedStation:
    """Hold the simulated table, if the station is one, and a host for every vendor SDK.

    Parameters
    ----------
    on_loss
        Called, in a thread of its own, with the name of a process that has ended by itself.

    Attributes
    ----------
    file
        The station file with the resources of this machine's processes.
    keep
        A descriptor that workers inherit: while one of them lives, table and hosts stay.
    simulated
        Whether a simulated table is part of the service.
    """

    def __init__(self, place: StationPlace, speed: float, on_loss: OnLoss) -> None:
        self._place = place
        self._on_loss = on_loss
        self._speed = speed
        self._lock = threading.RLock()
        self._closing = False
        self._hosts: dict[str, _Server] = {}
        self._table: _Server | None = None
        self._text = place.station_file.read_text(encoding="utf-8")
        self.file = place.direct_file
        self.simulated = any(
            one.resource.startswith("sim://") for one in place.file.instruments.values()
        )
        # inherited on purpose, but only where it is named
        self._read_end, self.keep = os.pipe()

    def start(self) -> None:
        """Start the processes and write the file.

        Raises
        ------
        ConfigError, InstrumentError
            If one of them does not come up.
        """
        if self.simulated:
            self._table = self._serve_table()
            self._text = str(self._table.greeting["station"])
        else:
            self._text = _with_calibrations(self._text, self._place)
        self._write()
        for name, section in read_station_file(self.file).instruments.items():
            if section.resource.partition("://")[0] in SCHEMES:
                host = self._host(name, section, port=0)
                self._text = self._text.replace(
                    json.dumps(section.resource), json.dumps(host.greeting["resource"])
                )
                self._hosts[section.resource] = host
        self._write()
        self._check_hosted()

    @property
    def processes(self) -> Mapping[str, int]:
        """Return the process numbers by name."""
        with self._lock:
            servers = [*([self._table] if self._table else []), *self._hosts.values()]
            return {server.child.name: server.child.pid for server in servers}

    def restart_host(self, name: str) -> bool:
        """Start a host again on its port; False if there is none of that name."""
        with self._lock:
            for resource, host in self._hosts.items():
                if host.child.name == name:
                    self._hosts[resource] = self._host(host.instrument, host.section, host.port)
                    return True
        return False

    def close(self) -> None:
        """End the processes; allowed repeatedly."""
        with self._lock:
            self._closing = True
            servers = [*self._hosts.values(), *([self._table] if self._table else [])]
        for server in servers:
            server.child.kill()
            server.child.join(5.0)
        for descriptor in (self._read_end, self.keep):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._read_end = self.keep = -1

    def _serve_table(self) -> "_Server":
        arguments = [f"{MODULE}.table", str(self._place.station_file), str(self._speed)]
        return _Server("table", arguments, self)

    def _host(self, instrument: str, section: InstrumentSection, port: int) -> "_Server":
        arguments = [f"{MODULE}.host", section.driver, section.resource, str(port)]
        host = _Server(f"host {instrument}", arguments, self)
        host.instrument, host.section = instrument, section
        host.port = int(str(host.greeting["resource"]).rpartition(":")[2])
        return host

    def lost(self, name: str) -> None:
        """Take notice of a process that ended."""
        if not self._closing:
            self._on_loss(name)

    def log_of(self, name: str) -> Path:
        """Return where a process writes its errors."""
        return self._place.log(name.replace(" ", "-"))

    @property
    def inherited(self) -> tuple[int, ...]:
        """Return the descriptor that ends with the last worker, for table and hosts."""
        return (self._read_end,) if os.name == "posix" else ()

    def _check_hosted(self) -> None:
        """Raise if a resource was written in a way that could not be replaced."""
        left = {one.resource for one in read_station_file(self.file).instruments.values()}
        if wrong := left & set(self._hosts):
            raise ConfigError(
                f"{self._place.station_file}: {', '.join(wrong)} cannot be replaced",
                remedy='write it in double quotes: resource = "..."',
            )

    def _write(self) -> None:
        write_private(self.file, self._text)


class _Server:
    """Hold one process that serves until its pipe ends, and how it greeted."""

    instrument: str
    section: InstrumentSection
    port: int

    def __init__(self, name: str, arguments: list[str], station: ServedStation) -> None:
        self._greetings: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._is_up = False
        self._station = station
        kept = station.inherited
        self.child = Child(
            name,
            [*arguments, *map(str, kept)],
            station.log_of(name),
            on_message=lambda _, message: self._greetings.put(message),
            on_end=self._ended,
            keep=kept,
        )
        try:
            self.greeting = self._greetings.get(timeout=START_S)
        except queue.Empty:
            self.child.kill()
            self.greeting = {"event": "refused", "error": {"message": "no answer in time"}}
        if self.greeting["event"] != "serving":
            error = self.greeting.get("error", {"message": "it ended at once"})
            raise InstrumentError(
                f"{name}: {error['message']}",
                remedy=error.get("remedy") or f"look into {station.log_of(name)}",
            )
        self._is_up = True

    def _ended(self, child: Child, code: int) -> None:
        if self._is_up:
            self._station.lost(child.name)
        else:
            error = {"message": f"the process ended with code {code}"}
            self._greetings.put({"event": "refused", "error": error})


def _with_calibrations(text: str, place: StationPlace) -> str:
    """Name the calibrations folder in full: the file that workers open lies elsewhere."""
    named = place.file.station.calibrations_folder
    folder = json.dumps(str((place.station_file.parent / named).resolve()))
    line = f"calibrations_folder = {folder}"
    found = re.compile(r"^\s*calibrations_folder\s*=.*$", re.MULTILINE)
    if found.search(text):
        return found.sub(lambda _: line, text, count=1)
    head = re.compile(r"^\s*\[station\].*$", re.MULTILINE)
    if not head.search(text):
        raise ConfigError(f"{place.station_file}: write [station] on a line of its own")
    return head.sub(lambda match: f"{match[0]}\n{line}", text, count=1)
