"""Torn bytes, full disks, second writers: never a silent wrong value, never a lost point."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from labctl.core.errors import StorageError
from labctl.core.journal import RunState
from labctl.store import Catalogue, RunReader, RunWriter
from labctl.store.segment import to_block

FRAME = (1, 400, 1340)


def reopen(make, run):
    return RunWriter.reopen(run.path, clock=make.clock, margin_bytes=0)


def finished(make, points=3, **options):
    run = make.run()
    for number in range(points):
        make.commit(run, number, **options)
    make.finish(run)
    return run


TEARS = [
    "UPDATE points SET payload=zeroblob(100)||substr(payload,101) WHERE number=1",
    "UPDATE points SET header=replace(header,'power','tower') WHERE number=1",
    "UPDATE points SET payload=substr(payload,2) WHERE number=1",
    "UPDATE points SET payload='text' WHERE number=1",
    "UPDATE points SET (header,payload,crc)=(SELECT header,payload,crc FROM points WHERE number=2)"
    " WHERE number=1",
]


@pytest.mark.parametrize("tear", TEARS)
def test_a_torn_point_is_named_and_the_others_stay_readable(make, tear):
    run = finished(make)
    db = sqlite3.connect(run.path / "run.sqlite")
    db.execute(tear)
    db.commit()
    db.close()
    reader = RunReader(run.path)
    with pytest.raises(StorageError, match=r"run 0001_series, point 1 is damaged"):
        list(reader.points())
    assert [point.number for point in reader.points(skip_damaged=True)] == [0, 2]
    assert reader.point(2).number == 2
    assert reader.damaged() == [1]
    with pytest.raises(StorageError, match="point 1"):
        reopen(make, run)


def test_a_torn_axis_is_found(make):
    run = finished(make)
    db = sqlite3.connect(run.path / "run.sqlite")
    db.execute("UPDATE shared SET data=zeroblob(length(data)) WHERE length(data)>0")
    db.commit()
    db.close()
    with pytest.raises(StorageError, match="shared content 1"):
        RunReader(run.path).point(0)


@pytest.mark.parametrize("place", [40, 500_000, 1_072_031])
def test_a_torn_frame_is_found(make, place):
    run = finished(make, shape=FRAME)
    with (run.path / "frames.seg").open("r+b") as file:
        file.seek(1_073_152 + place)  # the second frame, on the next block
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    reader = RunReader(run.path)
    assert reader.damaged() == [1]
    assert reader.point(0).number == 0


def test_what_was_claimed_for_frames_is_given_back_by_whoever_opens_the_run_next(make):
    run = make.run()
    make.commit(run, 0, shape=FRAME)
    claimed = (run.path / "frames.seg").stat().st_size
    run.release()
    frame = to_block(1_072_040)
    with (run.path / "frames.seg").open("r+b") as file:
        file.truncate(claimed)  # as a killed writer leaves it
    again = reopen(make, run)
    make.commit(again, 1, shape=FRAME)
    make.finish(again)
    assert claimed > frame
    assert (run.path / "frames.seg").stat().st_size == 2 * frame
    assert RunReader(run.path).damaged() == []


def test_an_orphan_tail_of_frames_is_cut_off(make):
    run = finished(make, shape=FRAME)
    size = (run.path / "frames.seg").stat().st_size
    with (run.path / "frames.seg").open("ab") as file:
        file.write(b"half a frame")
    again = reopen(make, run)
    assert (run.path / "frames.seg").stat().st_size == size
    make.commit(again, 3, shape=FRAME)
    make.finish(again)
    assert [point.number for point in RunReader(run.path).points()] == [0, 1, 2, 3]


def test_a_segment_that_lost_its_end_is_found(make):
    run = finished(make, shape=FRAME)
    os.truncate(run.path / "frames.seg", 2_000_000)
    with pytest.raises(StorageError):
        reopen(make, run)
    assert RunReader(run.path).damaged() == [1, 2]


def test_a_second_writer_is_refused_and_told_the_owner(make):
    run = make.run()
    with pytest.raises(StorageError, match=rf"process {os.getpid()} on .*"):
        reopen(make, run)
    make.commit(run, 0)
    run.release()
    reopen(make, run).release()


def test_points_cannot_be_doubled_or_skipped(make):
    run = make.run()
    make.commit(run, 0)
    for number in (0, 2):
        with pytest.raises(StorageError, match="1 is the next"):
            make.commit(run, number)
    make.commit(run, 1)
    make.finish(run)


def test_an_exposure_is_refused_before_the_disk_is_full(make):
    run = make.run(margin_bytes=1 << 60)
    with pytest.raises(StorageError, match="MB are free") as caught:
        run.reserve()
    assert "free space" in caught.value.remedy
    run.release()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_refused(make):
    make.root.mkdir()
    make.root.chmod(0o500)
    with pytest.raises(StorageError, match="another output folder"):
        make.run()


@pytest.mark.parametrize("root", ["/proc/runs", "/dev/null/runs"])
def test_an_output_folder_that_cannot_be_made_is_refused(make, root):
    make.root = Path(root)
    with pytest.raises(StorageError) as caught:
        make.run()
    assert root in caught.value.message
    assert caught.value.remedy


FILL = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from conftest import Maker
from pathlib import Path
from labctl.core.clock import VirtualClock
from labctl.core.errors import StorageError
make = Maker(Path(sys.argv[1]), VirtualClock())
run = make.run(commit_every_s=float(sys.argv[3]))
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
for number in range(10_000):
    try:
        make.commit(run, number)
    except StorageError as error:
        assert error.remedy, error
        break
print(run.committed)
for action in (lambda: make.commit(run, number), run.flush, lambda: make.finish(run)):
    try:
        action()
    except StorageError:
        continue
    raise SystemExit("a failed store went on")
run.release()
"""


@pytest.mark.parametrize("every_s", [0.0, 0.01])
def test_on_a_full_disk_the_writer_stops_and_committed_points_stay(make, every_s):
    command = [sys.executable, "-c", FILL, str(make.root), str(Path(__file__).parent), str(every_s)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    acknowledged = int(done.stdout)
    assert acknowledged > 10
    folder = Catalogue(make.root).find("1")
    reader = RunReader(folder)
    assert reader.state is RunState.INTERRUPTED
    points = list(reader.points())
    assert len(points) >= acknowledged
    reader.close()
    run = RunWriter.reopen(folder, clock=make.clock, margin_bytes=0)
    make.commit(run, len(points))
    make.finish(run)
    assert RunReader(folder).state is RunState.FINISHED


def test_a_run_whose_writer_is_gone_is_interrupted(make):
    run = make.run()
    make.commit(run, 0)
    assert RunReader(run.path).state is RunState.RUNNING
    run.release()
    assert RunReader(run.path).state is RunState.INTERRUPTED
    again = reopen(make, run)
    assert again.states()[-1].state is RunState.INTERRUPTED
    again.release()


def test_a_finished_run_is_one_file_that_reads_from_a_read_only_place(make, tmp_path):
    run = finished(make)
    names = sorted(path.name for path in run.path.iterdir())
    assert names == ["frames.seg", "run.lock", "run.sqlite"]
    copy = tmp_path / "copy" / run.path.name
    shutil.copytree(run.path, copy)
    copy.chmod(0o555)
    assert len(list(RunReader(copy).points())) == 3
    copy.chmod(0o755)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(StorageError, match="there is no run"):
        RunReader(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "run.sqlite").write_bytes(b"garbage" * 1000)
    with pytest.raises(StorageError, match="not a database"):
        RunReader(tmp_path)


READ = """
import sys
from labctl.store import RunReader
for _ in range(8):
    with RunReader(sys.argv[1]) as reader:
        print(sum(point.data["spectrum"].counts.shape == (2, 1340) for point in reader.points()))
"""


def test_a_run_is_readable_while_it_is_written(make):
    run, number = make.run(), 0
    command = [sys.executable, "-c", READ, str(run.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
        while reader.poll() is None:
            make.commit(run, number)
            number += 1
        seen = [int(line) for line in reader.stdout]
    make.finish(run)
    assert reader.returncode == 0
    assert len(seen) == 8
    assert seen == sorted(seen)
    assert seen[0] < seen[-1] <= number


def test_a_forgotten_reader_does_not_hold_up_the_end(make):
    run = make.run()
    make.commit(run, 0)
    reader = RunReader(run.path)
    list(reader.points())
    started_s = make.real.monotonic_s()
    make.finish(run)
    assert make.real.monotonic_s() - started_s < 5
    assert [point.number for point in reader.points()] == [0]
    assert reader.state is RunState.FINISHED
