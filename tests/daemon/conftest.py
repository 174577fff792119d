import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
# helpers are also imported by processes that the tests start and kill
sys.path += [str(HERE), str(HERE.parent / "system")]


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    """A table whose instruments outlive every daemon, as real ones do."""
    from daemon_rig import SPEED
    from table_process import TableProcess

    folder = tmp_path_factory.mktemp("table")
    with TableProcess(folder, SPEED, procedures=("procedures",)) as table:
        yield table


@pytest.fixture(scope="module")
def rig(table, tmp_path_factory):
    """A daemon in this process on that table."""
    from daemon_rig import Rig

    with Rig(table.station, tmp_path_factory.mktemp("data")) as rig:
        yield rig
