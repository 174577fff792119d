"""Drive Andor CCD cameras of the SDK2 families (Newton, iDus, iKon).

Source: Andor SDK guide (function reference; sections 3 readout, 4 acquisition, 7 shutter).
[unverified against hardware: written from the guide, run against a stub library with the same
C ABI and against the emulator of the simulated table]
"""

from collections.abc import Callable, Sequence

import numpy as np

from drivers.andor.cooling import Cooling
from drivers.andor.exposing import Exposer
from drivers.andor.head import Electronics, configure, connect, describe
from drivers.andor.sdk2_api import Sdk2
from drivers.andor.sdk2_calls import Calls
from drivers.andor.sdk2_codes import TEMPERATURE_STABILIZED
from drivers.andor.sdk2_ctypes import CtypesSdk2
from drivers.andor.shutter import InternalShutter
from labctl.core.clock import Clock
from labctl.core.errors import CommandRefused, ConfigError
from labctl.core.roles import Identity
from labctl.core.spectra import Detector


class AndorCamera:
    """Expose one camera; fulfils the role `Camera`.

    Parameters
    ----------
    connection
        An object with the functions of `Sdk2`.
    name
        What messages call this camera.
    clock
        Measures deadlines.
    camera_index
        Which of the cameras that the SDK finds, from 0.
    setpoint_k
        Set-point of the chip in K, to which cooling starts at once; None leaves the cooler.
    gain_e_per_count, read_noise_e, bias_counts, saturation_counts
        What the camera's test sheet says of the readout chosen below; SDK2 does not tell it.
    ad_channel, amplifier, horizontal_speed, preamp_gain
        Indices of the readout electronics' settings.
    pixel_rate_hz
        Pixels read per second, for estimates before the first readout.
    margin_s
        How long after the expected end of a readout the camera counts as hung, in s.
    keep_cold
        Whether the cooler goes on when labctl releases the camera.

    Raises
    ------
    ConfigError
        If the connection is no SDK2.
    InstrumentError
        If the camera does not answer or refuses a setting.
    """

    def __init__(
        self,
        connection: object,
        name: str = "camera",
        *,
        clock: Clock,
        camera_index: int = 0,
        setpoint_k: float | None = None,
        gain_e_per_count: float = 1.0,
        read_noise_e: float = 4.0,
        bias_counts: float = 600.0,
        saturation_counts: float = 65535.0,
        ad_channel: int = 0,
        amplifier: int = 0,
        horizontal_speed: int = 0,
        preamp_gain: int = 0,
        pixel_rate_hz: float = 1e6,
        margin_s: float = 5.0,
        keep_cold: bool = True,
    ) -> None:
        if not isinstance(connection, Sdk2):
            raise ConfigError(
                f"{name}: {type(connection).__name__} has not the functions of Andor's SDK2",
                remedy="use a resource such as sdk2:///usr/local/lib/libandor.so.2 or sdk+tcp://…",
            )
        self.name = name
        self._calls = Calls(connection, name)
        self._cooling = Cooling(self._calls)
        connect(self._calls, camera_index)
        self._head = describe(self._calls, ad_channel)
        electronics = Electronics(
            ad_channel, amplifier, horizontal_speed, preamp_gain, keep_cold=keep_cold
        )
        configure(self._calls, electronics)
        self._shutter = InternalShutter(self._calls, self._head, clock)
        self._shutter.close()
        self._detector = Detector(
            gain_e_per_count=gain_e_per_count,
            read_noise_e=read_noise_e,
            bias_counts=bias_counts,
            saturation_counts=min(saturation_counts, 2.0**self._head.bits - 1),
            pixel_um=self._head.pixel_um,
        )
        self._exposer = Exposer(
            self._calls,
            self._head,
            self._shutter,
            clock,
            saturation_counts=self._detector.saturation_counts,
            pixel_rate_hz=pixel_rate_hz,
            margin_s=margin_s,
        )
        if setpoint_k is not None:
            self.temperature_setpoint_k = setpoint_k

    @staticmethod
    def open_sdk(resource: str) -> Sdk2:
        """Load the SDK's library in this process.

        Parameters
        ----------
        resource
            `sdk2:///path/to/libandor.so.2`, or `sdk2://` for the platform's usual name.

        Raises
        ------
        ConfigError, ConnectionFailed
            If the resource has another form, or the library cannot be loaded.
        """
        return CtypesSdk2(resource)

    def identify(self) -> Identity:
        """Ask the camera for its head model and serial number."""
        (model,) = self._calls.ask(self._calls.sdk.get_head_model)
        (serial,) = self._calls.ask(self._calls.sdk.get_camera_serial_number)
        return Identity("Andor", model, str(serial))

    @property
    def detector(self) -> Detector:
        """Return gain, noise, bias and saturation as configured, and the pixel size."""
        return self._detector

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, columns) of the chip."""
        return self._head.chip.rows, self._head.chip.columns

    @property
    def temperature_setpoint_k(self) -> float:
        """Control the set-point of the chip in K; setting rounds to whole °C and starts cooling.

        Raises
        ------
        LimitError
            If the camera does not allow the set-point.
        InvalidReading
            On reading, if none was set yet: SDK2 does not tell.
        """
        return self._cooling.setpoint_k

    @temperature_setpoint_k.setter
    def temperature_setpoint_k(self, setpoint_k: float) -> None:
        self._cooling.cool(setpoint_k)

    @property
    def temperature_k(self) -> float:
        """Return the chip temperature in K; raises if the camera cannot tell it just now."""
        return self._cooling.read()[0]

    @property
    def temperature_locked(self) -> bool:
        """Tell whether the cooler has stabilised and has not drifted since."""
        return self._cooling.read()[1] == TEMPERATURE_STABILIZED

    def warm_up(self) -> None:
        """Switch the cooler off; the camera itself limits how fast the chip warms up."""
        self._calls.do(self._calls.sdk.cooler_off)

    def acquire(
        self, exposure_s: float, accumulations: int, rows: Sequence[tuple[int, int]] | None
    ) -> np.ndarray:
        """Expose with the internal shutter open, and read out.

        Parameters
        ----------
        exposure_s
            Exposure of each accumulation in s.
        accumulations
            Number of exposures, which are kept apart.
        rows
            First and last row (inclusive, from 0, ascending) of each band that is binned to one
            spectrum; None reads whole images.

        Returns
        -------
        Raw counts, shape (accumulations, bands, columns) or (accumulations, rows, columns);
        uint16, or int32 where the camera has more than 16 bits.

        Raises
        ------
        LimitError
            If the request is out of range.
        CommandRefused
            If the camera is busy or cannot read these bands or expose for this time.
        NoReply, BadReply, InvalidReading
            If the camera hangs, loses frames, or gives frames that cannot be real.
        InstrumentError
            If the exposure was aborted, or the SDK answers with an error.
        """
        return self._exposer.expose(exposure_s, accumulations, rows, is_dark=False)

    def acquire_dark(
        self, exposure_s: float, accumulations: int, rows: Sequence[tuple[int, int]] | None
    ) -> np.ndarray:
        """Expose with the internal shutter closed; otherwise as `acquire`.

        Raises
        ------
        CommandRefused
            Also if the camera has no internal shutter.
        """
        if not self._head.has_shutter:
            raise CommandRefused(
                f"{self.name}: this camera has no internal shutter",
                remedy="close the shutters of all beams for a dark",
            )
        return self._exposer.expose(exposure_s, accumulations, rows, is_dark=True)

    def film(
        self,
        exposure_s: float,
        accumulations: int,
        rows: Sequence[tuple[int, int]] | None,
        seen: Callable[[np.ndarray], None],
    ) -> None:
        """Expose as `acquire`, and call `seen` with each exposure when it comes.

        `seen` gets counts of shape (1, bands, columns) or (1, rows, columns); what it raises ends
        the exposures.

        Raises
        ------
        LimitError, InstrumentError
            As `acquire`.
        """
        self._exposer.expose(exposure_s, accumulations, rows, is_dark=False, seen=seen)

    def readout_s(self, rows: Sequence[tuple[int, int]] | None) -> float:
        """Return the time of one readout in s.

        What the SDK told at the last acquisition of these rows; before the first one an
        estimate from the number of lines to be read, at `pixel_rate_hz`.
        """
        return self._exposer.readout_s(rows)

    def abort(self) -> None:
        """Stop an exposure in progress, from any thread; idle cameras accept it."""
        self._exposer.abort()

    def safe(self) -> None:
        """Abort, wait until the camera is idle, close the internal shutter.

        SDK2 cannot read the blade back: the camera's acceptance is all that confirms it.

        Raises
        ------
        InstrumentError
            If the camera stays busy or refuses to close.
        """
        self.abort()
        self._shutter.close()

    def shutdown(self) -> None:
        """Release the camera; the cooler stays as it is unless configured otherwise."""
        self._calls.do(self._calls.sdk.shut_down)
