"""Run the window in a process of its own, command it, and read what it tells."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).parent


class WindowProcess:
    """Hold one window; a context manager that kills it at the end."""

    def __init__(self, data: Path, state: Path) -> None:
        env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "LABCTL_STATE": str(state)}
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "gui_process.py"), str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )
        self.events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._errors: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        self._listener = threading.Thread(target=self._hear, daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def await_event(self, kind: str, timeout_s: float = 50.0) -> dict[str, Any]:
        """Return the next event of a kind."""
        while True:
            try:
                event = self.events.get(timeout=timeout_s)
            except queue.Empty:
                raise AssertionError(f"no {kind}: {self.errors()}") from None
            if event["event"] == kind:
                return event

    def do(self, command: str) -> None:
        """Give a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """Kill it without a warning."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def wait(self) -> int:
        """Return the exit code once it has ended."""
        return self.process.wait(30)

    def errors(self) -> str:
        """Return what it wrote to standard error."""
        return "".join(self._errors)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.put(json.loads(line))

    def _hear(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            self._errors.extend(stream)
