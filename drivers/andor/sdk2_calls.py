"""Call SDK2 so that no return code goes unchecked."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVarTuple

from drivers.andor.sdk2_api import Sdk2, sdk_name
from drivers.andor.sdk2_codes import SUCCESS, explain
from labctl.core.errors import InstrumentError

P = ParamSpec("P")
Ts = TypeVarTuple("Ts")


class Calls:
    """Check every return code of one camera's SDK.

    Parameters
    ----------
    sdk
        The SDK, its emulator or its proxy.
    name
        The instrument's name, for messages.
    """

    def __init__(self, sdk: Sdk2, name: str) -> None:
        self.sdk = sdk
        self.name = name

    def do(self, function: Callable[P, int], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call a function that returns only a code.

        Raises
        ------
        InstrumentError
            Of the class that fits the code, if it is not DRV_SUCCESS.
        """
        code = function(*args, **kwargs)
        if code != SUCCESS:
            raise self.error(function.__name__, args, code)

    def ask(
        self, function: Callable[P, tuple[int, *Ts]], *args: P.args, **kwargs: P.kwargs
    ) -> tuple[*Ts]:
        """Call a function that returns a code and values; return the values.

        Raises
        ------
        InstrumentError
            Of the class that fits the code, if it is not DRV_SUCCESS.
        """
        result = function(*args, **kwargs)
        if result[0] != SUCCESS:
            raise self.error(function.__name__, args, result[0])
        return result[1:]

    def error(self, method: str, args: tuple[Any, ...], code: int) -> InstrumentError:
        """Return the error for a code: instrument, call, arguments, code and remedy."""
        meaning = explain(code)
        arguments = ", ".join(repr(argument) for argument in args)
        return meaning.error(
            f"{self.name}: {sdk_name(method)}({arguments}) returned {code} {meaning.name}",
            remedy=meaning.remedy,
        )
