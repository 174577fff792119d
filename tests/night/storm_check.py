"""Hold everything that a stormy night recorded against what the twin knows."""

import bisect
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from storm_table import StormTable
from storm_truth import BEAMS

from labctl.core.items import ItemState, QueueItem
from labctl.core.messages import Point
from labctl.core.readings import Quality, Reading
from labctl.core.spectra import Spectrum
from labctl.store.folders import run_folders
from labctl.store.reader import RunReader

POWER = 0.05
"""Relative; the power calibration of the twin is good to 2 % without any fault."""
AXIS_NM = 0.1
TEMPERATURE_K = 0.15
STEADY_K = 1.5
"""The cryostat during an exposure and when it was read after it."""
CAMERA_K = 3.5
PLACE_UM = 1.0


@dataclass
class Checked:
    """What was compared, and every wrong number in words."""

    points: int = 0
    good: Counter = field(default_factory=Counter)
    doubtful: int = 0
    wrong: list[str] = field(default_factory=list)
    light_s: float = 0.0
    longest_overhead_s: float = 0.0
    light_outside_s: float = 0.0
    stuck_light_s: float = 0.0
    unexplained: list[str] = field(default_factory=list)


def check_runs(root: Path, table: StormTable, checked: Checked) -> None:
    """Compare every good value of every point with the truth."""
    frames = sorted(table.truth.exposures, key=lambda one: one["start_s"])
    starts = [one["start_s"] for one in frames]
    for _, folder in run_folders(root):
        with RunReader(folder) as reader:
            if not reader.starts:
                continue
            numbers = []
            for point in reader.points():
                numbers.append(point.number)
                checked.points += 1
                where = f"{reader.run}, point {point.number}"
                for problem in _problems(point, table, frames, starts, checked):
                    checked.wrong.append(f"{where}: {problem}")
            if numbers != list(range(len(numbers))):
                checked.wrong.append(f"{reader.run}: points {numbers}")


def _problems(point: Point, table: StormTable, frames, starts, checked: Checked) -> Iterator[str]:
    for name, value in point.data.items():
        if not isinstance(value, Reading | Spectrum):
            continue
        if value.quality is not Quality.GOOD:
            checked.doubtful += 1
            continue
        checked.good[name] += 1
        if isinstance(value, Spectrum):
            yield from _spectrum(value, point, frames, starts)
        elif name == "cryostat_k":
            _, true_k = table.truth.latest(table.truth.temperatures, value.monotonic_s)
            if abs(value.number - true_k) > TEMPERATURE_K:
                yield f"{name} is {value.number:.2f} K, true {true_k:.2f} K"
        elif name in ("power_w", "pump_power_w"):
            beam = "pump" if name.startswith("pump") else "probe"
            _, true_w = table.truth.latest(table.truth.powers[beam], value.monotonic_s)
            if value.number and abs(value.number / true_w - 1) > POWER:
                yield f"{name} is {value.number:.3g} W, true {true_w:.3g} W"


def _spectrum(value: Spectrum, point: Point, frames, starts) -> Iterator[str]:
    first = bisect.bisect_left(starts, value.monotonic_s - 0.01)
    taken = frames[first : first + value.accumulations]
    if len(taken) < value.accumulations:
        yield "no such exposure was made"
    for number, (frame, counts) in enumerate(zip(taken, value.counts, strict=False)):
        if not np.array_equal(counts, np.asarray(frame["counts"]).reshape(-1)):
            yield f"accumulation {number} is not what the chip counted"
        yield from _light(value, number, frame)
        yield from _surroundings(value, point, frame)


def _light(value: Spectrum, number: int, frame) -> Iterator[str]:
    for beam in BEAMS:
        open_part, true_w = frame["open"][beam], frame["power_w"][beam]
        if beam not in value.beams:
            if open_part > 0:
                yield f"{beam} was open in accumulation {number}, and must not"
            continue
        if open_part < 0.999:
            yield f"{beam} was open for {open_part:.3f} of accumulation {number}"
        recorded_w = value.settings.get(f"{beam}_power_w")
        if not abs(recorded_w - true_w) <= POWER * true_w:
            yield f"{beam}: {recorded_w:.3g} W, true {true_w:.3g} W in accumulation {number}"


def _surroundings(value: Spectrum, point: Point, frame) -> Iterator[str]:
    away_nm = np.abs(value.wavelength_nm - frame["axis_nm"]).max()
    if away_nm > AXIS_NM:
        yield f"the axis is off by {away_nm:.3f} nm"
    if abs(frame["camera_c"] + 75.0) > CAMERA_K:
        yield f"the camera was at {frame['camera_c']:.1f} °C"
    recorded = point.data.get("cryostat_k")
    is_known = isinstance(recorded, Reading) and recorded.quality is Quality.GOOD
    if is_known and abs(recorded.number - frame["cryostat_k"]) > STEADY_K:
        yield f"at {frame['cryostat_k']:.1f} K, recorded {recorded.number:.1f} K"
    region = str(point.data.get("region", ""))
    place_um = PLACES_UM.get(region)
    if place_um is not None and abs(place_um - frame["x_um"]) > PLACE_UM:
        yield f"{region} is at {place_um} µm, the stage was at {frame['x_um']:.1f} µm"


PLACES_UM = {
    "substrate": 0.0, "mono": 30.0, "weak": 60.0, "strong": 90.0, "intermediate": 120.0,
    "cvd": 150.0,
}  # fmt: skip


def check_light(table: StormTable, checked: Checked) -> None:
    """Compare when light met the sample (blade open, laser on) with the exposures asked for."""
    truth, end_s = table.truth, table.clock.monotonic_s()
    frames = [(f["start_s"], f["start_s"] + f["exposure_s"]) for f in truth.exposures]
    for beam in BEAMS:
        emitting = list(_on_times(truth.emission[beam], end_s))
        for open_s, closed_s in _on_times(truth.blades[beam], end_s):
            stuck = _overlap(open_s, closed_s, truth.stuck) > 0
            for on_s, off_s in emitting:
                start_s, stop_s = max(open_s, on_s), min(closed_s, off_s)
                if stop_s > start_s:
                    _count_light(start_s, stop_s, stuck, truth.acquires, frames, checked)


def _count_light(start_s, stop_s, stuck: bool, acquires, frames, checked: Checked) -> None:
    outside_s = stop_s - start_s - _overlap(start_s, stop_s, acquires)
    overhead_s = stop_s - start_s - _overlap(start_s, stop_s, frames)
    checked.light_s += stop_s - start_s
    if stuck:
        checked.stuck_light_s += max(outside_s, 0.0)
    else:
        checked.light_outside_s += max(outside_s, 0.0)
        checked.longest_overhead_s = max(checked.longest_overhead_s, overhead_s)


def check_items(items: list[QueueItem], points_of, checked: Checked) -> None:
    """Every item has all its points, or says why not."""
    for item in items:
        if item.kind == "pause":
            continue
        have = sum(points_of(run) for run in item.runs)
        if item.state is ItemState.FINISHED and item.points is not None and have != item.points:
            checked.unexplained.append(f"{item.summary}: finished with {have} of {item.points}")
        elif item.state is not ItemState.FINISHED and not item.reason:
            checked.unexplained.append(f"{item.summary}: {item.state} without a reason")


def _on_times(changes: list[tuple[float, bool]], end_s: float) -> Iterator[tuple[float, float]]:
    begun: float | None = None
    for time_s, is_on in [*changes, (end_s, False)]:
        if is_on and begun is None:
            begun = time_s
        elif not is_on and begun is not None:
            yield begun, time_s
            begun = None


def _overlap(start_s: float, end_s: float, spans) -> float:
    return sum(max(min(end_s, b) - max(start_s, a), 0.0) for a, b in spans)
