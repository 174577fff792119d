"""Keep what each spot of the sample has seen: dose, thermal cycles, reference signals."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from labctl.service.night.settings import LedgerSettings
from labctl.service.queue.database import StationDatabase

SAMPLE = "sample"
"""The spot of what happens to the whole sample."""

_ADD = (
    "INSERT INTO ledger(spot, kind, beam, value, sigma, unit, run, point, utc) "
    "VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT(run, spot, kind, beam, point) DO UPDATE SET "
)


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one line: `kind` is `dose` (J), `temperature` (K) or `reference <window>`."""

    spot: str
    kind: str
    value: float
    unit: str
    run: str
    point: int
    utc: str
    beam: str = ""
    sigma: float | None = None


@dataclass(frozen=True, slots=True)
class SpotSummary:
    """Hold what a spot has seen: dose in J/cm² by beam, and its first and last reference."""

    spot: str
    dose_j_per_cm2: Mapping[str, float]
    references: Sequence[Entry]

    @property
    def total_j_per_cm2(self) -> float:
        """Return the dose of all beams together."""
        return sum(self.dose_j_per_cm2.values())


class Ledger:
    """Read and extend the ledger of a station. A spot is a place on the sample, to 1 µm."""

    def __init__(self, database: StationDatabase, settings: LedgerSettings) -> None:
        self._database = database
        self.settings = settings

    def add(self, entries: Iterable[Entry]) -> None:
        """Store entries in one transaction; doses of one point add up, other values replace."""
        with self._database.transaction() as db:
            for one in entries:
                row = (
                    one.spot, one.kind, one.beam, one.value, one.sigma, one.unit, one.run,
                    one.point, one.utc,
                )  # fmt: skip
                value = "value + excluded.value" if one.kind == "dose" else "excluded.value"
                db.execute(f"{_ADD} value = {value}, sigma = excluded.sigma", row)

    def entries(self, kind: str, spot: str | None = None) -> Sequence[Entry]:
        """Return the entries of a kind in order, of one spot or of all."""
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT spot, kind, value, unit, run, point, utc, beam, sigma FROM ledger "
                "WHERE kind = ? AND (? IS NULL OR spot = ?) ORDER BY number",
                (kind, spot, spot),
            ).fetchall()
        return [Entry(*row) for row in rows]

    def references(self, spot: str) -> Sequence[Entry]:
        """Return the reference signals of a spot in its first window, in order."""
        with self._database.reading() as db:
            row = db.execute(
                "SELECT kind FROM ledger WHERE spot = ? AND kind LIKE 'reference%' "
                "ORDER BY number LIMIT 1",
                (spot,),
            ).fetchone()
        return self.entries(str(row[0]), spot) if row else []

    def fluence(self, energy_j: float) -> float:
        """Return the mean dose in J/cm² within the spot radius, for an energy in J."""
        radius_cm = self.settings.spot_radius_um * 1e-4
        return energy_j / (math.pi * radius_cm**2)

    def dose_j(self, spot: str) -> dict[str, float]:
        """Return the energy in J that a spot has got from each beam."""
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT beam, sum(value) FROM ledger WHERE kind = 'dose' AND spot = ? "
                "GROUP BY beam ORDER BY beam",
                (spot,),
            ).fetchall()
        return {str(beam): float(energy_j) for beam, energy_j in rows}

    def spots(self) -> Sequence[SpotSummary]:
        """Return a summary of every spot, the one with most dose first."""
        with self._database.reading() as db:
            names = [
                str(row[0])
                for row in db.execute("SELECT DISTINCT spot FROM ledger WHERE kind = 'dose'")
            ]
        found = [
            SpotSummary(
                name,
                {beam: self.fluence(energy_j) for beam, energy_j in self.dose_j(name).items()},
                self.references(name),
            )
            for name in names
        ]
        return sorted(found, key=lambda one: -one.total_j_per_cm2)

    def thermal_cycles(self) -> float:
        """Return how often the sample went to another temperature and back; halves are one way."""
        values = [entry.value for entry in self.entries("temperature", SAMPLE)]
        return count_reversals(values, self.settings.cycle_k) / 2

    def warnings(self, planned_j: Mapping[str, Mapping[str, float]]) -> list[str]:
        """Return which limits a planned item would exceed; `planned_j` in J by spot and beam."""
        found = []
        limit = self.settings.dose_limit_j_per_cm2
        for spot, beams in planned_j.items():
            before = self.fluence(sum(self.dose_j(spot).values()))
            after = before + self.fluence(sum(beams.values()))
            if limit is not None and after > limit:
                found.append(
                    f"{spot} would get {after:.3g} J/cm² ({before:.3g} so far), the limit is "
                    f"{limit:.3g} J/cm² (spot radius {self.settings.spot_radius_um:g} µm)"
                )
        cycles, most = self.thermal_cycles(), self.settings.cycles_limit
        if most is not None and cycles >= most:
            found.append(f"the sample has been through {cycles:g} thermal cycles, limit {most}")
        return found


def spot_name(x_um: float, y_um: float, places: Mapping[str, Mapping[str, float]]) -> str:
    """Return the name of a place on the sample: the nearest named position within 1 µm, and µm.

    `places` are the named positions of the station file, `{"mono": {"x_um": 30, "y_um": 0}}`.
    """
    here = f"({_micrometres(x_um)}, {_micrometres(y_um)}) µm"
    for name, place in places.items():
        if math.hypot(place.get("x_um", x_um) - x_um, place.get("y_um", y_um) - y_um) <= 1.0:
            return f"{name} {here}"
    return here


def count_reversals(values_k: Sequence[float], least_k: float) -> int:
    """Return how often a temperature went at least `least_k` one way: a hysteresis count."""
    count = direction = 0
    low, high, turn = math.inf, -math.inf, 0.0
    for value in values_k:
        if direction == 0:
            low, high = min(low, value), max(high, value)
            direction = int(value - low >= least_k) - int(high - value >= least_k)
            count, turn = abs(direction), value
        elif (value - turn) * direction > 0:
            turn = value
        elif (turn - value) * direction >= least_k:
            count, direction, turn = count + 1, -direction, value
    return count


def _micrometres(value_um: float) -> str:
    # rounding may leave a minus sign in front of zero
    return f"{round(value_um) + 0:d}"
