"""Turn the points of a run into ratios, temperatures and peaks: what all analyses here share."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from labctl.analysis.counts import Electrons, to_electrons
from labctl.analysis.pl import PeakFit, fit_peak
from labctl.analysis.ratio_fit import RatioFit, fit_ratio
from labctl.analysis.ratio_point import RatioPoint, pool_fits
from labctl.analysis.temperatures import NoTemperature, temperature_from_ratio
from labctl.analysis.thermometry import RatioCalibration
from labctl.core.calibration import Calibration
from labctl.core.errors import AnalysisError
from labctl.core.messages import Kind, Point
from labctl.core.procedure import Evidence
from labctl.core.readings import Reading
from labctl.core.results import Condition, Temperature
from labctl.core.spectra import Spectrum

SAME_POWER = 0.05
SAME_CRYOSTAT_K = 2.0
REPEATABILITY_NM = 0.03
"""How far the grating may stand off after a move without anything being wrong (assumed)."""


@dataclass(slots=True)
class Findings:
    """Collect results and what could not be had, with the reason."""

    temperatures: list[Temperature] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def calibration_used(
    evidence: Evidence, spectrum: Spectrum, kind: str = "wavelength"
) -> Calibration | None:
    """Return the calibration that a spectrum was taken with, to which a correction is added.

    Raises
    ------
    AnalysisError
        If the known one is another: a correction to it would be wrong.
    """
    known = evidence.calibrations.get(kind)
    used = spectrum.calibrations.get(kind, "")
    if (known.identity if known else "") != used:
        raise AnalysisError(
            f"the spectrum was taken with {kind} calibration {used or 'none'}, the one in force is "
            f"{known.identity if known else 'none'}: a correction would be added to the wrong one",
            remedy="accept or discard the newer calibration, then measure again",
        )
    return known


def select(
    points: Iterable[Point], window: str, kinds: Sequence[Kind] = ("measurement",)
) -> list[Point]:
    """Return the points of a window and kind that hold a usable spectrum."""
    return [
        point
        for point in points
        if point.kind in kinds
        and point.data.get("window") == window
        and isinstance(point.data.get("spectrum"), Spectrum)
    ]


def darks_for(evidence: Evidence, window: str) -> list[Spectrum]:
    """Return the darks of a window."""
    return [point.data["spectrum"] for point in select(evidence.points, window, ("dark",))]


def electrons_of(evidence: Evidence, point: Point) -> Electrons:
    """Return the electrons of a point, with the darks of its window and exposure subtracted."""
    spectrum: Spectrum = point.data["spectrum"]
    darks = [
        dark
        for dark in darks_for(evidence, str(point.data["window"]))
        if abs(dark.exposure_s - spectrum.exposure_s) < 1e-9
    ]
    return to_electrons(spectrum, darks)


def condition_of(points: Sequence[Point]) -> Condition:
    """Return the mean condition of points that belong together."""
    return Condition(
        power_w=_mean(points, "power_w") or 0.0,
        pump_power_w=_mean(points, "pump_power_w") or 0.0,
        cryostat_k=_mean(points, "cryostat_k"),
    )


def group(points: Iterable[Point]) -> list[list[Point]]:
    """Group points by region and condition, in the order of their first appearance.

    Powers that agree within 5 % and temperatures within 2 K are the same condition.
    """
    groups: list[list[Point]] = []
    for point in points:
        for members in groups:
            if _same(members[0], point):
                members.append(point)
                break
        else:
            groups.append([point])
    return groups


def _same(first: Point, second: Point) -> bool:
    if first.data["region"] != second.data["region"]:
        return False
    one, other = condition_of([first]), condition_of([second])
    return (
        math.isclose(one.power_w, other.power_w, rel_tol=SAME_POWER)
        and math.isclose(one.pump_power_w, other.pump_power_w, rel_tol=SAME_POWER)
        and abs((one.cryostat_k or 0.0) - (other.cryostat_k or 0.0)) < SAME_CRYOSTAT_K
    )


def fits_of(
    evidence: Evidence, points: Sequence[Point], warn: Callable[[str], None]
) -> list[RatioFit]:
    """Fit the two-sided Raman spectrum of each point; what cannot be fitted is reported."""
    fits = []
    for point in points:
        try:
            fits.append(fit_ratio(electrons_of(evidence, point)))
        except AnalysisError as error:
            warn(f"point {point.number}: {error.message}")
    return fits


def ratio_points(
    evidence: Evidence, points: Sequence[Point], warn: Callable[[str], None]
) -> list[RatioPoint]:
    """Return one pooled ratio for each region and condition."""
    found = []
    for members in group(points):
        fits = fits_of(evidence, members, warn)
        if fits:
            found.append(pool_fits(fits, str(members[0].data["region"]), condition_of(members)))
    return found


def thermometer(evidence: Evidence) -> RatioCalibration:
    """Return the thermometry calibration of the beam that the run was taken with.

    Raises
    ------
    AnalysisError
        If there is none.
    """
    kind = f"thermometry.{evidence.parameters.get('beam', 'probe')}"
    if kind not in evidence.calibrations:
        raise AnalysisError(
            f"no calibration of kind {kind!r}: intensity ratios are no temperatures yet",
            remedy="run 'thermometry_calibration' first",
        )
    return RatioCalibration.read(evidence.calibrations[kind])


def temperatures_of(
    points: Sequence[RatioPoint], calibration: RatioCalibration, findings: Findings
) -> None:
    """Add the temperature of each ratio to the findings, or the reason why there is none."""
    for point in points:
        found = temperature_from_ratio(point, calibration)
        if isinstance(found, NoTemperature):
            findings.warnings.append(
                f"{found.region} at {found.condition.power_w * 1e6:.3g} µW: {found.reason}"
            )
        else:
            findings.temperatures.append(found)


def last_utc(evidence: Evidence) -> str:
    """Return when the last point was committed."""
    return evidence.points[-1].utc.isoformat() if evidence.points else ""


def _number(value: object) -> float | None:
    if isinstance(value, Reading):
        value = value.value
    return float(value) if isinstance(value, int | float) else None


def _mean(points: Sequence[Point], name: str) -> float | None:
    values = [_number(point.data.get(name)) for point in points]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def peaks_of(
    evidence: Evidence, points: Sequence[Point], warn: Callable[[str], None], axis_sigma_nm: float
) -> list[tuple[str, Condition, PeakFit]]:
    """Return one photoluminescence peak for each region and condition.

    Parameters
    ----------
    axis_sigma_nm
        Repeatability of the axis between these points, in nm; 0 if the grating did not move.
    """
    found = []
    for members in group(points):
        fits = []
        for point in members:
            try:
                fits.append(fit_peak(electrons_of(evidence, point), axis_sigma_nm=axis_sigma_nm))
            except AnalysisError as error:
                warn(f"point {point.number}: {error.message}")
        if fits:
            region = str(members[0].data["region"])
            found.append((region, condition_of(members), _average(fits)))
    return found


def _average(fits: Sequence[PeakFit]) -> PeakFit:
    weights = [fit.sigma_ev**-2 for fit in fits]
    mean_ev = sum(w * fit.position_ev for w, fit in zip(weights, fits, strict=True)) / sum(weights)
    return replace(fits[0], position_ev=mean_ev, sigma_ev=sum(weights) ** -0.5)


def surroundings_k(points: Sequence[RatioPoint], evidence: Evidence) -> float:
    """Return the temperature that "ambient" means: the cryostat's, else that of the room."""
    known = [p.condition.cryostat_k for p in points if p.condition.cryostat_k is not None]
    return sum(known) / len(known) if known else evidence.ambient_k


def warn_of_drift(evidence: Evidence, findings: Findings) -> None:
    """Compare the returns to the reference condition with one another."""
    warn = findings.warnings.append
    returns = select(evidence.points, "raman", ("reference",))
    fits = [fit.main for fit in fits_of(evidence, returns, warn)]
    known = [(m.ln_ratio, m.ln_ratio_sigma) for m in fits]
    pairs = [(value, sigma) for value, sigma in known if value is not None and sigma is not None]
    if len(pairs) < 2:
        return
    mean = sum(value / sigma**2 for value, sigma in pairs) / sum(s**-2 for _, s in pairs)
    worst = max(abs(value - mean) / sigma for value, sigma in pairs)
    if worst > 4:
        warn(f"the reference condition changed during the series, by {worst:.1f} σ")
