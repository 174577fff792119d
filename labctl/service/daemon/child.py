"""Start and end processes of labctl's own, spoken to in lines of JSON."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from labctl.core.errors import BadReply, ConfigError
from labctl.service.daemon.wire import encode, messages

LARGEST_LOG = 2_000_000

OnMessage = Callable[["Child", dict[str, Any]], None]
OnEnd = Callable[["Child", int], None]


class Child:
    """Hold one process. It reads commands from its standard input and ends at the end of it.

    Parameters
    ----------
    name
        What messages and its log call it.
    arguments
        What follows `python -m`.
    log
        Where its standard error goes.
    on_message, on_end
        Called in a thread of this child's own: for every message, and once when it has ended
        (with its exit code, negative for a signal), after the last message.
    keep
        Descriptors that it inherits.
    """

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        log: Path,
        *,
        on_message: OnMessage,
        on_end: OnEnd,
        keep: Sequence[int] = (),
    ) -> None:
        self.name = name
        self._on_message = on_message
        self._on_end = on_end
        self._lock = threading.Lock()
        with contextlib.suppress(OSError):
            if log.stat().st_size > LARGEST_LOG:
                log.replace(log.with_suffix(".old"))
        with log.open("ab") as errors:
            try:
                self._process = subprocess.Popen(  # noqa: S603
                    [sys.executable, "-m", *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    # Ctrl-C in a terminal is for the service alone
                    start_new_session=True,
                    pass_fds=tuple(keep) if os.name == "posix" else (),
                )
            except OSError as error:
                raise ConfigError(
                    f"{name}: the process cannot be started: {error}",
                    remedy="check memory and the limit of processes",
                ) from error
        self._thread = threading.Thread(target=self._listen, name=f"listen {name}", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.poll() is None

    def send(self, do: str, **fields: Any) -> bool:
        """Send a command; False if the process has gone."""
        return self.send_line(encode({"do": do, **fields}))

    def send_line(self, line: bytes) -> bool:
        """Send a line; False if the process has gone."""
        stream = self._process.stdin
        with self._lock:
            if stream is None or stream.closed:
                return False
            try:
                stream.write(line)
                stream.flush()
            except (OSError, ValueError):
                return False
        return True

    def interrupt(self) -> None:
        """Ask it to stop at once: what SIGTERM means to it."""
        with contextlib.suppress(OSError):
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it without asking."""
        with contextlib.suppress(OSError):
            self._process.kill()

    def close_input(self) -> None:
        """Let it end by itself; it sees the end of its input."""
        with self._lock, contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def join(self, timeout_s: float) -> bool:
        """Return True once it has ended and all of its messages were handled."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _listen(self) -> None:
        stream = self._process.stdout
        if stream is not None:
            try:
                for message in messages(stream):
                    self._on_message(self, message)
            except (BadReply, OSError) as error:
                # whoever writes something else is not the program that was started
                self._on_message(self, {"event": "garbled", "reason": str(error)})
                self.kill()
            finally:
                stream.close()
        code = self._process.wait()
        self.close_input()
        self._on_end(self, code)
