"""Find runs by what people type: words, `sample:flake`, `date:2026-11`, `power>50uW`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labctl.core.errors import UsageError
from labctl.core.units import parse_quantity
from labctl.gui.runs.words import result_words, value_words, when_words

_TERM = re.compile(r'([A-Za-z]\w*)(>=|<=|[:=<>])("[^"]*"|\S+)|"([^"]*)"|(\S+)')


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold what is known of a run.

    `line` is its line in the catalogue, `detail` all that the service knows, `notes` what people
    wrote; the last two are empty until they were fetched. `units` are those of its parameters.
    """

    line: Mapping[str, Any]
    detail: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return the name of the run."""
        return str(self.line["run"])

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Return the parameters that were given."""
        found: Mapping[str, Any] = self.detail.get("parameters", {})
        return found

    @property
    def result(self) -> Mapping[str, Any]:
        """Return what the analysis found."""
        found: Mapping[str, Any] = self.detail.get("result", {})
        return found

    @property
    def tags(self) -> Sequence[str]:
        """Return the tags that people gave it."""
        found: Sequence[str] = self.notes.get("tags", ())
        return found

    @property
    def rating(self) -> int:
        """Return the rating, 1 to 5, or 0 for none."""
        return int(self.notes.get("rating", 0))

    def words(self) -> str:
        """Return everything that free words are looked for in, in small letters."""
        line = self.line
        parts = [self.name, str(line.get("label", "")), str(line.get("procedure", ""))]
        parts += [str(line.get("state", "")), when_words(str(line.get("start_utc", "")))]
        parts += [*self.tags, str(self.notes.get("text", "")), result_words(self.result)]
        parts += [
            f"{name} {value_words(name, value, self.units.get(name, ''))}"
            for name, value in self.parameters.items()
        ]
        return " ".join(parts).lower()

    def field(self, key: str) -> str | None:
        """Return what stands under a key as text, or None if the run has no such thing."""
        line = self.line
        known = {
            "run": self.name, "sample": line.get("label", ""), "label": line.get("label", ""),
            "procedure": line.get("procedure", ""), "state": line.get("state", ""),
            "date": when_words(str(line.get("start_utc", ""))), "tag": " ".join(self.tags),
            "notes": self.notes.get("text", ""),
        }  # fmt: skip
        if key in known:
            return str(known[key])
        value = self.parameters.get(key)
        return None if value is None else value_words(key, value, self.units.get(key, ""))

    def numbers(self, key: str) -> list[float]:
        """Return the numbers that stand under a key."""
        own = {"rating": self.rating, "points": self.line.get("points", 0)}
        value = own.get(key, self.parameters.get(key))
        values = value if isinstance(value, list | tuple) else [value]
        return [float(one) for one in values if isinstance(one, int | float)]


@dataclass(frozen=True, slots=True)
class Term:
    """Hold one condition: a free word if `key` is empty."""

    key: str
    sign: str
    text: str

    def fits(self, entry: Entry) -> bool:
        """Tell whether a run fulfils it."""
        if not self.key:
            return self.text.lower() in entry.words()
        if self.sign in ("<", ">", "<=", ">="):
            return self._compares(entry)
        if self.key == "after":
            return (entry.field("date") or "") >= self.text
        if self.key == "before":
            return (entry.field("date") or "9") < self.text
        shown = entry.field(self.key)
        if shown is not None and self.text.lower() in shown.lower():
            return True
        numbers = entry.numbers(self.key)
        wanted = self._number(entry)
        return wanted is not None and any(abs(one - wanted) <= 1e-9 * abs(wanted)
                                          for one in numbers)  # fmt: skip

    def _compares(self, entry: Entry) -> bool:
        if self.key == "date":
            stamp = (entry.field("date") or "")[: len(self.text)]
            return stamp > self.text if ">" in self.sign else stamp < self.text
        wanted = self._number(entry)
        if wanted is None:
            return False
        signs = {
            "<": lambda one: one < wanted,
            ">": lambda one: one > wanted,
            "<=": lambda one: one <= wanted,
            ">=": lambda one: one >= wanted,
        }
        return any(signs[self.sign](one) for one in entry.numbers(self.key))

    def _number(self, entry: Entry) -> float | None:
        try:
            return parse_quantity(self.text, entry.units.get(self.key, ""))
        except UsageError:
            return None


def parse_query(text: str) -> tuple[Term, ...]:
    """Return the conditions of a query; all of them must be fulfilled."""
    found = []
    for key, sign, value, quoted, word in _TERM.findall(text):
        if key:
            found.append(Term(key.lower(), sign, value.strip('"')))
        else:
            found.append(Term("", "", quoted or word))
    return tuple(found)


def fits(entry: Entry, terms: Sequence[Term]) -> bool:
    """Tell whether a run fulfils all conditions."""
    return all(term.fits(entry) for term in terms)
