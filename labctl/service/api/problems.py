"""Tell a client what went wrong, in the same words and classes as everywhere else."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from labctl.core.errors import (
    ConfigError,
    InstrumentError,
    LabctlError,
    LimitError,
    SafetyError,
    StorageError,
    UsageError,
)
from labctl.core.wording import in_plain_words

_STATUS: Sequence[tuple[type[LabctlError], int]] = (
    (UsageError, 422),
    (LimitError, 422),
    (SafetyError, 409),
    (ConfigError, 409),
    (InstrumentError, 424),
    (StorageError, 507),
)
_SHOWN = 5


class Problem(BaseModel):
    """Say what went wrong: class of the error, what happened, what to do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    error: str = Field(description="Class of the error, such as UsageError or SafetyError")
    message: str
    remedy: str = ""
    exit_code: int = Field(default=1, description="Exit code of the command line for this error")


class Refusal(Exception):
    """Refuse a request before it reaches anything."""

    def __init__(self, status: int, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(error="UsageError", message=message, remedy=remedy, exit_code=2)


class Missing(UsageError):
    """Report an identity that is not known."""


def problem_of(error: LabctlError) -> tuple[int, Problem]:
    """Return HTTP status and body for an error."""
    if isinstance(error, Missing):
        return 404, _problem("UsageError", error)
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 409)
    return status, _problem(type(error).__name__, error)


def response_of(
    status: int, problem: Problem, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the response that tells a problem."""
    return JSONResponse(_encodable(problem.model_dump()), status, headers)


def install_handlers(app: FastAPI) -> None:
    """Let an app tell every failure as a `Problem`."""
    app.add_exception_handler(LabctlError, _refused)
    app.add_exception_handler(Refusal, _barred)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(TimeoutError, _late)


def defect(error: Exception) -> Problem:
    """Return what a client is told of a defect: its class only; the log has the rest."""
    return Problem(
        error="LabctlError",
        message=f"unexpected {type(error).__name__} in the service",
        remedy="its log says where; please report it",
    )


async def _refused(_: Request, error: Exception) -> JSONResponse:
    return response_of(*problem_of(cast("LabctlError", error)))


async def _barred(_: Request, error: Exception) -> JSONResponse:
    refusal = cast("Refusal", error)
    return response_of(refusal.status, refusal.problem)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    found = [_in_words(one) for one in cast("RequestValidationError", error).errors()]
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    problem = Problem(
        error="UsageError",
        message="; ".join(found[:_SHOWN]) + more,
        remedy="docs/openapi.json says what the API takes",
        exit_code=2,
    )
    return response_of(422, problem)


async def _no_route(request: Request, error: Exception) -> JSONResponse:
    found = cast("HTTPException", error)
    message = f"{request.method} {request.url.path[:200]}: {found.detail}"
    problem = Problem(error="UsageError", message=message, exit_code=2)
    return response_of(found.status_code, problem, found.headers)


async def _late(_: Request, __: Exception) -> JSONResponse:
    problem = Problem(
        error="LabctlError",
        message="the service did not accept the command in time",
        remedy="'labctl status' shows what it does; 'labctl safe' works in any case",
    )
    return response_of(504, problem)


def _problem(kind: str, error: LabctlError) -> Problem:
    return Problem(
        error=kind, message=error.message, remedy=error.remedy, exit_code=error.exit_code
    )


def _in_words(item: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0])
    return f"{where[:100]}: {in_plain_words(str(item['msg']))[:300]}"


def _encodable(value: dict[str, Any]) -> Any:
    """Replace half characters, which file names and messages of the system may hold."""
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return json.loads(text)
