"""Define the tables of the station database."""

FORMAT = 1
"""Version of the tables; kept in `user_version`."""

TABLES = """
CREATE TABLE items(
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, position INTEGER NOT NULL,
    kind TEXT NOT NULL, state TEXT NOT NULL, claimable INTEGER NOT NULL,
    ready_s REAL, deadline_s REAL, after_id TEXT, only_if TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX items_in_order ON items(position, number);
CREATE INDEX items_claimable ON items(position, number) WHERE claimable = 1;
CREATE INDEX items_by_state ON items(state);
CREATE INDEX items_after ON items(after_id) WHERE after_id IS NOT NULL;
CREATE TABLE edits(
    number INTEGER PRIMARY KEY, utc TEXT NOT NULL, command TEXT NOT NULL,
    images TEXT NOT NULL);
CREATE TABLE runs(
    number INTEGER PRIMARY KEY, item TEXT NOT NULL, attempt INTEGER NOT NULL,
    procedure TEXT NOT NULL, run TEXT NOT NULL DEFAULT '', state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '', predicted_s REAL, actual_s REAL,
    started_utc TEXT NOT NULL, ended_utc TEXT NOT NULL DEFAULT '', UNIQUE(item, attempt));
CREATE INDEX runs_by_procedure ON runs(procedure, state);
CREATE TABLE audit(
    number INTEGER PRIMARY KEY, utc TEXT NOT NULL, who TEXT NOT NULL, role TEXT NOT NULL,
    command TEXT NOT NULL, arguments_sha256 TEXT NOT NULL, result TEXT NOT NULL,
    previous TEXT NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE tokens(
    id TEXT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL UNIQUE, role TEXT NOT NULL,
    created_utc TEXT NOT NULL, expires_utc TEXT NOT NULL, revoked_utc TEXT NOT NULL DEFAULT '');
CREATE TABLE ledger(
    number INTEGER PRIMARY KEY, spot TEXT NOT NULL, kind TEXT NOT NULL, beam TEXT NOT NULL,
    value REAL NOT NULL, sigma REAL, unit TEXT NOT NULL, run TEXT NOT NULL,
    point INTEGER NOT NULL, utc TEXT NOT NULL, UNIQUE(run, spot, kind, beam, point));
CREATE INDEX ledger_by_spot ON ledger(spot, kind, beam);
CREATE TABLE settings(name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
