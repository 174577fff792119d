"""Start the service of a table as a process of its own, and end it when somebody asks."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from labctl.client.finding import INFO
from labctl.core.errors import ConnectionFailed, LabctlError

LOG = "gui-started.log"


def start_service(
    data: Path | None, station: Path | None = None, speed: float | None = None
) -> "subprocess.Popen[bytes]":
    """Start `labctl serve`; it goes on when this process ends.

    What it says is written to `station/logs` below the data folder.
    """
    command = [sys.executable, "-m", "labctl.cli.main", "serve"]
    command += ["--station", str(station)] if station else []
    command += ["--data", str(data)] if data else []
    command += ["--speed", str(speed)] if speed else []
    log = (data or Path("data")) / INFO.parent / "logs" / LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        return subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            # neither Ctrl-C nor the end of this terminal reaches it
            start_new_session=True,
        )


def why_ended(data: Path | None) -> str:
    """Return the last lines of what a service said that did not come up."""
    log = (data or Path("data")) / INFO.parent / "logs" / LOG
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "it left no message"
    return "\n".join(lines[-6:])


def end_service(data: Path) -> None:
    """Ask the service of a data folder to end after its point, with everything closed.

    Raises
    ------
    ConnectionFailed
        If none runs there.
    LabctlError
        If it belongs to somebody else.
    """
    path = data / INFO
    try:
        os.kill(int(json.loads(path.read_text(encoding="utf-8"))["pid"]), signal.SIGTERM)
    except PermissionError as error:
        raise LabctlError(
            f"the service of {data} belongs to another account",
            remedy="ask that person to end it",
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConnectionFailed(f"no service runs with the data folder {data}") from error
