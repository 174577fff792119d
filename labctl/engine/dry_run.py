"""Walk through a plan without touching hardware: moves, limits, durations."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from labctl.core.channels import Settable, Station
from labctl.core.errors import LabctlError
from labctl.core.messages import Acquire, Message, Record, Set, Sleep, Wait
from labctl.core.parameters import ParameterModel
from labctl.core.procedure import Procedure
from labctl.core.readings import Scalar
from labctl.engine.checks import checked
from labctl.engine.dummies import Dummies
from labctl.engine.table import find_acquirer, find_channel, find_settable, find_settleable

MAX_MESSAGES = 1_000_000
"""An adaptive plan may never be content with dummy answers: the walk ends here."""


@dataclass(frozen=True, slots=True)
class Move:
    """Hold one planned move, before point `number`. `start` is None if it is not known."""

    number: int
    channel: str
    start: Scalar | None
    value: Scalar
    duration_s: float


@dataclass(frozen=True, slots=True)
class DryRun:
    """Hold what a plan would do.

    `durations_s` are by kind of message; `point_s[n]` is the predicted time in s at which point
    n is recorded. `dose_j` is, by beam, the last set power times the time it was open. When
    `complete` is false, the walk ended early for `ended_by`, and all numbers are lower bounds.
    """

    points: int
    moves: Sequence[Move]
    violations: Sequence[str]
    durations_s: Mapping[str, float]
    point_s: Sequence[float]
    dose_j: Mapping[str, float]
    complete: bool
    ended_by: str = ""
    refused: Sequence[Message | None] = ()
    """The message behind each of `violations`; None where the plan itself gave up."""

    @property
    def total_s(self) -> float:
        """Return the predicted duration in s."""
        return sum(self.durations_s.values())


def dry_run(procedure: Procedure, parameters: ParameterModel, station: Station) -> DryRun:
    """Run a plan against dummy answers.

    Every `Set` and `Acquire` is checked against the station's limits, and all violations are
    collected. An adaptive plan sees spectra without signal, so that its number of points and
    its path are only an example; if it fails on them, `ended_by` says how.
    """
    return _Walk(station).through(procedure, parameters)


@dataclass
class _Walk:
    station: Station
    moves: list[Move] = field(default_factory=list)
    violations: dict[str, Message | None] = field(default_factory=dict)
    durations_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    point_s: list[float] = field(default_factory=list)
    dose_j: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.dummies = Dummies.of(self.station)
        self.before: dict[str, Scalar | None] = {}

    def through(self, procedure: Procedure, parameters: ParameterModel) -> DryRun:
        ended_by = ""
        try:
            ended_by = self._converse(procedure, parameters)
        except LabctlError as error:
            ended_by = error.message
            self.violations[error.message] = None
        # dummy answers may break any plan that computes with them
        except Exception as error:  # noqa: BLE001
            ended_by = f"the plan failed on dummy answers: {type(error).__name__}: {error}"
        return DryRun(
            len(self.point_s),
            self.moves,
            tuple(self.violations),
            dict(self.durations_s),
            self.point_s,
            dict(self.dose_j),
            not ended_by,
            ended_by,
            tuple(self.violations.values()),
        )

    def _converse(self, procedure: Procedure, parameters: ParameterModel) -> str:
        plan = procedure.plan(parameters)
        try:
            message = next(plan, None)
            for _ in range(MAX_MESSAGES):
                if message is None:
                    return ""
                message = plan.send(self._step(checked(message, len(self.point_s))))
        except StopIteration:
            return ""
        finally:
            plan.close()
        return f"more than {MAX_MESSAGES} messages: the plan may not end on dummy answers"

    def _step(self, message: Message) -> object:
        number = len(self.point_s)
        try:
            duration_s = self._examine(message)
        except LabctlError as error:
            self.violations[f"point {number}: {error.message}"] = message
            duration_s = 0.0
        self.durations_s[type(message).__name__] += duration_s
        self.now_s += duration_s
        self.dummies.clock.sleep(duration_s)
        if isinstance(message, Record):
            self.point_s.append(self.now_s)
            return number
        return self.dummies.answer(message)

    def _examine(self, message: Message) -> float:
        match message:
            case Set():
                return self._examine_set(message, find_settable(self.station, message.channel))
            case Wait(channel=name):
                settings = self.dummies.settings
                channel = find_settleable(self.station, name)
                return channel.settling_s(self.before.get(name), settings.get(name))
            case Acquire():
                return self._examine_acquire(message)
            case Sleep(duration_s=duration_s):
                return duration_s
            case Record():
                return 0.0
        if hasattr(message, "channel"):
            find_channel(self.station, message.channel)
        return 0.0

    def _examine_set(self, message: Set, channel: Settable) -> float:
        start = self.dummies.settings.get(message.channel)
        channel.check(message.value)
        duration_s = channel.duration_s(start, message.value)
        number = len(self.point_s)
        self.moves.append(Move(number, message.channel, start, message.value, duration_s))
        self.before[message.channel] = start
        return duration_s

    def _examine_acquire(self, request: Acquire) -> float:
        acquirer = find_acquirer(self.station, request.device)
        acquirer.check(request)
        for beam in request.beams:
            power_w = self.dummies.settings.get(f"{beam}.power", 0.0)
            if isinstance(power_w, (int, float)):
                self.dose_j[beam] += power_w * request.exposure_s * request.accumulations
        return acquirer.duration_s(request)
