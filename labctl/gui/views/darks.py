"""Remember the newest darks, so that one that fits can be subtracted from what is shown."""

from collections import OrderedDict
from typing import Any

import numpy as np

from labctl.core.spectra import Spectrum
from labctl.gui.views.exposures import Shown, pool_of

MOST_DARKS = 16


class Darks:
    """Hold the newest dark of each exposure time, band and axis."""

    def __init__(self) -> None:
        self._found: OrderedDict[Any, Shown] = OrderedDict()

    def add(self, frame: Shown) -> None:
        """Take an exposure without light."""
        key = _key(frame)
        self._found.pop(key, None)
        self._found[key] = frame
        while len(self._found) > MOST_DARKS:
            self._found.popitem(last=False)

    def counts_for(self, frame: Shown) -> np.ndarray | None:
        """Return the counts of a dark that fits, shape (pixels,); None without one."""
        found = self._found.get(_key(frame))
        return None if found is None else np.asarray(found.counts, float)

    def spectrum_for(self, frame: Shown) -> Spectrum | None:
        """Return a dark that fits as a spectrum."""
        found = self._found.get(_key(frame))
        return None if found is None else pool_of([found]).spectrum


def _key(frame: Shown) -> tuple[object, ...]:
    settings = frame.metadata.get("settings", {})
    return (
        frame.metadata.get("exposure_s"),
        frame.counts.shape,
        settings.get("rows"),
        round(float(frame.wavelength_nm[0]), 1),
    )
