import sys
from pathlib import Path

import pytest

# the harness is also imported by processes that the tests start and kill
sys.path.append(str(Path(__file__).parent))

from safety_rig import Rig


@pytest.fixture(scope="session")
def rig(tmp_path_factory):
    """A simulated table in another process, and a safety process that guards it."""
    # more patience than in the lab: what runs beside the tests must not look like a hang
    with Rig(tmp_path_factory.mktemp("rig"), silence_s=0.5) as made:
        yield made
