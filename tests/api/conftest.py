import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

# the scripted table is also used by the tests of the client and of the page
sys.path.append(str(Path(__file__).parent))


@pytest.fixture
def scripted(tmp_path):
    """Return a table whose answers the test writes."""
    from scripted_table import ScriptedTable

    table = ScriptedTable(tmp_path / "data")
    yield table
    table.close()


@pytest.fixture
def served(scripted):
    """Return a function that calls the API of the scripted table over real sockets."""
    from caller import Caller

    from labctl.service.api.server import ApiServer

    with ApiServer(scripted) as server:
        yield Caller(server, scripted)


@pytest.fixture
def token(served):
    """Return a function that makes a token with a role."""
    return served.make_token


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    """Return a caller of an API that all tests of a module share, with a clock for tokens."""
    from caller import Caller
    from scripted_table import ScriptedTable

    from labctl.core.clock import VirtualClock
    from labctl.service.api.server import ApiServer

    table = ScriptedTable(tmp_path_factory.mktemp("patient") / "data")
    clock = VirtualClock(datetime(2026, 11, 23, 18, 0, tzinfo=UTC))
    server = ApiServer(table, token_clock=clock)
    with server:
        caller = Caller(server, table)
        caller.clock = clock
        yield caller
    table.close()
