"""Turn the spectrograph to named windows, and know where it is."""

from dataclasses import dataclass

from labctl.core.clock import Clock
from labctl.core.errors import InstrumentError, LimitError
from labctl.core.limits import Limits
from labctl.core.parameters import nearest_hint
from labctl.core.readings import Reading, Scalar
from labctl.core.roles import Monochromator
from labctl.station.sections import SpectrometerSection

_MOVE_S = 5.0
_TURRET_S = 20.0
NO_WINDOW = "none"


@dataclass(frozen=True, slots=True)
class Position:
    """Hold where the spectrograph says it is."""

    grating: int
    grooves_per_mm: float
    centre_nm: float


class WindowChannel:
    """Set and read `spectrometer.window` by the names of the station file."""

    def __init__(
        self, section: SpectrometerSection, monochromator: Monochromator, clock: Clock
    ) -> None:
        self.name = "spectrometer.window"
        self.unit = ""
        self.limits: Limits | None = None
        self.choices: tuple[str, ...] | None = tuple(section.windows)
        self._section = section
        self._monochromator = monochromator
        self._clock = clock
        self._set_to: str | None = None

    def check(self, value: Scalar) -> None:
        """Raise `LimitError` unless the window is in the station file."""
        if value not in self._section.windows:
            hint = nearest_hint(str(value), self._section.windows)
            raise LimitError(f"{self.name}: there is no window {value!r}{hint}")

    def set(self, value: Scalar) -> Reading:
        """Select grating and centre, and verify both.

        Raises
        ------
        LimitError
            As `check`.
        InstrumentError
            If the spectrograph reads back another position.
        """
        self.check(value)
        window = self._section.windows[str(value)]
        self._set_to = None
        if self._monochromator.grating != window.grating:
            self._monochromator.grating = window.grating
        # a new grating may have shifted the wavelength, so compare after it
        if not abs(self._monochromator.wavelength_nm - window.centre_nm) <= 1e-3:
            self._monochromator.wavelength_nm = window.centre_nm
        position = self.position()
        if not self._is_at(str(value), position):
            raise InstrumentError(
                f"{self.name}: asked grating {window.grating} at {window.centre_nm:g} nm, got "
                f"grating {position.grating} at {position.centre_nm:g} nm",
                remedy="check that the grating is installed and reaches this wavelength",
            )
        self._set_to = str(value)
        return Reading.good(str(value), "", self._clock)

    def read(self) -> Reading:
        """Return the name of the window that the spectrograph is at, "none" between them."""
        try:
            position = self.position()
        except InstrumentError as error:
            return Reading.invalid(error.message, "", self._clock)
        names = [name for name in self._section.windows if self._is_at(name, position)]
        name = self._set_to if self._set_to in names else (names or [NO_WINDOW])[0]
        return Reading.good(name or NO_WINDOW, "", self._clock)

    def duration_s(self, start: Scalar | None, value: Scalar) -> float:
        """Estimate how long the move takes, in seconds."""
        if start == value:
            return 0.5
        windows = self._section.windows
        from_window, to_window = windows.get(str(start)), windows.get(str(value))
        if from_window and to_window and from_window.grating == to_window.grating:
            return _MOVE_S
        return _TURRET_S + _MOVE_S

    def position(self) -> Position:
        """Read grating and centre back.

        Raises
        ------
        InstrumentError
            If they cannot be read, or the grating is none of the installed ones.
        """
        grating = self._monochromator.grating
        installed = self._monochromator.gratings
        if grating not in installed:
            raise InstrumentError(
                f"spectrometer: grating {grating} is selected, installed are "
                f"{', '.join(str(number) for number in installed)}",
                remedy="select an installed grating",
            )
        centre_nm = self._monochromator.wavelength_nm
        return Position(grating, installed[grating].grooves_per_mm, centre_nm)

    def gratings(self) -> dict[str, float]:
        """Return the grooves per mm of the installed gratings, by number.

        Raises
        ------
        InstrumentError
            If they cannot be read.
        """
        installed = self._monochromator.gratings
        return {str(number): grating.grooves_per_mm for number, grating in installed.items()}

    def displaced_reason(self, position: Position) -> str:
        """Return that the spectrograph has left the window it was set to, or an empty string."""
        if self._set_to is None or self._is_at(self._set_to, position):
            return ""
        return (
            f"the spectrograph was set to window {self._set_to!r} and has been moved to grating "
            f"{position.grating} at {position.centre_nm:g} nm"
        )

    def _is_at(self, name: str, position: Position) -> bool:
        window = self._section.windows[name]
        distance_nm = abs(position.centre_nm - window.centre_nm)
        return (
            position.grating == window.grating and distance_nm <= self._section.centre_tolerance_nm
        )
