"""Write points of a run and acknowledge each; run with the shim before its disk.

    disk_victim.py ROOT POINTS [frames]

Every third point with a frame in the segment file, if `frames` is given. Acknowledgements go to
the file `ROOT/acks`, so that they stand in the order of the writes. Exit code 3: the store
refused, 4: it went on afterwards.
"""

import importlib.util
import os
import sys
from pathlib import Path

from labctl.core.clock import VirtualClock
from labctl.core.errors import StorageError
from labctl.store import RunWriter

_spec = importlib.util.spec_from_file_location(
    "store_maker", Path(__file__).parents[1] / "store" / "conftest.py"
)
_store = importlib.util.module_from_spec(_spec)
# its dataclasses look themselves up there
sys.modules["store_maker"] = _store
_spec.loader.exec_module(_store)
Maker = _store.Maker

SHAPES = {"spectrum": (2, 64), "frame": (1, 64, 257)}


def shape_of(number: int, with_frames: bool) -> tuple[int, ...]:
    return SHAPES["frame" if with_frames and number % 3 == 2 else "spectrum"]


def main(root: Path, points: int, with_frames: bool) -> int:
    make = Maker(root, VirtualClock())
    acks = os.open(root / "acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    folders = sorted(root.glob("*/*/*/*/run.sqlite"))
    try:
        if folders:
            run = RunWriter.reopen(folders[-1].parent, clock=make.clock, margin_bytes=0)
        else:
            run = make.run()
        for number in range(run.committed, points):
            make.commit(run, number, shape=shape_of(number, with_frames))
            os.write(acks, f"{number}\n".encode())
    except StorageError as error:
        print(error, flush=True)
        for refused in (lambda: make.commit(run, run.committed), run.flush):
            try:
                refused()
            except StorageError:
                continue
            except UnboundLocalError:
                return 3
            return 4
        return 3
    # like a power cut: nothing is closed
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), "frames" in sys.argv[3:]))
