"""Run `labctl` commands, each in a process of its own that has its imports done already.

A fork server holds the libraries, so that a command takes as long as its work and not a second
more: the tour of wrong inputs is sixty commands.
"""

import multiprocessing
import os
import resource
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

PRELOADED = [
    "labctl.cli.main",
    "labctl.cli.watch",
    "labctl.service.archive",
    "labctl.service.preflight",
    "labctl.service.session",
    "pint",
    "procedures.power_series",
    "pymeasure.instruments",
]
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(PRELOADED)


@dataclass(frozen=True)
class Done:
    """Hold what a command left behind."""

    returncode: int | None
    stdout: str
    stderr: str


def labctl(command: str, cwd: Path, limit_kb: int | None = None) -> Done:
    """Run a command line; no file of the process may grow beyond `limit_kb`."""
    streams = cwd / ".stdout", cwd / ".stderr"
    arguments = (shlex.split(command), str(cwd), [str(path) for path in streams], limit_kb)
    process = _forks.Process(target=_main, args=arguments)
    process.start()
    process.join(120)
    assert process.exitcode is not None, f"labctl {command} does not end"
    stdout, stderr = (path.read_text(encoding="utf-8") for path in streams)
    return Done(process.exitcode, stdout, stderr)


def _main(arguments: list[str], cwd: str, streams: list[str], limit_kb: int | None) -> None:
    os.chdir(cwd)
    for descriptor, path in zip((1, 2), streams, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), descriptor)
    if limit_kb is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kb * 1024, resource.RLIM_INFINITY))
    sys.argv = ["labctl", *arguments]
    from labctl.cli.main import main

    main()
