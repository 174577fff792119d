"""Turn what people type (`50 uW`, `1.65 eV`) into numbers in a fixed unit, and back.

pint does the work and is imported on first use, because it costs half a second.
"""

import functools
import math
from typing import Any

from labctl.core.errors import UsageError

_SPELLINGS = {"cm⁻¹": "1/cm", "cm-1": "1/cm", "cm^-1": "1/cm", "µ": "u", "μ": "u", "Ω": "ohm"}
_PREFIXED = {"W", "s", "m", "V", "eV", "Pa"}


@functools.cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry(autoconvert_offset_to_baseunit=True, cache_folder=None)


def parse_quantity(text: str | float, unit: str) -> float:
    """Return a quantity as a number in `unit`; a bare number is already in `unit`.

    Wavelength, photon energy and wavenumber convert into each other (`1.65 eV` in nm).

    Raises
    ------
    UsageError
        If the text is no finite quantity or its unit does not fit.
    """
    if isinstance(text, bool):
        raise UsageError(f"{text} is not a quantity in {unit or 'a plain number'}")
    if isinstance(text, (int, float)):
        return _finite(float(text), str(text))
    plain = text.strip().replace(",", ".") if text.count(",") == 1 else text.strip()
    try:
        return _finite(float(plain), text) if "_" not in plain else _fail(text, unit)
    except ValueError:
        return _convert(plain, text, unit)


def format_quantity(value: float, unit: str, digits: int = 4) -> str:
    """Return a number with its unit as people read it: `format_quantity(5e-5, "W")` → `50 µW`."""
    if unit in _PREFIXED and value and math.isfinite(value):
        power = min(max(math.floor(math.log10(abs(value)) / 3), -5), 3)
        prefix = ["f", "p", "n", "µ", "m", "", "k", "M", "G"][power + 5]
        if unit == "s" and power >= 0:
            power, prefix = 0, ""
        return f"{value / 1000.0**power:.{digits}g} {prefix}{unit}"
    return f"{value:.{digits}g} {unit}".rstrip()


def _convert(plain: str, text: str, unit: str) -> float:
    for spelling, standard in _SPELLINGS.items():
        plain = plain.replace(spelling, standard)
    target = _SPELLINGS.get(unit, unit).replace("µ", "u")
    registry = _registry()
    try:
        quantity = registry.Quantity(plain)
        if quantity.dimensionless and target not in ("", "1", "%"):
            return _fail(text, unit)
        # converts nm, eV and 1/cm into each other
        with registry.context("spectroscopy"):
            return _finite(float(quantity.to(target or "dimensionless").magnitude), text)
    except UsageError:
        raise
    # pint raises many kinds of error, tokenizer and attribute errors among them
    except Exception as error:
        raise UsageError(
            f"{text!r} is not a quantity in {unit or 'a plain number'}",
            remedy=f"write a number with a unit that fits, such as '1 {unit}'".rstrip(),
        ) from error


def _finite(value: float, text: str) -> float:
    if not math.isfinite(value):
        raise UsageError(f"{text!r} is not a finite number")
    return value


def _fail(text: str, unit: str) -> float:
    raise UsageError(
        f"{text!r} is not a quantity in {unit or 'a plain number'}",
        remedy=f"write a number with a unit that fits, such as '1 {unit}'".rstrip(),
    )
