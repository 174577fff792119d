"""Measure how fast exposures reach a client, and what that costs.

    python tests/api/frame_rates.py

prints exposures per second and processor time per exposure, service and client together, for
spectra of 1340 pixels and images of 400 x 1340, over the local socket and the loopback interface.
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from scripted_table import ScriptedTable

from labctl.client.connection import Address, Connection
from labctl.client.frames import FrameStream
from labctl.core.clock import RealClock
from labctl.service.api.server import ApiServer

CLOCK = RealClock()


def measure(table: ScriptedTable, address: Address, per_s: float, is_image: bool) -> str:
    """Return what came of exposing `per_s` times a second for a while."""
    stop, image = threading.Event(), np.zeros((400, 1340), "<u2")

    def expose() -> None:
        next_s = CLOCK.monotonic_s()
        while not stop.is_set():
            table.exposes_image(image) if is_image else table.exposes()
            next_s += 1.0 / per_s
            stop.wait(max(next_s - CLOCK.monotonic_s(), 0.0))

    worker = threading.Thread(target=expose)
    worker.start()
    with FrameStream(Connection(address), most_per_s=100.0) as frames:
        seen = iter(frames)
        next(seen)
        start_s, spent_s = CLOCK.monotonic_s(), time.process_time()
        for _ in range(int(5 * per_s)):
            next(seen)
            if CLOCK.monotonic_s() - start_s > 5.0:
                break
        seconds, cpu_s = CLOCK.monotonic_s() - start_s, time.process_time() - spent_s
        count = _ + 1
    stop.set()
    worker.join()
    what = "images" if is_image else "spectra"
    each_ms = 1e3 * cpu_s / count
    return f"{count / seconds:5.1f} {what}/s of {per_s:g}; {each_ms:.1f} ms of processor each"


def main() -> int:
    """Print the figures."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as name:
        table = ScriptedTable(Path(name) / "data")
        with ApiServer(table) as server:
            local = Address(socket=table.place.socket)
            loopback = Address(port=server.port or 0, token=server.token)
            for where, address in (("socket", local), ("loopback", loopback)):
                for per_s, is_image in ((40.0, False), (20.0, True)):
                    print(f"{where}: {measure(table, address, per_s, is_image)}")
        table.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
