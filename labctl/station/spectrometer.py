"""Expose the camera behind the spectrograph, with the beams open for just that long."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import numpy as np

from labctl.core.calibration import Calibration
from labctl.core.clock import Clock
from labctl.core.errors import BadReply, InstrumentError, LimitError
from labctl.core.messages import Acquire
from labctl.core.parameters import nearest_hint
from labctl.core.readings import Quality, Reading, Scalar
from labctl.core.roles import Camera, FilmingCamera
from labctl.core.spectra import Frame, Spectrum
from labctl.station.beam import Beam
from labctl.station.calibrations import CalibrationFolder, expiry_reason
from labctl.station.camera import CameraCooling
from labctl.station.exposing import opened
from labctl.station.saturation import saturation_reason
from labctl.station.sections import SpectrometerSection
from labctl.station.wavelength import Geometry, WavelengthAxis, grating_terms
from labctl.station.window import Position, WindowChannel

_LONGEST_S = 86400.0
_MOST_ACCUMULATIONS = 10_000
_SHUTTER_S = 0.2

Rows = Sequence[tuple[int, int]] | None


@dataclass(slots=True)
class _Conditions:
    """Collect what an exposure was made under, and what is wrong with it."""

    position: Position
    wavelength_nm: np.ndarray
    calibrations: dict[str, str] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    powers: dict[str, Reading] = field(default_factory=dict)
    lasers_nm: dict[str, float] = field(default_factory=dict)


class Spectrometer:
    """Acquire spectra and images: the acquirer `spectrometer`."""

    def __init__(
        self,
        section: SpectrometerSection,
        *,
        camera: Camera,
        window: WindowChannel,
        beams: Mapping[str, Beam],
        calibrations: CalibrationFolder,
        clock: Clock,
    ) -> None:
        self.name = "spectrometer"
        self._section = section
        self._camera = camera
        self._window = window
        self._beams = beams
        self._calibrations = calibrations
        self._clock = clock
        self.cooling = CameraCooling(section, camera, clock)
        geometry = Geometry(
            section.focal_length_mm,
            section.half_included_angle_deg,
            camera.detector.pixel_um,
            camera.shape[1],
        )
        self._axis = WavelengthAxis(geometry)

    def check(self, request: Acquire) -> None:
        """Raise `LimitError` if the request cannot or may not be carried out."""
        for beam in request.beams:
            if beam not in self._beams:
                hint = nearest_hint(beam, self._beams)
                raise LimitError(f"{self.name}: there is no beam {beam!r}{hint}")
        if len(set(request.beams)) != len(request.beams):
            raise LimitError(f"{self.name}: a beam is named twice in {', '.join(request.beams)}")
        if not 0 < request.exposure_s <= _LONGEST_S:
            raise LimitError(
                f"{self.name}: exposure_s = {request.exposure_s:g} s is outside "
                f"0 (exclusive) to {_LONGEST_S:g} s"
            )
        if not 1 <= request.accumulations <= _MOST_ACCUMULATIONS:
            raise LimitError(
                f"{self.name}: accumulations = {request.accumulations} is outside "
                f"1 to {_MOST_ACCUMULATIONS}"
            )
        if request.mode not in ("spectrum", "image"):
            raise LimitError(f"{self.name}: mode {request.mode!r} is neither spectrum nor image")

    def describe(self) -> dict[str, Any]:
        """Return what camera and spectrograph tell of themselves, as plain JSON values."""
        rows, columns = self._camera.shape
        detector = self._camera.detector
        return {
            "rows": rows,
            "columns": columns,
            "pixel_um": detector.pixel_um,
            "gain_e_per_count": detector.gain_e_per_count,
            "saturation_counts": detector.saturation_counts,
            "gratings": self._window.gratings(),
        }

    def duration_s(self, request: Acquire) -> float:
        """Estimate how long the request takes, in seconds; touches no hardware."""
        readout_s = self._camera.readout_s(self._rows(request))
        shutters_s = _SHUTTER_S * len(request.beams)
        return request.accumulations * (request.exposure_s + readout_s) + shutters_s

    def acquire(self, request: Acquire) -> Spectrum | Frame:
        """Open the beams, expose, close the beams, return the raw counts with their axis.

        A beam that is set to 0 W stays closed. One band gives a `Spectrum`; several bands give a
        `Frame` with one row for each, and mode "image" gives a `Frame` of the chip.

        Raises
        ------
        LimitError
            As `check`.
        SafetyError
            If a shutter is not confirmed closed, an interlock is open, or too much power would
            reach the sample.
        InstrumentError
            If an instrument fails; the shutters have then been closed.
        """
        conditions, beams = self._begin(request)
        with opened(beams, self._dark(beams)):
            start_utc, start_s = self._clock.utc(), self._clock.monotonic_s()
            counts = self._camera.acquire(
                request.exposure_s, request.accumulations, self._rows(request)
            )
            for beam in beams:
                beam.guard.require_on()
        settings = self._settings(request, conditions)
        content = self._content(request, conditions, beams, counts, settings)
        return _exposure(request, counts, content | {"utc": start_utc, "monotonic_s": start_s})

    def watch(self, request: Acquire, show: Callable[[Spectrum | Frame], None]) -> None:
        """Expose as `acquire` and show each accumulation when it comes, for display only.

        The beams stay open in between, and are looked at when the last has come. What `show`
        raises ends the exposures, with the beams closed. A camera that is no `FilmingCamera`
        shows all of them at the end.

        Raises
        ------
        LimitError, SafetyError, InstrumentError
            As `acquire`.
        """
        if not isinstance(self._camera, FilmingCamera):
            show(self.acquire(request))
            return
        conditions, beams = self._begin(request)
        # a camera that acquires does not tell its temperature
        settings = self._settings(request, conditions)
        one = replace(request, accumulations=1)
        cycle_s = request.exposure_s + self._camera.readout_s(self._rows(request))

        def seen(counts: np.ndarray) -> None:
            content = self._content(one, conditions, beams, counts, settings)
            begun_utc = self._clock.utc() - timedelta(seconds=cycle_s)
            begun_s = self._clock.monotonic_s() - cycle_s
            show(_exposure(one, counts, content | {"utc": begun_utc, "monotonic_s": begun_s}))

        with opened(beams, self._dark(beams)):
            self._camera.film(request.exposure_s, request.accumulations, self._rows(request), seen)
            for beam in beams:
                beam.guard.require_on()

    def _begin(self, request: Acquire) -> tuple[_Conditions, list[Beam]]:
        """Make everything ready behind the closed shutters."""
        self.check(request)
        warm = self.cooling.ensure()
        conditions = self._look()
        if warm:
            conditions.reasons.append(warm)
        return conditions, self._prepare(request, conditions)

    def _content(
        self,
        request: Acquire,
        conditions: _Conditions,
        beams: Sequence[Beam],
        counts: np.ndarray,
        settings: Mapping[str, Scalar],
    ) -> dict[str, Any]:
        """Return what belongs to the counts, with the quality that they deserve.

        Raises
        ------
        BadReply
            If the camera did not deliver what was asked.
        """
        self._check_counts(counts, request)
        detector = self._camera.detector
        saturated = saturation_reason(
            counts,
            detector,
            guard=self._section.saturation_guard,
            adc_bits=self._section.adc_bits,
        )
        reasons = [*conditions.reasons, *([saturated] if saturated else [])]
        return {
            "wavelength_nm": conditions.wavelength_nm,
            "exposure_s": request.exposure_s,
            "beams": tuple(beam.beam for beam in beams),
            "laser_nm": conditions.lasers_nm[beams[0].beam] if beams else None,
            "detector": detector,
            "medium": self._section.medium,
            "quality": Quality.UNCERTAIN if reasons else Quality.GOOD,
            "reason": "; ".join(reasons),
            "calibrations": conditions.calibrations,
            "settings": settings,
        }

    def _look(self) -> _Conditions:
        """Read the spectrograph back and make the axis of where it is."""
        position = self._window.position()
        calibration = self._wavelength_calibration()
        axis_nm = self._axis.axis_nm(
            position.grating, position.grooves_per_mm, position.centre_nm, calibration
        )
        conditions = _Conditions(position, axis_nm)
        conditions.reasons += self._calibration_reasons(calibration, position)
        if calibration is not None:
            conditions.calibrations[calibration.kind] = calibration.identity
        if displaced := self._window.displaced_reason(position):
            conditions.reasons.append(displaced)
        return conditions

    def _wavelength_calibration(self) -> Calibration | None:
        return self._calibrations.newest(self._section.calibration, self._clock.utc())

    def _calibration_reasons(
        self, calibration: Calibration | None, position: Position
    ) -> Iterator[str]:
        if calibration is None:
            yield f"no {self._section.calibration!r} calibration: axis from the geometry alone"
            return
        if expired := expiry_reason(calibration, self._clock.utc()):
            yield expired
        if grating_terms(calibration, position.grating) is None:
            yield f"calibration {calibration.kind} does not know grating {position.grating}"

    def _prepare(self, request: Acquire, conditions: _Conditions) -> list[Beam]:
        """Check the power of each requested beam; returns those that are to be opened."""
        opened = []
        for name in request.beams:
            beam = self._beams[name]
            reading = beam.prepare()
            conditions.powers[name] = reading
            if reading.number == 0:
                continue
            if reading.quality is not Quality.GOOD:
                conditions.reasons.append(f"{name}: {reading.reason}")
            conditions.calibrations[beam.section.calibration] = beam.calibration().identity
            self._note_laser(beam, conditions)
            opened.append(beam)
        return opened

    def _note_laser(self, beam: Beam, conditions: _Conditions) -> None:
        """Take the wavelength of a beam from its calibration, or from the station file."""
        line = beam.laser_line()
        if line is None:
            conditions.lasers_nm[beam.beam] = beam.section.wavelength_nm
            return
        if expired := expiry_reason(line, self._clock.utc()):
            conditions.reasons.append(expired)
        conditions.lasers_nm[beam.beam] = float(line.values["wavelength_nm"])
        conditions.calibrations[line.kind] = line.identity

    def _dark(self, opened: Sequence[Beam]) -> list[Beam]:
        return [beam for beam in self._beams.values() if beam not in opened]

    def _rows(self, request: Acquire) -> Rows:
        return None if request.mode == "image" else self._section.bands

    def _check_counts(self, counts: np.ndarray, request: Acquire) -> None:
        """Raise `BadReply` unless the camera delivered what was asked."""
        rows, columns = self._camera.shape
        lines = rows if request.mode == "image" else len(self._section.bands)
        wanted = (request.accumulations, lines, columns)
        if counts.shape != wanted:
            raise BadReply(
                f"camera: asked counts of shape {wanted}, got {counts.shape}",
                remedy="check that no other program uses the camera, then repeat the point",
            )
        if not counts.any():
            raise BadReply(
                "camera: all counts are zero, even the bias", remedy="restart the camera"
            )

    def _settings(self, request: Acquire, conditions: _Conditions) -> dict[str, Scalar]:
        rows = self._rows(request)
        settings: dict[str, Scalar] = {
            "grating": conditions.position.grating,
            "grooves_per_mm": conditions.position.grooves_per_mm,
            "centre_nm": conditions.position.centre_nm,
            "rows": "all" if rows is None else ", ".join(f"{a}-{b}" for a, b in rows),
        }
        try:
            settings["camera_temperature_k"] = self._camera.temperature_k
        # the counts are taken: they are kept, with a doubt
        except InstrumentError as error:
            conditions.reasons.append(f"the camera does not tell its temperature: {error.message}")
        for name, reading in conditions.powers.items():
            settings[f"{name}_power_w"] = reading.number
        return settings


def _exposure(request: Acquire, counts: np.ndarray, content: Mapping[str, Any]) -> Spectrum | Frame:
    if request.mode == "spectrum" and counts.shape[1] == 1:
        return Spectrum(counts=counts[:, 0, :], **content)
    return Frame(counts=counts, **content)
