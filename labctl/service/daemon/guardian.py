"""Hold the lease of the safety process for a worker, if the station has one."""

import contextlib
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from labctl.core.channels import Station
from labctl.core.clock import ScaledClock
from labctl.core.errors import LabctlError
from labctl.core.link import Backend
from labctl.core.messages import Message
from labctl.engine import Event, MessageStarted
from labctl.service.guarded import SCHEME, GuardAddress, SafetyClient
from labctl.service.heartbeat import Heartbeat


class Guardian:
    """Hold the lease while a worker has the table; without `fields` do nothing.

    Parameters
    ----------
    fields
        `address` and `token` of the safety process, as the service gives them.
    job
        What the lease is for, in a word.

    Raises
    ------
    ConnectionFailed, SafetyError
        If the safety process is gone, latched, or does not find the table safe.
    """

    def __init__(self, fields: Mapping[str, str] | None, job: str) -> None:
        self.backends: Mapping[str, Backend] = {}
        self._client: SafetyClient | None = None
        self._heartbeat: Heartbeat | None = None
        self._open = contextlib.ExitStack()
        if fields:
            self._client = SafetyClient(GuardAddress(fields["address"], fields["token"]))
            self._open.callback(self._client.close)
            try:
                backend = self._client.acquire(f"{job} in process {os.getpid()}")
            except BaseException:
                self._open.close()
                raise
            self.backends = {SCHEME: backend}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def watch(self, station: Station) -> None:
        """Beat from now on for what goes on at the table."""
        if self._client is not None:
            clock = station.clock
            speed = clock.speed if isinstance(clock, ScaledClock) else 1.0
            self._heartbeat = Heartbeat(self._client, station, speed=speed)
            self._open.enter_context(self._heartbeat)

    def observe(self, event: Event) -> None:
        """Tell the safety process of an event of the engine.

        If it is gone or refuses, nothing can be opened, and the run ends with that error.
        """
        if self._heartbeat is not None:
            with contextlib.suppress(LabctlError):
                self._heartbeat(event)

    def begin(self, message: Message) -> None:
        """Begin a step by hand; raises `ConnectionFailed`."""
        if self._heartbeat is not None:
            self._heartbeat(MessageStarted(0, message))

    def rest(self) -> None:
        """End a step by hand: nothing may be opened until the next."""
        if self._heartbeat is not None:
            with contextlib.suppress(LabctlError):
                self._heartbeat.rest()

    def release(self) -> list[str]:
        """Give the lease back; returns what the safety process cannot confirm to be closed."""
        if self._client is None:
            return []
        if self._heartbeat is not None:
            self.rest()
        try:
            report: Mapping[str, Any] = self._client.release()
        # the lease was over before: the safety process has closed everything, and says so itself
        except LabctlError:
            return []
        problems: Mapping[str, str] = report.get("problems", {})
        return [f"{name}: {problem}" for name, problem in problems.items()]
