"""Play a Thorlabs PM100D power meter with a silicon head.

Source: instruments.md section 2, card PM100D/USB. [unverified]: number formats, the head's texts,
and the responsivity, taken as proportional to the wavelength.
"""

import re
from collections import deque

from labctl.sim.ports import PowerPort
from labctl.sim.wire.base import LineEmulator, number

_SHORT = {
    "SENSE": "SENS", "SENSOR": "SENS", "CORRECTION": "CORR", "WAVELENGTH": "WAV", "POWER": "POW",
    "RANGE": "RANG", "MEASURE": "MEAS", "SYSTEM": "SYST", "ERROR": "ERR", "AVERAGE": "AVER",
    "COUNT": "COUN", "CONFIGURE": "CONF", "INITIATE": "INIT",
}  # fmt: skip
_OPTIONAL = {"SCAL", "SCALAR", "DC", "NEXT", "UPP", "UPPER"}
_UNDEFINED_HEADER = '-113,"Undefined header"'
_OUT_OF_RANGE = '-222,"Data out of range"'
_SENSOR = "S120C,20101234,12-Jan-2024,1,18,305"
_LIMITS = {"WAV": (400.0, 1100.0), "RANG": (50e-9, 50e-3), "COUN": (1.0, 3000.0)}
_MEASURING_S = 0.02


class Pm100d(LineEmulator):
    """Play a PM100D: errors are silent and wait in a queue for `SYST:ERR?`.

    Parameters
    ----------
    port
        The sensor head of the simulated table.
    beam_wavelength_nm
        Wavelength of the light on the head in nm: a reading is wrong by the ratio of the head's
        responsivities until `SENS:CORR:WAV` says the same.
    """

    terminator = b"\n"
    ignored = b"\r"

    def __init__(self, port: PowerPort, beam_wavelength_nm: float) -> None:
        super().__init__()
        self._port = port
        self._beam_wavelength_nm = beam_wavelength_nm
        self._values = {"WAV": 635.0, "RANG": 50e-3, "COUN": 1.0}
        self._auto_range = True
        self._errors: deque[str] = deque(maxlen=16)

    def handle(self, line: str, now_s: float) -> None:
        """Carry out one command line; questions chained with `;` answer on one line."""
        answers = [self._execute(part, now_s) for part in line.split(";") if part.strip()]
        answers = [answer for answer in answers if answer]
        if answers:
            self.reply(";".join(answers) + "\n", now_s, _MEASURING_S if "POW" in line else 0.0)

    def _execute(self, text: str, now_s: float) -> str:
        header, _, argument = text.strip().partition(" ")
        name = _abbreviate(header)
        answer = self._query(name, argument.strip().upper(), now_s)
        return answer if answer is not None else self._command(name, argument.strip().upper())

    def _query(self, name: str, argument: str, now_s: float) -> str | None:
        if name == "*IDN?":
            return "THORLABS,PM100D,P0012345,2.4.0"
        if name == "SYST:SENS:IDN?":
            return _SENSOR
        if name == "SYST:ERR?":
            return self._errors.popleft() if self._errors else '+0,"No error"'
        if name in ("MEAS:POW?", "MEAS?", "READ?", "FETCH?", "FETC?"):
            return f"{self._measure_w(now_s):.6E}"
        if name == "SENS:POW:RANG:AUTO?":
            return str(int(self._auto_range))
        if name in ("*ESR?", "*STB?"):
            return "0"
        if name == "*OPC?":
            return "1"
        key = _setting(name.removesuffix("?"))
        if key is None or not name.endswith("?"):
            return None
        low, high = _LIMITS[key]
        return f"{ {'MIN': low, 'MAX': high}.get(argument, self._values[key]):.6E}"

    def _command(self, name: str, argument: str) -> str:
        key = _setting(name)
        if key is not None:
            value = number(argument)
            low, high = _LIMITS[key]
            if value is None or not low <= value <= high:
                self._errors.append(_OUT_OF_RANGE)
            else:
                self._values[key] = value
                self._auto_range = self._auto_range and key != "RANG"
        elif name == "SENS:POW:RANG:AUTO" and argument in ("0", "1", "OFF", "ON"):
            self._auto_range = argument in ("1", "ON")
        elif name == "*CLS":
            self._errors.clear()
        elif name not in ("*RST", "CONF:POW", "INIT", "ABOR", "SENS:POW:UNIT"):
            self._errors.append(_UNDEFINED_HEADER)
        return ""

    def _measure_w(self, now_s: float) -> float:
        # the meter divides the photocurrent by the responsivity at the wavelength it was told
        return self._port.power_w(now_s) * self._beam_wavelength_nm / self._values["WAV"]


def _abbreviate(header: str) -> str:
    """Return a SCPI header in its short form, optional words left out."""
    question = "?" if header.endswith("?") else ""
    words = re.split(":", header.upper().removesuffix("?").removeprefix(":"))
    return ":".join(_SHORT.get(word, word) for word in words if word not in _OPTIONAL) + question


def _setting(name: str) -> str | None:
    known = {"SENS:CORR:WAV": "WAV", "SENS:POW:RANG": "RANG", "SENS:AVER:COUN": "COUN"}
    return known.get(name)
