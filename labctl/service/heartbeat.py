"""Tell the safety process that a run makes progress, and how long its present step may take."""

import contextlib
import os
import sys
import threading
from dataclasses import dataclass

from labctl.core.channels import Station
from labctl.core.clock import ScaledClock
from labctl.core.errors import LabctlError
from labctl.core.journal import RunState
from labctl.core.messages import Acquire, Message, Set, Sleep, Wait
from labctl.engine.events import (
    Event,
    MessageStarted,
    PointCommitted,
    RunEnded,
    StateChanged,
)
from labctl.service.guarded import SafetyClient

BEAT_S = 0.05


@dataclass(frozen=True, slots=True)
class Margins:
    """Turn estimates into deadlines.

    A step may take `factor` times its estimate and `slack_s` more; until the next step begins
    the plan may also compute. A `Wait` may take `settling_s` and an `Acquire` `cooling_s` more,
    because cryostat and camera have deadlines of their own: nothing is open meanwhile. A shutter
    may be open for `factor` times the exposures and `open_slack_s` more.
    """

    factor: float = 2.0
    slack_s: float = 120.0
    settling_s: float = 4 * 3600.0
    cooling_s: float = 3600.0
    open_slack_s: float = 10.0


class Heartbeat:
    """Observe a run and beat for it; a context manager that starts and ends the thread.

    The thread repeats the step that the run loop was last seen in, so it cannot hide that the
    loop hangs: the deadline of a step is fixed when the step begins. Between runs and during
    pauses the lease is at rest.

    Parameters
    ----------
    speed
        How much faster the station's clock runs than that of the machine.
    """

    def __init__(
        self,
        client: SafetyClient,
        station: Station,
        margins: Margins | None = None,
        speed: float | None = None,
    ) -> None:
        self._client = client
        self._station = station
        self._margins = margins or Margins()
        clock = station.clock
        of_clock = clock.speed if isinstance(clock, ScaledClock) else 1.0
        self._speed = of_clock if speed is None else speed
        self._lock = threading.Lock()
        self._step = 0
        self._points = 0
        self._allowed = (0.0, 0.0)
        self._is_awake = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)
        self.lost = ""
        """Why beats no longer reach the safety process; empty while they do."""

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def __call__(self, event: Event) -> None:
        """Take note of an event of the engine; an `Observer`.

        Raises
        ------
        ConnectionFailed, SafetyError
            If the safety process is gone or refuses; the engine then drops this observer, and
            without it nothing can be opened.
        """
        match event:
            case MessageStarted(message=message):
                self.begin_step(*self._limits(message))
            case PointCommitted():
                self._points += 1
            case StateChanged(state=RunState.PAUSED) | RunEnded():
                self.rest()

    def begin_step(self, deadline_s: float, open_s: float) -> None:
        """Begin a step that may take `deadline_s`, with shutters open for at most `open_s`.

        Both are in seconds of the machine.
        """
        with self._lock:
            self._step += 1
            self._allowed = (deadline_s, open_s)
            self._is_awake = True
            self._beat()

    def rest(self) -> None:
        """Let nothing be opened until the next step."""
        with self._lock:
            self._is_awake = False
            self._client.rest()

    def _limits(self, message: Message) -> tuple[float, float]:
        margins = self._margins
        estimate_s = 0.0
        with contextlib.suppress(LabctlError, KeyError, AttributeError):
            estimate_s = self._estimate_s(message)
        allowed_s, open_s = margins.factor * estimate_s, 0.0
        if isinstance(message, Wait):
            allowed_s += margins.settling_s
        elif isinstance(message, Acquire):
            allowed_s += margins.cooling_s
            open_s = margins.factor * estimate_s / self._speed + margins.open_slack_s
        return allowed_s / self._speed + margins.slack_s, open_s

    def _estimate_s(self, message: Message) -> float:
        """Return how long a message takes by the station's own estimate, in its seconds."""
        channels = self._station.channels
        match message:
            case Acquire(device=device):
                return self._station.acquirers[device].duration_s(message)
            case Set(channel=name, value=value):
                return float(channels[name].duration_s(None, value))  # type: ignore[attr-defined]
            case Wait(channel=name):
                return float(channels[name].settling_s(None, None))  # type: ignore[attr-defined]
            case Sleep(duration_s=duration_s):
                return duration_s
        return 0.0

    def _beat_on(self) -> None:
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                # without the right to it a busy machine may be taken for a hang
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -10)
        while not self._ended.wait(BEAT_S):
            with self._lock:
                if not self._is_awake or self.lost:
                    continue
                try:
                    self._beat()
                except LabctlError as error:
                    self.lost = error.message

    def _beat(self) -> None:
        deadline_s, open_s = self._allowed
        self._client.beat(self._step, self._points, deadline_s, open_s)
