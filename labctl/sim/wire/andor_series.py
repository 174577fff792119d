"""Play what a CCD does between the start of an acquisition and its last frame."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

Bands = tuple[tuple[int, int], ...]


@dataclass
class Sdk2Faults:
    """Say what goes wrong with an emulated SDK.

    `codes` maps (method, n-th call of it from 1) to the code returned instead of doing anything.
    The flags are seen by every frame read out while they are set.
    """

    codes: dict[tuple[str, int], int] = field(default_factory=dict)
    hang: bool = False
    """No frame ever comes; the camera acquires until it is aborted."""
    zero_frames: bool = False
    repeat_frames: bool = False
    saturate: bool = False
    short_frames: bool = False
    """Fetched arrays lack their last pixel."""
    stuck_busy: bool = False
    """An abort is accepted and the camera goes on acquiring."""


@dataclass
class Setup:
    """Hold the acquisition settings as the SDK's functions left them; times in s."""

    read_mode: int = 0
    acquisition_mode: int = 1
    exposure_s: float = 0.1
    kinetics: int = 1
    kinetic_cycle_s: float = 0.0
    shutter_mode: int = 2
    tracks: dict[int, Bands | None] = field(default_factory=dict)
    """Bands of each read mode that has been set up; rows from 0."""

    @property
    def frames(self) -> int:
        """Return how many frames the acquisition mode takes."""
        return self.kinetics if self.acquisition_mode == 3 else 1


@dataclass
class Series:
    """Expose and keep the frames of one acquisition."""

    start_s: float
    count: int
    exposure_s: float
    readout_s: float
    cycle_s: float
    expose: Callable[[float], np.ndarray]
    """Returns the counts of an exposure that began at a time."""
    faults: Sdk2Faults
    previous: np.ndarray | None = None
    """The last frame of the series before."""
    frames: list[np.ndarray] = field(default_factory=list)
    fetched: int = 0
    announced: int = 0
    stopped: bool = False

    @property
    def is_running(self) -> bool:
        """Tell whether more frames are to come."""
        return not self.stopped and len(self.frames) < self.count

    @property
    def next_frame_s(self) -> float:
        """Return when the next frame will have been read out."""
        if self.faults.hang or not self.is_running:
            return float("inf")
        begin_s = self.start_s + len(self.frames) * self.cycle_s
        return begin_s + self.exposure_s + self.readout_s

    def advance(self, now_s: float) -> None:
        """Take all frames that have been read out by now."""
        while self.next_frame_s <= now_s:
            self.frames.append(self._frame(self.start_s + len(self.frames) * self.cycle_s))

    def event(self) -> bool:
        """Tell whether a frame has come since the last time this was asked."""
        is_new = len(self.frames) > self.announced
        self.announced = len(self.frames)
        return is_new

    def _frame(self, begin_s: float) -> np.ndarray:
        before = self.frames[-1] if self.frames else self.previous
        if self.faults.repeat_frames and before is not None:
            return before
        counts = np.ascontiguousarray(self.expose(begin_s), np.uint16).reshape(-1)
        if self.faults.zero_frames:
            return np.zeros_like(counts)
        return np.full_like(counts, 65535) if self.faults.saturate else counts
