"""Cool the chip of an Andor camera.

Source: Andor SDK guide, GetTemperatureF: the state of the cooler is the return code itself.
"""

from drivers.andor.sdk2_calls import Calls
from drivers.andor.sdk2_codes import (
    ACQUIRING,
    TEMPERATURE_DRIFT,
    TEMPERATURE_NOT_REACHED,
    TEMPERATURE_NOT_STABILIZED,
    TEMPERATURE_OFF,
    TEMPERATURE_STABILIZED,
)
from labctl.core.errors import InstrumentError, InvalidReading
from labctl.core.limits import Limits

ZERO_C_K = 273.15
_STATES = frozenset(
    {
        TEMPERATURE_OFF,
        TEMPERATURE_NOT_STABILIZED,
        TEMPERATURE_STABILIZED,
        TEMPERATURE_NOT_REACHED,
        TEMPERATURE_DRIFT,
    }
)
_PLAUSIBLE_C = Limits(-150.0, 80.0, "°C")


class Cooling:
    """Regulate and read one chip's temperature."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._setpoint_c: int | None = None

    @property
    def setpoint_k(self) -> float:
        """Return the set-point in K.

        Raises
        ------
        InvalidReading
            If none was set through this driver: SDK2 does not tell it.
        """
        if self._setpoint_c is None:
            raise InvalidReading(
                f"{self._calls.name}: the set-point of the cooler is not known",
                remedy="set it; SDK2 does not tell which one is in force",
            )
        return self._setpoint_c + ZERO_C_K

    def cool(self, setpoint_k: float) -> None:
        """Set the set-point, to the nearest whole °C, and switch the cooler on.

        Raises
        ------
        LimitError
            If the camera does not allow this set-point.
        InstrumentError
            If the SDK refuses, or the cooler does not report to be on.
        """
        calls, sdk = self._calls, self._calls.sdk
        low_c, high_c = calls.ask(sdk.get_temperature_range)
        setpoint_c = round(setpoint_k - ZERO_C_K) if setpoint_k == setpoint_k else setpoint_k
        limits = Limits(low_c + ZERO_C_K, high_c + ZERO_C_K, "K")
        limits.check(setpoint_c + ZERO_C_K, f"{calls.name} temperature")
        calls.do(sdk.set_temperature, int(setpoint_c))
        calls.do(sdk.cooler_on)
        (is_on,) = calls.ask(sdk.is_cooler_on)
        if not is_on:
            raise InstrumentError(
                f"{calls.name}: the cooler was switched on and reports to be off",
                remedy="check the power supply of the cooler",
            )
        self._setpoint_c = int(setpoint_c)

    def read(self) -> tuple[float, int]:
        """Return the temperature in K and the state of the cooler as an SDK code.

        Raises
        ------
        InvalidReading
            If the camera is exposing and cannot tell meanwhile, or the value is impossible.
        InstrumentError
            If the SDK answers with an error.
        """
        calls = self._calls
        state, temperature_c = calls.sdk.get_temperature_f()
        if state == ACQUIRING:
            raise InvalidReading(
                f"{calls.name}: this camera does not tell its temperature while it exposes",
                remedy="read it between exposures",
            )
        if state not in _STATES:
            raise calls.error("get_temperature_f", (), state)
        if temperature_c not in _PLAUSIBLE_C:
            raise InvalidReading(
                f"{calls.name}: the chip temperature reads {temperature_c:g} °C, "
                f"outside {_PLAUSIBLE_C}",
                remedy="restart the camera; if it comes again, its sensor is broken",
            )
        return temperature_c + ZERO_C_K, state
