"""Answer what clients ask for."""

from collections.abc import Callable
from typing import Any

from labctl.service.safety.clients import Client, is_token
from labctl.service.safety.config import SafetyConfig
from labctl.service.safety.journal import Journal
from labctl.service.safety.protocol import Refused, Request, number_of, text_of, whole_of
from labctl.service.safety.table import GuardedTable

_MOST_MISTAKES = 20


class Desk:
    """Carry out requests. A refusal is an answer; nothing that a client sends raises."""

    def __init__(self, table: GuardedTable, config: SafetyConfig, journal: Journal) -> None:
        self._table = table
        self._tokens = config.tokens
        self._journal = journal
        self._requests: dict[str, Callable[[Client, Request, float], None]] = {
            "status": self._status,
            "follow": self._follow,
            "safe": self._safe,
            "acquire": self._acquire,
            "beat": self._beat,
            "rest": self._rest,
            "release": self._release,
            "open": self._open,
            "write": self._write,
            "reset": self._reset,
            "revoke": self._revoke,
        }

    def answer(self, client: Client, request: Request | Refused, now_s: float) -> None:
        """Carry out a request, or say why not."""
        try:
            if isinstance(request, Refused):
                raise request
            operation = text_of(request, "op", "")
            if operation not in self._requests:
                raise Refused(f"no operation {operation[:40]!r}")
            self._requests[operation](client, request, now_s)
        except Refused as refusal:
            client.refuse(str(refusal))
            client.mistakes += 1
            if client.mistakes > _MOST_MISTAKES:
                client.is_alive = False

    def gone(self, client: Client, now_s: float) -> None:
        """Act on the end of a connection: a holder that is gone has lost control."""
        if client.port:
            self._table.ports[client.port].detach(client)
            return
        lease = self._table.book.current
        if lease is not None and client.epoch == lease.epoch:
            self._table.trip("eof", f"{lease.who} is gone: its connection has ended", now_s)

    # -- for everybody

    def _status(self, client: Client, request: Request, now_s: float) -> None:
        self._require_known(client, request)
        client.send({"ok": True, **self._table.status(now_s)})

    def _follow(self, client: Client, request: Request, now_s: float) -> None:
        self._status(client, request, now_s)
        client.is_following = True

    def _safe(self, client: Client, request: Request, now_s: float) -> None:
        who = text_of(request, "who", "somebody")[:100]
        self._table.trip("safe", f"{who} asked for the safe state", now_s, _reply(client))

    # -- for the holder

    def _acquire(self, client: Client, request: Request, now_s: float) -> None:
        self._require(request, "holder")
        who = text_of(request, "who")[:100]
        wanted = None if request.get("epoch") is None else whole_of(request, "epoch")

        def done(report: dict[str, Any]) -> None:
            client.epoch = report.get("epoch", -1)
            _reply(client)(report)
            self._journal.note("lease", who=who, epoch=client.epoch, refused=report.get("refused"))
            if not client.is_alive:
                self.gone(client, now_s)

        self._table.acquire(who, wanted, now_s, done)

    def _beat(self, client: Client, request: Request, now_s: float) -> None:
        try:
            self._table.beat(
                self._epoch(client, request),
                now_s,
                step=whole_of(request, "step"),
                progress=number_of(request, "progress"),
                deadline_s=number_of(request, "deadline_s"),
                open_s=number_of(request, "open_s"),
            )
        except Refused as refusal:
            # beats are not answered: who beats without a right to hears nothing any more
            self._journal.note("beat refused", why=str(refusal))
            client.is_alive = False

    def _rest(self, client: Client, request: Request, now_s: float) -> None:
        self._table.rest(self._epoch(client, request), now_s, _reply(client))

    def _release(self, client: Client, request: Request, now_s: float) -> None:
        self._table.release(self._epoch(client, request), now_s, _reply(client))

    def _open(self, client: Client, request: Request, _now_s: float) -> None:
        self._require(request, "holder")
        if client.epoch >= 0:
            raise Refused("this connection has another purpose already")
        name = text_of(request, "port")
        client.epoch = whole_of(request, "epoch")
        try:
            self._table.attach(name, client)
        except Refused:
            client.epoch = -1
            raise
        client.port = name
        client.accept()

    def _write(self, client: Client, request: Request, now_s: float) -> None:
        if not client.port:
            raise Refused("open a port first")
        try:
            data = text_of(request, "data").encode("latin-1")
        except UnicodeEncodeError:
            raise Refused("'data' holds characters that are no bytes") from None
        self._table.ports[client.port].write(client, data, now_s)

    # -- for whoever stands at the table, or the policy he has set

    def _reset(self, client: Client, request: Request, now_s: float) -> None:
        self._require(request, "local")
        who = text_of(request, "who")[:100]
        as_policy = request.get("policy") is not False
        self._journal.note("reset", who=who, as_policy=as_policy)
        self._table.reset(who, as_policy, now_s, _reply(client))

    def _revoke(self, client: Client, request: Request, now_s: float) -> None:
        self._require(request, "local")
        who = text_of(request, "who")[:100]
        self._table.trip("revoked", f"{who} revoked the lease", now_s, _reply(client))

    def _require_known(self, client: Client, request: Request) -> None:
        """Ask for a token where the operating system does not say who calls."""
        if not client.is_local:
            self._require(request, "holder")

    def _require(self, request: Request, role: str) -> None:
        token = text_of(request, "token", "")
        roles = ("local",) if role == "local" else ("holder", "local")
        if not any(is_token(token, self._tokens[one]) for one in roles):
            self._journal.note("token refused", role=role, op=text_of(request, "op", ""))
            raise Refused(f"the token of the {role} role is needed")

    def _epoch(self, client: Client, request: Request) -> int:
        """Return the epoch of a request; only the connection that acquired it may use it."""
        epoch = whole_of(request, "epoch")
        if client.port or client.epoch != epoch:
            raise Refused(f"epoch {epoch} does not belong to this connection")
        return epoch


def _reply(client: Client) -> Callable[[dict[str, Any]], None]:
    def done(report: dict[str, Any]) -> None:
        client.send({"ok": "refused" not in report, **report})

    return done
