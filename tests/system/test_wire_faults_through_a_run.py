"""Spoil replies of random instruments while a power series runs, a hundred times.

Whatever happens on the wires: nothing that is recorded as good may be wrong, the run ends within
a bounded time, either whole or safely, and every committed point is kept.
"""

import random
from collections import Counter

import pytest
from kill_victim import digest
from virtual_table import VirtualTable, Witness, Witnessed, procedure_of

from labctl.core.journal import RunState
from labctl.core.readings import Quality
from labctl.engine import PointCommitted, dry_run
from labctl.store import RunWriter

CAMPAIGNS = 100
LONGEST_S = 4 * 3600.0
"""Table time after which a run is taken to hang; undisturbed it takes ten minutes."""
MOTORS = ("spectrapro", "ell14", "zaber", "sc10_probe", "sc10_pump")
KINDS = ("silence", "late", "truncate", "garbage", "duplicate", "drop", "stuck", "lie")

ends: Counter[str] = Counter()


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """Return how many replies each instrument gives in an undisturbed run."""
    table = VirtualTable()
    table.cool()
    before = {name: table.simulation.faults(name).replies for name in table.simulation.names}
    outcome, reader = table.execute(*procedure_of("power_series"), tmp_path_factory.mktemp("usual"))
    outcome.check()
    reader.close()
    table.station.close()
    return {name: table.simulation.faults(name).replies - n for name, n in before.items()}


def witnessed_writer(witness):
    """Return a store that also shows the read-backs at start and end to a witness."""

    class WitnessedWriter(RunWriter):
        def begin(self, start):
            witness.readings(start.snapshot)
            super().begin(start)

        def close(self, end, exchanges, snapshot):
            witness.readings(snapshot)
            super().close(end, exchanges, snapshot)

    return WitnessedWriter


def arm(table, chance, usual):
    """Arm one to four faults at random replies; returns what was armed, in words."""
    armed = []
    names = [name for name, count in usual.items() if count]
    for _ in range(chance.randint(1, 4)):
        name = chance.choices(names, weights=[usual[name] for name in names])[0]
        kind = chance.choice(KINDS)
        if kind == "stuck" and name not in MOTORS:
            kind = "silence"
        options = {"count": chance.choice([1, 1, 1, 2, 5])}
        if kind == "lie":
            # what nothing else watches may not lie: the power has two independent witnesses
            name = "pm100d_probe"
            options["value"] = f"{chance.uniform(1e-6, 1e-3):.6E}"
        elif kind == "late":
            options["delay_s"] = chance.uniform(0.5, 12.0)
        elif kind == "truncate":
            options["keep"] = chance.randint(-3, 5)
        elif kind == "garbage":
            options["noise"] = chance.choice([b"\x00\xff", b"~", b"#?", bytes([7, 200, 10])])
        n = chance.randint(1, max(1, usual[name]))
        table.simulation.faults(name).at(n, kind, **options)
        armed.append(f"{name}: {kind} at {n} {options}")
    return armed


@pytest.mark.parametrize("seed", range(CAMPAIGNS))
def test_wire_faults_never_give_a_wrong_value_and_the_run_ends_safely(
    tmp_path, new_table, usual, seed
):
    table = new_table(seed=seed + 1)
    table.cool()
    armed = arm(table, random.Random(seed), usual)
    witness = Witness(table)
    if any("lie" in one for one in armed):
        witness.lying.add("probe.meter")
    procedure, parameters = procedure_of("power_series")
    acknowledged = []
    outcome, reader = table.execute(
        Witnessed(procedure, witness.answer),
        parameters,
        tmp_path,
        observer=lambda event: (
            acknowledged.append(digest(event.point)) if isinstance(event, PointCommitted) else None
        ),
        # not through the witness: a dry run answers with dummies
        expected=dry_run(procedure, parameters, table.station),
        writer=witnessed_writer(witness),
    )
    with reader:
        assert witness.wrong == [], armed
        assert [digest(point) for point in reader.points()] == acknowledged
        assert outcome.points == len(acknowledged) == len(reader)
        assert reader.state is outcome.state
    assert table.clock.monotonic_s() < LONGEST_S
    assert outcome.state in (RunState.FINISHED, RunState.FAILED, RunState.ABORTED)
    if outcome.state is not RunState.FINISHED:
        assert outcome.error.remedy, outcome.error
    assert table.emitting() == [] or outcome.unconfirmed, armed
    # a blade that is stuck cannot be closed: then the laser is off, and the operator is told
    assert table.open_shutters() == [] or (table.emitting() == [] and outcome.unconfirmed), armed
    ends[outcome.state.value] += 1
    ends["readings compared"] += witness.compared


@pytest.mark.parametrize("factor", [0.3, 0.75, 1.25, 3.0])
def test_a_power_head_that_shows_a_wrong_power_is_not_believed(tmp_path, new_table, factor):
    table = new_table(override={"path.probe.pickoff": factor * 0.08})
    table.cool()
    witness = Witness(table)
    procedure, parameters = procedure_of("power_series")
    outcome, reader = table.execute(
        Witnessed(procedure, witness.answer), parameters, tmp_path, writer=witnessed_writer(witness)
    )
    with reader:
        powers = [p.data["power_w"] for p in reader.points() if p.kind != "dark"]
    # laser and attenuator say something else: the power is marked, or the run is refused
    assert witness.wrong == []
    assert all(power.quality is not Quality.GOOD for power in powers)
    assert powers or outcome.error is not None
    assert table.open_shutters() == []


def test_the_campaigns_have_reached_both_ends():
    if sum(ends[state] for state in ("finished", "failed", "aborted")) < CAMPAIGNS:
        pytest.skip("counts only after all campaigns")
    assert ends["finished"] >= 20
    assert ends["failed"] >= 20
    assert ends["readings compared"] > 50 * CAMPAIGNS
