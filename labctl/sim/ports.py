"""Define what a wire emulator may ask of the simulated table.

The table in `labctl.sim.twin` fulfils these protocols; the emulators in `labctl.sim.wire` use
them. `now_s` is always the monotonic time of the station's clock in seconds, and never steps
back. A `move…` returns the time in seconds that the motion will take from `now_s`.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np


class LaserPort(Protocol):
    """Emit light at one wavelength."""

    wavelength_nm: float
    max_power_w: float
    emission: bool
    power_setpoint_w: float
    interlock_closed: bool

    def power_w(self, now_s: float) -> float:
        """Return the emitted power in W, with noise and drift; 0 without emission."""
        ...


class RotatorPort(Protocol):
    """Turn a half-wave plate."""

    def move_to(self, angle_deg: float, now_s: float) -> float:
        """Start a rotation; returns its duration in s."""
        ...

    def angle_deg(self, now_s: float) -> float:
        """Return the angle in degrees, 0 ≤ angle < 360."""
        ...


class ShutterPort(Protocol):
    """Block a beam."""

    def command(self, is_open: bool, now_s: float) -> float:
        """Start to open or close; returns the duration in s."""
        ...

    def is_open(self, now_s: float) -> bool:
        """Tell where the blade is."""
        ...


class PowerPort(Protocol):
    """Pick off part of a beam in front of its shutter."""

    def power_w(self, now_s: float) -> float:
        """Return the power on the sensor head in W, noise included."""
        ...


class SpectrographPort(Protocol):
    """Turn gratings."""

    gratings: Mapping[int, float]
    """Grooves per mm by grating number."""

    def move_to(self, wavelength_nm: float, now_s: float) -> float:
        """Start to move; out of range is clamped, as the real one does. Returns s."""
        ...

    def select(self, grating: int, now_s: float) -> float:
        """Start to turn the turret; may shift the wavelength. Returns s."""
        ...

    def wavelength_nm(self, now_s: float) -> float:
        """Return where the instrument believes it is, in nm."""
        ...

    def grating(self, now_s: float) -> int:
        """Return the selected grating's number."""
        ...


class CameraPort(Protocol):
    """Collect light on a CCD of `rows` × `columns` pixels."""

    rows: int
    columns: int
    pixel_um: float

    def set_cooler(self, on: bool, setpoint_c: float, now_s: float) -> None:
        """Switch the cooler and set its target in °C."""
        ...

    def temperature_c(self, now_s: float) -> float:
        """Return the chip temperature in °C."""
        ...

    def is_stable(self, now_s: float) -> bool:
        """Tell whether the chip has been at its set-point for long enough."""
        ...

    def expose(
        self,
        exposure_s: float,
        bands: Sequence[tuple[int, int]] | None,
        start_s: float,
        shutter_open: bool = True,
    ) -> np.ndarray:
        """Return the counts of one exposure that began at `start_s`, as uint16.

        Shape (bands, columns) for bands of rows (first, last, both inclusive, from 0) that are
        binned on the chip, or (rows, columns) without bands. Bias, dark current, all noise,
        cosmic rays and saturation are in it.
        """
        ...

    def readout_s(self, bands: Sequence[tuple[int, int]] | None) -> float:
        """Return the duration of one readout in s."""
        ...


class CryostatPort(Protocol):
    """Regulate the temperature of the cold finger."""

    setpoint_k: float
    ramp_k_per_min: float
    """0 means no ramp."""
    ramp_on: bool
    heater_range: int
    """0 off, 1 low, 2 medium, 3 high."""

    def set_setpoint(self, setpoint_k: float, now_s: float) -> None:
        """Change the set-point; a ramp starts from the present temperature."""
        ...

    def sensor_k(self, now_s: float) -> float:
        """Return what the control sensor shows in K, noise included."""
        ...

    def heater_percent(self, now_s: float) -> float:
        """Return the heater output in percent."""
        ...

    def working_setpoint_k(self, now_s: float) -> float:
        """Return where a ramp is now, in K; the set-point if there is none."""
        ...


class GaugePort(Protocol):
    """Measure the pressure in the sample space."""

    def pressure_pa(self, now_s: float) -> float:
        """Return the pressure in Pa, noise included."""
        ...


class AxisPort(Protocol):
    """Move the sample along one axis."""

    range_um: tuple[float, float]

    def move_to(self, position_um: float, now_s: float) -> float:
        """Start a move; returns its duration in s."""
        ...

    def position_um(self, now_s: float) -> float:
        """Return the encoder's position in µm (backlash and drift are not in it)."""
        ...

    def stop(self, now_s: float) -> None:
        """Stop where it is."""
        ...

    def is_moving(self, now_s: float) -> bool:
        """Tell whether a move is under way."""
        ...


class TablePorts(Protocol):
    """Give every emulator its part of the one simulated table, by name.

    Names of the shipped table: lasers `probe`, `pump`; rotators, shutters and power heads
    likewise; axes `x`, `y`, `z`.
    """

    lasers: Mapping[str, LaserPort]
    rotators: Mapping[str, RotatorPort]
    shutters: Mapping[str, ShutterPort]
    powers: Mapping[str, PowerPort]
    axes: Mapping[str, AxisPort]
    spectrograph: SpectrographPort
    camera: CameraPort
    cryostat: CryostatPort
    gauge: GaugePort
