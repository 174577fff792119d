"""Turn the return codes of Andor's SDK2 into errors that say what to do.

Source: Andor SDK guide, function reference, and atmcd32d.h [unverified against hardware].
"""

from dataclasses import dataclass

from labctl.core.errors import (
    BadReply,
    CommandRefused,
    ConnectionFailed,
    InstrumentError,
    InvalidReading,
    NoReply,
)

SUCCESS = 20002
ERROR_ACK = 20013
ACQ_BUFFER = 20018
ACQ_DOWNFIFO_FULL = 20019
NO_NEW_DATA = 20024
TEMPERATURE_OFF = 20034
TEMPERATURE_NOT_STABILIZED = 20035
TEMPERATURE_STABILIZED = 20036
TEMPERATURE_NOT_REACHED = 20037
TEMPERATURE_DRIFT = 20040
ACQUIRING = 20072
IDLE = 20073
TEMPCYCLE = 20074
NOT_INITIALIZED = 20075
NOT_SUPPORTED = 20991
NOT_AVAILABLE = 20992


@dataclass(frozen=True, slots=True)
class Code:
    """Explain one return code."""

    name: str
    error: type[InstrumentError]
    remedy: str


_POWER = "check that the camera is powered and its cable is firmly in, then reconnect"
_INSTALL = "reinstall the Andor SDK and its kernel driver, then reconnect"
_OPEN = "close other programs that use the camera, then reconnect"
_BUSY = "wait for the exposure in progress or abort it, then ask again"
_RANGE = "choose a value that this camera allows; its manual has the range"
_ABSENT = "this camera has no such function; change the option in the station file"
_LOST = "frames were lost: choose a longer exposure or fewer rows, then repeat the measurement"
_REPEAT = "repeat the measurement; if it comes again, reconnect the camera"
_COOLER = "check coolant, fan and power supply of the camera"

_GROUPS: tuple[tuple[type[InstrumentError], str, dict[int, str]], ...] = (
    (
        ConnectionFailed,
        _INSTALL,
        {
            20003: "VXDNOTINSTALLED",
            20006: "ERROR_FILELOAD",
            20008: "ERROR_VXD_INIT",
            20051: "COF_NOTLOADED",
            20055: "EEPROMVERSIONERROR",
            20070: "INIERROR",
            20071: "COFERROR",
            20091: "VRMVERSIONERROR",
            20096: "LOAD_FIRMWARE_ERROR",
        },
    ),
    (
        ConnectionFailed,
        _POWER,
        {
            20009: "ERROR_ADDRESS",
            20010: "ERROR_PAGELOCK",
            20011: "ERROR_PAGEUNLOCK",
            20012: "ERROR_BOARDTEST",
            20025: "PCI_DMA_FAIL",
            20052: "FPGAPROG",
            20053: "FLEXERROR",
            20080: "I2CERRORS",
            20081: "I2CDEVNOTFOUND",
            20089: "USBERROR",
            20090: "IOCERROR",
            20093: "USB_INTERRUPT_ENDPOINT_ERROR",
            20131: "FPGA_VOLTAGE_ERROR",
            20990: "ERROR_NOCAMERA",
        },
    ),
    (ConnectionFailed, _OPEN, {NOT_INITIALIZED: "NOT_INITIALIZED", 20121: "ERROR_NOHANDLE"}),
    (NoReply, _POWER, {ERROR_ACK: "ERROR_ACK", 20082: "I2CTIMEOUT"}),
    (NoReply, _REPEAT, {NO_NEW_DATA: "NO_NEW_DATA"}),
    (BadReply, _REPEAT, {20004: "ERROR_SCAN", 20005: "ERROR_CHECK_SUM"}),
    (
        BadReply,
        _LOST,
        {
            20014: "ERROR_UP_FIFO",
            20017: "ACQUISITION_ERRORS",
            ACQ_BUFFER: "ACQ_BUFFER",
            ACQ_DOWNFIFO_FULL: "ACQ_DOWNFIFO_FULL",
            20022: "KINETIC_TIME_NOT_MET",
            20023: "ACCUM_TIME_NOT_MET",
            20026: "SPOOLERROR",
        },
    ),
    (
        CommandRefused,
        _BUSY,
        {ACQUIRING: "ACQUIRING", IDLE: "IDLE", TEMPCYCLE: "TEMPCYCLE"},
    ),
    (
        CommandRefused,
        _RANGE,
        {
            20050: "INVALID_AUX",
            20064: "DATATYPE",
            20066: "P1INVALID",
            20067: "P2INVALID",
            20068: "P3INVALID",
            20069: "P4INVALID",
            20076: "P5INVALID",
            20077: "P6INVALID",
            20078: "INVALID_MODE",
            20079: "INVALID_FILTER",
            20083: "P7INVALID",
            20084: "P8INVALID",
            20085: "P9INVALID",
            20086: "P10INVALID",
            20087: "P11INVALID",
            20094: "RANDOM_TRACK_ERROR",
            20095: "INVALID_TRIGGER_MODE",
            20098: "INVALID_RINGEXPOSURES",
            20099: "BINNING_ERROR",
            20100: "INVALID_AMPLIFIER",
        },
    ),
    (
        CommandRefused,
        _ABSENT,
        {
            20007: "UNKNOWN_FUNCTION",
            20039: "TEMPERATURE_NOT_SUPPORTED",
            NOT_SUPPORTED: "NOT_SUPPORTED",
            NOT_AVAILABLE: "NOT_AVAILABLE",
        },
    ),
    (
        InvalidReading,
        _COOLER,
        {
            20033: "TEMPERATURE_CODES",
            TEMPERATURE_OFF: "TEMPERATURE_OFF",
            TEMPERATURE_NOT_STABILIZED: "TEMPERATURE_NOT_STABILIZED",
            TEMPERATURE_STABILIZED: "TEMPERATURE_STABILIZED",
            TEMPERATURE_NOT_REACHED: "TEMPERATURE_NOT_REACHED",
            20038: "TEMPERATURE_OUT_RANGE",
            TEMPERATURE_DRIFT: "TEMPERATURE_DRIFT",
        },
    ),
    (
        InstrumentError,
        _REPEAT,
        {
            20001: "ERROR_CODES",
            20015: "ERROR_PATTERN",
            20020: "PROC_UNKNOWN_INSTRUCTION",
            20021: "ILLEGAL_OP_CODE",
            20049: "GENERAL_ERRORS",
            20065: "DRIVER_ERRORS",
            20097: "DIVIDE_BY_ZERO_ERROR",
            20119: "ERROR_BUFFSIZE",
            20211: "PROCESSING_FAILED",
        },
    ),
)

CODES: dict[int, Code] = {
    number: Code("DRV_" + name, error, remedy)
    for error, remedy, names in _GROUPS
    for number, name in names.items()
}
"""What each failure code means; DRV_SUCCESS is not among them."""


def explain(number: int) -> Code:
    """Return what a code means; an unknown one is an `InstrumentError` that says so."""
    if number == SUCCESS:
        return Code("DRV_SUCCESS", InstrumentError, "")
    unknown = Code("unknown code", InstrumentError, "look the code up in the Andor SDK guide")
    return CODES.get(number, unknown)
