"""Suspend a run while measuring makes no sense, and bring it back by rule."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from labctl.core.journal import RunState
from labctl.core.spectra import Frame, Spectrum
from labctl.engine import Event, RunStarted, StateChanged
from labctl.service.night.attended import attended, doubted
from labctl.service.night.restoration import Restoration, Tell
from labctl.service.night.rules import Rule
from labctl.service.night.sentinel import Verdict
from labctl.service.night.settings import NightSettings
from labctl.service.night.steadiness import unsteady_reason
from labctl.service.session import Session
from labctl.store.reader import RunReader


class Suspension:
    """Watch the conditions of a table while runs are on.

    While one does not hold, the engine has the run paused, with the reason in its record, and the
    table in its safe state. The first exposure after a gap carries its length and cause; if the
    reference has changed across it, every later exposure of the run is uncertain.
    """

    def __init__(
        self, session: Session, settings: NightSettings, tell: Tell, restoration: Restoration
    ) -> None:
        self._session = session
        self._period_s = settings.conditions.period_s
        self._blind_s = settings.conditions.blind_s
        self._tell = tell
        self._restoration = restoration
        self._doing = restoration.doing
        self._seen: dict[str, tuple[float, int, str]] = {}
        self._tripped: tuple[Rule, str] | None = None
        self._is_paused = False
        self._run = ""
        self._gap: dict[str, float | str] = {}
        self._doubts: dict[str, str] = {}

    @contextlib.contextmanager
    def attending(self) -> Iterator[None]:
        """Watch a run for the length of a block; its events must go to `observe`."""
        self._doing.reset()
        self._tripped, self._is_paused = None, False
        self._seen.clear()
        station, rules = self._session.station, self._restoration.rules
        with attended(station, rules, self._look, self._blind_s, self._marked):
            yield
        self._gap = {}

    def observe(self, event: Event) -> None:
        """Take an event of the engine into account."""
        self._doing.observe(event)
        if isinstance(event, RunStarted):
            self._run = event.run
        elif isinstance(event, StateChanged):
            self._is_paused = event.state is RunState.PAUSED
            if event.state is RunState.FINISHED:
                self._doing.settle()
                self._restoration.note_rest()

    def prepare_resume(self, folder: Path, gap_s: float, why: str) -> None:
        """Bring the table to where a run had it, and compare its reference, before it goes on.

        Raises
        ------
        SafetyError, AnalysisError
            As `Restoration.restore`.
        """
        self._doing.reset()
        with RunReader(folder) as reader:
            for _, exchange in reader.replies():
                self._doing.follow(exchange.message)
        self._doing.settle()
        verdict = self._restoration.restore(folder, why)
        self._note_gap(folder.name, gap_s, why, verdict)
        self._tell(
            "sentinel", f"the reference {verdict.words}", run=folder.name,
            gap_s=gap_s, sentinel=verdict.as_json(),
        )  # fmt: skip

    def _look(self, rule: Rule, found: str) -> str:
        if self._tripped is not None and self._is_paused:
            (cause, why), self._tripped = self._tripped, None
            self._regain(cause, why)
        now_s = self._session.station.clock.monotonic_s()
        seen_s, exposures, why = self._seen.get(rule.name, (-1e9, -1, ""))
        # an exposure that has ended was good only if the conditions still hold after it
        is_fresh = now_s - seen_s < self._period_s and exposures == self._doing.exposures
        if found or why or not is_fresh:
            why = found or rule.why_not()
            self._seen[rule.name] = (now_s, self._doing.exposures, why)
        if why:
            self._tripped = (rule, why)
        else:
            self._restoration.note_rest()
        return why

    def _regain(self, rule: Rule, found: str) -> None:
        clock = self._session.station.clock
        begin_s = clock.monotonic_s()
        why = f"{rule.name}: {found}"
        self._tell("suspended", why, run=self._run, rule=rule.name)
        verdict = self._restoration.restore(self._session.runs.find(self._run), why)
        gap_s = clock.monotonic_s() - begin_s
        self._note_gap(self._run, gap_s, why, verdict)
        self._seen.clear()
        self._tell(
            "resumed", f"after {gap_s:.0f} s; the reference {verdict.words}", run=self._run,
            rule=rule.name, gap_s=gap_s, sentinel=verdict.as_json(),
        )  # fmt: skip

    def _note_gap(self, run: str, gap_s: float, why: str, verdict: Verdict) -> None:
        self._gap = {"gap_s": round(gap_s, 1), "gap_cause": why}
        if verdict.differs:
            self._doubts[run] = f"across a gap ({why}) the reference changed: {verdict.words}"

    def _marked(self, exposure: Spectrum | Frame) -> Spectrum | Frame:
        if not exposure.beams:
            return exposure
        if self._gap:
            exposure = replace(exposure, settings={**exposure.settings, **self._gap})
            self._gap = {}
        if isinstance(exposure, Spectrum):
            exposure = doubted(exposure, unsteady_reason(exposure))
        return doubted(exposure, self._doubts.get(self._run, ""))
