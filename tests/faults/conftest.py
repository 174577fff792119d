import sys
from pathlib import Path

import pytest

# the harnesses are shared with processes that the tests start and kill
HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent / "system")]


@pytest.fixture
def new_table():
    """Return a function that opens a simulated table in memory; all are closed in the end."""
    from virtual_table import VirtualTable

    tables = []

    def new_table(**options):
        tables.append(VirtualTable(**options))
        return tables[-1]

    yield new_table
    for table in tables:
        table.station.close()
