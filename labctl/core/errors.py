"""Define the one family of errors that labctl raises on purpose.

Every message says which instrument or key is concerned, what was asked, what came back and what
to do about it. The exit code of the command line belongs to the class.
"""

from typing import ClassVar


class LabctlError(Exception):
    """Report a failure whose cause and remedy are known.

    Parameters
    ----------
    message
        What happened: which instrument or key, what was asked, what came back.
    remedy
        What the reader can do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  Remedy: {self.remedy}" if self.remedy else self.message


class UsageError(LabctlError):
    """Report a wrong command, procedure name or parameter."""

    exit_code = 2


class ConfigError(LabctlError):
    """Report a station file, calibration or other configuration that cannot be used."""

    exit_code = 3


class InstrumentError(LabctlError):
    """Report an instrument that did not do or answer what it was asked."""

    exit_code = 4


class ConnectionFailed(InstrumentError):
    """Report a port that cannot be opened or that has dropped."""


class NoReply(InstrumentError):
    """Report that nothing, or only part of a reply, came before the timeout."""


class BadReply(InstrumentError):
    """Report a reply that does not have the form the protocol prescribes."""


class InvalidReading(InstrumentError):
    """Report a well-formed reply whose value must not be used (sensor fault, out of range)."""


class WrongIdentity(InstrumentError):
    """Report that another instrument than the configured one answers on a port."""


class CommandRefused(InstrumentError):
    """Report that an instrument understood a command and declined it."""


class LimitError(LabctlError):
    """Report a set-point outside the limits of its channel."""

    exit_code = 2


class SafetyError(LabctlError):
    """Report an open interlock or a beam whose state cannot be confirmed."""

    exit_code = 5


class RunAborted(LabctlError):
    """Report that a person or a signal ended a run early."""

    exit_code = 6


class PartialData(LabctlError):
    """Report that a run ended without all of its points; what was measured is kept."""

    exit_code = 7


class StorageError(LabctlError):
    """Report a disk, folder or file that cannot be written or does not read back."""


class ReplayError(LabctlError):
    """Report that a plan, run again, did not ask for what the record says it asked for."""


class AnalysisError(LabctlError):
    """Report data that do not support what was asked of them: wrong dark, line not in the frame."""
