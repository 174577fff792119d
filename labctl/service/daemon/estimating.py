"""Walk through a procedure at a table that is open, also while a run uses it."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from labctl.core.clock import RealClock
from labctl.core.errors import LabctlError, UsageError
from labctl.service.daemon.tell import error_fields
from labctl.service.daemon.wire import Outbox
from labctl.service.session import Session

OPENING_S = 15.0
"""So long an estimate waits for a table that is being opened."""
_ONE_AT_A_TIME = threading.Lock()


def estimate_fields(session: Session, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return points, duration, dose and violations; no instrument is asked anything."""
    run = session.dry_run(str(message["procedure"]), message["values"])
    return {
        "points": run.points if run.complete else None,
        "total_s": run.total_s if run.complete else None,
        "dose_j": dict(run.dose_j),
        "violations": list(run.violations),
    }


def estimate_beside(
    opened: Callable[[], Session | None], message: Mapping[str, Any], out: Outbox
) -> None:
    """Send an estimate from a thread of its own, so that the run goes on.

    `opened` returns the table, or None while it is being opened.
    """
    threading.Thread(
        target=_answer, args=(opened, message, out), name="estimate", daemon=True
    ).start()


def _answer(opened: Callable[[], Session | None], message: Mapping[str, Any], out: Outbox) -> None:
    try:
        session = _await(opened)
        if session is None:
            raise UsageError("the table is being opened", remedy="try again in a few seconds")
        # the run comes first: several walks side by side would slow it down
        with _ONE_AT_A_TIME:
            found = estimate_fields(session, message)
    except LabctlError as error:
        out.send("answer", id=message.get("id"), error=error_fields(error))
    except (KeyError, TypeError, ValueError) as error:
        wrong = UsageError(f"the command 'estimate' is incomplete: {error}")
        out.send("answer", id=message.get("id"), error=error_fields(wrong))
    else:
        out.send("answer", id=message.get("id"), result=found)


def _await(opened: Callable[[], Session | None]) -> Session | None:
    wall = RealClock()
    end_s = wall.monotonic_s() + OPENING_S
    while (session := opened()) is None and wall.monotonic_s() < end_s:
        wall.sleep(0.1)
    return session
