"""Keep runs: committed points, frames, the catalogue of runs, and reading them back."""

from labctl.store.catalogue import Catalogue, RunSummary
from labctl.store.reader import RunReader
from labctl.store.writer import RunWriter

__all__ = ["Catalogue", "RunReader", "RunSummary", "RunWriter"]
