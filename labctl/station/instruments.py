"""Import drivers by dotted path, open their ports, verify who answers."""

import importlib
import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError

from labctl.core.clock import Clock
from labctl.core.errors import ConfigError, InstrumentError, LabctlError, LimitError, WrongIdentity
from labctl.core.link import Backend
from labctl.core.parameters import nearest_hint
from labctl.core.roles import Identity, Instrument
from labctl.station.file import Problem
from labctl.station.sections import InstrumentSection, StationFile

_OWN = frozenset({"self", "connection", "adapter", "name", "clock"})
"""Parameters of a driver that the station gives, not the file."""


@dataclass(frozen=True, slots=True)
class Driver:
    """Hold a driver class with the part of the station file that it is for."""

    name: str
    section: InstrumentSection
    make: type[Any]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DoctorRow:
    """Say how one instrument is: its answer, or what is wrong and what to do."""

    instrument: str
    resource: str
    ok: bool
    reply: str
    identity: str = ""
    remedy: str = ""


@dataclass(slots=True)
class OpenInstrument:
    """Hold a connected instrument, who it is, and how to let go of it."""

    driver: Driver
    instrument: Instrument
    identity: Identity
    connection: Any
    _is_closed: bool = False

    def close(self) -> None:
        """Release instrument and port; closing twice is allowed."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self.instrument.shutdown()
        finally:
            _close(self.connection)


@dataclass(frozen=True, slots=True)
class Ports:
    """Hold what is needed to open ports."""

    clock: Clock
    backends: Mapping[str, Backend]
    transcripts: Path | None = None


def find_drivers(file: StationFile) -> tuple[dict[str, Driver], list[Problem]]:
    """Import every driver and check its options; returns the problems instead of raising."""
    drivers: dict[str, Driver] = {}
    problems: list[Problem] = []
    for name, section in file.instruments.items():
        try:
            make = _import(section.driver)
            options, wrong = _options(make, section)
        # whatever an import runs into, the file names a driver that cannot be used
        except Exception as error:  # noqa: BLE001
            problems.append((("instruments", name, "driver"), f"{section.driver}: {error}"))
            continue
        problems += [(("instruments", name, key), text) for key, text in wrong.items()]
        drivers[name] = Driver(name, section, make, options)
    return drivers, problems


def open_instrument(driver: Driver, ports: Ports) -> OpenInstrument:
    """Open the port of an instrument and verify its identity.

    Raises
    ------
    InstrumentError
        If the port cannot be opened or the instrument does not answer as expected.
    WrongIdentity
        If another instrument answers; both are named.
    """
    connection = _connect(driver, ports)
    try:
        instrument = _construct(driver, connection, ports)
        identity = instrument.identify()
        _verify(driver, identity)
    except BaseException:
        _close(connection)
        raise
    return OpenInstrument(driver, instrument, identity, connection)


def _construct(driver: Driver, connection: Any, ports: Ports) -> Any:
    try:
        return driver.make(connection, driver.name, clock=ports.clock, **driver.options)
    # what validators raise for an option that is out of range
    except (ValueError, TypeError, LimitError) as error:
        raise ConfigError(
            f"{driver.section.driver} refuses its options: {error}",
            remedy="correct the options of this instrument in the station file",
        ) from error


def examine(driver: Driver, ports: Ports) -> DoctorRow:
    """Open one instrument, ask who it is, close it, and report."""
    resource = driver.section.resource
    try:
        opened = open_instrument(driver, ports)
        opened.close()
    except LabctlError as error:
        reply = _without_name(driver, error)
        return DoctorRow(driver.name, resource, False, reply, remedy=error.remedy)
    identity = opened.identity
    reply = f"answers, firmware {identity.firmware}" if identity.firmware else "answers"
    return DoctorRow(driver.name, resource, True, reply, str(identity))


def open_all(drivers: Mapping[str, Driver], ports: Ports) -> dict[str, OpenInstrument]:
    """Open all instruments, or none.

    Raises
    ------
    InstrumentError
        Naming every instrument that failed with its cause and remedy. A single failure keeps
        its own class.
    """
    opened: dict[str, OpenInstrument] = {}
    failures: dict[str, LabctlError] = {}
    try:
        for name, driver in drivers.items():
            try:
                opened[name] = open_instrument(driver, ports)
            except LabctlError as error:
                failures[name] = error
        if failures:
            raise _tree(drivers, failures)
    except BaseException:
        close_all(opened)
        raise
    return opened


def close_all(opened: Mapping[str, OpenInstrument]) -> list[str]:
    """Close every instrument; returns what went wrong, one sentence each."""
    problems = []
    for name, item in opened.items():
        try:
            item.close()
        # every port is to be released, whatever the others do
        except Exception as error:  # noqa: BLE001
            problems.append(f"{name}: {error}")
    return problems


def _tree(drivers: Mapping[str, Driver], failures: Mapping[str, LabctlError]) -> LabctlError:
    lines = []
    for name, error in failures.items():
        lines.append(f"  {_named(drivers[name], error)}")
        if error.remedy:
            lines.append(f"    Remedy: {error.remedy}")
    if len(failures) == 1:
        ((name, error),) = failures.items()
        # a driver's own class may be built otherwise: fall back on the family's
        kinds = (base for base in type(error).__mro__ if base.__module__ == LabctlError.__module__)
        kind: type[LabctlError] = next(kinds)
        return kind(_named(drivers[name], error), remedy=error.remedy)
    text = f"{len(failures)} of {len(drivers)} instruments cannot be used:\n" + "\n".join(lines)
    return InstrumentError(text, remedy="'labctl doctor' examines every instrument again")


def _named(driver: Driver, error: LabctlError) -> str:
    return f"{driver.name} ({driver.section.resource}): {_without_name(driver, error)}"


def _without_name(driver: Driver, error: LabctlError) -> str:
    """Return the message without the name and the resource, which stand before it already."""
    message = error.message.removeprefix(f"{driver.name}: ")
    return message.removeprefix(f"{driver.section.resource} ")


def _import(dotted: str) -> type[Any]:
    module_name, _, class_name = dotted.partition(":")
    module = importlib.import_module(module_name)
    make = getattr(module, class_name, None)
    if not inspect.isclass(make):
        classes = [name for name, member in vars(module).items() if inspect.isclass(member)]
        hint = nearest_hint(class_name, classes) if classes else ""
        raise ConfigError(f"the module has no class {class_name!r}{hint}")
    if not (hasattr(make, "link") or hasattr(make, "open_sdk")):
        raise ConfigError("the class is no driver: it says neither its link nor how to open an SDK")
    return make


def _options(make: type[Any], section: InstrumentSection) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the options as the constructor wants them, and what is wrong with the others."""
    signature = inspect.signature(make, eval_str=True)
    known = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if name not in _OWN and parameter.kind is not parameter.VAR_KEYWORD
    }
    options: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for key, value in section.options.items():
        if key not in known:
            hint = nearest_hint(key, [*known, *InstrumentSection.model_fields])
            wrong[key] = f"is no option of {section.driver}{hint}"
            continue
        try:
            options[key] = _as_annotated(known[key].annotation, value)
        except ValidationError as error:
            wrong[key] = f"{error.errors()[0]['msg'].lower()} (given: {value!r})"
    for key, parameter in known.items():
        if parameter.default is parameter.empty and key not in section.options:
            wrong[key] = f"is required by {section.driver}"
    return options, wrong


def _as_annotated(annotation: Any, value: Any) -> Any:
    if annotation is inspect.Parameter.empty:
        return value
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    except PydanticSchemaGenerationError:
        return value
    # as JSON, a TOML array may become a tuple while everything else stays strict
    return adapter.validate_json(json.dumps(value), strict=True)


def _connect(driver: Driver, ports: Ports) -> Any:
    resource = driver.section.resource
    scheme = resource.partition("://")[0]
    if hasattr(driver.make, "open_sdk"):
        return _open_sdk(driver, scheme, ports)
    from labctl.transport import open_adapter

    folder = ports.transcripts
    return open_adapter(
        resource,
        driver.make.link,
        proofs=driver.make.proofs,
        name=driver.name,
        clock=ports.clock,
        backends=ports.backends,
        transcript=None if folder is None else folder / f"{driver.name}.txt",
    )


def _open_sdk(driver: Driver, scheme: str, ports: Ports) -> Any:
    resource = driver.section.resource
    if scheme in ports.backends:
        return ports.backends[scheme].open_sdk(resource)
    if scheme == "sdk+tcp":
        from labctl.transport.sdk_remote import open_remote_sdk

        return open_remote_sdk(resource)
    opener: Callable[[str], Any] = driver.make.open_sdk
    return opener(resource)


def _verify(driver: Driver, identity: Identity) -> None:
    if not re.fullmatch(driver.section.identity, str(identity)):
        raise WrongIdentity(
            f"expected an instrument that matches {driver.section.identity!r}, "
            f"{str(identity)!r} answered",
            remedy="connect the right instrument, or correct resource or identity in the "
            "station file",
        )


def _close(connection: Any) -> None:
    close = getattr(connection, "close", None)
    if callable(close):
        close()
