"""Read what is guarded: a JSON file that `labctl.service.guarding` writes from a station file."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labctl.service.safety.line import LineSettings
from labctl.service.safety.script import Pattern, Script, Step


class ConfigProblem(Exception):
    """Say what is wrong with the file."""


@dataclass(frozen=True, slots=True)
class InterlockConfig:
    """Say how an interlock is looked at: by a question on a port, or in a file.

    A file holds `1` while the circuit is closed. `blind_s` is how long it may go unread while
    the holder of the lease is awake.
    """

    name: str
    period_s: float
    blind_s: float
    port: str = ""
    send: bytes = b""
    closed: Pattern | None = None
    open: Pattern | None = None
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class PortConfig:
    """Describe one guarded device. `end` ends its replies, `command_end` its commands."""

    name: str
    resource: str
    line: LineSettings
    end: bytes
    command_end: bytes
    script: Script
    interlock: InterlockConfig | None = None


@dataclass(frozen=True, slots=True)
class SafetyConfig:
    """Hold the whole file.

    `address` is `unix:PATH` or `tcp://127.0.0.1:PORT`. `tokens` holds the SHA-256 of the secret
    of each role: `holder` may take the lease, `local` may also reset a latch.
    """

    address: str
    log: Path
    state: Path
    tokens: Mapping[str, str]
    silence_s: float
    longest_step_s: float
    ports: tuple[PortConfig, ...]
    files: tuple[InterlockConfig, ...] = field(default=())


def read_config(path: Path) -> SafetyConfig:
    """Return the content of a file.

    Raises
    ------
    ConfigProblem
        If it cannot be read, or anything in it is missing or wrong.
    """
    try:
        return _config(json.loads(path.read_text(encoding="utf-8")))
    except ConfigProblem as problem:
        raise ConfigProblem(f"{path}: {problem}") from None
    except (OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise ConfigProblem(f"{path}: {type(error).__name__}: {error}") from error


def _config(raw: Mapping[str, Any]) -> SafetyConfig:
    ports = tuple(_port(item) for item in raw["ports"])
    names = [port.name for port in ports]
    if not ports or len({*names}) != len(names):
        raise ConfigProblem("ports: at least one is needed, and every name only once")
    address = str(raw["address"])
    if not re.fullmatch(r"unix:/.+|tcp://127\.0\.0\.1:\d{1,5}", address):
        raise ConfigProblem(f"address: {address!r} is neither unix:/PATH nor tcp://127.0.0.1:PORT")
    tokens = {role: str(raw["tokens"][role]) for role in ("holder", "local")}
    if not all(re.fullmatch(r"[0-9a-f]{64}", token) for token in tokens.values()):
        raise ConfigProblem("tokens: must be SHA-256 sums in hexadecimal")
    return SafetyConfig(
        address=address,
        log=Path(raw["log"]),
        state=Path(raw["state"]),
        tokens=tokens,
        silence_s=_within(raw, "silence_s", 0.02, 10.0),
        longest_step_s=_within(raw, "longest_step_s", 0.0, 1e6),
        ports=ports,
        files=tuple(_file_interlock(item) for item in raw.get("interlocks", [])),
    )


def _port(raw: Mapping[str, Any]) -> PortConfig:
    name = str(raw["name"])
    script = raw["script"]
    question = script.get("interlock")
    resource = str(raw["resource"])
    if not re.fullmatch(r"tcp://.+:\d{1,5}/?|serial:///.+", resource):
        raise ConfigProblem(f"{name}: {resource!r} is neither tcp://HOST:PORT nor serial:///PATH")
    end, command_end = _bytes(raw["end"]), _bytes(raw["command_end"])
    if not end or not command_end or not script["steps"]:
        raise ConfigProblem(f"{name}: needs terminators and steps")
    return PortConfig(
        name=name,
        resource=resource,
        line=LineSettings(**raw.get("line", {})),
        end=end,
        command_end=command_end,
        script=Script(
            kind=str(script["kind"]),
            steps=tuple(_step(item) for item in script["steps"]),
            safe=_pattern(script["safe"]),
            unsafe=_pattern(script["unsafe"]),
            harmless=_pattern(script["harmless"]),
            attempts=int(_within(script, "attempts", 1, 10)),
        ),
        interlock=_question(name, question, raw) if question else None,
    )


def _step(raw: Mapping[str, Any]) -> Step:
    return Step(
        send=_bytes(raw["send"]),
        reply=_pattern(raw["reply"]),
        within_s=_within(raw, "within_s", 0.001, 10.0),
        repeats=int(_within(raw, "repeats", 0, 100)),
        only_if=_pattern(raw["only_if"]) if raw.get("only_if") else None,
    )


def _question(name: str, question: Mapping[str, Any], raw: Mapping[str, Any]) -> InterlockConfig:
    return InterlockConfig(
        name=f"{name} interlock",
        period_s=_within(question, "period_s", 0.001, 10.0),
        blind_s=_within(raw, "blind_s", 0.01, 60.0),
        port=name,
        send=_bytes(question["send"]),
        closed=_pattern(question["closed"]),
        open=_pattern(question["open"]),
    )


def _file_interlock(raw: Mapping[str, Any]) -> InterlockConfig:
    return InterlockConfig(
        name=str(raw["name"]),
        period_s=_within(raw, "period_s", 0.001, 10.0),
        blind_s=_within(raw, "blind_s", 0.01, 60.0),
        file=Path(raw["file"]),
    )


def _within(raw: Mapping[str, Any], key: str, low: float, high: float) -> float:
    value = raw[key]
    # written so that NaN is refused
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ConfigProblem(f"{key}: must be a number from {low:g} to {high:g}, is {value!r}")
    return float(value)


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def _pattern(text: str) -> Pattern:
    make: Callable[..., Pattern] = re.compile
    try:
        return make(_bytes(text), re.DOTALL)
    except re.error as error:
        raise ConfigProblem(f"{text!r} is no regular expression: {error}") from error
