"""Declare what each address of the API needs, and refuse whoever has less."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from labctl.service.api.guard import IDENTITY
from labctl.service.api.identity import Identity, Role
from labctl.service.api.problems import Refusal

BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="Token of `labctl tokens add`; not needed at the local socket.",
)


@dataclass(frozen=True, slots=True)
class Needs:
    """Say which role an address needs, and whether its caller must be at the table.

    An instance is a dependency of FastAPI that returns the `Identity`.
    """

    role: Role
    is_present: bool = False

    async def __call__(self, request: Request, _: Annotated[object, Security(BEARER)]) -> Identity:
        """Return who asks; raises `Refusal` (403) if that is not enough.

        It waits for no thread: the way to the safe state leads through here.
        """
        identity: Identity = getattr(request.state, IDENTITY)
        if not identity.role.covers(self.role):
            raise Refusal(
                403,
                f"this needs the role {self.role}, and {identity.who} has {identity.role}",
                f"'labctl tokens add NAME --role {self.role}' makes a token for it",
            )
        if self.is_present and not identity.is_present:
            raise Refusal(
                403,
                "this can open a shutter, raise power or override a protection: a token never may",
                "do it at the table, with the account that serves the station",
            )
        return identity


Viewer = Annotated[Identity, Depends(Needs(Role.VIEW))]
Editor = Annotated[Identity, Depends(Needs(Role.QUEUE))]
Operator = Annotated[Identity, Depends(Needs(Role.OPERATE))]
Present = Annotated[Identity, Depends(Needs(Role.OPERATE, is_present=True))]
Admin = Annotated[Identity, Depends(Needs(Role.ADMIN))]
PresentAdmin = Annotated[Identity, Depends(Needs(Role.ADMIN, is_present=True))]
