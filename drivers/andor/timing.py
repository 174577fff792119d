"""Program how long and how often a camera exposes.

Source: Andor SDK guide, section 4: the SDK takes the nearest allowed exposure that is not below
the one asked for, and tells it through GetAcquisitionTimings.
"""

from dataclasses import dataclass

from drivers.andor.sdk2_api import AcquisitionMode
from drivers.andor.sdk2_calls import Calls
from labctl.core.errors import CommandRefused, InvalidReading
from labctl.core.limits import Limits

EXPOSURES_S = Limits(1e-5, 86400.0, "s")
ACCUMULATIONS = Limits(1, 100_000, "accumulations")
_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class Timing:
    """Hold the times in s that the SDK says an acquisition will take."""

    exposure_s: float
    cycle_s: float

    @property
    def readout_s(self) -> float:
        """Return the time from the end of an exposure to the next start."""
        return max(self.cycle_s - self.exposure_s, 0.0)


def program(calls: Calls, exposure_s: float, count: int) -> Timing:
    """Set exposure and number of frames; the readout mode must be set before.

    Raises
    ------
    CommandRefused
        If the camera would expose for another time than asked.
    InvalidReading
        If the times that the SDK tells are no times.
    """
    sdk = calls.sdk
    mode = AcquisitionMode.SINGLE if count == 1 else AcquisitionMode.KINETICS
    calls.do(sdk.set_acquisition_mode, int(mode))
    calls.do(sdk.set_exposure_time, exposure_s)
    if mode is AcquisitionMode.KINETICS:
        calls.do(sdk.set_number_accumulations, 1)
        calls.do(sdk.set_number_kinetics, count)
        calls.do(sdk.set_kinetic_cycle_time, 0.0)
    actual_s, accumulation_s, kinetic_s = calls.ask(sdk.get_acquisition_timings)
    cycle_s = max(actual_s, accumulation_s, kinetic_s)
    if not (0 <= actual_s <= cycle_s < 2 * EXPOSURES_S.high):
        raise InvalidReading(
            f"{calls.name}: the SDK tells an exposure of {actual_s} s in a cycle of {cycle_s} s",
            remedy="reconnect the camera",
        )
    if not abs(actual_s - exposure_s) <= _TOLERANCE * exposure_s:
        raise CommandRefused(
            f"{calls.name}: an exposure of {exposure_s:g} s was asked and the camera would "
            f"expose for {actual_s:g} s",
            remedy="choose a longer exposure",
        )
    return Timing(actual_s, cycle_s)
