"""Who did what is on record, and nobody alters the record unnoticed."""

import threading

import pytest

from labctl.core.clock import VirtualClock
from labctl.core.errors import StorageError, UsageError
from labctl.service.api.audit import START, Audit
from labctl.service.api.identity import Role
from labctl.service.api.tokens import LONGEST_DAYS, Tokens
from labctl.service.queue.database import StationDatabase


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def database(tmp_path):
    with StationDatabase(tmp_path / "station.sqlite") as database:
        yield database


@pytest.fixture
def audit(database, clock):
    audit = Audit(database, clock)
    for number in range(5):
        audit.append(f"person {number}", "admin", "queue.add", {"n": number}, "done")
        clock.sleep(1.0)
    return audit


def test_entries_are_chained(audit):
    entries = audit.entries()
    assert [one.number for one in entries] == [5, 4, 3, 2, 1]
    assert entries[-1].previous == START
    assert [one.previous for one in entries[:-1]] == [one.sha256 for one in entries[1:]]
    assert audit.verify() == 5
    assert audit.head == entries[0].sha256


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET who='nobody' WHERE number=3",
        "UPDATE audit SET result='refused' WHERE number=5",
        "UPDATE audit SET utc='2020-01-01T00:00:00+00:00' WHERE number=1",
        "UPDATE audit SET arguments_sha256='' WHERE number=2",
        "DELETE FROM audit WHERE number=3",
        "DELETE FROM audit WHERE number=1",
        "UPDATE audit SET number=9 WHERE number=5",
        "INSERT INTO audit SELECT 6, utc, who, role, command, arguments_sha256, result, previous,"
        " sha256 FROM audit WHERE number=5",
    ],
)
def test_every_alteration_is_found(audit, database, change):
    with database.transaction() as db:
        db.execute(change)
    with pytest.raises(StorageError, match="altered"):
        audit.verify()


def test_a_cut_end_is_found_by_the_head(audit, database):
    head = audit.head
    with database.transaction() as db:
        db.execute("DELETE FROM audit WHERE number=5")
    assert audit.verify() == 4
    assert audit.head != head


def test_many_writers_keep_one_chain(audit):
    def write():
        for number in range(20):
            audit.append("x", "admin", "queue.add", number, "done")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert audit.verify() == 85


def test_the_record_survives_a_restart(tmp_path, clock):
    for _ in range(3):
        with StationDatabase(tmp_path / "s.sqlite") as database:
            Audit(database, clock).append("x", "admin", "queue.add", None, "done")
            assert Audit(database, clock).verify()
    with StationDatabase(tmp_path / "s.sqlite") as database:
        assert Audit(database, clock).verify() == 3


def test_every_command_is_on_record_with_what_became_of_it(served, scripted):
    served.post("/queue/add", {"items": [{"procedure": "power_series"}]})
    served.post("/queue/add", {"items": [{"procedure": "nonsense"}]})
    served.post("/control/safe")
    secret = served.make_token("view")
    served.post("/control/pause", {}, door="loopback", token=secret)
    served.get("/status")
    served.post("/table/estimate", {"procedure": "power_series"})
    entries = list(reversed(served.get("/audit").json["entries"]))
    assert [one["command"] for one in entries] == [
        "queue.add", "queue.add", "control.safe", "tokens.add", "control.pause",
    ]  # fmt: skip
    assert [one["result"].split(":")[0] for one in entries] == [
        "done", "refused (422)", "done", "done", "refused (403)",
    ]  # fmt: skip
    assert "uid 0" in entries[0]["who"] or "uid" in entries[0]["who"]
    assert "token" in entries[4]["who"]
    assert entries[0]["arguments_sha256"] != entries[1]["arguments_sha256"]
    assert served.get("/audit/proof").json["entries"] == 5
    assert secret not in str(entries)


def test_a_full_disk_does_not_keep_the_laser_on(served, scripted, monkeypatch):
    def full(*_):
        raise StorageError("the disk is full", remedy="make room")

    monkeypatch.setattr(Audit, "append", full)
    assert served.post("/control/safe").json["confirmed"]
    assert served.post("/control/abort", {}).status == 200
    answer = served.post("/control/pause", {})
    assert answer.status == 507
    assert "done, but it is not on record: the disk is full" in answer.json["message"]
    assert [call[0] for call in scripted.calls] == ["safe", "abort_now", "pause"]


def test_an_altered_record_is_reported_by_the_api(served, scripted):
    served.post("/control/pause", {})
    with scripted.database.transaction() as db:
        db.execute("UPDATE audit SET who='nobody'")
    answer = served.get("/audit/proof")
    assert (answer.status, answer.json["error"]) == (507, "StorageError")


def test_a_token_is_valid_until_its_hour(database, clock):
    tokens = Tokens(database, clock)
    token, secret = tokens.create("phone", Role.OPERATE, 1.0)
    identity = tokens.identify(secret)
    assert identity is not None
    assert (identity.name, identity.role, identity.is_present) == ("phone", Role.OPERATE, False)
    clock.sleep(86_399.0)
    assert tokens.identify(secret) is not None
    clock.sleep(1.0)
    assert tokens.identify(secret) is None
    assert not tokens.list()[0].is_valid(clock.utc())
    assert token.id in secret


def test_one_wrong_letter_is_a_wrong_token(database, clock):
    tokens = Tokens(database, clock)
    _, secret = tokens.create("phone", Role.VIEW, 1.0)
    for place in range(len(secret)):
        other = "A" if secret[place] != "A" else "B"
        assert tokens.identify(secret[:place] + other + secret[place + 1 :]) is None
    assert tokens.identify(secret + "A") is None
    assert tokens.identify(secret[:-1]) is None


def test_tokens_of_two_people_are_not_exchanged(database, clock):
    tokens = Tokens(database, clock)
    (one, first), (_, second) = (tokens.create(name, Role.VIEW, 1.0) for name in ("a", "b"))
    mixed = f"labctl_{one.id}_{second.split('_', 2)[2]}"
    assert tokens.identify(mixed) is None
    assert tokens.identify(first).name == "a"


@pytest.mark.parametrize("days", [0.0, -1.0, LONGEST_DAYS + 1, float("nan"), float("inf")])
def test_a_token_never_lives_for_ever(database, clock, days):
    with pytest.raises(UsageError):
        Tokens(database, clock).create("x", Role.VIEW, days)


def test_a_forgotten_store_of_tokens_does_not_grow_for_ever(database, clock, monkeypatch):
    monkeypatch.setattr("labctl.service.api.tokens.MOST_TOKENS", 3)
    tokens = Tokens(database, clock)
    for number in range(3):
        tokens.create(f"{number}", Role.VIEW, 1.0)
    with pytest.raises(UsageError, match="there are 3 tokens"):
        tokens.create("more", Role.VIEW, 1.0)
    clock.sleep(2 * 86_400.0)
    tokens.create("more", Role.VIEW, 1.0)
    assert [one.name for one in tokens.list()] == ["more"]


def test_roles_are_ordered():
    assert [role for role in Role if Role.OPERATE.covers(role)] == [
        Role.VIEW, Role.QUEUE, Role.OPERATE,
    ]  # fmt: skip
