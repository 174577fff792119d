"""Run a queue through a seeded storm of faults and check that nothing was lost or is wrong.

`python tests/night/storm.py --hours 24` is the long form: a day of the table's time, at least 200
faults of at least 12 kinds. The quick form in `test_night_storm.py` is the same code.
"""

import contextlib
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from storm_check import Checked, check_items, check_light, check_runs
from storm_plan import Storm, draw
from storm_table import StormTable, WorkerKilled

from labctl.core.errors import InstrumentError
from labctl.core.items import Conditions, ItemState, QueueItem, Retry, new_item_id
from labctl.service.night.failures import begin_transcripts
from labctl.service.night.report import MorningReport, write_report
from labctl.service.night.runner import Night, QueueRunner
from labctl.service.night.settings import NightSettings
from labctl.service.queue.database import StationDatabase
from labctl.service.queue.examination import DryRuns
from labctl.service.queue.queue import Queue
from labctl.store.catalogue import Catalogue
from labctl.store.reader import RunReader

CONFIGS = Path(__file__).parents[2] / "configs"
MOST_PROCESSES = 30
LONGEST_OVERHEAD_S = 40.0
"""Light beyond the camera's frames if the line to the shutter is spoilt as often as drawn."""
STUBBORN = Conditions(retry=Retry(most=10, wait_s=60.0), on_recovery="resume")


@dataclass
class Stormy:
    """What came of a storm."""

    storm: Storm
    checked: Checked
    items: list[QueueItem]
    report: MorningReport
    hours: float
    processes: int
    wall_s: float
    unconfirmed: tuple[str, ...]
    at_night: Counter

    @property
    def faults(self) -> Counter:
        return +self.storm.happened

    def failures(self) -> list[str]:
        """Everything that must not be, in words."""
        checked = self.checked
        found = [*checked.wrong, *checked.unexplained, *self.unconfirmed]
        if checked.light_outside_s > 0:
            found.append(f"{checked.light_outside_s:.2f} s of light outside exposures")
        if checked.longest_overhead_s > LONGEST_OVERHEAD_S:
            found.append(f"{checked.longest_overhead_s:.1f} s of light beyond the frames")
        return found

    def summary(self) -> str:
        states = Counter(item.state.value for item in self.items)
        checked = self.checked
        lines = [
            f"{self.hours:.1f} h of table time in {self.wall_s:.0f} s, {self.processes} processes",
            f"{sum(self.faults.values())} faults of {len(self.faults)} kinds: "
            + ", ".join(f"{kind} {count}" for kind, count in sorted(self.faults.items())),
            f"items when the night ended: {dict(self.at_night)}, after the morning: "
            f"{dict(states)}; points: {checked.points}",
            f"good values compared: {sum(checked.good.values())} {dict(checked.good)}; "
            f"marked doubtful: {checked.doubtful}",
            f"wrong values: {len(checked.wrong)}; unexplained: {len(checked.unexplained)}",
            f"light on the sample: {checked.light_s:.1f} s, outside exposures "
            f"{checked.light_outside_s:.3f} s, while a blade was stuck "
            f"{checked.stuck_light_s:.1f} s, longest beyond the camera's frames "
            f"{checked.longest_overhead_s:.2f} s",
            f"gaps: {len(self.report.digest.gaps)}, failed attempts: "
            f"{len(self.report.digest.faults)}, failed exchanges: "
            f"{len(self.report.digest.exchanges)}",
            f"report: {self.report.page}",
        ]
        return "\n".join(lines)


def day(hours: float) -> list[tuple[str, dict]]:
    """A queue of about so many hours, faults not counted."""
    one = [
        ("power_series", {"regions": ["intermediate", "mono"], "powers": "100 uW, 300 uW",
                          "windows": ["raman"], "exposure_s": 30.0, "accumulations": 5,
                          "reference_every": 3}),
        ("dual_beam", {"region": "intermediate", "power": "100 uW", "pump_power": "100 uW",
                       "pairs": 4, "exposure_s": 30.0, "accumulations": 4}),
        ("temperature_series", {"region": "mono", "temperatures": "280 K, 298 K",
                                "power": "100 uW", "exposure_s": 30.0, "accumulations": 5}),
        ("spectrum", {"region": "strong", "power": "50 uW", "exposure_s": 60.0}),
    ]  # fmt: skip
    return one * max(round(hours / 4.0), 1)


def short() -> list[tuple[str, dict]]:
    """A queue of an hour or two."""
    return [
        ("power_series", {"regions": ["intermediate", "mono"], "powers": "100 uW, 300 uW",
                          "windows": ["raman"], "exposure_s": 20.0, "accumulations": 3,
                          "reference_every": 3, "refocus": False}),
        ("dual_beam", {"region": "intermediate", "power": "100 uW", "pump_power": "100 uW",
                       "pairs": 3, "exposure_s": 20.0, "accumulations": 3}),
        ("temperature_series", {"region": "mono", "temperatures": "290 K, 298 K",
                                "power": "100 uW", "exposure_s": 20.0, "accumulations": 3,
                                "refocus": False, "windows": ["raman"]}),
    ]  # fmt: skip


def station_file(folder: Path) -> Path:
    """The simulated table, with interlocks that pause, as for a night without anybody."""
    text = (CONFIGS / "simulated.toml").read_text(encoding="utf-8")
    head, *interlocks = text.split("[[interlocks]]")
    kept = [part.replace('"abort"', '"pause"') for part in interlocks]
    kept[-1] = kept[-1].replace("high = 120000.0", "high = 1.0")
    shutil.copytree(CONFIGS / "calibrations", folder / "calibrations")
    path = folder / "station.toml"
    path.write_text("[[interlocks]]".join([head, *kept]), encoding="utf-8")
    return path


def run_storm(
    folder: Path,
    work: list[tuple[str, dict]],
    *,
    seed: int,
    hours: float,
    wires: int,
    tables: int,
    kills: int,
    say=lambda text: None,
) -> Stormy:
    """Run the work in a storm, in as many processes as it takes, and check everything."""
    begin_s = time.perf_counter()
    table = StormTable(seed)
    station, output = station_file(folder), folder / "data"
    storm = draw(table, seed, hours=hours, wires=wires, tables=tables, kills=kills)
    nights: list[Night] = []
    for number in range(MOST_PROCESSES):
        try:
            nights.append(_process(table, station, output, number, work))
            break
        except WorkerKilled:
            say(f"killed at {table.clock.monotonic_s() / 3600:.2f} h")
        except InstrumentError as error:
            say(f"could not start at {table.clock.monotonic_s() / 3600:.2f} h: {error}")
        finally:
            # the supervisor needs a moment to start another one
            table.clock.dead = False
            table.clock.sleep(20.0)
    with StationDatabase(output / "station" / "station.sqlite") as database:
        queue = Queue(database, table.clock)
        at_night = Counter(item.state.value for item in queue.list())
        report = write_report(database, output, simulated=f"storm, seed {seed}")
    _process(table, station, output, number + 1, work, requeue=True)
    with StationDatabase(output / "station" / "station.sqlite") as database:
        items = Queue(database, table.clock).list()
    checked = Checked()
    check_runs(output, table, checked)
    check_light(table, checked)
    check_items(items, lambda run: _points(output, run), checked)
    return Stormy(
        storm, checked, items, report, table.clock.monotonic_s() / 3600, number + 1,
        time.perf_counter() - begin_s, nights[-1].unconfirmed if nights else ("no end",), at_night,
    )  # fmt: skip


def _process(
    table: StormTable,
    station: Path,
    output: Path,
    number: int,
    work: list[tuple[str, dict]],
    requeue: bool = False,
) -> Night:
    """One process of the night, or the one in the morning, after a person has looked."""
    transcripts = output / "station" / "transcripts" / f"{number:04d}"
    with table.process(station, output, transcripts) as session:
        begin_transcripts(transcripts, session.station, table.clock)
        with contextlib.ExitStack() as stack:
            database = stack.enter_context(StationDatabase(output / "station" / "station.sqlite"))
            table.database = database
            queue = Queue(database, table.clock, DryRuns(session))
            if not queue.list():
                queue.add([_item(*one) for one in work])
            for item in queue.list() if requeue else []:
                if item.state in (ItemState.QUARANTINED, ItemState.FAILED):
                    queue.requeue(item.id, resume=bool(item.runs))
            return QueueRunner(session, queue, settings=NightSettings()).run()


def _item(procedure: str, parameters: dict) -> QueueItem:
    return QueueItem(
        id=new_item_id(), procedure=procedure, parameters=parameters, conditions=STUBBORN
    )


def _points(root: Path, run: str) -> int:
    with RunReader(Catalogue(root).find(run)) as reader:
        return len(reader)
