"""Say numbers, items and results as people read them in the morning."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labctl.core.items import QueueItem

_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


def duration(seconds: float) -> str:
    """Return a duration in s, min or h."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def printable(data: bytes) -> str:
    """Return bytes as people read them: printable ones as they are, others as escapes."""
    return repr(data)[2:-1] or "nothing"


def fluence(value: float) -> str:
    """Return a dose given in J/cm²."""
    factor, prefix = next((one for one in _PREFIXES if value >= one[0]), _PREFIXES[-1])
    return f"{value / factor:.3g} {prefix}J/cm²"


def asked(item: QueueItem) -> str:
    """Return what an item asked for: its procedure and the parameters that were given."""
    if item.kind == "pause":
        return "pause for the operator"
    given = ", ".join(f"{name} {_plain(value)}" for name, value in item.parameters.items())
    return f"{item.procedure}: {given or 'defaults'}"


def in_order(temperatures: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return temperatures by region, thermometer, pump, cryostat and power."""

    def place(one: Mapping[str, Any]) -> tuple[Any, ...]:
        condition = one["condition"]
        return (
            one["region"], one["thermometer"], condition["pump_power_w"] or 0.0,
            round(condition["cryostat_k"] or 0.0), condition["power_w"],
        )  # fmt: skip

    return sorted(temperatures, key=place)


def numbers(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the single numbers of a result with their uncertainties; names carry the units."""
    found = result.get("numbers", {})
    sigmas = {
        name.replace("_sigma", ""): value for name, value in found.items() if "_sigma" in name
    }
    for name, value in found.items():
        if "_sigma" in name or not isinstance(value, int | float):
            continue
        sigma = sigmas.get(name)
        yield f"{name} {value:.4g}" + (f" ± {sigma:.2g}" if isinstance(sigma, int | float) else "")


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
