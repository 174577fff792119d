"""Work out from a station file what the safety process guards, and how."""

import contextlib
import hashlib
import json
import re
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labctl.core.clock import RealClock
from labctl.core.closing import ClosingScript
from labctl.core.errors import ConfigError, ConnectionFailed, SafetyError
from labctl.core.link import LinkSettings
from labctl.service.guarded import SCHEME, GuardAddress, SafetyClient
from labctl.station.file import SourceText, parse_station_file, read_source
from labctl.station.instruments import Driver, find_drivers
from labctl.station.keylines import line_of
from labctl.station.sections import StationFile

SILENCE_S = 0.2
LONGEST_STEP_S = 7 * 86400.0
BLIND_S = 0.5
_START_S = 10.0
_POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class SafetyPlan:
    """Hold what is guarded, and the files that say so.

    `station` is the text of the station file with `guard://` links; `holder` may take the
    lease, `local` may also reset a latch.
    """

    config: Mapping[str, Any]
    station: str
    holder: GuardAddress
    local: GuardAddress

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write `safety.json` and `served.toml`, for their owner only; returns both paths."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return (
            _write_private(folder / "safety.json", json.dumps(self.config, indent=1)),
            _write_private(folder / "served.toml", self.station),
        )


def plan_safety(
    station_file: Path,
    folder: Path,
    *,
    address: str = "",
    interlock_files: Mapping[str, Path] | None = None,
) -> SafetyPlan:
    """Plan the guarding of the shutters and lasers of all beams.

    Parameters
    ----------
    station_file
        A station file with real resources, or those of a served simulated table.
    folder
        Where the socket, the log and the state of the safety process go.
    address
        Where it listens; by default a Unix socket in `folder`.
    interlock_files
        Further interlocks by name: files that hold `1` while the circuit is closed.

    Raises
    ------
    ConfigError
        If a device cannot be guarded, with the reason and the remedy.
    """
    source = read_source(station_file)
    file = parse_station_file(source)
    drivers, problems = find_drivers(file)
    if problems:
        raise source.error(problems)
    guarded = _guarded(file, drivers)
    folder = folder.resolve()
    where = address or f"unix:{folder / 'safety.sock'}"
    holder, local = (GuardAddress(where, secrets.token_urlsafe(32)) for _ in range(2))
    interlocks = [
        {"name": name, "file": str(path), "period_s": 0.005, "blind_s": BLIND_S}
        for name, path in (interlock_files or {}).items()
    ]
    config = {
        "address": where,
        "log": str(folder / "safety.log"),
        "state": str(folder / "safety-state.json"),
        "tokens": {"holder": _digest(holder.token), "local": _digest(local.token)},
        "silence_s": SILENCE_S,
        "longest_step_s": LONGEST_STEP_S,
        "ports": [_port(name, driver) for name, driver in guarded.items()],
        "interlocks": interlocks,
    }
    return SafetyPlan(config, _rewritten(source, file, [*guarded]), holder, local)


def start_safety(config: Path) -> "subprocess.Popen[bytes]":
    """Start the safety process in a session of its own and wait until it listens.

    It outlives whoever started it: a daemon that is started again finds it where it was.

    Raises
    ------
    SafetyError
        If it ends at once or does not listen in time.
    """
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "labctl.service.safety", str(config)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    place = GuardAddress(json.loads(config.read_text(encoding="utf-8"))["address"])
    clock = RealClock()
    end_s = clock.monotonic_s() + _START_S
    while clock.monotonic_s() < end_s and process.poll() is None:
        with contextlib.suppress(ConnectionFailed):
            SafetyClient(place).close()
            return process
        clock.sleep(_POLL_S)
    process.kill()
    raise SafetyError(
        f"the safety process does not start with {config} (exit code {process.wait()})",
        remedy=f"run it by hand to see why: python -m labctl.service.safety {config}",
    )


def _guarded(file: StationFile, drivers: Mapping[str, Driver]) -> dict[str, Driver]:
    names = {name for beam in file.beams.values() for name in (beam.shutter, beam.laser)}
    if not names:
        raise ConfigError(
            f"{file.station.name} has no beams: there is nothing to guard",
            remedy="add [beams.NAME] to the station file",
        )
    users: dict[str, list[str]] = {}
    for name, section in file.instruments.items():
        users.setdefault(section.resource, []).append(name)
    for name in sorted(names):
        section = file.instruments[name]
        if not isinstance(getattr(drivers[name].make, "closing", None), ClosingScript):
            raise ConfigError(
                f"{name}: {section.driver} does not say how it is closed, so it cannot be guarded",
                remedy="give the driver a class attribute `closing: ClassVar[ClosingScript]`",
            )
        others = [one for one in users[section.resource] if one != name]
        if others:
            raise ConfigError(
                f"{name} shares {section.resource} with {', '.join(others)}",
                remedy="give a guarded device a port of its own",
            )
    return {name: driver for name, driver in drivers.items() if name in names}


def _port(name: str, driver: Driver) -> dict[str, Any]:
    link: LinkSettings = driver.make.link
    closing: ClosingScript = driver.make.closing
    return {
        "name": name,
        "resource": _plain_resource(name, driver.section.resource),
        "line": {
            "baud_rate": link.baud_rate,
            "data_bits": link.data_bits,
            "parity": link.parity,
            "stop_bits": link.stop_bits,
        },
        "end": link.read_terminator.decode("latin-1"),
        "command_end": link.write_terminator.decode("latin-1"),
        "blind_s": BLIND_S,
        "script": _as_text(asdict(closing)),
    }


def _plain_resource(name: str, resource: str) -> str:
    """Return a resource that needs no library."""
    if resource.startswith("tcp://"):
        return resource
    if match := re.fullmatch(r"TCPIP\d*::([^:]+)::(\d+)::SOCKET", resource, re.IGNORECASE):
        return f"tcp://{match[1]}:{match[2]}"
    if match := re.fullmatch(r"(?:serial://|ASRL)?(/dev/[^:]+)(?:::INSTR)?", resource):
        return f"serial://{match[1]}"
    raise ConfigError(
        f"{name}: {resource!r} cannot be guarded: the safety process knows TCP and POSIX ports",
        remedy="name the port as tcp://HOST:PORT or serial:///dev/NAME; on Windows use a "
        "serial-to-TCP server; serve a simulated table first",
    )


def _rewritten(source: SourceText, file: StationFile, names: list[str]) -> str:
    """Return the text of the station file with guarded resources, verified."""
    lines = source.text.splitlines()
    for name in names:
        _replace(lines, source, ("instruments", name, "resource"), f"{SCHEME}://{name}")
    calibrations = source.path.parent / file.station.calibrations_folder
    key = ("station", "calibrations_folder")
    if not _replace(lines, source, key, str(calibrations.resolve()), optional=True):
        header = line_of(source.text, ("station",))
        text = json.dumps(str(calibrations.resolve()))
        lines.insert(header, f"calibrations_folder = {text}")
    text = "\n".join(lines) + "\n"
    again = parse_station_file(SourceText(source.path, text))
    if any(again.instruments[name].resource != f"{SCHEME}://{name}" for name in names):
        raise ConfigError(
            f"{source.path}: the resources of {', '.join(names)} cannot be replaced",
            remedy="write each instrument as a table [instruments.NAME], one key per line",
        )
    return text


def _replace(
    lines: list[str], source: SourceText, key: tuple[str, ...], value: str, optional: bool = False
) -> bool:
    number = line_of(source.text, key) - 1
    form = rf"(\s*{key[-1]}\s*=\s*)(?:\"[^\"]*\"|'[^']*')"
    found = re.match(form, lines[number])
    if found is None:
        if optional:
            return False
        raise ConfigError(
            f"{source.path}:{number + 1}: {'.'.join(key)} stands on no line of its own",
            remedy="write each instrument as a table [instruments.NAME], one key per line",
        )
    lines[number] = found[1] + json.dumps(value) + lines[number][found.end() :]
    return True


def _as_text(value: Any) -> Any:
    """Return plain JSON values, bytes as the Latin-1 characters of the same number."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, Mapping):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_text(item) for item in value]
    return value


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _write_private(path: Path, text: str) -> Path:
    beside = path.with_suffix(path.suffix + ".new")
    beside.touch(mode=0o600)
    beside.chmod(0o600)
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
    return path
