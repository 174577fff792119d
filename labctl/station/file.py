"""Read a station file, or refuse it with file, line, key, what was given and what is allowed."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from labctl.core.errors import ConfigError
from labctl.core.parameters import nearest_hint
from labctl.core.wording import in_plain_words
from labctl.station.keylines import line_of
from labctl.station.references import check_references
from labctl.station.schema import allowed_at, known_keys_at
from labctl.station.sections import StationFile

LARGEST_BYTES = 1_000_000
_REMEDY = "correct the file; configs/simulated.toml is a complete, commented example"

Problem = tuple[tuple[str | int, ...], str]
"""The way to a key, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class SourceText:
    """Hold the text of a station file, so that later errors can name a line in it."""

    path: Path
    text: str

    def error(self, problems: Sequence[Problem]) -> ConfigError:
        """Return one error that lists every problem with file, line and key."""
        lines = []
        for key, message in problems:
            dotted = ".".join(str(part) for part in key)
            lines.append(f"{self.path}:{line_of(self.text, key)}: {dotted}: {message}")
        return ConfigError("\n".join(lines), remedy=_REMEDY)


def read_station_file(path: str | Path) -> StationFile:
    """Return the validated content of a station file (TOML).

    Raises
    ------
    ConfigError
        If the file cannot be read, is no TOML, or says anything that is unknown, out of range
        or without partner; every problem is listed with its line.
    """
    return parse_station_file(read_source(path))


def read_source(path: str | Path) -> SourceText:
    """Return the text of a station file.

    Raises
    ------
    ConfigError
        If the file is missing, a folder, unreadable, too large or not UTF-8.
    """
    file = Path(path)
    try:
        if file.is_dir():
            raise ConfigError(f"{file}: is a folder, not a station file", remedy=_REMEDY)
        with file.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    # ValueError: a path with a NUL character
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(
            f"{file}: cannot read the station file: {reason}",
            remedy="give the path of a station file, such as configs/simulated.toml",
        ) from error
    if len(data) > LARGEST_BYTES:
        raise ConfigError(
            f"{file}: more than {LARGEST_BYTES} bytes: this is no station file", remedy=_REMEDY
        )
    try:
        return SourceText(file, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError(
            f"{file}:{line}: byte {error.start} is not UTF-8",
            remedy="save the file as UTF-8",
        ) from error


def parse_station_file(source: SourceText) -> StationFile:
    """Return the validated content of a text; raises `ConfigError` as `read_station_file`."""
    values = _parse_toml(source)
    try:
        content = StationFile.model_validate(_as_tuples(values))
    except ValidationError as error:
        items = error.errors(include_url=False)
        raise source.error([_explain(item) for item in items[:20]]) from error
    except RecursionError as error:
        raise _too_deep(source) from error
    if problems := check_references(content):
        raise source.error(problems)
    return content


def _parse_toml(source: SourceText) -> dict[str, Any]:
    try:
        return tomllib.loads(source.text)
    except RecursionError as error:
        raise _too_deep(source) from error
    # TOMLDecodeError, or an integer of more digits than Python converts
    except ValueError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = found.group(1) if found else "1"
        raise ConfigError(
            f"{source.path}:{line}: not a TOML text: {error}", remedy=_REMEDY
        ) from error


def _too_deep(source: SourceText) -> ConfigError:
    return ConfigError(f"{source.path}:1: brackets are nested too deeply", remedy=_REMEDY)


def _as_tuples(value: Any) -> Any:
    """Return TOML arrays as tuples, which the frozen sections hold."""
    if isinstance(value, Mapping):
        return {key: _as_tuples(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_as_tuples(item) for item in value)
    return value


def _explain(item: Mapping[str, Any]) -> Problem:
    key = tuple(part for part in item["loc"] if part != "[key]")
    writers: Mapping[str, Callable[[], str]] = {
        "extra_forbidden": lambda: f"unknown key{nearest_hint(str(key[-1]), known_keys_at(key))}",
        "missing": lambda: f"is required{_allowed(key)}",
    }
    if item["type"] in writers:
        return key, writers[item["type"]]()
    message = in_plain_words(str(item["msg"]))
    given = "" if isinstance(item["input"], Mapping) else f"given: {_shorten(item['input'])}"
    return key, f"{message} ({given or 'given: a table'}{_allowed(key)})"


def _allowed(key: Sequence[str | int]) -> str:
    allowed = allowed_at(key)
    return f"; allowed: {allowed}" if allowed else ""


def _shorten(value: Any) -> str:
    try:
        text = repr(value)
    # an integer of more digits than Python prints
    except ValueError:
        return "a very long number"
    return text if len(text) <= 60 else f"{text[:57]}..."
