"""Read what people type for the parameters of a procedure, and say what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from labctl.core.errors import UsageError
from labctl.core.parameters import nearest_hint, parse_quantities
from labctl.core.units import format_quantity, parse_quantity

Kind = Literal["number", "integer", "boolean", "choice", "text", "list"]

_UNITS: Mapping[str, str] = {
    "s": "s", "w": "W", "um": "µm", "nm": "nm", "k": "K", "cm1": "cm⁻¹", "ev": "eV", "ps": "ps",
    "pa": "Pa",
}  # fmt: skip
"""Units by the last part of a name that has several."""
_QUANTITIES: Mapping[str, str] = {
    "power": "W", "powers": "W", "temperature": "K", "temperatures": "K"
}  # fmt: skip
"""Units by the last part of a name."""


def unit_in(name: str) -> str:
    """Return the unit that the name of a parameter tells; empty if it tells none."""
    start, _, last = name.rpartition("_")
    return _QUANTITIES.get(last, "") or (_UNITS.get(last, "") if start else "")


@dataclass(frozen=True, slots=True)
class Parameter:
    """Describe one parameter as `GET /procedures` does; ranges are in `unit`, ends included."""

    name: str
    kind: Kind = "text"
    unit: str = ""
    description: str = ""
    required: bool = False
    default: Any = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Parameter":
        """Return the parameter that the service describes."""
        known = {name: fields[name] for name in cls.__slots__ if fields.get(name) is not None}
        return cls(**{**known, "choices": tuple(map(str, known.get("choices", ())))})

    @property
    def title(self) -> str:
        """Return the name for people: without underscores and without its unit."""
        words = self.name.split("_")
        if len(words) > 1 and words[-1] in _UNITS:
            words = words[:-1]
        text = " ".join("PL" if word == "pl" else word for word in words)
        return text[:1].upper() + text[1:]

    def parse(self, text: str) -> Any:
        """Return the value that a text stands for.

        Raises
        ------
        UsageError
            If it is none, or out of range; the message says what is allowed.
        """
        plain = text.strip()
        if not plain:
            if self.required:
                raise UsageError("a value is required")
            return None
        match self.kind:
            case "number":
                return self._in_range(_clean(parse_quantity(plain, self.unit)))
            case "integer":
                return self._integer(plain)
            case "boolean":
                return _boolean(plain)
            case "list":
                return self._list(plain)
            case "choice":
                return self._known(plain)
        return plain

    def show(self, value: Any) -> str:
        """Return a value as people type it: with its unit."""
        if value is None:
            return ""
        if isinstance(value, list | tuple):
            return ", ".join(self.show(one) for one in value)
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, int | float) and self.kind != "integer":
            # enough digits that what is shown means what was given
            return format_quantity(value, self.unit, 10)
        return str(value)

    @property
    def allowed(self) -> str:
        """Return what is allowed, in words; empty if anything is."""
        if self.choices:
            return " or ".join(self.choices)
        ends = [None if one is None else self.show_number(one) for one in (self.low, self.high)]
        match ends:
            case [None, None]:
                return f"in {self.unit}" if self.unit else ""
            case [low, None]:
                return f"from {low}"
            case [None, high]:
                return f"up to {high}"
        return f"{ends[0]} to {ends[1]}"

    def show_number(self, value: float) -> str:
        """Return a number with the unit."""
        return format_quantity(value, self.unit, 6)

    def hint(self, value: Any) -> str:
        """Return a line about a list: how many values, from where to where."""
        if not isinstance(value, list | tuple) or len(value) <= 1:
            return ""
        if self.unit:
            ends = f"{self.show_number(value[0])} … {self.show_number(value[-1])}"
            return f"{len(value)} values, {ends}"
        return f"{len(value)} values"

    def _integer(self, text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise UsageError(f"{text!r} is no whole number") from None
        self._in_range(value)
        return value

    def _list(self, text: str) -> list[Any]:
        if self.unit:
            values: Sequence[Any] = [_clean(one) for one in parse_quantities(text, self.unit)]
            for value in values:
                self._in_range(value)
        else:
            values = [self._known(word.strip()) for word in text.split(",") if word.strip()]
        if not values:
            raise UsageError("at least one value is required")
        return list(values)

    def _known(self, word: str) -> str:
        if self.choices and word not in self.choices:
            raise UsageError(f"{word!r} is not known{nearest_hint(word, self.choices)}")
        return word

    def _in_range(self, value: float) -> float:
        if self.low is not None and value < self.low:
            raise UsageError(f"must be at least {self.show_number(self.low)}")
        if self.high is not None and value > self.high:
            raise UsageError(f"must be at most {self.show_number(self.high)}")
        return value


def _clean(value: float) -> float:
    """Return a number without the last digits that the conversion of units leaves behind."""
    return float(f"{value:.12g}")


def _boolean(text: str) -> bool:
    words = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
    if text.lower() not in words:
        raise UsageError(f"{text!r} is neither yes nor no")
    return words[text.lower()]


@dataclass(frozen=True, slots=True)
class Procedure:
    """Describe a procedure as `GET /procedures` does."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...]

    @classmethod
    def of(cls, fields: Mapping[str, Any], known: Mapping[str, Sequence[str]]) -> "Procedure":
        """Return the procedure that the service describes; lists, which are swept, come first.

        `known` offers names of the station for parameters that the procedure leaves open.
        """
        found = [_offered(Parameter.of(one), known) for one in fields.get("parameters", ())]
        found.sort(key=lambda one: (not one.required, one.kind != "list"))
        return cls(str(fields["name"]), str(fields.get("summary", "")), tuple(found))


def known_names(description: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return, by the name of a parameter, the names that the station has for it."""
    positions = tuple(description.get("positions", ()))
    beams = tuple(str(beam["name"]) for beam in description.get("beams", ()))
    windows = tuple(description.get("windows", ()))
    places = dict.fromkeys(("region", "regions", "control", "position", "positions"), positions)
    lights = dict.fromkeys(("beam", "beams", "pump"), beams)
    return {**places, **lights, "window": windows, "windows": windows}


def _offered(one: Parameter, known: Mapping[str, Sequence[str]]) -> Parameter:
    names = tuple(known.get(one.name, ()))
    if one.choices or not names or one.kind not in ("text", "list") or one.unit:
        return one
    usual = one.default if isinstance(one.default, list | tuple) else [one.default]
    if one.default is not None and not set(usual) <= set(names):
        # the procedure means something else by that name
        return one
    kind: Kind = "choice" if one.kind == "text" else "list"
    return Parameter(
        one.name, kind, one.unit, one.description, one.required, one.default, choices=names
    )


def problems_by_name(message: str, names: Sequence[str]) -> dict[str, str]:
    """Return what a refusal of the service says of single parameters.

    Its form is `procedure: name: what is wrong; name: what is wrong`.
    """
    found = {}
    for part in message.split("; "):
        words = [word.strip() for word in part.split(": ")]
        for index, word in enumerate(words[:-1]):
            name = word.split(".")[0]
            if name in names:
                text = ": ".join(words[index + 1 :])
                # what was given stands in the field
                found[name] = text.partition(" (given:")[0]
                break
    return found
