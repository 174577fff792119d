"""Choose how many exposures of a live view are taken in one go."""

from dataclasses import dataclass

LONGEST_S = 1.0
"""How long a film lasts, in s of the machine: after it the table is looked at again."""
MOST = 100
_LEAST_CYCLE_S = 1e-3
_FIRST = 2
_MOST_LATE_S = 1.0


@dataclass(frozen=True, slots=True)
class Film:
    """Hold what one exposure with its readout takes, in s of the station's clock, and its speed.

    A simulated camera on a fast clock may need longer than it says: the frames of a long film
    would come later and later, until the driver takes the camera for hung.
    """

    cycle_s: float
    speed: float = 1.0

    def length(self, pace_s: float) -> int:
        """Return a number of exposures.

        Parameters
        ----------
        pace_s
            What an exposure took in the last film, in s of the machine; 0 before the first.
        """
        cycle_s = max(self.cycle_s / self.speed, _LEAST_CYCLE_S)
        wanted = int(LONGEST_S / cycle_s)
        if pace_s <= 0:
            wanted = min(wanted, _FIRST)
        elif pace_s > cycle_s:
            wanted = min(wanted, 1 + int(_MOST_LATE_S / self.speed / (pace_s - cycle_s)))
        return min(max(wanted, 1), MOST)
