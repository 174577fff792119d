"""Learn from past runs how far predicted durations are off, and by how much they scatter.

x = ln(actual / predicted) of one procedure is taken as normal with unknown mean and variance,
with the conjugate prior (Gelman et al., Bayesian Data Analysis, 3rd ed., section 3.3): the mean
as if `PRIOR_RUNS` runs had been right, the variance as if `PRIOR_FREEDOM` had scattered by
`PRIOR_SIGMA`. The predictive distribution is Student's t; its 90 % interval is what counts here,
so that variances are given as those of the normal distribution with the same interval.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from labctl.service.queue.database import StationDatabase

PRIOR_RUNS = 2.0
PRIOR_FREEDOM = 4.0
PRIOR_SIGMA = 0.2
"""Of the logarithm: runs of the simulated table lie within 10 %, moves of a real one vary more."""
LEARNT_FROM = 50
"""Latest runs of a procedure that count; a table changes."""
TWO_SIDED_90 = 1.645

_FINISHED = """
SELECT actual_s / predicted_s FROM runs AS one WHERE procedure = ? AND state = 'finished'
AND predicted_s > 0 AND actual_s > 0
AND (run = '' OR NOT EXISTS (
    SELECT 1 FROM runs AS other WHERE other.item = one.item AND other.run = one.run
    AND other.attempt <> one.attempt))
ORDER BY number DESC LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Spread:
    """Hold what is known of ln(actual / predicted) of one procedure.

    `mean` has the variance `mean_variance`; single runs scatter around it by `variance`.
    `runs` is how many were learnt from.
    """

    mean: float
    mean_variance: float
    variance: float
    runs: int


@dataclass(frozen=True, slots=True)
class Spreads:
    """Hold the spread by procedure; an unknown procedure has that of the prior."""

    known: Mapping[str, Spread] = field(default_factory=dict)

    def of(self, procedure: str) -> Spread:
        """Return the spread of a procedure."""
        return self.known.get(procedure) or learn(())


def learn(ratios: Sequence[float]) -> Spread:
    """Return the spread after runs with these ratios of actual to predicted duration (all > 0)."""
    from scipy.special import stdtrit

    logs = [math.log(ratio) for ratio in ratios]
    count = len(logs)
    mean = sum(logs) / count if count else 0.0
    weight = PRIOR_RUNS + count
    freedom = PRIOR_FREEDOM + count
    squares = PRIOR_FREEDOM * PRIOR_SIGMA**2 + sum((log - mean) ** 2 for log in logs)
    squares += PRIOR_RUNS * count / weight * mean**2
    widening = float(stdtrit(freedom, 0.95)) / TWO_SIDED_90
    variance = squares / freedom * widening**2
    return Spread(count * mean / weight, variance / weight, variance, count)


def learn_spreads(database: StationDatabase) -> Spreads:
    """Return what the finished runs of a station tell; resumed ones do not count."""
    with database.reading() as db:
        names = [row[0] for row in db.execute("SELECT DISTINCT procedure FROM runs")]
        known = {
            name: learn([row[0] for row in db.execute(_FINISHED, (name, LEARNT_FROM))])
            for name in names
        }
    return Spreads(known)


@dataclass
class Forecast:
    """Add up predicted durations with their uncertainty.

    Runs scatter independently, but all runs of one procedure share the error of its mean.
    """

    spreads: Spreads
    total_s: float = 0.0
    _by_procedure_s: dict[str, float] = field(default_factory=dict)
    _scatter_s2: float = 0.0

    def expect(self, procedure: str, predicted_s: float) -> float:
        """Return the expected duration of one run, in s."""
        return predicted_s * math.exp(self.spreads.of(procedure).mean)

    def add(self, procedure: str, predicted_s: float) -> None:
        """Add one run after the others."""
        expected_s = self.expect(procedure, predicted_s)
        self.total_s += expected_s
        self._by_procedure_s[procedure] = self._by_procedure_s.get(procedure, 0.0) + expected_s
        self._scatter_s2 += expected_s**2 * self.spreads.of(procedure).variance

    def interval_s(self) -> tuple[float, float]:
        """Return the 90 % interval of the sum, in s, as for a log-normal distribution."""
        if self.total_s <= 0:
            return 0.0, 0.0
        shared_s2 = sum(
            expected_s**2 * self.spreads.of(name).mean_variance
            for name, expected_s in self._by_procedure_s.items()
        )
        relative2 = (shared_s2 + self._scatter_s2) / self.total_s**2
        factor = math.exp(TWO_SIDED_90 * math.sqrt(math.log1p(relative2)))
        return self.total_s / factor, self.total_s * factor
