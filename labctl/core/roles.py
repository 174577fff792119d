"""Define what a station may ask of an instrument, whichever vendor made it.

A driver fulfils a role structurally. Values are plain numbers in the unit of the name; a driver
raises an `InstrumentError` rather than return a value that it cannot vouch for. Setting a
property moves, waits until the move is done and verifies it by reading back.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from labctl.core.spectra import Detector


@dataclass(frozen=True, slots=True)
class Identity:
    """Say who answers on a port. Fields that the instrument does not tell are empty."""

    vendor: str
    model: str
    serial: str = ""
    firmware: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.vendor, self.model, self.serial) if part)


@dataclass(frozen=True, slots=True)
class Grating:
    """Describe one grating of a turret. `blaze` is the maker's text, such as `750NM`."""

    number: int
    grooves_per_mm: float
    blaze: str = ""


@runtime_checkable
class Instrument(Protocol):
    """Answer for one device on one port."""

    def identify(self) -> Identity:
        """Ask the device who it is."""
        ...

    def safe(self) -> None:
        """Bring the device into its safe state; raises if that cannot be confirmed."""
        ...

    def shutdown(self) -> None:
        """Release the port; does not move anything."""
        ...


@runtime_checkable
class Monochromator(Instrument, Protocol):
    """Turn a grating to a wavelength. Changing the grating may shift the wavelength."""

    wavelength_nm: float
    grating: int

    @property
    def gratings(self) -> Mapping[int, Grating]:
        """Return the installed gratings by number."""
        ...


@runtime_checkable
class Camera(Instrument, Protocol):
    """Expose a cooled CCD."""

    temperature_setpoint_k: float

    @property
    def detector(self) -> Detector:
        """Return gain, noise, bias and saturation in the present readout mode."""
        ...

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, columns) of the chip."""
        ...

    @property
    def temperature_k(self) -> float:
        """Return the chip temperature in K."""
        ...

    @property
    def temperature_locked(self) -> bool:
        """Tell whether the cooler has stabilised at its set-point."""
        ...

    def acquire(
        self, exposure_s: float, accumulations: int, rows: Sequence[tuple[int, int]] | None
    ) -> np.ndarray:
        """Expose and read out.

        Parameters
        ----------
        rows
            First and last row (inclusive, from 0) of each band that is binned to one spectrum;
            None reads whole images.

        Returns
        -------
        Raw counts, shape (accumulations, bands, columns) or (accumulations, rows, columns).
        """
        ...

    def readout_s(self, rows: Sequence[tuple[int, int]] | None) -> float:
        """Return the time that one readout takes, in seconds; touches no hardware."""
        ...

    def abort(self) -> None:
        """Stop an exposure in progress; idle cameras accept it."""
        ...


@runtime_checkable
class FilmingCamera(Camera, Protocol):
    """Expose a CCD again and again, and show each exposure when it comes."""

    def film(
        self,
        exposure_s: float,
        accumulations: int,
        rows: Sequence[tuple[int, int]] | None,
        seen: Callable[[np.ndarray], None],
    ) -> None:
        """Expose as `acquire`, and call `seen` with each exposure, shape (1, bands, columns).

        What `seen` raises ends the exposures.
        """
        ...


@runtime_checkable
class Laser(Instrument, Protocol):
    """Emit light. Switching on never re-arms an interlock."""

    emission: bool
    power_setpoint_w: float

    @property
    def power_w(self) -> float:
        """Return the measured output power in W."""
        ...

    @property
    def interlock_closed(self) -> bool:
        """Tell whether the interlock circuit allows emission."""
        ...

    @property
    def fault(self) -> str:
        """Return the fault in words, or an empty string."""
        ...


@runtime_checkable
class Attenuator(Instrument, Protocol):
    """Turn a half-wave plate in front of a polariser, 0 ≤ angle_deg < 360."""

    angle_deg: float


@runtime_checkable
class Shutter(Instrument, Protocol):
    """Block a beam; `is_open` reads the blade, not the command."""

    is_open: bool


@runtime_checkable
class PowerMeter(Instrument, Protocol):
    """Measure optical power; the wavelength must be that of the beam."""

    wavelength_nm: float

    @property
    def power_w(self) -> float:
        """Return the power in W."""
        ...


@runtime_checkable
class TemperatureController(Instrument, Protocol):
    """Regulate a temperature."""

    setpoint_k: float
    ramp_k_per_min: float

    @property
    def temperature_k(self) -> float:
        """Return the control sensor's temperature in K."""
        ...

    @property
    def heater_percent(self) -> float:
        """Return the heater output in percent of its range."""
        ...

    def hold(self) -> None:
        """Stop a ramp and hold the present temperature."""
        ...


@runtime_checkable
class PressureGauge(Instrument, Protocol):
    """Measure a pressure."""

    @property
    def pressure_pa(self) -> float:
        """Return the pressure in Pa."""
        ...


@runtime_checkable
class Axis(Instrument, Protocol):
    """Move along one direction."""

    position_um: float

    def home(self) -> None:
        """Find the reference; only on an operator's command."""
        ...

    def stop(self) -> None:
        """Stop at once."""
        ...


@runtime_checkable
class LockIn(Instrument, Protocol):
    """Demodulate a signal."""

    @property
    def x_v(self) -> float:
        """Return the in-phase component in V."""
        ...

    @property
    def y_v(self) -> float:
        """Return the quadrature component in V."""
        ...
