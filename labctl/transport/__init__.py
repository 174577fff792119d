"""Turn resource strings into PyMeasure adapters on which a late reply never answers a question."""

from labctl.transport.adapter import PortAdapter
from labctl.transport.opening import open_adapter

__all__ = ["PortAdapter", "open_adapter"]
