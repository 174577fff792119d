"""Be the whole table for the engine: channels, acquirers, interlocks, the safe state."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from labctl.core.channels import Acquirer, Channel, Interlock
from labctl.core.clock import Clock
from labctl.core.errors import LabctlError, SafetyError
from labctl.core.readings import Reading
from labctl.core.roles import Identity
from labctl.station.build import Parts
from labctl.station.calibrations import CalibrationFolder
from labctl.station.file import SourceText
from labctl.station.instruments import DoctorRow, OpenInstrument, close_all
from labctl.station.sections import StationFile


class OpticalTable:
    """Give the engine the table of one station file. Fulfils `labctl.core.channels.Station`.

    A context manager: leaving it makes the table safe and releases the ports; `SafetyError` says
    what could not be confirmed.
    """

    def __init__(
        self,
        source: SourceText,
        file: StationFile,
        parts: Parts,
        instruments: Mapping[str, OpenInstrument],
        calibrations: CalibrationFolder,
        clock: Clock,
    ) -> None:
        self.name = file.station.name
        self.clock = clock
        self.file = file
        self.calibrations = calibrations
        self.channels: Mapping[str, Channel] = parts.channels
        self.acquirers: Mapping[str, Acquirer] = parts.acquirers
        self.interlocks: Sequence[Interlock] = tuple(parts.interlocks)
        self._parts = parts
        self._source = source
        self._instruments = instruments

    def __enter__(self) -> "OpticalTable":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            problems = self.safe()
        finally:
            self.close()
        if problems:
            raise SafetyError(
                f"{self.name} is not known to be safe: {'; '.join(problems)}",
                remedy="use the hardware switches and look at the table",
            )

    def safe(self) -> list[str]:
        """Close all shutters, block emission, hold the heater, stop the stage and the camera.

        May be called from any thread. Every step is tried whatever the others do. Returns what
        could not be confirmed, one sentence each; an empty list means that the table is known
        to be safe.
        """
        problems = []
        for what, step in self._steps_to_safety():
            try:
                step()
            except LabctlError as error:
                problems.append(f"{what}: {error.message}")
            # the next step is tried whatever this one ran into
            except Exception as error:  # noqa: BLE001
                problems.append(f"{what}: {type(error).__name__}: {error}")
        return problems

    def snapshot(self) -> dict[str, Reading]:
        """Read every channel back."""
        return {name: channel.read() for name, channel in self.channels.items()}

    def describe(self) -> dict[str, Any]:
        """Return who and what this table is, as plain JSON values."""
        simulation = self.file.simulation
        return {
            "name": self.name,
            "ambient_k": self.file.station.ambient_k,
            "station_file": {"name": self._source.path.name, "text": self._source.text},
            "instruments": {
                name: {
                    "driver": item.driver.section.driver,
                    "resource": item.driver.section.resource,
                    "identity": asdict(item.identity),
                }
                for name, item in self._instruments.items()
            },
            "calibrations": {
                kind: {"identity": item.identity, **asdict(item), "values": dict(item.values)}
                for kind, item in self.calibrations.current(self.clock.utc()).items()
            },
            "simulation": simulation.model_dump(mode="json") if simulation else None,
        }

    @property
    def is_patient(self) -> bool:
        """Control whether a camera that cools down is waited for, where the file says so.

        Without patience it exposes warm, and its counts are marked uncertain.
        """
        optics = self._parts.spectrometer
        return optics is None or optics.cooling.is_patient

    @is_patient.setter
    def is_patient(self, patient: bool) -> None:
        if self._parts.spectrometer is not None:
            self._parts.spectrometer.cooling.is_patient = patient

    def optics(self) -> dict[str, Any]:
        """Return what camera and spectrograph tell of themselves; empty without them.

        Raises
        ------
        InstrumentError
            If they do not answer.
        """
        optics = self._parts.spectrometer
        return {} if optics is None else optics.describe()

    def doctor(self) -> list[DoctorRow]:
        """Ask every instrument again who it is."""
        return [self._examine(name, item) for name, item in self._instruments.items()]

    def identities(self) -> dict[str, Identity]:
        """Return who answered on each port when it was opened."""
        return {name: item.identity for name, item in self._instruments.items()}

    def close(self) -> None:
        """Release all ports; moves nothing. Closing twice is allowed."""
        close_all(self._instruments)

    def _steps_to_safety(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield every step, the shutters first."""
        for name, beam in self._parts.beams.items():
            yield f"{name}: close the shutter", beam.guard.make_safe
        for name, beam in self._parts.beams.items():
            yield f"{name}: switch emission off", beam.guard.stop_emission
        if self._parts.controller is not None:
            yield "cryostat: hold the heater", self._parts.controller.hold
        for name, axis in self._parts.axes.items():
            yield f"stage.{name}: stop", axis.stop
        if self._parts.camera is not None:
            yield "camera: abort the exposure", self._parts.camera.abort

    def _examine(self, name: str, item: OpenInstrument) -> DoctorRow:
        resource = item.driver.section.resource
        try:
            identity = item.instrument.identify()
        except LabctlError as error:
            return DoctorRow(name, resource, False, error.message, remedy=error.remedy)
        return DoctorRow(name, resource, True, "answers", str(identity))
