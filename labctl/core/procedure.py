"""Define what an experiment is: parameters, a plan, and an analysis of the points."""

import importlib
import inspect
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, ClassVar

from labctl.core.calibration import Calibration
from labctl.core.errors import ConfigError, UsageError
from labctl.core.messages import Plan, Point
from labctl.core.parameters import ParameterModel, nearest_hint
from labctl.core.results import Result


@dataclass(frozen=True, slots=True)
class Evidence:
    """Give an analysis what a run left behind.

    `calibrations` are by kind. `ambient_k` is what "below ambient" is judged against.
    """

    run: str
    points: Sequence[Point]
    parameters: Mapping[str, Any]
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    ambient_k: float = 298.0


class Procedure(ABC):
    """Describe one experiment.

    The plan must be a function of the parameters and the answers it is sent: it has no clock,
    no file, no window and no random source but a seed from its parameters.
    """

    name: ClassVar[str]
    Parameters: ClassVar[type[ParameterModel]]

    @abstractmethod
    def plan(self, p: Any) -> Plan:
        """Yield the messages of the experiment."""

    def analyse(self, evidence: Evidence) -> Result:  # noqa: ARG002
        """Return what the points show; the default finds nothing."""
        return Result()

    @classmethod
    def summary(cls) -> str:
        """Return the first line of the docstring."""
        return (inspect.getdoc(cls) or cls.name).splitlines()[0]


def find_procedures(packages: Sequence[str] = ("procedures",)) -> dict[str, type[Procedure]]:
    """Import the modules of some packages and return their procedures by name.

    Raises
    ------
    ConfigError
        If a package or one of its modules cannot be imported.
    """
    found: dict[str, type[Procedure]] = {}
    for package_name in packages:
        package = _import(package_name)
        paths = getattr(package, "__path__", ())
        for module_info in pkgutil.iter_modules(paths, f"{package_name}."):
            module = _import(module_info.name)
            for member in vars(module).values():
                if _is_procedure_of(member, module.__name__):
                    found[member.name] = member
    return dict(sorted(found.items()))


def get_procedure(name: str, packages: Sequence[str] = ("procedures",)) -> type[Procedure]:
    """Return a procedure by name.

    Raises
    ------
    UsageError
        If there is none, with the nearest known name.
    """
    found = find_procedures(packages)
    if name not in found:
        raise UsageError(
            f"unknown procedure {name!r}{nearest_hint(name, found)}",
            remedy="'labctl procedures' lists them",
        )
    return found[name]


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    # a module of procedures is somebody's own: whatever it raises, say which one it was
    except Exception as error:
        raise ConfigError(
            f"procedures of {name!r} cannot be imported: {type(error).__name__}: {error}",
            remedy="correct that module, or 'procedures' in the station file",
        ) from error


def _is_procedure_of(member: object, module_name: str) -> bool:
    return (
        inspect.isclass(member)
        and issubclass(member, Procedure)
        and not inspect.isabstract(member)
        and member.__module__ == module_name
    )
