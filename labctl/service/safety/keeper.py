"""Keep a safety process alive: a parent that does nothing but start it again at once.

The parent has everything imported already, so that a killed guard is followed by the next within
milliseconds, whose first act is to close everything. Where processes cannot be forked there is
no parent, and the service manager has to start it again.
"""

import contextlib
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from types import FrameType

from labctl.service.safety.clients import listen
from labctl.service.safety.config import ConfigProblem, SafetyConfig, read_config
from labctl.service.safety.process import SafetyProcess
from labctl.service.safety.timing import monotonic_s

EXIT_CONFIG = 3
_MOST_STARTS = 20
_WITHIN_S = 10.0
_ENDING = (signal.SIGTERM, signal.SIGINT)


def main(arguments: list[str]) -> int:
    """Run with the path of a configuration; returns the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m labctl.service.safety CONFIG.json\n")
        return 2
    try:
        config = read_config(Path(arguments[0]))
        server = listen(config.address)
    except (ConfigProblem, OSError) as error:
        sys.stderr.write(f"labctl-safety: {error}\n")
        return EXIT_CONFIG
    if not hasattr(os, "fork"):
        return _guard(config, server, 0)
    return _keep(config, server)


def _guard(config: SafetyConfig, server: socket.socket, parent: int) -> int:
    try:
        process = SafetyProcess(config, server, parent)
        for number in _ENDING:
            signal.signal(number, process.handle_signal)
        _hold_signals(False)
        process.run()
    # the next guard closes everything; what went wrong is for the service manager's log
    except Exception:  # noqa: BLE001
        traceback.print_exc()
        return 1
    return 0


def _keep(config: SafetyConfig, server: socket.socket) -> int:
    keeper = os.getpid()
    child = 0
    is_ending = False

    def pass_on(number: int, _frame: FrameType | None) -> None:
        nonlocal is_ending
        is_ending = True
        if child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, number)

    for number in _ENDING:
        signal.signal(number, pass_on)
    starts: list[float] = []
    while not is_ending:
        now_s = monotonic_s()
        starts = [*(at for at in starts if now_s - at < _WITHIN_S), now_s]
        if len(starts) > _MOST_STARTS:
            sys.stderr.write("labctl-safety: the guard ends again and again\n")
            return 1
        # a signal before the child can handle it would be lost
        _hold_signals(True)
        child = os.fork()
        if not child:
            os._exit(_guard(config, server, keeper))
        _hold_signals(False)
        _, status = os.waitpid(child, 0)
        child = 0
        if os.waitstatus_to_exitcode(status) == 0:
            return 0
    return 0


def _hold_signals(held: bool) -> None:
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK if held else signal.SIG_UNBLOCK, _ENDING)
