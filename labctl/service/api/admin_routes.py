"""Offer tokens and the audit."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from labctl.core.clock import Clock
from labctl.core.errors import UsageError
from labctl.service.api import admin_schemas as a
from labctl.service.api.access import Admin, PresentAdmin
from labctl.service.api.audit import Audit
from labctl.service.api.problems import Missing
from labctl.service.api.tokens import Token, Tokens


def admin_router(tokens: Tokens, audit: Audit, clock: Clock) -> APIRouter:
    """Return the addresses below `/tokens` and `/audit`."""
    router = APIRouter(tags=["admin"])
    _add_tokens(router, tokens, clock)
    _add_audit(router, audit)
    return router


def _add_tokens(router: APIRouter, tokens: Tokens, clock: Clock) -> None:
    def line(token: Token) -> a.TokenLine:
        return a.TokenLine(**asdict(token), valid=token.is_valid(clock.utc()))

    @router.get("/tokens")
    def list_tokens(_: Admin) -> a.TokenList:
        """List tokens; their secrets are not known."""
        return a.TokenList(tokens=[line(one) for one in tokens.list()])

    @router.post("/tokens/add")
    def add_token(body: a.NewToken, _: PresentAdmin) -> a.MadeToken:
        """Make a token; only at the table."""
        token, secret = tokens.create(body.name, body.role, body.days)
        return a.MadeToken(**line(token).model_dump(), secret=secret)

    @router.post("/tokens/{token}/revoke")
    def revoke_token(token: a.TokenId, _: Admin) -> a.TokenLine:
        """End a token at once."""
        try:
            return line(tokens.revoke(token))
        except UsageError as error:
            raise Missing(error.message, remedy=error.remedy) from error


def _add_audit(router: APIRouter, audit: Audit) -> None:
    @router.get("/audit")
    def list_audit(
        _: Admin,
        before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
        most: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> a.AuditPage:
        """List who gave which command, the newest first."""
        entries = [a.AuditEntry(**asdict(one)) for one in audit.entries(before, most)]
        return a.AuditPage(entries=entries, head=audit.head)

    @router.get("/audit/proof")
    def prove_audit(_: Admin) -> a.AuditProof:
        """Check every entry of the audit."""
        return a.AuditProof(entries=audit.verify(), head=audit.head)
