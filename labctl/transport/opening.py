"""Open adapters so that everybody on one port shares its link and its lock."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labctl.core.clock import Clock
from labctl.core.errors import ConfigError
from labctl.core.link import Backend, LinkSettings, Proof
from labctl.transport.adapter import PortAdapter, release_abandoned
from labctl.transport.port import Port
from labctl.transport.resources import open_link, parse_resource
from labctl.transport.transcript import Transcript


@dataclass(slots=True, eq=False)
class _Entry:
    key: str
    backend: Backend | None
    port: Port
    settings: LinkSettings
    users: int = 0


_entries: list[_Entry] = []
_entries_lock = threading.Lock()


def open_adapter(
    resource: str,
    settings: LinkSettings,
    *,
    proofs: Sequence[Proof] = (),
    name: str,
    clock: Clock,
    backends: Mapping[str, Backend] | None = None,
    transcript: Path | None = None,
) -> PortAdapter:
    """Open a port, or share it if it is open, and return a PyMeasure adapter.

    Parameters
    ----------
    resource
        `sim://NAME`, `tcp://HOST:PORT`, `serial:///dev/ttyUSB0`, `COM3`, or a VISA resource.
    settings
        How the port is set up: the `link` of the driver.
    proofs
        Two harmless questions with replies of different form: the `proofs` of the driver. They
        are asked before the first question and after every fault.
    name
        How messages call the instrument.
    clock
        The clock of the station: timeouts follow it.
    backends
        What opens resources of other schemes, such as `sim`.
    transcript
        A file to which every byte of the port is appended; see `labctl.transport.transcript`.

    Raises
    ------
    ConnectionFailed
        If the port cannot be opened, with cause and remedy.
    ConfigError
        If the resource names no byte port, or the port is open with other settings.
    """
    backends = backends or {}
    place = parse_resource(resource, backends)
    backend = backends.get(place.kind)
    release_abandoned()
    with _entries_lock:
        entry = _find(place.key, backend)
        if entry is None:
            log = None if transcript is None else Transcript(transcript, clock)
            port = Port(resource, lambda: open_link(place, settings, backends), clock, log)
            entry = _Entry(place.key, backend, port, settings)
            _entries.append(entry)
        _check_same_line(entry.settings, settings, name, resource)
        entry.users += 1
    adapter = PortAdapter(
        entry.port, settings, proofs=proofs, name=name, release=lambda: _release(entry)
    )
    try:
        adapter.open()
    except BaseException:
        adapter.close()
        raise
    return adapter


def _find(key: str, backend: Backend | None) -> _Entry | None:
    for entry in _entries:
        if entry.key == key and entry.backend == backend:
            return entry
    return None


def _release(entry: _Entry) -> None:
    with _entries_lock:
        entry.users -= 1
        if entry.users:
            return
        _entries.remove(entry)
    with entry.port.lock:
        entry.port.close()


def _check_same_line(present: LinkSettings, wanted: LinkSettings, name: str, resource: str) -> None:
    for key in ("baud_rate", "data_bits", "parity", "stop_bits"):
        if getattr(present, key) != getattr(wanted, key):
            raise ConfigError(
                f"{name}: {resource} is open with {key} {getattr(present, key)}, "
                f"not {getattr(wanted, key)}",
                remedy="give instruments of different settings ports of their own",
            )
