import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "api"))


@pytest.fixture
def scripted(tmp_path):
    """Return a table whose answers the test writes."""
    from scripted_table import ScriptedTable

    table = ScriptedTable(tmp_path / "data")
    yield table
    table.close()


@pytest.fixture
def api(scripted):
    """Return the API of the scripted table."""
    from labctl.service.api.server import ApiServer

    with ApiServer(scripted) as server:
        yield server


@pytest.fixture
def table(api, scripted):
    """Return a client of the scripted table."""
    import labctl

    with labctl.connect(scripted.place.data) as table:
        yield table
