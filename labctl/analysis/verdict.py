"""Decide what the evidence supports: cooling, heating, neither, or thermometers that disagree."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from labctl.analysis.cross_check import CrossCheck, cross_checks
from labctl.analysis.departure import (
    Departure,
    claim_threshold,
    combined_significance,
    departures_from_ambient,
)
from labctl.analysis.energy import energy_balance
from labctl.analysis.pl import WSE2_GAP, BandGap
from labctl.analysis.ratio_point import RatioPoint
from labctl.analysis.thermometry import RatioCalibration
from labctl.analysis.trend import total_power_w
from labctl.core.results import PeakPosition, Verdict

Statement = Literal["below ambient", "above ambient", "not distinguishable", "contradictory"]


def judge(
    region: str,
    points: Sequence[RatioPoint],
    calibration: RatioCalibration,
    *,
    ambient_k: float,
    control: Sequence[RatioPoint] = (),
    peaks: Sequence[PeakPosition] = (),
    gap: BandGap = WSE2_GAP,
) -> Verdict:
    """Combine anti-Stokes/Stokes, line position and PL of a region with its control region.

    Conditions whose cryostat was more than 2 K away from ambient are left out. A claim needs
    3σ after correction for the number of conditions looked at. It is contradictory if the
    control region, which cannot cool, looks cold too, or if line position or PL change with
    power otherwise than the anti-Stokes/Stokes temperature does (3σ). Line position and PL are
    compared by their change with power, because their zero differs from region to region.
    """
    departures = departures_from_ambient(points, calibration, ambient_k)
    if not departures:
        reasons = "; ".join(dict.fromkeys(p.reason for p in points if p.reason))
        text = f"{region}: no usable anti-Stokes/Stokes temperature near ambient. {reasons}"
        return Verdict(region, "not distinguishable", 0.0, text.strip())
    decisive = max(departures, key=lambda departure: abs(departure.significance))
    combined = combined_significance(departures)
    statement = _claim(decisive.significance, combined, claim_threshold(len(departures) + 1))
    checks = cross_checks(departures, calibration, peaks, gap, ambient_k)
    objections = [check.text for check in checks if check.contradicts(statement)]
    objections += _control_objection(control, calibration, ambient_k, statement)
    lines = [
        _headline(region, decisive, calibration, ambient_k, len(departures), combined),
        *_control_line(decisive, control, calibration),
        *[check.text for check in checks],
    ]
    if statement == "below ambient":
        lines += _support(checks, decisive, calibration, ambient_k)
    if objections:
        lines.append("The thermometers contradict each other: " + "; ".join(objections))
        statement = "contradictory"
    return Verdict(region, statement, decisive.significance, ". ".join(dict.fromkeys(lines)) + ".")


def _claim(single: float, combined: float, threshold: float) -> Statement:
    leading = single if abs(single) >= threshold else combined
    if abs(leading) < threshold:
        return "not distinguishable"
    return "below ambient" if leading < 0 else "above ambient"


def _headline(
    region: str,
    decisive: Departure,
    calibration: RatioCalibration,
    ambient_k: float,
    count: int,
    combined: float,
) -> str:
    temperature_k = calibration.temperature_at(decisive.point.ln_ratio)
    sigma = float(np.hypot(decisive.single_sigma, decisive.common_sigma))
    shown = (
        f"{temperature_k:.1f} ± {calibration.slope_k(temperature_k) * sigma:.1f} K"
        if temperature_k is not None
        else "no bounded temperature"
    )
    side = "below" if decisive.significance < 0 else "above"
    return (
        f"{region} at {total_power_w(decisive.point.condition) * 1e6:.3g} µW: {shown} from AS/S, "
        f"{abs(decisive.significance):.1f} σ {side} ambient ({ambient_k:.1f} K); "
        f"mean of {count} conditions {combined:+.1f} σ"
    )


def _control_line(
    decisive: Departure, control: Sequence[RatioPoint], calibration: RatioCalibration
) -> list[str]:
    """Compare with the control at the same power, where ln C cancels."""
    power_w = total_power_w(decisive.point.condition)
    usable = [point for point in control if not point.reason]
    if not usable:
        return ["no usable control region"]
    nearest = min(usable, key=lambda p: abs(np.log(total_power_w(p.condition) / power_w)))
    difference = decisive.point.ln_ratio - nearest.ln_ratio
    sigma = float(np.hypot(decisive.single_sigma, nearest.ln_ratio_sigma))
    control_k = calibration.temperature_at(nearest.ln_ratio)
    shown = f"{control_k:.1f} K" if control_k is not None else "unbounded"
    return [
        f"control {nearest.region} at {total_power_w(nearest.condition) * 1e6:.3g} µW: {shown}, "
        f"the region is {difference / sigma:+.1f} σ from it, without the calibration's error"
    ]


def _control_objection(
    control: Sequence[RatioPoint],
    calibration: RatioCalibration,
    ambient_k: float,
    statement: Statement,
) -> list[str]:
    departures = departures_from_ambient(control, calibration, ambient_k)
    if statement != "below ambient" or not departures:
        return []
    coldest = min(departures, key=lambda departure: departure.significance)
    worst = min(coldest.significance, combined_significance(departures))
    if worst > -claim_threshold(len(departures) + 1):
        return []
    return [
        f"the control {coldest.point.region}, which cannot cool, looks {abs(worst):.1f} σ too cold"
    ]


def _support(
    checks: Sequence[CrossCheck],
    decisive: Departure,
    calibration: RatioCalibration,
    ambient_k: float,
) -> list[str]:
    confirming = [check.name for check in checks if check.other.significance < -2]
    lines = [
        f"cooling with power is confirmed by {' and '.join(confirming)}"
        if confirming
        else "no other thermometer confirms it: AS/S alone is not proof"
    ]
    temperature_k = calibration.temperature_at(decisive.point.ln_ratio)
    if temperature_k is not None and temperature_k < ambient_k:
        power_w = total_power_w(decisive.point.condition)
        laser_nm = decisive.point.laser_nm
        lines.append(energy_balance(power_w, ambient_k - temperature_k, laser_nm=laser_nm).text)
    return lines
