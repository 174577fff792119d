"""Keep tokens of remote clients: 256 random bits, stored as a hash, with role and expiry."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from labctl.core.clock import Clock
from labctl.core.errors import UsageError
from labctl.service.api.identity import Identity, Role
from labctl.service.queue.database import StationDatabase

LONGEST_DAYS = 400.0
MOST_TOKENS = 1000

_FORM = re.compile(r"labctl_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_COLUMNS = "id, name, role, created_utc, expires_utc, revoked_utc"


@dataclass(frozen=True, slots=True)
class Token:
    """Hold all that is known of a token; its secret is not."""

    id: str
    name: str
    role: Role
    created_utc: str
    expires_utc: str
    revoked_utc: str = ""

    def is_valid(self, now_utc: datetime) -> bool:
        """Tell whether it is neither revoked nor expired."""
        return not self.revoked_utc and now_utc < datetime.fromisoformat(self.expires_utc)


class Tokens:
    """Know the tokens of a station.

    Parameters
    ----------
    database
        The station database.
    clock
        The clock of the machine (expiry does not follow a simulated table).
    """

    def __init__(self, database: StationDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, name: str, role: Role, days: float) -> tuple[Token, str]:
        """Return a new token and its secret text, which is shown this once.

        Raises
        ------
        UsageError
            If it would live for no time or for more than `LONGEST_DAYS`, or there are too many.
        """
        if not 0 < days <= LONGEST_DAYS:
            raise UsageError(f"a token lives for up to {LONGEST_DAYS:g} days, not {days:g}")
        now_utc = self._clock.utc()
        secret, token_id = secrets.token_urlsafe(32), secrets.token_hex(6)
        expires_utc = (now_utc + timedelta(days=days)).isoformat()
        token = Token(token_id, name, role, now_utc.isoformat(), expires_utc)
        with self._database.transaction() as db:
            (count,) = db.execute("SELECT count(*) FROM tokens").fetchone()
            if count >= MOST_TOKENS:
                self._forget_dead(now_utc)
                (count,) = db.execute("SELECT count(*) FROM tokens").fetchone()
            if count >= MOST_TOKENS:
                raise UsageError(f"there are {count} tokens", remedy="revoke those not in use")
            db.execute(
                "INSERT INTO tokens(id, name, digest, role, created_utc, expires_utc)"
                " VALUES (?,?,?,?,?,?)",
                (token_id, name, _digest(secret), role.value, token.created_utc, expires_utc),
            )
        return token, f"labctl_{token_id}_{secret}"

    def identify(self, text: str) -> Identity | None:
        """Return whose token a text is, or None if it is unknown, revoked or expired."""
        match = _FORM.fullmatch(text)
        if match is None:
            return None
        with self._database.reading() as db:
            row = db.execute(
                f"SELECT {_COLUMNS}, digest FROM tokens WHERE id=?",  # noqa: S608
                (match[1],),
            ).fetchone()
        # the comparison takes as long for an unknown token as for a known one
        known = row[-1] if row else _digest("")
        is_right = hmac.compare_digest(_digest(match[2]), known)
        if row is None or not is_right:
            return None
        token = _token(row[:-1])
        if not token.is_valid(self._clock.utc()):
            return None
        return Identity(f"token {token.id}", token.name, token.role, is_present=False)

    def list(self) -> Sequence[Token]:
        """Return all tokens, the newest first."""
        with self._database.reading() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM tokens ORDER BY created_utc DESC, id"  # noqa: S608
            ).fetchall()
        return [_token(row) for row in rows]

    def revoke(self, token_id: str) -> Token:
        """End a token at once; raises `UsageError` if there is none."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE tokens SET revoked_utc=? WHERE id=? AND revoked_utc=''",
                (self._clock.utc().isoformat(), token_id),
            )
            row = db.execute(
                f"SELECT {_COLUMNS} FROM tokens WHERE id=?",  # noqa: S608
                (token_id,),
            ).fetchone()
        if row is None:
            raise UsageError(f"no token {token_id!r}", remedy="'labctl tokens list' shows them")
        return _token(row)

    def _forget_dead(self, now_utc: datetime) -> None:
        dead = [(one.id,) for one in self.list() if not one.is_valid(now_utc)]
        with self._database.transaction() as db:
            db.executemany("DELETE FROM tokens WHERE id=?", dead)


def _digest(secret: str) -> str:
    # 256 random bits need no salt and no slow hash
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: Sequence[str]) -> Token:
    token_id, name, role, created_utc, expires_utc, revoked_utc = row
    return Token(token_id, name, Role(role), created_utc, expires_utc, revoked_utc)
