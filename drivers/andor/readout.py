"""Translate bands of rows into the readout modes of SDK2.

Source: Andor SDK guide, section 3 "Readout modes".
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.andor.sdk2_api import ReadAbility, ReadMode, SetAbility
from drivers.andor.sdk2_calls import Calls
from labctl.core.errors import CommandRefused, LimitError

Bands = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Readout:
    """Say how one frame is read; `bands` is None for whole images, rows count from 0."""

    mode: ReadMode
    bands: Bands | None


@dataclass(frozen=True, slots=True)
class Chip:
    """Say what the camera can read; bit fields as in its capabilities."""

    rows: int
    columns: int
    read_modes: int
    set_functions: int

    def frame_shape(self, readout: Readout) -> tuple[int, int]:
        """Return (bands, columns) or (rows, columns)."""
        return (self.rows if readout.bands is None else len(readout.bands), self.columns)


def plan_readout(rows: Sequence[tuple[int, int]] | None, chip: Chip, name: str) -> Readout:
    """Choose the readout mode that gives exactly the requested bands.

    Random tracks are preferred to a single track, because the guide does not say on which side
    of the centre a track of even height is longer; multi-track comes last, because the SDK
    itself places the tracks.

    Raises
    ------
    LimitError
        If the bands are empty, outside the chip, not ascending or overlapping.
    CommandRefused
        If this camera cannot bin these bands on the chip.
    """
    able = ReadAbility(chip.read_modes)
    if rows is None:
        if ReadAbility.FULL_IMAGE not in able:
            raise _cannot(name, "whole images", "ask for bands of rows")
        return Readout(ReadMode.IMAGE, None)
    bands = check_bands(rows, chip.rows, name)
    if bands == ((0, chip.rows - 1),) and ReadAbility.FULL_VERTICAL_BINNING in able:
        return Readout(ReadMode.FULL_VERTICAL_BINNING, bands)
    return Readout(_track_mode(bands, chip, name), bands)


def check_bands(rows: Sequence[tuple[int, int]], height: int, name: str) -> Bands:
    """Return the bands as a tuple.

    Raises
    ------
    LimitError
        If they are empty, outside the chip, not ascending or overlapping.
    """
    bands = tuple((int(first), int(last)) for first, last in rows)
    edges = [edge for band in bands for edge in band]
    ordered = all(first <= last for first, last in bands) and all(
        before[1] < after[0] for before, after in itertools.pairwise(bands)
    )
    if not bands or not ordered or not 0 <= edges[0] <= edges[-1] < height:
        raise LimitError(
            f"{name}: bands of rows {bands} do not fit a chip of {height} rows",
            remedy=f"give (first, last) rows from 0 to {height - 1}, ascending, without overlap",
        )
    return bands


def apply_readout(calls: Calls, readout: Readout, chip: Chip) -> None:
    """Send a readout mode to the camera.

    Raises
    ------
    InstrumentError
        If the SDK refuses, or places multi-tracks elsewhere than asked.
    """
    sdk = calls.sdk
    calls.do(sdk.set_read_mode, int(readout.mode))
    bands = readout.bands
    if bands is None:
        calls.do(sdk.set_image, 1, 1, 1, chip.columns, 1, chip.rows)
    elif readout.mode is ReadMode.RANDOM_TRACK:
        areas = [row + 1 for band in bands for row in band]
        calls.do(sdk.set_random_tracks, len(bands), areas)
    elif readout.mode is ReadMode.SINGLE_TRACK:
        first, last = bands[0]
        calls.do(sdk.set_single_track, (first + last) // 2 + 1, last - first + 1)
    elif readout.mode is ReadMode.MULTI_TRACK:
        _apply_multi_track(calls, bands)


def _track_mode(bands: Bands, chip: Chip, name: str) -> ReadMode:
    able = ReadAbility(chip.read_modes)
    gaps = [after[0] - before[1] - 1 for before, after in itertools.pairwise(bands)]
    heights = {last - first + 1 for first, last in bands}
    touching = 0 in gaps and SetAbility.RANDOM_TRACK_NO_GAPS not in SetAbility(chip.set_functions)
    if ReadAbility.RANDOM_TRACK in able and not touching:
        return ReadMode.RANDOM_TRACK
    if ReadAbility.SINGLE_TRACK in able and len(bands) == 1 and next(iter(heights)) % 2:
        return ReadMode.SINGLE_TRACK
    if ReadAbility.MULTI_TRACK in able and len(heights) == 1 and len(set(gaps)) <= 1:
        return ReadMode.MULTI_TRACK
    raise _cannot(
        name,
        f"the bands of rows {bands}",
        "leave a row between bands, choose one band of odd height, or read images",
    )


def _apply_multi_track(calls: Calls, bands: Bands) -> None:
    """Move the SDK's evenly spread tracks onto the bands and compare what it reports."""
    sdk, height = calls.sdk, bands[0][1] - bands[0][0] + 1
    bottom, _ = calls.ask(sdk.set_multi_track, len(bands), height, 0)
    offset = bands[0][0] + 1 - bottom
    bottom, gap = calls.ask(sdk.set_multi_track, len(bands), height, offset)
    placed = tuple(
        (bottom - 1 + i * (height + gap), bottom - 2 + height + i * (height + gap))
        for i in range(len(bands))
    )
    if placed != bands:
        raise _cannot(
            calls.name,
            f"the bands of rows {bands}: multi-track puts them at {placed}",
            "use these rows, or read images",
        )


def _cannot(name: str, what: str, remedy: str) -> CommandRefused:
    return CommandRefused(f"{name}: this camera cannot read {what}", remedy=remedy)
