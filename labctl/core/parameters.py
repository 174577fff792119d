"""Declare parameters with units and ranges, and refuse anything else with a helpful error."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, get_origin

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo

from labctl.core.errors import UsageError
from labctl.core.units import format_quantity, parse_quantity
from labctl.core.wording import in_plain_words


@dataclass(frozen=True, slots=True)
class Unit:
    """Mark the unit of a numeric field; people may type any unit that converts."""

    symbol: str


def _one(unit: str) -> BeforeValidator:
    def convert(value: Any) -> Any:
        if isinstance(value, str):
            try:
                return parse_quantity(value, unit)
            except UsageError as error:
                raise ValueError(error.message) from error
        return value

    return BeforeValidator(convert)


def _many(unit: str) -> BeforeValidator:
    def convert(value: Any) -> Any:
        if isinstance(value, str):
            try:
                return parse_quantities(value, unit)
            except UsageError as error:
                raise ValueError(error.message) from error
        return value

    return BeforeValidator(convert)


def parse_quantities(text: str, unit: str) -> tuple[float, ...]:
    """Read `1 uW, 10 uW` or `1 uW..1 mW:7` or `1 uW..1 mW:7 log`; returns numbers in `unit`.

    Raises
    ------
    UsageError
        If a value is no quantity in that unit, or a range is incomplete or too long.
    """
    if ".." in text:
        start_text, rest = text.split("..", 1)
        end_text, _, count_text = rest.partition(":")
        count_words = count_text.split()
        if (
            not count_words
            or not count_words[0].isdecimal()
            or count_words[1:] not in ([], ["log"])
        ):
            raise UsageError(f"{text!r}: write a range as 'first..last:count' with 'log' if wanted")
        start, end = parse_quantity(start_text, unit), parse_quantity(end_text, unit)
        count = int(count_words[0])
        if not 1 <= count <= 100_000:
            raise UsageError(f"{text!r}: a range has 1 to 100000 values")
        if count_words[1:] and min(start, end) <= 0:
            raise UsageError(f"{text!r}: a logarithmic range needs positive ends")
        spaced = np.geomspace if count_words[1:] else np.linspace
        return tuple(float(value) for value in spaced(start, end, count))
    return tuple(
        parse_quantity(item, unit) for item in text.strip("[]() ").split(",") if item.strip()
    )


PowerW = Annotated[float, Unit("W"), _one("W"), Field(ge=0, le=1.0)]
PowersW = Annotated[tuple[PowerW, ...], Unit("W"), _many("W"), Field(min_length=1)]
TemperatureK = Annotated[float, Unit("K"), _one("K"), Field(ge=1.0, le=1000.0)]
TemperaturesK = Annotated[tuple[TemperatureK, ...], Unit("K"), _many("K"), Field(min_length=1)]
DurationS = Annotated[float, Unit("s"), _one("s"), Field(ge=0, le=86400.0)]
WavelengthNm = Annotated[float, Unit("nm"), _one("nm"), Field(ge=200.0, le=2000.0)]
ShiftCm1 = Annotated[float, Unit("cm⁻¹"), _one("cm⁻¹"), Field(ge=-5000.0, le=5000.0)]
LengthUm = Annotated[float, Unit("µm"), _one("µm"), Field(ge=-1e6, le=1e6)]


def _split_words(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    return value


Names = Annotated[tuple[str, ...], BeforeValidator(_split_words)]
"""Several names, typed as `mono, intermediate`."""


class ParameterModel(BaseModel):
    """Hold the parameters of a procedure: frozen, complete, unknown keys refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _split_typed_lists(cls, values: Any) -> Any:
        """Let people type `raman, pl` for any list; numbers with a unit have their own reader."""
        if not isinstance(values, Mapping):
            return values
        lists = {
            name
            for name, field in cls.model_fields.items()
            if get_origin(field.annotation) is tuple and not unit_of(field)
        }
        return {key: _split_words(one) if key in lists else one for key, one in values.items()}


ModelT = TypeVar("ModelT", bound=BaseModel)


def parse_parameters(model: type[ModelT], values: Mapping[str, Any], owner: str) -> ModelT:
    """Return validated parameters.

    Raises
    ------
    UsageError
        Naming every wrong key with what was given, what is allowed and the nearest known key.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        lines = [_explain(model, item, values) for item in error.errors()]
        raise UsageError(
            f"{owner}: " + "; ".join(lines),
            remedy=f"'labctl procedures show {owner}' lists parameters, units, ranges, defaults",
        ) from error


def _explain(model: type[BaseModel], item: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in item["loc"]) or "parameters"
    name = str(item["loc"][0]) if item["loc"] else ""
    if item["type"] == "extra_forbidden":
        return f"unknown parameter {key!r}{nearest_hint(name, model.model_fields)}"
    if item["type"] == "missing":
        return f"parameter {key!r} is required"
    text = in_plain_words(str(item["msg"]))
    typed = repr(values.get(name, item["input"]))
    given = "" if isinstance(item["input"], Mapping) or typed in text else f" (given: {typed})"
    unit = unit_of(model.model_fields[name]) if name in model.model_fields else ""
    suffix = f" {unit}" if unit and item["type"].endswith(("than", "equal")) else ""
    return f"{key}: {text}{suffix}{given}"


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known name, else the list of names."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(names))}"


def unit_of(field: FieldInfo) -> str:
    """Return the unit of a field, or an empty string."""
    return next((mark.symbol for mark in field.metadata if isinstance(mark, Unit)), "")


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """Describe one parameter for people: forms, help texts, tables."""

    name: str
    unit: str
    default: str
    allowed: str
    description: str
    required: bool


def describe_parameters(model: type[BaseModel]) -> Sequence[ParameterInfo]:
    """List the parameters of a model with units, ranges and defaults, in order."""
    return [_describe(name, field, model) for name, field in model.model_fields.items()]


def _describe(name: str, field: FieldInfo, model: type[BaseModel]) -> ParameterInfo:
    unit = unit_of(field)
    required = field.is_required()
    return ParameterInfo(
        name=name,
        unit=unit,
        default=""
        if required
        else _format_default(field.get_default(call_default_factory=True), unit),
        allowed=_allowed(model.model_json_schema()["properties"][name], unit),
        description=field.description or "",
        required=required,
    )


def _format_default(value: Any, unit: str) -> str:
    if isinstance(value, (tuple, list)):
        return ", ".join(_format_default(item, unit) for item in value) or "none"
    if isinstance(value, float) and unit:
        return format_quantity(value, unit)
    return "" if value is None else str(value)


def _allowed(schema: Mapping[str, Any], unit: str) -> str:
    if "enum" in schema:
        return ", ".join(str(choice) for choice in schema["enum"])
    if "items" in schema:
        return _allowed(schema["items"], unit)
    if "anyOf" in schema:
        return " or ".join(filter(None, (_allowed(part, unit) for part in schema["anyOf"])))
    signs: Mapping[str, str] = {
        "minimum": "≥ ", "exclusiveMinimum": "> ", "maximum": "≤ ", "exclusiveMaximum": "< ",
    }  # fmt: skip
    show: Callable[[float], str] = lambda value: format_quantity(value, unit)  # noqa: E731
    return ", ".join(sign + show(schema[key]) for key, sign in signs.items() if key in schema)
