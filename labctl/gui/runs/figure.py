"""Draw a run for a paper: spectra, temperatures, and a caption that says what they are."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labctl.core.errors import StorageError
from labctl.core.results import Temperature
from labctl.core.units import format_quantity
from labctl.gui.runs.reading import MOST_ROWS, Rows, Series, read_points, spread, temperatures_of
from labctl.gui.runs.writing import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from labctl.store.reader import RunReader

MOST_LINES = 12
FORMATS = (".png", ".svg", ".pdf")
_MARKS = {"AS/S": "o", "shift": "s", "PL": "^"}


def save_figure(reader: "RunReader", detail: Mapping[str, Any], path: Path) -> Path:
    """Write a figure of a run with its caption; returns the file.

    Raises
    ------
    StorageError
        If the run holds nothing to draw, or the file cannot be written.
    """
    if path.suffix not in FORMATS:
        raise StorageError(f"{path}: a figure ends in {', '.join(FORMATS)}")
    from matplotlib.figure import Figure

    rows = Rows()
    for numbers in spread(len(reader), min(MOST_ROWS, 400)):
        rows.merge(read_points(reader, numbers))
    series = [one for one in rows.series() if any(kind != "dark" for kind in one.kinds)]
    temperatures = temperatures_of(detail.get("result", {}))
    if not series and not temperatures:
        raise StorageError(f"run {reader.run} holds neither spectra nor temperatures to draw")
    caption = caption_of(detail, series[0] if series else None, temperatures)
    panels = bool(series) + bool(temperatures)
    figure = Figure(figsize=(4.2 * panels + 0.6, 4.6), layout="constrained")
    axes = list(np.atleast_1d(figure.subplots(1, panels)))
    if series:
        _draw_spectra(axes.pop(0), series[0])
    if temperatures:
        _draw_temperatures(axes.pop(0), temperatures)
    figure.supxlabel(_wrapped(caption, 62 * panels), fontsize=7, ha="left", x=0.02)
    drawn = io.BytesIO()
    metadata = _metadata(path, reader.run, caption)
    figure.savefig(drawn, format=path.suffix.removeprefix("."), dpi=200, metadata=metadata)
    return write_whole(path, drawn.getvalue())


def caption_of(
    detail: Mapping[str, Any], series: Series | None, temperatures: Sequence[Temperature]
) -> str:
    """Return a caption: what was measured, when, how, and with which calibrations."""
    parts = [f"Run {detail.get('run', '')}, {detail.get('start_utc', '')[:16]} UTC."]
    if series is not None:
        one = series.template
        measured = sum(kind != "dark" for kind in series.kinds)
        light = f"{one.laser_nm:.2f} nm" if one.laser_nm else "no laser"
        parts.append(
            f"{measured} spectra, {format_quantity(one.exposure_s, 's')} per exposure, {light}; "
            "raw mean counts per exposure."
        )
    if temperatures:
        parts.append("Temperatures with one standard deviation, calibration included.")
    names = [f"{kind} {identity.removeprefix('sha256:')[:8]}"
             for kind, identity in detail.get("calibrations", {}).items() if identity]  # fmt: skip
    if names:
        parts.append(f"Calibrations: {', '.join(names)}.")
    parts.append(f"labctl {detail.get('labctl_version', '')}.")
    return " ".join(parts)


def _draw_spectra(axes: "Axes", series: Series) -> None:
    rows = [row for row, kind in enumerate(series.kinds) if kind != "dark"]
    chosen = [rows[at] for at in np.unique(np.linspace(0, len(rows) - 1, MOST_LINES).astype(int))]
    shift = series.shift_cm1
    is_raman = shift is not None and shift.min() < 1000
    x = shift if is_raman and shift is not None else series.axis_nm
    powers = series.columns.get("power_w")
    for row in chosen:
        label = f"{series.numbers[row]}"
        if powers is not None and np.isfinite(powers.values[row]):
            label = format_quantity(float(powers.values[row]), "W", 3)
        axes.plot(x, series.spectra[row], linewidth=0.7, label=label)
    axes.set_xlabel("Raman shift (cm⁻¹)" if is_raman else "Wavelength (nm)")
    axes.set_ylabel("Intensity (counts per exposure)")
    axes.legend(fontsize=6, frameon=False, title="power" if powers is not None else "point")


def _draw_temperatures(axes: "Axes", temperatures: Sequence[Temperature]) -> None:
    groups = dict.fromkeys((one.region, one.thermometer) for one in temperatures)
    for region, thermometer in groups:
        own = [one for one in temperatures
               if (one.region, one.thermometer) == (region, thermometer)]  # fmt: skip
        axes.errorbar(
            [1e6 * one.condition.power_w for one in own],
            [one.value_k for one in own],
            yerr=[one.sigma_k for one in own],
            fmt=_MARKS.get(thermometer, "o"),
            markersize=4,
            capsize=2,
            label=f"{region}, {thermometer}",
        )
    axes.set_xlabel("Power at the sample (µW)")
    axes.set_ylabel("Temperature (K)")
    axes.legend(fontsize=6, frameon=False)


def _wrapped(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))


def _metadata(path: Path, run: str, caption: str) -> dict[str, str]:
    if path.suffix == ".pdf":
        return {"Title": run, "Subject": caption}
    return {"Title": run, "Description": caption}
