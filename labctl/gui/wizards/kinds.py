"""Say what each wizard measures, what a person has to do for it, and how its result is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Method:
    """Hold one way to make a calibration: a procedure with some of its parameters.

    `fields` are parameters that are offered, `fixed` are given. `residual` and `x` name
    lists in the result; `x` is multiplied by `scale` for its label.
    """

    title: str
    procedure: str
    to_do: str
    fields: tuple[str, ...]
    x: tuple[str, str]
    residual: str
    unit: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    scale: float = 1.0
    is_log: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """Hold one wizard; `calibrations` is how the kinds that it makes begin."""

    id: str
    title: str
    about: str
    calibrations: str
    methods: tuple[Method, ...]


_SILICON = Method(
    "Silicon line (520.7 cm⁻¹)",
    "wavelength_check",
    "Bare silicon has to lie at the region, in focus. The laser's wavelength has to be right.",
    ("region", "power", "exposure_s", "accumulations", "line_cm1"),
    ("line_nm", "Line (nm)"),
    "residual",
    "nm",
)
_LAMP = Method(
    "Neon lamp",
    "lamp_wavelength",
    "Switch the lamp on and put it in front of the objective. All shutters stay closed.",
    ("window", "degree", "exposure_s", "accumulations"),
    ("line_nm", "Line (nm)"),
    "residual",
    "nm",
)
_RAYLEIGH = Method(
    "Elastically scattered light",
    "laser_zero",
    "What the notch filter leaves of the laser is looked at, at low power.",
    ("region", "power", "repeats", "exposure_s", "accumulations"),
    ("frame", "Frame, the spectrograph moved between them"),
    "residual",
    "cm1",
    {"line": "rayleigh"},
)
_BY_SILICON = Method(
    "Silicon line (520.7 cm⁻¹)",
    "laser_zero",
    "Bare silicon has to lie at the region, in focus. The axis has to be right: lamp first.",
    ("region", "power", "repeats", "exposure_s", "accumulations", "line_cm1"),
    ("frame", "Frame, the spectrograph moved between them"),
    "residual",
    "cm1",
    {"line": "silicon", "power": "1 mW"},
)
_PICK_OFF = Method(
    "Pick-off meter (shutter stays closed)",
    "power_calibration",
    "Shows whether laser and attenuator still do what they did when a meter was at the sample.",
    ("beam", "powers"),
    ("power_w", "Power at the sample (µW)"),
    "residual",
    "percent",
    scale=1e6,
    is_log=True,
)
AT_SAMPLE = Method(
    "Meter at the sample",
    "power_calibration",
    "Put a power meter where the sample is and set it to the wavelength of the beam. For each "
    "power: open the beam, read the meter, type what it shows.",
    ("beam", "powers", "meter_accuracy"),
    ("power_w", "Power at the sample (µW)"),
    "residual",
    "percent",
    scale=1e6,
    is_log=True,
)

KINDS = (
    Kind(
        "wavelength",
        "Wavelength axis",
        "Finds by how much the wavelength axis is off, with lines whose wavelengths are known.",
        "wavelength",
        (_SILICON, _LAMP),
    ),
    Kind(
        "laser",
        "Laser zero",
        "Finds where the laser stands on the axis: Raman shifts are counted from there.",
        "laser.",
        (_RAYLEIGH, _BY_SILICON),
    ),
    Kind(
        "power",
        "Power at the sample",
        "Relates what the controller is set to and what reaches the sample.",
        "power.",
        (_PICK_OFF, AT_SAMPLE),
    ),
)

UNITS = {"nm": "nm", "cm1": "cm⁻¹", "percent": "%"}


def kind_of(calibration: str) -> Kind | None:
    """Return the wizard for a kind of calibration, None if there is none."""
    return next((one for one in KINDS if calibration.startswith(one.calibrations)), None)
