"""Carry out commands by hand, while no run owns the table, and keep its values known."""

import contextlib
import queue
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from labctl.core.clock import RealClock, ScaledClock
from labctl.core.errors import LabctlError, NoReply, RunAborted, SafetyError, UsageError
from labctl.core.messages import Acquire
from labctl.core.spectra import Exposure
from labctl.engine.interlocks import InterlockWatch
from labctl.engine.table import find_acquirer, find_channel, find_settable
from labctl.service.daemon.estimating import estimate_fields
from labctl.service.daemon.film import MOST, Film
from labctl.service.daemon.jobs import TableJob
from labctl.service.daemon.live import exposure_message
from labctl.service.daemon.steering import SteeredControl
from labctl.service.daemon.tap import Watchable, reading_fields
from labctl.service.daemon.tell import error_fields
from labctl.service.daemon.wire import Outbox
from labctl.service.session import Session
from labctl.station.station import OpticalTable

MOST_COMMANDS = 100
LOOK_S = 0.1
"""How long other channels are read between two films of a live view, in s of the machine."""


class _EndOfFilm(Exception):
    """Ask the camera to stop."""


class ByHandJob(TableJob):
    """Answer `read`, `set`, `acquire`, `live`, `still`, `snapshot`, `estimate`; read the rest."""

    def __init__(self, message: Mapping[str, Any], out: Outbox) -> None:
        super().__init__(message, out)
        self._commands: queue.Queue[Mapping[str, Any]] = queue.Queue(MOST_COMMANDS)
        self._poll_s = float(message.get("poll_s", 2.0))
        self._live: Acquire | None = None
        self._pace_s, self._most = 0.0, MOST
        self._speed = self.clock.speed if isinstance(self.clock, ScaledClock) else 1.0
        self._next = 0
        self._is_closing = False

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take a command; it is answered in its turn."""
        if message.get("do") == "safe":
            self._live = None
            # what was asked for before must not open anything afterwards
            self._refuse_waiting()
            super().hear(message)
            return
        try:
            self._commands.put_nowait(message)
        except queue.Full:
            error = UsageError("too many commands wait for the table", remedy="try again")
            self.out.send("answer", id=message.get("id"), error=error_fields(error))

    def prepare(self, station: OpticalTable) -> None:
        """Show what a camera sees while it cools down; its counts are marked uncertain."""
        station.is_patient = False

    def lose(self) -> None:
        """Leave the table: nobody is there to command it."""
        super().lose()
        self._commands.put({"do": "close"})

    def do(self, session: Session) -> None:
        """Answer until somebody says `close`."""
        while not self._is_closing and not self.is_lost:
            if self.control.aborting:
                self._steer_anew()
            channels = list(session.station.channels)
            pause_s = 0.0 if self._live is not None else self._poll_s / max(len(channels), 1)
            try:
                message = (
                    self._commands.get(timeout=pause_s)
                    if pause_s
                    else (self._commands.get_nowait())
                )
            except queue.Empty:
                self._attend(session, channels)
                continue
            self._answer(session, message)

    def _attend(self, session: Session, channels: list[str]) -> None:
        """Show the live view, or read the channel whose turn it is."""
        live = self._live
        try:
            if live is not None:
                self._watch(session, live)
                # whoever ended the view meanwhile left the shutters to this exposure
                if self._live is None:
                    self._end_live()
                else:
                    self._look_round(session, channels)
            elif channels:
                self._read_next(session, channels)
        except RunAborted:
            self._end_live()
        except LabctlError as error:
            self._end_live()
            self.out.send("trouble", error=error_fields(error))

    def _look_round(self, session: Session, channels: list[str]) -> None:
        """Read the channels that are due between two films, as long as no command waits."""
        clock = RealClock()
        end_s = clock.monotonic_s() + LOOK_S
        for _ in channels:
            if clock.monotonic_s() >= end_s or self._live is None or not self._commands.empty():
                return
            self._read_next(session, channels)

    def _read_next(self, session: Session, channels: list[str]) -> None:
        self._next = (self._next + 1) % len(channels)
        session.station.channels[channels[self._next]].read()

    def _answer(self, session: Session, message: Mapping[str, Any]) -> None:
        number = message.get("id")
        try:
            result, payload = self._carry_out(session, message), b""
            if isinstance(result, tuple):
                result, payload = result
        except LabctlError as error:
            self.out.send("answer", id=number, error=error_fields(error))
        except (KeyError, TypeError, ValueError) as error:
            wrong = UsageError(f"the command {message.get('do')!r} is incomplete: {error}")
            self.out.send("answer", id=number, error=error_fields(wrong))
        else:
            self.out.send("answer", id=number, result=result, payload=payload)

    def _carry_out(self, session: Session, message: Mapping[str, Any]) -> Any:
        do = str(message.get("do"))
        if do == "close":
            self._is_closing = True
            self._end_live()
            return {}
        actions: Mapping[str, Callable[[Session, Mapping[str, Any]], Any]] = {
            "read": self._read,
            "set": self._set,
            "acquire": self._acquire,
            "live": self._start_live,
            "still": self._stop_live,
            "snapshot": self._snapshot,
            "estimate": self._estimate,
        }
        if do not in actions:
            raise UsageError(f"unknown command {do!r}")
        return actions[do](session, message)

    def _read(self, session: Session, message: Mapping[str, Any]) -> Any:
        return reading_fields(find_channel(session.station, str(message["channel"])).read())

    def _set(self, session: Session, message: Mapping[str, Any]) -> Any:
        channel = find_settable(session.station, str(message["channel"]))
        value = message["value"]
        if not isinstance(value, (float, int, str, bool)):
            raise UsageError(f"{channel.name}: {value!r} is no value")
        channel.check(value)
        try:
            return reading_fields(channel.set(value))
        finally:
            self.guardian.rest()

    def _acquire(self, session: Session, message: Mapping[str, Any]) -> Any:
        try:
            exposure = self._expose(session, _request(message))
            return None if exposure is None else exposure_message(exposure, "", None, False)
        finally:
            self.guardian.rest()

    def _start_live(self, session: Session, message: Mapping[str, Any]) -> Any:
        request = _request(message)
        find_acquirer(session.station, request.device).check(request)
        self._live = request
        self._pace_s, self._most = 0.0, MOST
        self.out.send("live", on=True, beams=list(request.beams))
        return {}

    def _stop_live(self, session: Session, message: Mapping[str, Any]) -> Any:  # noqa: ARG002
        self._end_live()
        return {}

    def _snapshot(self, session: Session, message: Mapping[str, Any]) -> Any:  # noqa: ARG002
        return {name: reading_fields(one) for name, one in session.station.snapshot().items()}

    def _estimate(self, session: Session, message: Mapping[str, Any]) -> Any:
        return estimate_fields(session, message)

    def _end_live(self) -> None:
        """Let nothing be opened from now on; between the exposures of a live view it may."""
        self._live = None
        self.guardian.rest()
        self.out.send("live", on=False)

    def _refuse_waiting(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                message = self._commands.get_nowait()
                error = RunAborted(f"{message.get('do')}: the table was made safe before")
                self.out.send("answer", id=message.get("id"), error=error_fields(error))

    def _watch(self, session: Session, live: Acquire) -> None:
        """Expose for a while, until somebody commands something else."""
        acquirer = find_acquirer(session.station, live.device)
        film, clock = Film(acquirer.duration_s(live), self._speed), RealClock()
        many = min(film.length(self._pace_s), self._most)
        shown_s: list[float] = []

        def show(_: Exposure) -> None:
            shown_s.append(clock.monotonic_s())
            if self._live is None or not self._commands.empty() or self.is_lost:
                raise _EndOfFilm

        try:
            self._expose(session, replace(live, accumulations=many), show)
        except _EndOfFilm:
            return
        except NoReply:
            if many == 1:
                raise
            # a table that falls behind its clock may keep up with less at a time
            self._most = many // 2
        if len(shown_s) > 1:
            self._pace_s = (shown_s[-1] - shown_s[0]) / (len(shown_s) - 1)

    def _expose(
        self, session: Session, request: Acquire, show: Callable[[Exposure], None] | None = None
    ) -> Exposure | None:
        acquirer = find_acquirer(session.station, request.device)
        acquirer.check(request)
        violated = InterlockWatch(session.station).violated() if request.beams else None
        if violated is not None:
            raise SafetyError(violated[1], remedy=violated[0].remedy)
        self.control.check()
        self.control.interruptible = True
        try:
            if show is not None and isinstance(acquirer, Watchable):
                acquirer.watch(request, show)
                return None
            return acquirer.acquire(request)
        finally:
            self.control.interruptible = False

    def _steer_anew(self) -> None:
        """Go on after a `safe`: the next command is not aborted by it."""
        self.control = SteeredControl()
        self.control.install()


def _request(message: Mapping[str, Any]) -> Acquire:
    mode = message.get("mode", "spectrum")
    return Acquire(
        device=str(message["device"]),
        exposure_s=float(message["exposure_s"]),
        accumulations=int(message.get("accumulations", 1)),
        beams=tuple(str(beam) for beam in message.get("beams", ())),
        mode="image" if mode == "image" else "spectrum",
    )
