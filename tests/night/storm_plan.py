"""Draw what goes wrong, and when, from a seed."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from storm_table import StormTable
from storm_truth import BEAMS

WIRES = (
    "spectrapro", "cobolt_probe", "cobolt_pump", "ell14", "sc10_probe", "sc10_pump",
    "pm100d_probe", "pm100d_pump", "lakeshore336", "zaber", "tpg261",
)  # fmt: skip
USED = ("spectrapro", "cobolt_probe", "ell14", "sc10_probe", "pm100d_probe", "lakeshore336",
        "zaber", "tpg261")  # fmt: skip
"""Instruments that are spoken to all the time, so that a fault really happens."""
MOTORS = ("spectrapro", "ell14", "zaber")
LINE_KINDS = ("silence", "late", "truncate", "garbage", "duplicate", "drop", "repeat")
TABLE_KINDS = (
    "cryostat", "laser power", "interlock", "vacuum", "camera warm", "camera code",
    "camera frames", "shutter stuck", "disk full",
)  # fmt: skip


@dataclass
class Storm:
    """What was drawn, and what came of it. `happened` are kinds that really took place."""

    table: StormTable
    drawn: Counter = field(default_factory=Counter)
    _armed: list[tuple[str, Any, int]] = field(default_factory=list)
    _others: Counter = field(default_factory=Counter)

    @property
    def happened(self) -> Counter:
        found = Counter(self._others)
        for kind, script, reply in self._armed:
            found[kind] += script.replies >= reply
        return found


def draw(
    table: StormTable, seed: int, *, hours: float, wires: int, tables: int, kills: int
) -> Storm:
    """Spread faults over some hours: on the lines, at the table, and to the process."""
    chance, storm = random.Random(seed), Storm(table)
    end_s = hours * 3600.0
    kinds = [*LINE_KINDS, "stuck", "lie"]
    for number in range(wires):
        kind = kinds[number % len(kinds)]
        time_s = chance.uniform(60.0, end_s)
        _draw_wire(storm, kind, time_s, chance)
    # table faults one after the other: each is to be seen for what it is
    for number in range(tables):
        kind = TABLE_KINDS[number % len(TABLE_KINDS)]
        slot_s = end_s / tables
        time_s = 120.0 + slot_s * number + chance.uniform(0.0, 0.3) * slot_s
        _draw_table(storm, kind, time_s, min(slot_s * 0.3, 900.0), chance)
    for number in range(kills):
        time_s = end_s * (number + chance.uniform(0.3, 0.7)) / kills
        storm.drawn["worker killed"] += 1
        table.clock.at(time_s, lambda: _kill(storm))
    return storm


def _draw_wire(storm: Storm, kind: str, time_s: float, chance: random.Random) -> None:
    table, options = storm.table, {}
    name = chance.choice(USED if chance.random() < 0.8 else WIRES)
    if kind == "stuck":
        name = chance.choice(MOTORS)
    elif kind == "lie":
        # only where a second, independent read-back exists
        name = chance.choice(("pm100d_probe", "cobolt_probe"))
        options = {"value": chance.choice(("0.9", "0.0003", "7"))}
    elif kind == "late":
        options = {"delay_s": chance.choice((1.5, 3.0, 10.0, 30.0))}
    elif kind == "truncate":
        options = {"keep": chance.choice((0, 1, None))}
    if kind not in ("stuck", "drop"):
        options["count"] = chance.choice((1, 1, 2, 4))
    storm.drawn[kind] += 1

    def strike() -> None:
        script = table.simulation.faults(name)
        reply = script.replies + 1
        script.at(1, kind, **options)
        storm._armed.append((kind, script, reply))

    table.clock.at(time_s, strike)
    if kind == "stuck":
        table.clock.at(time_s + chance.uniform(60, 400), table.simulation.faults(name).clear)


def _draw_table(
    storm: Storm, kind: str, time_s: float, lasts_s: float, chance: random.Random
) -> None:
    table, clock = storm.table, storm.table.clock
    begin, end = _pair(table, kind, chance)
    storm.drawn[kind] += 1

    def strike() -> None:
        begin()
        storm._others[kind] += 1

    clock.at(time_s, strike)
    clock.at(time_s + lasts_s * chance.uniform(0.5, 1.0), end)


def _pair(table: StormTable, kind: str, chance: random.Random) -> tuple[Any, Any]:
    beam = BEAMS[0]
    faults = table.simulation.sdks["andor"].faults
    sdk = table.simulation.sdks["andor"]

    def nothing() -> None:
        return None

    def full() -> None:
        table.free_bytes = 1000

    def empty() -> None:
        table.free_bytes = 1 << 40

    def code() -> None:
        method = chance.choice(("start_acquisition", "get_images16", "set_exposure_time"))
        faults.codes[method, sdk.calls(method) + 1] = chance.choice((20013, 20072, 20990, 4711))

    def frames(on: bool) -> None:
        setattr(faults, flag, on)

    flag = chance.choice(("zero_frames", "repeat_frames", "short_frames"))
    by_k, part, to_c = chance.choice((-15.0, 20.0)), chance.choice((0.4, 0.8)), -40.0
    return {
        "cryostat": (lambda: table.excurse(by_k), lambda: table.excurse(0.0)),
        "laser power": (
            lambda: table.drop_laser(beam, part), lambda: table.drop_laser(beam, 1.0)),
        "interlock": (
            lambda: table.open_interlock(beam), lambda: table.close_interlock(beam)),
        "vacuum": (lambda: table.leak(50.0), lambda: table.leak(None)),
        "camera warm": (lambda: table.warm_camera(to_c), lambda: table.warm_camera(-75.0)),
        "camera code": (code, nothing),
        "camera frames": (lambda: frames(True), lambda: frames(False)),
        "shutter stuck": (
            lambda: table.stick_shutter(beam, True), lambda: table.stick_shutter(beam, False)),
        "disk full": (full, empty),
    }[kind]  # fmt: skip


def _kill(storm: Storm) -> None:
    storm._others["worker killed"] += 1
    storm.table.kill()
