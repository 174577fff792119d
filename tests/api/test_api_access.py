"""Nobody does more than the role and the place allow: every address, every kind of stranger."""

import re

import pytest

from labctl.service.api.app import PREFIX, build_app, needs_of
from labctl.service.api.identity import Role
from labctl.service.api.openapi import _NoTable, openapi

NEEDS = needs_of(build_app(_NoTable(), local_token="x"))
ROUTES = [(method, path, needs) for (method, path), needs in NEEDS.items()]


def over(routes):
    names = [f"{method} {path.removeprefix(PREFIX)}" for method, path, _ in routes]
    return pytest.mark.parametrize(("method", "path", "needs"), routes, ids=names)


EVERY = over(ROUTES)
COMMANDS = over([route for route in ROUTES if route[0] != "GET"])
PRESENT = over([route for route in ROUTES if route[2].is_present])
VALUES = {"item": "0123456789ab", "token": "0123456789ab", "run": "0001_x", "alarm": "1"}
BODIES = {
    "/queue/add": {"items": [{"procedure": "power_series"}]},
    "/queue/move": {"ids": ["0123456789ab"], "to": 0},
    "/queue/remove": {"ids": ["0123456789ab"]},
    "/table/set": {"channel": "probe.power", "value": 1e-6},
    "/table/estimate": {"procedure": "power_series"},
    "/table/acquire": {"exposure_s": 1.0},
    "/table/live": {"exposure_s": 1.0},
    "/control/run": {"item": {"procedure": "power_series"}},
    "/calibrations/accept": {"run": "0001_x"},
    "/calibrations/discard": {"run": "0001_x"},
    "/runs/{run}/notes": {"text": "bright"},
    "/tokens/add": {"name": "x"},
}


def address(path):
    return re.sub(r"\{(\w+)\}", lambda match: VALUES.get(match[1], "cryostat.temperature"), path)


def body_of(method, path):
    return BODIES.get(path.removeprefix(PREFIX), {}) if method != "GET" else None


def lesser(role):
    """Return the roles that do not cover one."""
    return [one for one in Role if not one.covers(role)]


@pytest.fixture(scope="module")
def tokens(patient):
    return {role: patient.make_token(role.value) for role in Role}


@pytest.fixture(scope="module")
def expired(patient):
    old = patient.make_token("admin", days=0.5)
    patient.clock.sleep(86_400.0)
    return old


@pytest.fixture(scope="module")
def revoked(patient):
    stolen = patient.make_token("admin")
    assert patient.post(f"/tokens/{stolen.split('_')[1]}/revoke").status == 200
    return stolen


def test_every_address_of_the_schema_says_what_it_needs():
    document = openapi()
    offered = {
        (method.upper(), path) for path, item in document["paths"].items() for method in item
    }
    assert offered == set(NEEDS)
    assert len(offered) > 35


@EVERY
def test_without_a_token_there_is_nothing(patient, method, path, needs):
    before = len(patient.table.calls)
    answer = patient(method, address(path), body_of(method, path), door="loopback")
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert len(patient.table.calls) == before


@EVERY
def test_a_lesser_role_is_refused(patient, tokens, method, path, needs):
    before = len(patient.table.calls)
    for role in lesser(needs.role):
        answer = patient(
            method, address(path), body_of(method, path), door="loopback", token=tokens[role]
        )
        assert answer.status == 403, (role, answer)
        assert needs.role.value in answer.json["message"]
    assert len(patient.table.calls) == before


@EVERY
def test_an_expired_token_is_refused(patient, expired, method, path, needs):
    answer = patient(method, address(path), body_of(method, path), door="loopback", token=expired)
    assert answer.status == 401


@EVERY
def test_a_revoked_token_is_refused_when_it_is_replayed(patient, revoked, method, path, needs):
    answer = patient(method, address(path), body_of(method, path), door="loopback", token=revoked)
    assert answer.status == 401


@COMMANDS
def test_a_replayed_command_is_answered_but_not_carried_out_again(
    patient, tokens, method, path, needs
):
    name = path.removeprefix(PREFIX).strip("/").replace("/", "-").strip("{}")
    key = {"Idempotency-Key": re.sub(r"\W", "-", f"replay-{name}")[:60]}
    options = {"headers": key}
    if not needs.is_present:
        options |= {"door": "loopback", "token": tokens[Role.ADMIN]}
    first = patient(method, address(path), body_of(method, path), **options)
    state = (len(patient.table.calls), patient.get("/queue").json["total"])
    tokens_before = len(patient.get("/tokens").json["tokens"])
    again = patient(method, address(path), body_of(method, path), **options)
    assert (again.status, again.body) == (first.status, first.body)
    assert (len(patient.table.calls), patient.get("/queue").json["total"]) == state
    assert len(patient.get("/tokens").json["tokens"]) == tokens_before


@PRESENT
def test_a_token_never_does_what_needs_somebody_at_the_table(patient, tokens, method, path, needs):
    before = list(patient.table.calls)
    answer = patient(
        method, address(path), body_of(method, path), door="loopback", token=tokens[Role.ADMIN]
    )
    assert answer.status == 403
    assert "at the table" in answer.json["remedy"]
    assert patient.table.calls == before


def test_what_opens_shutters_raises_power_or_resets_needs_somebody_at_the_table():
    present = {path.removeprefix(PREFIX) for _, path, needs in ROUTES if needs.is_present}
    assert present == {
        "/queue/undo",
        "/queue/items/{item}/approve",
        "/queue/items/{item}/duplicate",
        "/queue/items/{item}/edit",
        "/queue/items/{item}/requeue",
        "/control/start",
        "/control/continue",
        "/control/reset",
        "/control/run",
        "/calibrations/accept",
        "/calibrations/discard",
        "/table/attach",
        "/table/release",
        "/table/set",
        "/table/acquire",
        "/table/live",
        "/tokens/add",
    }


def test_what_a_token_adds_waits_for_somebody_at_the_table(patient, tokens):
    body = {"items": [{"procedure": "power_series"}]}
    options = {"door": "loopback", "token": tokens[Role.ADMIN]}
    (item,) = patient.post("/queue/add", body, **options).json["items"]
    assert item["state"] == "quarantined"
    assert "added from afar by a admin (token" in item["reason"]
    (item,) = patient.post("/queue/add", body).json["items"]
    assert item["state"] == "waiting"


def test_the_same_key_with_another_command_is_refused(patient):
    key = {"Idempotency-Key": "one-key-two-commands"}
    assert patient.post("/control/pause", {"when": "now"}, headers=key).status == 200
    assert patient.post("/control/pause", {}, headers=key).status == 409


def test_a_key_of_another_client_is_another_key(patient, tokens):
    key = {"Idempotency-Key": "shared-by-chance"}
    before = len(patient.table.calls)
    for role in (Role.OPERATE, Role.ADMIN):
        options = {"door": "loopback", "token": tokens[role], "headers": key}
        assert patient.post("/control/pause", {}, **options).status == 200
    assert len(patient.table.calls) == before + 2


@pytest.mark.parametrize("key", ["short", "x" * 65, "with space", "é" * 9])
def test_a_key_of_another_form_is_refused(patient, key):
    headers = {"Idempotency-Key": key.encode("latin-1")}
    assert patient.post("/control/pause", {}, headers=headers).status == 400


@pytest.mark.parametrize(
    "text", ["", "x", "Basic eDp4", "Bearer", "Bearer  ", "Bearer labctl_0123456789ab_" + "A" * 43]
)
def test_what_is_no_token_is_refused(patient, text):
    answer = patient.get("/status", door="loopback", headers={"Authorization": text})
    assert answer.status == 401


def test_a_token_in_the_address_is_no_token(patient, tokens):
    secret = tokens[Role.ADMIN]
    assert patient.get(f"/status?token={secret}", door="loopback").status == 401
    assert patient.get(f"/status?access_token={secret}", door="loopback").status == 401


def test_a_token_lessens_even_the_account_of_the_service(patient, tokens):
    assert patient.post("/control/start", token=tokens[Role.VIEW]).status == 403
    assert patient.get("/status", token="wrong").status == 401


def test_the_local_token_is_worth_nothing_at_the_other_door(patient):
    assert patient.get("/status", door="loopback", token=patient.server.token).status == 200
    assert patient.get("/status", door="unix", token=patient.server.token).status == 401


def test_a_token_is_stored_as_a_hash(patient, tokens):
    secret = tokens[Role.ADMIN].split("_", 2)[2]
    with patient.table.database.reading() as db:
        rows = db.execute("SELECT * FROM tokens").fetchall()
    assert len(rows) >= len(Role)
    assert secret not in repr(rows)
    assert secret.encode() not in patient.table.database.path.read_bytes()


def test_tokens_are_listed_without_their_secrets(patient, tokens):
    listed = patient.get("/tokens").json["tokens"]
    assert {one["role"] for one in listed} == {role.value for role in Role}
    assert all("secret" not in one for one in listed)
