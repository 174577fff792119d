"""Collect light on a cooled CCD, with all noise that a real one adds."""

import math
from collections.abc import Sequence

import numpy as np

from labctl.sim.twin.cosmics import draw_tracks
from labctl.sim.twin.detection_numbers import Ccd
from labctl.sim.twin.scene import Scene

FULL_SCALE_COUNTS = 65535
_FEW_E = 0.02


class Cooler:
    """Follow a set-point with a first-order lag, in closed form of time; off at the start."""

    def __init__(self, ccd: Ccd, clock_start_s: float) -> None:
        self._ccd = ccd
        self._on = False
        self._setpoint_c = ccd.room_c
        self._begin_s = clock_start_s
        self._begin_c = ccd.room_c

    def set(self, on: bool, setpoint_c: float, now_s: float) -> None:
        """Switch and set the target in °C; repeating the present one changes nothing."""
        if (on, setpoint_c) == (self._on, self._setpoint_c):
            return
        self._begin_c, self._begin_s = self.temperature_c(now_s), now_s
        self._on, self._setpoint_c = on, setpoint_c

    def temperature_c(self, now_s: float) -> float:
        """Return the chip temperature in °C."""
        lags = max(now_s - self._begin_s, 0.0) / self._ccd.cooling_s
        return self._target_c() + (self._begin_c - self._target_c()) * math.exp(-lags)

    def is_stable(self, now_s: float) -> bool:
        """Tell whether the chip has been within tolerance of its set-point for long enough."""
        if not self._on or self._target_c() != self._setpoint_c:
            return False
        away = abs(self._begin_c - self._target_c()) / self._ccd.tolerance_k
        arrival_s = self._begin_s + self._ccd.cooling_s * math.log(max(away, 1.0))
        return now_s >= arrival_s + self._ccd.stable_s

    def _target_c(self) -> float:
        if not self._on:
            return self._ccd.room_c
        return min(max(self._setpoint_c, self._ccd.coldest_c), self._ccd.room_c)


class Camera:
    """Expose the chip. Fulfils `CameraPort`."""

    def __init__(
        self,
        ccd: Ccd,
        scene: Scene,
        random: np.random.Generator,
        chip_random: np.random.Generator,
        clock_start_s: float,
    ) -> None:
        self.rows = ccd.rows
        self.columns = ccd.columns
        self.pixel_um = ccd.pixel_um
        self._ccd = ccd
        self._scene = scene
        self._random = random
        self._cooler = Cooler(ccd, clock_start_s)
        spread = chip_random.standard_normal((ccd.rows, ccd.columns), dtype=np.float32)
        pixels = np.maximum(1.0 + ccd.prnu * spread, 0.0)
        self._sensitivity = pixels * row_profile(ccd)[:, np.newaxis]
        self._band_sensitivity: dict[tuple[int, int], np.ndarray] = {}
        self._brightest = float(self._sensitivity.max())

    def set_cooler(self, on: bool, setpoint_c: float, now_s: float) -> None:
        """Switch the cooler and set its target in °C."""
        self._cooler.set(on, setpoint_c, now_s)

    def temperature_c(self, now_s: float) -> float:
        """Return the chip temperature in °C."""
        return self._cooler.temperature_c(now_s)

    def is_stable(self, now_s: float) -> bool:
        """Tell whether the chip has been at its set-point for long enough."""
        return self._cooler.is_stable(now_s)

    def readout_s(self, bands: Sequence[tuple[int, int]] | None) -> float:
        """Return the duration of one readout in s."""
        return self._ccd.image_readout_s if bands is None else self._ccd.band_readout_s

    def expose(
        self,
        exposure_s: float,
        bands: Sequence[tuple[int, int]] | None,
        start_s: float,
        shutter_open: bool = True,
    ) -> np.ndarray:
        """Return the counts of one exposure that began at `start_s`, as uint16.

        Shape (bands, columns), or (rows, columns) without bands; see `CameraPort`. Bands are
        drawn as sums, without an image, unless a pixel may reach its full well.

        Raises
        ------
        ValueError
            If the exposure is negative or a band does not lie on the chip.
        """
        if not 0 <= exposure_s < math.inf:
            raise ValueError(f"an exposure of {exposure_s} s is impossible")
        light = np.zeros(self.columns)
        if shutter_open and exposure_s > 0:
            light = self._scene.rate(start_s, exposure_s, self._random) * exposure_s
        dark_e = exposure_s * self._dark_e_per_s(start_s + exposure_s / 2)
        if bands is None:
            return self._digitised(self._image_e(light, dark_e, exposure_s), np.float32)
        for first, last in bands:
            if not 0 <= first <= last < self.rows:
                raise ValueError(f"band ({first}, {last}) is not on rows 0 to {self.rows - 1}")
        if float(light.max()) * self._brightest > 0.5 * self._ccd.full_well_e:
            image_e = self._image_e(light, dark_e, exposure_s)
            binned_e = np.stack([image_e[first : last + 1].sum(axis=0) for first, last in bands])
        else:
            binned_e = self._binned_e(light, dark_e, exposure_s, bands)
        return self._digitised(np.minimum(binned_e, self._ccd.register_e))

    def _image_e(self, light: np.ndarray, dark_e: float, exposure_s: float) -> np.ndarray:
        """Return the electrons in every pixel, shape (rows, columns)."""
        image_e = self._dark_image_e(dark_e)
        lit = slice(self._ccd.first_row, self._ccd.last_row + 1)
        image_e[lit] = self._random.poisson(self._sensitivity[lit] * light + dark_e)
        tracks = draw_tracks(self._ccd, exposure_s, self._random)
        np.add.at(image_e, (tracks.rows, tracks.columns), tracks.electrons)
        return np.asarray(np.minimum(image_e, self._ccd.full_well_e, out=image_e))

    def _dark_image_e(self, dark_e: float) -> np.ndarray:
        """Return the electrons of the dark current, shape (rows, columns).

        Where few pixels have any, the number of all electrons is drawn, and then their places:
        that is the same distribution, and a live view need not wait for it.
        """
        shape = (self.rows, self.columns)
        if dark_e > _FEW_E:
            return self._random.poisson(dark_e, shape).astype(np.float32)
        image_e = np.zeros(self.rows * self.columns, np.float32)
        count = self._random.poisson(dark_e * image_e.size)
        np.add.at(image_e, self._random.integers(0, image_e.size, count), 1.0)
        return image_e.reshape(shape)

    def _binned_e(
        self,
        light: np.ndarray,
        dark_e: float,
        exposure_s: float,
        bands: Sequence[tuple[int, int]],
    ) -> np.ndarray:
        """Return the electrons in every band and column, shape (bands, columns)."""
        tracks = draw_tracks(self._ccd, exposure_s, self._random)
        sums = []
        for first, last in bands:
            mean_e = light * self._sensitivity_of(first, last) + dark_e * (last - first + 1)
            electrons = self._random.poisson(mean_e).astype(np.float64)
            hit = (tracks.rows >= first) & (tracks.rows <= last)
            np.add.at(electrons, tracks.columns[hit], tracks.electrons[hit])
            sums.append(electrons)
        return np.stack(sums) if sums else np.empty((0, self.columns))

    def _digitised(
        self, electrons: np.ndarray, precision: type[np.floating] = np.float64
    ) -> np.ndarray:
        counts = self._random.standard_normal(electrons.shape, dtype=precision)
        counts *= self._ccd.read_noise_e
        counts += electrons
        counts /= self._ccd.gain_e_per_count
        counts += self._ccd.bias_counts
        np.rint(counts, out=counts)
        np.clip(counts, 0, FULL_SCALE_COUNTS, out=counts)
        return counts.astype(np.uint16)

    def _sensitivity_of(self, first: int, last: int) -> np.ndarray:
        band = (first, last)
        if band not in self._band_sensitivity:
            self._band_sensitivity[band] = self._sensitivity[first : last + 1].sum(axis=0)
        return self._band_sensitivity[band]

    def _dark_e_per_s(self, now_s: float) -> float:
        warmer_k = self.temperature_c(now_s) + 75.0
        return self._ccd.dark_per_px_s * math.exp2(warmer_k / self._ccd.dark_doubling_k)


def row_profile(ccd: Ccd) -> np.ndarray:
    """Return the fraction of a column's light on each row, shape (rows,); their sum is 1."""
    lit = ccd.last_row - ccd.first_row + 1
    profile = np.zeros(ccd.rows)
    rows = np.arange(lit) + 0.5
    profile[ccd.first_row : ccd.last_row + 1] = np.sin(np.pi * rows / lit) ** 2
    return np.asarray(profile / profile.sum())
