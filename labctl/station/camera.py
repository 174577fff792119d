"""Keep the camera at its temperature before it is used."""

from labctl.core.clock import Clock
from labctl.core.errors import InstrumentError, InvalidReading
from labctl.core.roles import Camera
from labctl.station.sections import SpectrometerSection

_POLL_S = 5.0
_SAME_K = 0.5


class CameraCooling:
    """Cool the camera of a spectrometer, and say so if it is warm."""

    def __init__(self, section: SpectrometerSection, camera: Camera, clock: Clock) -> None:
        self._section = section
        self._camera = camera
        self._clock = clock
        self.is_patient = True
        """Whether a warm camera is waited for, where the file says so; else it is used warm."""

    def ensure(self) -> str:
        """Return why the temperature is not trusted, or an empty string.

        By `warm_camera` in the station file a camera that is not locked is waited for, used with
        a reason, or refused.

        Raises
        ------
        InstrumentError
            If the camera is not locked and the policy is "refuse".
        """
        wanted_k = self._section.camera_temperature_k
        if not self._is_set_to(wanted_k):
            self._camera.temperature_setpoint_k = wanted_k
        if self._camera.temperature_locked:
            return ""
        if self._section.warm_camera == "refuse":
            raise InstrumentError(
                f"camera: {self._warm()}",
                remedy="wait until it is cold, or set warm_camera in the station file",
            )
        if self._section.warm_camera == "wait" and self.is_patient and self._wait():
            return ""
        return self._warm()

    def _is_set_to(self, wanted_k: float) -> bool:
        try:
            return abs(self._camera.temperature_setpoint_k - wanted_k) <= _SAME_K
        # a camera that was never cooled has no set-point to tell
        except InvalidReading:
            return False

    def _wait(self) -> bool:
        deadline_s = self._clock.monotonic_s() + self._section.warm_camera_deadline_s
        while self._clock.monotonic_s() < deadline_s:
            self._clock.sleep(_POLL_S)
            if self._camera.temperature_locked:
                return True
        return False

    def _warm(self) -> str:
        return (
            f"the camera is not locked at {self._section.camera_temperature_k:g} K, "
            f"it is at {self._camera.temperature_k:.1f} K"
        )
