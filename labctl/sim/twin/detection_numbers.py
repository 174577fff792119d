"""Hold the numbers of detection: filters, response, spectrograph, camera.

Sources are in `reference/science.md` section 3 (assumed values) unless a description says
otherwise.
"""

from typing import Self

from pydantic import model_validator

from labctl.sim.twin.quantity import Group, number


class Notch(Group):
    """The filter that blocks the probe line, and what still leaks."""

    optical_density: float = number(6.0, "", "Blocking within the half width", ge=0)
    half_width_cm1: float = number(60.0, "cm⁻¹", "Half width of full blocking", ge=0)
    edge_cm1: float = number(15.0, "cm⁻¹", "Length of the transition to transmission", gt=0)
    elastic_per_s_mw: float = number(1e9, "e⁻/(s·mW)", "Elastic light before the filter", ge=0)
    skirt_fraction: float = number(0.1, "", "Part of the leak that strays widely", ge=0, le=1)
    skirt_cm1: float = number(30.0, "cm⁻¹", "Half width of the stray skirt", gt=0)


class Lamp(Group):
    """A spectral lamp in front of the microscope, switched off as delivered."""

    neon_per_s: float = number(0.0, "e⁻/s", "Detected rate of the neon line at 724.5 nm", ge=0)


class Response(Group):
    """What optics and filters do to intensities; fixed in wavelength, not in pixels."""

    slope: float = number(0.06, "", "Relative change across `slope_width_nm`")
    slope_width_nm: float = number(21.9, "nm", "Frame width that the slope refers to", gt=0)
    slope_centre_nm: float = number(532.0, "nm", "Wavelength at which the slope is zero", gt=0)
    slope_reach_nm: float = number(60.0, "nm", "Distance at which the slope levels off", gt=0)
    etalon_depth: float = number(0.015, "", "Amplitude of the etalon", ge=0, lt=1)
    etalon_period_cm1: float = number(53.0, "cm⁻¹", "Period of the etalon", gt=0)
    etalon_phase_rad: float = number(0.8, "rad", "Phase of the etalon at zero wavenumber")


class Spectrograph(Group):
    """A Czerny-Turner spectrograph with a turret of three gratings."""

    focal_mm: float = number(500.0, "mm", "Focal length", gt=0)
    half_angle_deg: float = number(13.2, "°", "Half of the included angle", gt=0, lt=45)
    grooves_1_per_mm: float = number(1800.0, "1/mm", "Grooves of grating 1", gt=0)
    grooves_2_per_mm: float = number(1200.0, "1/mm", "Grooves of grating 2", gt=0)
    grooves_3_per_mm: float = number(300.0, "1/mm", "Grooves of grating 3", gt=0)
    range_nm_per_groove: float = number(1.68e6, "nm/mm", "Upper end times grooves per mm", gt=0)
    slit_image_um: float = number(69.3, "µm", "Width of a line on the chip: 2 cm⁻¹ at 532", gt=0)
    cubic_nm: float = number(0.02, "nm", "Cubic residual of the axis at the frame's edge")
    repositioning_nm: float = number(0.02, "nm", "Error of the centre, rms, new at each move", ge=0)
    drift_nm_per_k: float = number(0.01, "nm/K", "Thermal drift of the centre")
    room_swing_k: float = number(0.5, "K", "Amplitude of the room temperature", ge=0)
    room_period_h: float = number(6.0, "h", "Period of the room temperature", gt=0)
    speed_nm_per_s: float = number(100.0, "nm/s", "Speed of a move", gt=0)
    overhead_s: float = number(0.3, "s", "Time of a move of no length", ge=0)
    turret_s: float = number(15.0, "s", "Time to turn the turret", ge=0)
    turret_shift_nm: float = number(0.1, "nm", "Shift of the wavelength when the turret turns")
    start_grating: int = number(1, "", "Grating at the start", ge=1, le=3)
    start_nm: float = number(532.0, "nm", "Wavelength at the start", ge=0)


class Ccd(Group):
    """A cooled, back-illuminated CCD."""

    rows: int = number(400, "", "Rows", ge=1, le=4096)
    columns: int = number(1340, "", "Columns", ge=2, le=8192)
    pixel_um: float = number(20.0, "µm", "Pixel pitch", gt=0)
    first_row: int = number(188, "", "First row on which the spectrum falls", ge=0)
    last_row: int = number(211, "", "Last row on which the spectrum falls", ge=0)
    gain_e_per_count: float = number(1.0, "e⁻/count", "Gain", gt=0)
    bias_counts: float = number(600.0, "counts", "Offset of each readout", ge=0)
    read_noise_e: float = number(4.0, "e⁻", "Read noise, rms per readout", ge=0)
    dark_per_px_s: float = number(0.002, "e⁻/(px·s)", "Dark current at −75 °C", ge=0)
    dark_doubling_k: float = number(7.0, "K", "Warming that doubles the dark current", gt=0)
    prnu: float = number(0.01, "", "Spread of the pixels' response, rms", ge=0)
    cosmic_per_min: float = number(3.0, "1/min", "Cosmic rays on the whole chip", ge=0)
    cosmic_e: float = number(1500.0, "e⁻", "Median charge of a cosmic ray", gt=0)
    cosmic_length_px: float = number(3.0, "px", "Mean length of a track", gt=0)
    full_well_e: float = number(3e5, "e⁻", "Full well of a pixel", gt=0)
    register_e: float = number(1e6, "e⁻", "Full well of the register for binned rows", gt=0)
    qe_peak: float = number(0.95, "", "Highest quantum efficiency", gt=0, le=1)
    qe_peak_nm: float = number(620.0, "nm", "Wavelength of highest quantum efficiency", gt=0)
    qe_width_nm: float = number(350.0, "nm", "Width (1/e) of the quantum efficiency curve", gt=0)
    band_readout_s: float = number(0.5, "s", "Readout time of binned bands", ge=0)
    image_readout_s: float = number(2.0, "s", "Readout time of a whole image", ge=0)
    room_c: float = number(20.0, "°C", "Chip temperature with the cooler off")
    coldest_c: float = number(-95.0, "°C", "Lowest chip temperature")
    cooling_s: float = number(60.0, "s", "Time constant of the cooler", gt=0)
    tolerance_k: float = number(0.2, "K", "Distance from the set-point that counts as there", gt=0)
    stable_s: float = number(30.0, "s", "Time within tolerance that counts as stable", ge=0)

    @model_validator(mode="after")
    def _spectrum_on_chip(self) -> Self:
        if not self.first_row <= self.last_row < self.rows:
            raise ValueError("first_row ≤ last_row < rows must hold")
        return self
