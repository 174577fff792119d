"""Control and acquisition for Raman and photoluminescence thermometry."""

import importlib
from typing import Any

__version__ = "0.1.0"
_HOMES = {
    "connect": ("labctl.client.table", "connect"),
    "export_run": ("labctl.service.archive", "export"),
    "open_run": ("labctl.store.reader", "RunReader"),
    "read_queue_file": ("labctl.service.queue.files", "read_queue_file"),
    "write_queue_file": ("labctl.service.queue.files", "write_queue_file"),
}


def __getattr__(name: str) -> Any:
    # whoever imports labctl for one thing need not wait for the others
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)
