import sys
from pathlib import Path

import pytest

# the tiny table is also imported by processes that the tests start and kill
sys.path.append(str(Path(__file__).parent))


@pytest.fixture
def table():
    from tiny_table import TinyTable

    return TinyTable()


@pytest.fixture
def new_run(tmp_path, table):
    """Return a function that opens a new run."""
    from labctl.store import RunWriter

    def new_run(procedure="series", **options):
        options = {"margin_bytes": 0, **options}
        return RunWriter.create(tmp_path / "runs", procedure, clock=table.clock, **options)

    return new_run
