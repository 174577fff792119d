"""Hold what can be chosen when a station is served. Times are s of the machine's clock."""

from dataclasses import dataclass

DEFAULT_SPEED = 10.0


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """Choose how a station is served.

    Parameters
    ----------
    speed
        Speed of a simulated table's clock; None follows the station file, 10 if its clock is
        virtual. A real table always has the clock of the machine.
    monitor
        Whether the table is opened while nothing runs, so that its values are known.
    poll_s
        How long one value may stay unread then.
    idle_s
        How long nothing must run before the table is opened for that.
    beat_s
        A worker that has sent nothing for so long is taken for dead, and killed.
    stop_s
        How long a point may take to end when the service is asked to.
    safe_s
        How long a process may take to confirm the safe state before it is killed.
    orphan_s
        How long a worker that lost its service may take to end its point.
    suspend_s
        A gap of so long in the service's own time (suspend, stop) means: safe state, pause.
    spare
        Whether the process of the next run is started ahead of time.
    safety
        Whether a safety process guards shutters and lasers, where the station allows it.
    """

    speed: float | None = None
    monitor: bool = True
    poll_s: float = 2.0
    idle_s: float = 1.0
    beat_s: float = 15.0
    stop_s: float = 60.0
    safe_s: float = 10.0
    orphan_s: float = 300.0
    suspend_s: float = 10.0
    spare: bool = True
    safety: bool = True
