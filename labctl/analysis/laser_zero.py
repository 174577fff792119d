"""Find the wavelength of a laser on the axis of the spectrograph: the zero of Raman shifts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.analysis.wavelength import LineOffset
from labctl.core.calibration import Calibration
from labctl.core.errors import AnalysisError


@dataclass(frozen=True, slots=True)
class LaserZero:
    """Hold the wavelength of a laser as several frames show it.

    `laser_nm` ± `sigma_nm` (one standard deviation) is the mean of `frames_nm`, between which
    the spectrograph was moved: their scatter is that of its positioning, and it is in `sigma_nm`.
    """

    nominal_nm: float
    laser_nm: float
    sigma_nm: float
    frames_nm: tuple[float, ...]

    @property
    def zero_cm1(self) -> float:
        """Return where the laser stands on the shift axis of its nominal wavelength, in cm⁻¹."""
        return 1e7 / self.nominal_nm - 1e7 / self.laser_nm

    @property
    def zero_sigma_cm1(self) -> float:
        """Return one standard deviation of `zero_cm1`."""
        return 1e7 * self.sigma_nm / self.laser_nm**2

    @property
    def is_off(self) -> bool:
        """Tell whether the nominal wavelength is off by more than three standard deviations."""
        return abs(self.laser_nm - self.nominal_nm) > 3 * self.sigma_nm


def average_zero(
    offsets: Sequence[LineOffset],
    nominal_nm: float,
    *,
    shift_cm1: float = 0.0,
    positioning_nm: float,
) -> LaserZero:
    """Return the wavelength of a laser from one line in several frames.

    Parameters
    ----------
    offsets
        The line in each frame: elastically scattered light, or a Raman line.
    nominal_nm
        Wavelength that the axis of shifts was made with.
    shift_cm1
        Known shift of the line; 0 for elastically scattered light.
    positioning_nm
        Standard deviation of the spectrograph's position after a move. The mean of n frames is
        not believed to be better than this over √n.

    Raises
    ------
    AnalysisError
        If there is no line.
    """
    if not offsets:
        raise AnalysisError("no frame shows the line", remedy="expose longer, or check the focus")
    lines_nm = np.array([one.line_nm - one.offset_nm for one in offsets])
    frames_nm = 1e7 / (1e7 / lines_nm + shift_cm1)
    fitted_nm = np.array([one.sigma_nm for one in offsets])
    scatter_nm = float(np.std(frames_nm, ddof=1)) if frames_nm.size > 1 else 0.0
    single_nm = max(scatter_nm, float(np.hypot(positioning_nm, np.max(fitted_nm))))
    return LaserZero(
        nominal_nm=nominal_nm,
        laser_nm=float(np.mean(frames_nm)),
        sigma_nm=single_nm / float(np.sqrt(frames_nm.size)),
        frames_nm=tuple(float(value) for value in frames_nm),
    )


def laser_calibration(
    zero: LaserZero,
    beam: str,
    line: str,
    *,
    measured_utc: str,
    source: str,
    rests_on: Sequence[str] = (),
    valid_days: float = 7.0,
) -> Calibration:
    """Return a calibration of kind `laser.<beam>`; `rests_on` are identities of the axis."""
    values = {
        "wavelength_nm": zero.laser_nm,
        "sigma_nm": zero.sigma_nm,
        "nominal_nm": zero.nominal_nm,
        "line": line,
        "rests_on": list(rests_on),
    }
    return Calibration(f"laser.{beam}", values, measured_utc, source, valid_days)
