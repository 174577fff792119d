"""Check 12 of the interface: drawing for hours neither crashes nor wears None out."""

import sys

import numpy as np

from labctl.client.frames import LiveFrame
from labctl.core.readings import Quality

REDRAWS = 500


def test_12_five_hundred_redraws_cost_no_references_to_none(shared_window, qtbot):
    shared_window.tabs.setCurrentIndex(0)
    random = np.random.default_rng(1)
    axis_nm = np.linspace(520.0, 545.0, 1340, dtype=np.float32)
    metadata = {
        "exposure_s": 1.0, "beams": ["probe"], "laser_nm": 532.0, "medium": "air",
        "detector": [1.0, 4.0, 600.0, 60000.0, 20.0], "calibrations": {}, "settings": {},
    }  # fmt: skip

    def draw(number):
        counts = 600 + random.poisson(20, 1340).astype(np.float32)
        shared_window.link.frame.emit(
            LiveFrame(
                "spectrum", counts, axis_nm, "2026-11-23T12:00:00+00:00", Quality.GOOD, "",
                seq=number, metadata=metadata,
            )
        )  # fmt: skip
        shared_window.tabs.currentWidget().grab()

    for number in range(20):
        draw(number)
    before = sys.getrefcount(None)
    for number in range(REDRAWS):
        draw(20 + number)
    assert sys.getrefcount(None) - before > -REDRAWS / 2
