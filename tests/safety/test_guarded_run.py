"""A run through guarded links: the engine's events keep the lease awake, and rest it at the end."""

import pytest
from safety_rig import Rig

from labctl.service.heartbeat import Heartbeat
from labctl.service.session import Session

SPEED = 100.0


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    with Rig(tmp_path_factory.mktemp("fast"), speed=SPEED, silence_s=0.5) as made:
        yield made


@pytest.fixture
def guarded(fast, tmp_path):
    """A session on the guarded station, with its heartbeat."""
    with fast.client() as client:
        backend = client.acquire("a session")
        with (
            Session(fast.station, tmp_path / "out", backends={"guard": backend}) as session,
            Heartbeat(client, session.station) as heartbeat,
        ):
            yield session, heartbeat
        client.release()


def test_a_run_goes_through_the_guarded_links_and_ends_dark(fast, guarded):
    session, heartbeat = guarded
    finished = session.run("spectrum", {"exposure_s": 1.0, "accumulations": 2}, observer=heartbeat)
    finished.outcome.check()
    kinds = {one["kind"] for one in fast.log() if one["what"] == "closed"}
    assert kinds <= {"start", "acquire", "rest", "release"}
    assert fast.table.ask("truth")["open"] == []
