"""Describe the parameters of procedures so that a form can be made of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from labctl.core.items import plain
from labctl.core.parameters import ParameterModel, unit_of
from labctl.core.procedure import Procedure
from labctl.service.api.table_schemas import ParameterLine, ProcedureLine

_KINDS = {"number": "number", "integer": "integer", "boolean": "boolean", "array": "list"}
_LOW = ("minimum", "exclusiveMinimum", "ge", "gt")
"""As JSON schema says it, or as pydantic leaves it on the values of a list that is parsed."""
_HIGH = ("maximum", "exclusiveMaximum", "le", "lt")


def procedure_line(name: str, procedure: type[Procedure]) -> ProcedureLine:
    """Return a procedure with its parameters, in the order in which they were declared."""
    return ProcedureLine(
        name=name, summary=procedure.summary(), parameters=_parameters(procedure.Parameters)
    )


def _parameters(model: type[ParameterModel]) -> list[ParameterLine]:
    schema = model.model_json_schema()
    definitions: Mapping[str, Any] = schema.get("$defs", {})
    defaults = _defaults(model)
    return [
        _line(name, _resolved(one, definitions), model, defaults)
        for name, one in schema["properties"].items()
    ]


def _line(
    name: str, schema: Mapping[str, Any], model: type[ParameterModel], defaults: Mapping[str, Any]
) -> ParameterLine:
    field = model.model_fields[name]
    # the bounds and choices of a list are those of its values
    inner = schema.get("items", schema)
    choices = inner.get("enum")
    kind = _KINDS.get(str(schema.get("type")), "text")
    if choices is not None and kind != "list":
        kind = "choice"
    return ParameterLine.model_validate(
        {
            "name": name,
            "description": field.description or "",
            "unit": unit_of(field),
            "kind": kind,
            "required": field.is_required(),
            "default": defaults.get(name),
            "low": _bound(inner, _LOW),
            "high": _bound(inner, _HIGH),
            "choices": choices,
        }
    )


def _defaults(model: type[ParameterModel]) -> Mapping[str, Any]:
    """Return the defaults as plain JSON, without those that are required."""
    fields = {
        name: field.get_default(call_default_factory=True)
        for name, field in model.model_fields.items()
        if not field.is_required()
    }
    return plain(model.model_construct(**fields))


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of a value itself, where it may also be left out or is named elsewhere."""
    if "$ref" in schema:
        named: Mapping[str, Any] = definitions[str(schema["$ref"]).rsplit("/", 1)[-1]]
        return {**named, **{key: one for key, one in schema.items() if key != "$ref"}}
    parts: Sequence[Mapping[str, Any]] = schema.get("anyOf", ())
    real = [part for part in parts if part.get("type") != "null"]
    return _resolved(real[0], definitions) if real else schema


def _bound(schema: Mapping[str, Any], keys: Sequence[str]) -> float | None:
    return next((schema[key] for key in keys if key in schema), None)
