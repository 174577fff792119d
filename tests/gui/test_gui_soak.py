"""Two hours of live exposures, as fast as the window takes them: memory stays bounded."""

import resource
from pathlib import Path

import pytest
from shown_frames import frame, raman_counts

PER_S = 30
EXPOSURES = 2 * 3600 * PER_S
WARM_UP = EXPOSURES // 10
LOT = 30
MOST_MB = 16.0


def resident_mb() -> float:
    """Return the memory of this process that is in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_two_hours_of_live_exposures_take_no_more_memory(shared_window, qapp):
    shared_window.tabs.setCurrentIndex(0)
    counts = [raman_counts(3000.0, 300.0, seed) for seed in range(64)]
    sizes_mb = []
    for number in range(EXPOSURES):
        shared_window.link.frame.emit(frame(counts[number % 64], seq=number))
        if number % LOT == 0:
            qapp.processEvents()
        if number >= WARM_UP and number % WARM_UP == 0:
            sizes_mb.append(resident_mb())
    sizes_mb.append(resident_mb())
    print("resident memory:", ", ".join(f"{size:.0f}" for size in sizes_mb), "MB")
    assert sizes_mb[-1] - sizes_mb[0] < MOST_MB, sizes_mb
