"""Administer a service: who may use it, and who did what."""

from collections.abc import Mapping, Sequence
from typing import Any

from labctl.client.connection import Connection


class Administration:
    """Ask a service for tokens and its audit."""

    _connection: Connection

    def me(self) -> Mapping[str, Any]:
        """Return who this client is to the service: name, role, is_present."""
        found: Mapping[str, Any] = self._connection.get("/me")
        return found

    def tokens(self) -> Sequence[Mapping[str, Any]]:
        """Return the tokens, without their secrets."""
        found: Sequence[Mapping[str, Any]] = self._connection.get("/tokens")["tokens"]
        return found

    def add_token(self, name: str, role: str, days: float) -> Mapping[str, Any]:
        """Make a token; its `secret` is shown this once."""
        body = {"name": name, "role": role, "days": days}
        found: Mapping[str, Any] = self._connection.post("/tokens/add", body)
        return found

    def revoke_token(self, token: str) -> Mapping[str, Any]:
        """End a token at once."""
        found: Mapping[str, Any] = self._connection.post(f"/tokens/{token}/revoke")
        return found

    def audit(self, most: int = 100) -> Mapping[str, Any]:
        """Return who gave which command, the newest first, with the hash of the chain's head."""
        found: Mapping[str, Any] = self._connection.get("/audit", most=most)
        return found

    def prove_audit(self) -> Mapping[str, Any]:
        """Check every entry of the audit; raises `StorageError` at the first altered one."""
        found: Mapping[str, Any] = self._connection.get("/audit/proof")
        return found
