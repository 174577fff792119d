"""Know which laser Raman shifts are relative to."""

from collections.abc import Mapping

from labctl.core.status import StationStatus
from labctl.gui.views.exposures import Shown


class LaserChoice:
    """Hold the beam that a person chose; without a choice the one that was open decides."""

    def __init__(self) -> None:
        self.beam = ""
        """Name of the chosen beam; empty follows the open one."""
        self._lasers: Mapping[str, float] = {}
        self._last_nm: float | None = None

    @property
    def names(self) -> list[str]:
        """Return the beams of the table."""
        return list(self._lasers)

    def learn(self, status: StationStatus | None) -> None:
        """Take the wavelengths of the beams from a snapshot."""
        if status is not None:
            self._lasers = {one.name: one.wavelength_nm for one in status.beams}

    def see(self, frame: Shown) -> None:
        """Take note of the laser that an exposure was made with; a dark keeps the one before."""
        found = frame.metadata.get("laser_nm")
        if found:
            self._last_nm = float(found)

    @property
    def laser_nm(self) -> float | None:
        """Return the wavelength in nm; None while no laser is known."""
        if self.beam in self._lasers:
            return self._lasers[self.beam]
        return self._last_nm or next(iter(self._lasers.values()), None)
