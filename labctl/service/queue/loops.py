"""Expand an item with loops into one item for each combination of values."""

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST_ITEMS = 20_000
"""Items of one file, loops expanded."""
LONGEST_LABEL = 100

_PLACE = re.compile(r"\{(\w+)\}")

Loops = Sequence[Mapping[str, Sequence[Any]]]


def loop_problem(loops: Loops, parameters: Mapping[str, Any]) -> tuple[int, str] | None:
    """Return the number of the first loop that cannot be expanded and why, or None."""
    seen = set(parameters)
    total = 1
    for number, loop in enumerate(loops):
        lengths = {name: len(values) for name, values in loop.items()}
        twice = sorted(seen & set(loop))
        if not loop or not min(lengths.values()):
            return number, "a loop needs a parameter with at least one value"
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            return number, f"parameters of one loop change together and need as many values: {told}"
        if twice:
            return number, f"{', '.join(twice)} is given twice: in a loop and elsewhere"
        seen |= set(loop)
        total *= max(lengths.values())
        if total > MOST_ITEMS:
            return number, f"the loops make more than {MOST_ITEMS} items"
    return None


def combinations(loops: Loops) -> Iterator[dict[str, Any]]:
    """Yield the parameters of each pass, the last loop turning fastest."""
    blocks = [
        [dict(zip(loop, values, strict=True)) for values in zip(*loop.values(), strict=True)]
        for loop in loops
    ]
    for chosen in itertools.product(*blocks):
        yield {name: value for block in chosen for name, value in block.items()}


def label_of(label: str, values: Mapping[str, Any]) -> str:
    """Return the label of one pass: `{name}` stands for a value; else the values follow it."""
    if not values:
        return label
    if _PLACE.search(label):
        text = _PLACE.sub(lambda m: _shown(values.get(m[1], m[0])), label)
    else:
        told = ", ".join(f"{name}={_shown(value)}" for name, value in values.items())
        text = f"{label} {told}".strip()
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


def _shown(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:g}"
    if isinstance(value, list):
        return " ".join(map(_shown, value))
    return str(value)
