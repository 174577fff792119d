"""Decide who may come in: by connection, token, host name and origin."""

import asyncio
import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from labctl.service.api.identity import Identity, Peer, Role
from labctl.service.api.problems import Refusal
from labctl.service.api.tokens import Tokens

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
UNIX_NAMES = LOOPBACK_NAMES | {"labctl"}

_HELP = "'labctl tokens add' makes a token; send it as 'Authorization: Bearer …'"


@dataclass(frozen=True, slots=True)
class Gate:
    """Identify clients.

    Parameters
    ----------
    tokens
        Tokens of the station.
    local_token
        Secret of this start of the service, which only its own account can read; valid at the
        loopback listener only.
    remote_names
        Host names by which remote clients may call the service.
    """

    tokens: Tokens
    local_token: str
    remote_names: frozenset[str] = field(default_factory=frozenset)

    def check_host(self, peer: Peer, headers: Mapping[str, Sequence[str]]) -> str:
        """Return the host that was asked for; refuse one that is not ours (DNS rebinding)."""
        given = headers.get("host", ())
        host = given[0].lower() if len(given) == 1 else ""
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        known = {"unix": UNIX_NAMES, "loopback": LOOPBACK_NAMES, "remote": self.remote_names}
        if name not in known[peer.listener]:
            raise Refusal(403, f"host {host[:100]!r} is not a name of this service")
        return host

    def check_origin(self, scheme: str, host: str, headers: Mapping[str, Sequence[str]]) -> None:
        """Refuse what another web page sends from somebody's browser."""
        for origin in headers.get("origin", ()):
            if origin.lower() != f"{scheme}://{host}":
                raise Refusal(403, f"origin {origin[:100]!r} is not this service")
        for site in headers.get("sec-fetch-site", ()):
            if site not in ("same-origin", "none"):
                raise Refusal(403, f"requests from another site ({site[:40]!r}) are refused")

    async def identify(self, peer: Peer, headers: Mapping[str, Sequence[str]]) -> Identity:
        """Return who asks; raises `Refusal` (401) if nobody knows."""
        given = headers.get("authorization", ())
        if not given:
            return self._by_account(peer)
        scheme, _, text = given[0].partition(" ")
        if len(given) > 1 or scheme.lower() != "bearer":
            raise Refusal(401, "one header 'Authorization: Bearer …' is needed", _HELP)
        if self._is_local(peer, text):
            return Identity("local token", "this machine", Role.ADMIN, is_present=True)
        # the database may be busy: nobody else has to wait for it
        identity = await asyncio.to_thread(self.tokens.identify, text)
        if identity is None:
            raise Refusal(401, "this token is unknown, revoked or expired", _HELP)
        return identity

    def _by_account(self, peer: Peer) -> Identity:
        if peer.listener != "unix" or peer.uid is None:
            raise Refusal(401, "a token is needed", _HELP)
        if peer.uid not in (0, os.getuid()):
            raise Refusal(403, f"the account {peer.uid} is not the one that serves this station")
        name = _account(peer.uid)
        return Identity(f"uid {peer.uid}, pid {peer.pid}", name, Role.ADMIN, is_present=True)

    def _is_local(self, peer: Peer, text: str) -> bool:
        is_right = hmac.compare_digest(text.encode(), self.local_token.encode())
        return is_right and peer.listener == "loopback" and _is_loopback(peer.address)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _account(uid: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return f"account {uid}"
