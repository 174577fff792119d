"""Compare what a plan asks for in a replay with what the record says it asked for."""

from dataclasses import fields
from typing import Any

import numpy as np

from labctl.core.messages import Message, Note, Record
from labctl.core.spectra import Exposure


def same_message(asked: Message, recorded: Message) -> bool:
    """Tell whether two messages ask for the same; arrays are compared bit by bit."""
    if type(asked) is not type(recorded):
        return False
    if isinstance(asked, Record) and isinstance(recorded, Record):
        return (
            asked.kind == recorded.kind
            and list(asked.data) == list(recorded.data)
            and all(_same(asked.data[name], recorded.data[name]) for name in asked.data)
        )
    return asked == recorded


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray)
            and one.dtype == other.dtype
            and one.shape == other.shape
            and one.tobytes() == other.tobytes()
        )
    if isinstance(one, Exposure):
        return type(one) is type(other) and all(
            _same(getattr(one, item.name), getattr(other, item.name)) for item in fields(one)
        )
    return bool(one == other)


def in_words(message: Message) -> str:
    """Return a message in one line: a Record by its names only."""
    if isinstance(message, Record):
        return f"Record({', '.join(message.data)}; {message.kind})"
    if isinstance(message, Note):
        return f"Note({message.text!r})"
    return repr(message)
