"""Define the bodies of the API that concern tokens and the audit."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from labctl.service.api.identity import Role

TokenId = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]


def printable(text: str) -> str:
    """Return a text as it is; raises `ValueError` unless all of it is printable."""
    if not text.isprintable():
        raise ValueError("use printable characters only")
    return text


Words = Annotated[str, Field(max_length=100), AfterValidator(printable)]


class Strict(BaseModel):
    """Refuse unknown keys and numbers that are not finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NewToken(Strict):
    """Ask for a token."""

    name: Annotated[str, Field(min_length=1, max_length=60), AfterValidator(printable)]
    role: Role = Role.VIEW
    days: float = Field(default=30.0, gt=0, le=400)


class TokenLine(Strict):
    """Describe a token."""

    id: TokenId
    name: str
    role: Role
    created_utc: str
    expires_utc: str
    revoked_utc: str
    valid: bool


class MadeToken(TokenLine):
    """Hold a new token; `secret` is shown this once."""

    secret: str


class TokenList(Strict):
    """Hold the tokens, the newest first."""

    tokens: list[TokenLine]


class AuditEntry(Strict):
    """Hold one command that was given."""

    number: int
    utc: str
    who: str
    role: str
    command: str
    arguments_sha256: str
    result: str
    previous: str
    sha256: str


class AuditPage(Strict):
    """Hold audit entries, the newest first; `head` is the hash of the very newest."""

    entries: list[AuditEntry]
    head: str


class AuditProof(Strict):
    """Say that the chain of the audit is whole."""

    entries: int
    head: str
