import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "api"))


@pytest.fixture(scope="module")
def scripted(tmp_path_factory):
    """Return a table whose answers the test writes."""
    from scripted_table import ScriptedTable

    table = ScriptedTable(tmp_path_factory.mktemp("table") / "data")
    yield table
    table.close()


@pytest.fixture(scope="module")
def served(scripted):
    """Return a function that calls the API of the scripted table."""
    from caller import Caller

    from labctl.service.api.server import ApiServer

    with ApiServer(scripted) as server:
        yield Caller(server, scripted)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Return a browser of the size of a phone."""
    from browser import CHROMIUM, Browser

    if CHROMIUM is None:
        # what is skipped on every machine is tested on none
        (pytest.fail if os.environ.get("LABCTL_REQUIRE_CHROMIUM") else pytest.skip)(
            "there is no Chromium on this machine: install the package 'chromium'"
        )
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture
def shots(tmp_path):
    """Return where pictures go: LABCTL_SHOTS keeps them."""
    return Path(os.environ.get("LABCTL_SHOTS", tmp_path))
