"""Read quantities as people type them, and show them in the unit that they like."""

from collections.abc import Callable
from dataclasses import dataclass

from labctl.core.units import parse_quantity

_PREFIXES = {"p": 1e-12, "n": 1e-9, "µ": 1e-6, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}
_STEPS = {"min": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class DisplayUnit:
    """Say how a number in the base unit is shown in another unit."""

    unit: str
    to_shown: Callable[[float], float]
    to_base: Callable[[float], float]


def linear(unit: str, base: str) -> DisplayUnit:
    """Return how `base` is shown in `unit` with another prefix: `linear("µW", "W")`.

    Raises
    ------
    ValueError
        If they are not the same unit.
    """
    factor = _factor(unit, base)
    if factor is None:
        raise ValueError(f"{unit} is not {base} with a prefix")
    return DisplayUnit(unit, lambda value: value / factor, lambda shown: shown * factor)


def parse_shown(text: str, base: str, shown: DisplayUnit) -> float:
    """Return what was typed as a number in `base`; a bare number is in the unit shown.

    Raises
    ------
    UsageError
        If it is no quantity of that kind.
    """
    plain = " ".join(text.replace("\u202f", " ").replace("\u2212", "-").split())
    if plain.endswith(shown.unit) and shown.unit:
        plain = plain.removesuffix(shown.unit).strip()
    try:
        return shown.to_base(float(plain.replace(",", ".") if plain.count(",") == 1 else plain))
    except ValueError:
        pass
    number, _, unit = _split(plain)
    factor = _factor(unit, base) if unit else None
    if factor is not None:
        return number * factor
    # "150u" in a box of watts is 150 µW
    if base and unit in _PREFIXES and _factor(unit + base, base) is not None:
        return number * _PREFIXES[unit]
    return parse_quantity(plain, base)


def _split(text: str) -> tuple[float, str, str]:
    """Return number, what stands between, and unit of `150 uW` or `150uW`."""
    head = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZµμ°").rstrip()
    try:
        number = float(head.replace(",", ".") if head.count(",") == 1 else head)
    except ValueError:
        return 0.0, "", ""
    return number, "", text[len(head) :].strip().replace("μ", "µ")


def _factor(unit: str, base: str) -> float | None:
    """Return how many `base` one `unit` is, or None if that takes more than a prefix."""
    if unit == base:
        return 1.0
    if base == "s" and unit in _STEPS:
        return _STEPS[unit]
    stem = base[1:] if len(base) > 1 and base[0] in _PREFIXES else base
    own = _PREFIXES[base[0]] if stem != base else 1.0
    if unit == stem:
        return 1.0 / own
    if len(unit) > 1 and unit[0] in _PREFIXES and unit[1:] == stem and stem not in ("", "K"):
        return _PREFIXES[unit[0]] / own
    return None
