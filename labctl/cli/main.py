"""Offer the table on the command line.

Data goes to standard output, progress and messages to standard error. Exit codes: 0 ok,
1 failure, 2 usage, 3 configuration, 4 instrument, 5 interlock or safety, 6 aborted by a person,
7 partial data, 130 interrupted before anything ran.
"""

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn

import typer

from labctl.cli import (
    control,
    demo,
    doctor,
    gui,
    night,
    procedures,
    queue,
    run,
    runs,
    serve,
    sim,
    watch_live,
)
from labctl.cli.output import say
from labctl.core.errors import LabctlError

app = typer.Typer(
    name="labctl",
    help="Measure Raman and photoluminescence temperatures on an optical table.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("run")(run.run)
app.command("resume")(run.resume)
app.add_typer(runs.app, name="runs")
app.add_typer(queue.app, name="queue")
queue.app.command("run")(night.queue_run)
app.add_typer(procedures.app, name="procedures")
app.command("status")(control.status)
app.command("watch")(watch_live.watch)
app.command("pause")(control.pause)
app.command("continue")(control.continue_)
app.command("stop")(control.stop)
app.command("abort")(control.abort)
app.command("safe")(control.safe)
app.command("acknowledge")(control.acknowledge)
app.command("report")(night.report)
app.command("audit")(control.audit)
app.command("notify-test")(control.notify_test)
app.add_typer(control.tokens, name="tokens")
app.command("doctor")(doctor.doctor)
app.command("serve")(serve.serve)
app.command("gui")(gui.gui)
app.add_typer(sim.app, name="sim")


def main() -> NoReturn:
    """Run the command line; every expected failure is one message and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # a terminal without Greek letters gets question marks, not a traceback
            stream.reconfigure(errors="replace")
    # procedures and drivers of one's own may lie in the working folder; they never hide ours
    sys.path.append(os.getcwd())  # noqa: PTH109
    sys.exit(_run())


def _run() -> int:
    try:
        code = app(standalone_mode=False)
    except LabctlError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except SystemExit as ended:
        # the parser's way out when nobody reads its help
        if isinstance(ended.__context__, BrokenPipeError):
            return 0
        raise
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return _fail(
            f"{error.strerror or error}{where}\n"
            "  Remedy: check that the disk has room and that you may write there",
            1,
        )
    # the parser's errors have no common public class
    except Exception as error:
        if hasattr(error, "format_message"):
            return _refuse(error)
        if os.environ.get("LABCTL_DEBUG"):
            raise
        return _fail(
            f"unexpected {type(error).__name__}: {error}\n"
            "  Remedy: set LABCTL_DEBUG=1 to see where, and report it with that output",
            1,
        )
    if code == 130:
        say("labctl: interrupted")
    return code if isinstance(code, int) else 0


def _refuse(error: Exception) -> int:
    """Say what is wrong with a command line, in the form of all other messages."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "labctl"
    message = str(error.format_message())  # type: ignore[attr-defined]
    if "\n" in message:
        # a command group without a command: its help
        say(message)
        return 2
    from labctl.core.wording import in_plain_words

    return _fail(f"{in_plain_words(message)}\n  Remedy: '{command} --help' shows how", 2)


def _fail(message: str, code: int) -> int:
    with suppress(OSError):
        say(f"labctl: {message}")
    return code


if __name__ == "__main__":
    main()
