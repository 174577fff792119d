"""Draw the figure of a report: spectra, temperature against power, dual-beam difference."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labctl.analysis.report.content import ReportContent
from labctl.core.results import Temperature

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's palette, distinguishable without colour vision together with the markers."""
_MARKERS = "osD^vP"


def draw_figure(path: Path, content: ReportContent) -> None:
    """Write the figure as PNG, 1800 × 1500 pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 10), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(2, 2, height_ratios=(1.0, 1.1))
    _draw_spectra(figure.add_subplot(grid[0, :]), content)
    _draw_power(figure.add_subplot(grid[1, 0]), content)
    _draw_dual(figure.add_subplot(grid[1, 1]), content)
    banner = f"   [SIMULATED: {content.simulated}]" if content.simulated else ""
    figure.suptitle(content.title + banner, fontsize=13)
    figure.savefig(path, format="png")


def _draw_spectra(axes: "Axes", content: ReportContent) -> None:
    mode = content.mode_cm1
    for index, one in enumerate(content.spectra):
        axes.plot(one.shift_cm1, one.rate_e_per_s, lw=1, color=_COLOURS[index % 6], label=one.label)
    for centre, name in ((-mode, "anti-Stokes"), (mode, "Stokes")):
        axes.axvspan(centre - 18, centre + 18, color="0.85", zorder=0)
        axes.annotate(
            f"{name}\n{centre:+.0f} cm⁻¹",
            (centre, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, -4),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=9,
        )
    axes.axvspan(-60, 60, facecolor="none", edgecolor="0.6", hatch="///", lw=0, zorder=0)
    axes.annotate(
        "notch",
        (0, 0.6),
        xycoords=("data", "axes fraction"),
        ha="center",
        fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 2},
    )
    shown = np.concatenate(
        [one.rate_e_per_s[np.abs(one.shift_cm1) > 100] for one in content.spectra] or [np.ones(1)]
    )
    top = float(np.max(shown))
    axes.set(
        xlim=(-390, 390),
        ylim=(min(0.0, float(np.min(shown))) - 0.03 * top, 1.3 * top),
        xlabel="Raman shift (cm⁻¹)",
        ylabel="Signal (e⁻/s per pixel)",
        title="Raman spectra, dark subtracted, both sides in one frame",
    )
    if content.spectra:
        axes.legend(loc="upper left", bbox_to_anchor=(0.6, 1.0), fontsize=9, frameon=False)


def _draw_power(axes: "Axes", content: ReportContent) -> None:
    series: dict[str, list[Temperature]] = defaultdict(list)
    for section in content.sections:
        if section.procedure == "power_series":
            for one in section.result.temperatures:
                if one.thermometer == "AS/S":
                    series[one.region].append(one)
    for index, (region, found) in enumerate(series.items()):
        _error_bars(axes, [one.condition.power_w * 1e6 for one in found], found, index, region)
    axes.axhline(content.ambient_k, color="0.4", lw=1, ls="--")
    axes.annotate(
        f"ambient {content.ambient_k:.0f} K",
        (1.0, content.ambient_k),
        xycoords=("axes fraction", "data"),
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        fontsize=9,
        color="0.3",
    )
    axes.set(
        xlabel="Power at the sample (µW)",
        ylabel="T(WSe2) from anti-Stokes/Stokes (K)",
        title="Temperature against power (bars: ±1 σ)",
    )
    axes.set_xlim(left=0)
    if series:
        axes.legend(fontsize=9, frameon=False)


def _error_bars(
    axes: "Axes", x: Sequence[float], found: Sequence[Temperature], index: int, label: str
) -> None:
    order = np.argsort(x)
    axes.errorbar(
        np.asarray(x)[order],
        np.array([one.value_k for one in found])[order],
        yerr=np.array([one.sigma_k for one in found])[order],
        fmt=_MARKERS[index % 6] + "-",
        color=_COLOURS[index % 6],
        capsize=3,
        lw=1,
        label=label,
    )


def _draw_dual(axes: "Axes", content: ReportContent) -> None:
    numbers = [
        section.result.numbers for section in content.sections if section.procedure == "dual_beam"
    ]
    pairs: list[dict[str, Any]] = list(numbers[0].get("pairs", ())) if numbers else []
    axes.axhline(0.0, color="0.4", lw=1, ls="--")
    axes.set(title="Dual beam: temperature with the pump minus without", xlabel="Pair")
    axes.set_ylabel("T(pump on) − T(pump off) (K)")
    if not pairs:
        axes.text(0.5, 0.5, "no dual-beam run", transform=axes.transAxes, ha="center")
        return
    axes.errorbar(
        [pair["pair"] + 1 for pair in pairs],
        [pair["difference_k"] for pair in pairs],
        yerr=[pair["sigma_k"] for pair in pairs],
        fmt="o",
        color=_COLOURS[0],
        capsize=3,
        label="pairs",
    )
    mean_k, sigma_k = numbers[0]["difference_k"], numbers[0]["difference_sigma_k"]
    axes.axhspan(mean_k - sigma_k, mean_k + sigma_k, color=_COLOURS[1], alpha=0.3, lw=0)
    axes.axhline(mean_k, color=_COLOURS[1], label=f"all pairs: {mean_k:.1f} ± {sigma_k:.1f} K")
    axes.legend(fontsize=9, frameon=False)
