"""Offer the table on the command line.

Data goes to standard output, progress and messages to standard error. Exit codes: 0 ok,
1 failure, 2 usage, 3 configuration, 4 instrument, 5 interlock or safety, 6 aborted by a person,
7 partial data, 130 interrupted before anything ran.
"""

import os
import sys
from typing import NoReturn

import typer

from labctl.cli import demo, doctor, procedures, run, runs, sim
from labctl.core.errors import LabctlError, StorageError

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
app.add_typer(procedures.app, name="procedures")
app.command("doctor")(doctor.doctor)
app.add_typer(sim.app, name="sim")


def main() -> NoReturn:
    """Run the command line; every expected failure is one message and its exit code."""
    try:
        app()
    except LabctlError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted", 130)
    except BrokenPipeError:
        # the reader of our output has gone; keep Python from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        failure = StorageError(
            f"{error.strerror or error}: {error.filename or 'no file named'}",
            remedy="check that the disk has room and that you may write there",
        )
        _fail(str(failure), failure.exit_code)
    except Exception as error:
        if os.environ.get("LABCTL_DEBUG"):
            raise
        _fail(
            f"unexpected {type(error).__name__}: {error}\n"
            "  Remedy: set LABCTL_DEBUG=1 to see where, and report it with that output",
            1,
        )
    sys.exit(0)


def _fail(message: str, code: int) -> NoReturn:
    print(f"labctl: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
