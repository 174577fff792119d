"""Identify the text that a procedure was run from."""

import hashlib
import inspect

from labctl.core.procedure import Procedure


def source_hash(procedure: Procedure) -> str:
    """Return a hash of the source text of the procedure's module, or "unknown" without one."""
    module = inspect.getmodule(type(procedure))
    try:
        text = inspect.getsource(module) if module is not None else ""
    except (OSError, TypeError):
        text = ""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:16] if text else "unknown"
