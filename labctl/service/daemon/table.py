"""Be the simulated table in a process of its own: `python -m labctl.service.daemon.table`.

It takes the station file and the speed of its clock, prints one line of JSON with the station
file for clients, and ends when nobody holds the other end of the pipe `KEEP` any more: like real
instruments it is still there when the service dies while a run goes on.
"""

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from labctl.core.errors import LabctlError
from labctl.service.daemon.tell import error_fields
from labctl.service.daemon.wire import encode


def main(arguments: Sequence[str]) -> int:
    """Serve until the pipe ends; `arguments` are STATION, SPEED and, on POSIX, KEEP."""
    station, speed, *keep = arguments
    from labctl.service.simulator import ServedTable

    try:
        table = ServedTable(Path(station), float(speed))
    except LabctlError as error:
        _print(encode({"event": "refused", "error": error_fields(error)}))
        return error.exit_code
    with table:
        served = {"event": "serving", "station": table.station_text()}
        _print(encode({**served, "resources": dict(table.resources)}))
        wait_for_end(int(keep[0]) if keep else 0)
    return 0


def wait_for_end(descriptor: int) -> None:
    """Return when the other end of a pipe is closed by everybody."""
    with contextlib.suppress(OSError):
        while os.read(descriptor, 4096):
            pass


def _print(line: bytes) -> None:
    with contextlib.suppress(OSError):
        os.write(1, line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
