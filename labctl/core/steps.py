"""Say what a message of a plan does, the way that people at a table would."""

from collections.abc import Mapping

from labctl.core.messages import Acquire, Message, Note, Read, Record, Set, Sleep, Wait
from labctl.core.units import format_quantity


def step_in_words(message: Message, units: Mapping[str, str]) -> str:
    """Return what a message does, in one line; `units` are those of the channels by name."""
    match message:
        case Set(channel=channel, value=value):
            return f"set {channel} to {_amount(value, units.get(channel, ''))}"
        case Wait(channel=channel):
            return f"wait until {channel} is steady"
        case Read(channel=channel):
            return f"read {channel}"
        case Sleep(duration_s=duration_s):
            return f"wait {format_quantity(duration_s, 's')}"
        case Acquire(exposure_s=exposure_s, accumulations=accumulations, beams=beams):
            times = f"{accumulations} × " if accumulations > 1 else ""
            what = f"expose {'image ' if message.mode == 'image' else ''}{times}"
            light = f"with {' and '.join(beams)}" if beams else "in the dark"
            return f"{what}{format_quantity(exposure_s, 's')} {light}"
        case Record(data=data, kind=kind):
            return f"store {', '.join(data)} ({kind})"
        case Note(text=text):
            return f"note: {text}"


def _amount(value: object, unit: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format_quantity(float(value), unit)
    return str(value)
