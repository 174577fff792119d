"""Run the chain that proves, or disproves, cooling, and write its report.

Wavelength check, calibration of the thermometer against the cryostat, power series with a control
region, dual-beam series, temperature series: what a laboratory would run in a night.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from labctl import __version__
from labctl.analysis.counts import to_electrons
from labctl.analysis.report import (
    ReportContent,
    RunSection,
    ShownSpectrum,
    draw_figure,
    headline_rows,
    write_page,
)
from labctl.analysis.report.table import TableRow
from labctl.core.errors import PartialData, RunAborted
from labctl.core.messages import Point
from labctl.core.procedure import find_procedures
from labctl.core.results import Result, Temperature
from labctl.core.spectra import Spectrum
from labctl.engine import Control, Observer
from labctl.service.finished import FinishedRun
from labctl.service.results import temperature_json
from labctl.service.session import Session
from labctl.store.atomic import replace_file

COOLING_CHAIN: Sequence[str] = (
    "wavelength_check",
    "thermometry_calibration",
    "power_series",
    "dual_beam",
    "temperature_series",
)
MODE_CM1 = 250.0
"""The WSe2 mode that serves as thermometer (science reference, section 3)."""


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Hold what the demo measured and wrote."""

    content: ReportContent
    rows: Sequence[TableRow]
    runs: Sequence[FinishedRun]
    files: Sequence[Path]

    def as_json(self) -> dict[str, Any]:
        """Return the one object that `labctl demo --json` prints."""
        results = [(run, run.result) for run in self.runs]

        def of_run(run: FinishedRun) -> dict[str, Any]:
            return {"run": run.folder.name, "procedure": run.procedure}

        temperatures = [
            of_run(run) | temperature_json(one) for run, result in results
            for one in result.temperatures
        ]  # fmt: skip
        return {
            "format": "labctl.demo/1",
            "labctl_version": __version__,
            "station": self.content.station,
            "simulated": self.content.simulated,
            "ambient_k": self.content.ambient_k,
            "interval_level": 0.9973,
            "temperatures": [t for t in temperatures if t["thermometer"] == "AS/S"],
            "cross_checks": [t for t in temperatures if t["thermometer"] != "AS/S"],
            "peaks": [of_run(run) | asdict(p) for run, result in results for p in result.peaks],
            "verdicts": [
                of_run(run) | asdict(verdict) for run, result in results
                for verdict in result.verdicts
            ],
            "warnings": [
                of_run(run) | {"text": text} for run, result in results for text in result.warnings
            ],
            "files": [str(path) for path in self.files],
        }  # fmt: skip


def run_demo(
    session: Session,
    *,
    observer: Observer | None = None,
    control: Control | None = None,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    chain: Sequence[str] = COOLING_CHAIN,
    tell: Callable[[str], None] = lambda _: None,
) -> DemoReport:
    """Run the chain on an open table and write `report.html` and `report.png`.

    Parameters
    ----------
    changes
        Parameters by procedure, over the defaults.
    tell
        Called with what an analysis could not do.

    Raises
    ------
    LabctlError
        If a run does not finish; the runs before it keep their files.
    """
    finished: list[FinishedRun] = []
    known = find_procedures(session.packages)
    for number, name in enumerate(chain, start=1):
        _check_wanted(control, finished)
        tell(f"{number} of {len(chain)}, {name}: {known[name].summary()}")
        run = session.run(name, (changes or {}).get(name), observer=observer, control=control)
        run.check()
        if run.analysis_problem:
            tell(f"no result of {run.folder.name}: {run.analysis_problem}")
        finished.append(run)
    return write_report(session, finished)


def _check_wanted(control: Control | None, finished: Sequence[FinishedRun]) -> None:
    """Raise if a person asked for an end while the run before was being analysed."""
    if control is None or not (control.stopping or control.aborting):
        return
    kind = RunAborted if control.aborting else PartialData
    raise kind(
        f"the demo was ended after {len(finished)} of its runs: {control.reason}",
        remedy="its runs are kept: 'labctl runs list --output FOLDER' shows them",
    )


def write_report(session: Session, runs: Sequence[FinishedRun]) -> DemoReport:
    """Write the report of some runs into the output folder."""
    content = _content(session, runs)
    figure = replace_file(session.output / "report.png", lambda fresh: draw_figure(fresh, content))
    page = replace_file(
        session.output / "report.html", lambda fresh: write_page(fresh, content, figure)
    )
    files = [page, figure, *(path for run in runs for path in run.files)]
    return DemoReport(content, headline_rows(content.sections, content.ambient_k), runs, files)


def _content(session: Session, runs: Sequence[FinishedRun]) -> ReportContent:
    station = session.station.describe()
    simulation = session.simulated_as
    return ReportContent(
        title="Optical cooling of WSe2: anti-Stokes/Stokes thermometry",
        made_utc=session.station.clock.utc().strftime("%Y-%m-%d %H:%M UTC"),
        station=session.station.name,
        ambient_k=float(station["ambient_k"]),
        mode_cm1=MODE_CM1,
        sections=[_section(run, session.packages) for run in runs],
        spectra=_shown_spectra(runs),
        simulated=simulation,
        version=__version__,
    )


def _section(run: FinishedRun, packages: Sequence[str]) -> RunSection:
    with run.open() as reader:
        parameters = reader.parameters
    return RunSection(
        run=run.folder.name,
        procedure=run.procedure,
        summary=find_procedures(packages)[run.procedure].summary(),
        points=run.outcome.points,
        duration_s=run.duration_s,
        result=_in_order(run.result),
        parameters=parameters,
        folder=str(run.folder),
    )


def _in_order(result: Result) -> Result:
    """Return a result with its temperatures as people look for them, not as they were visited."""

    def key(one: Temperature) -> tuple[str, bool, float, float]:
        condition = one.condition
        # the powers of one set-point differ by the tolerance of the attenuator
        power_w = float(f"{condition.power_w:.2g}")
        return one.region, condition.pump_power_w > 0, power_w, condition.cryostat_k or 0.0

    return replace(result, temperatures=sorted(result.temperatures, key=key))


def _shown_spectra(runs: Sequence[FinishedRun]) -> list[ShownSpectrum]:
    """Return the strongest Raman spectrum of each region of the first power series."""
    series = next((run for run in runs if run.procedure == "power_series"), None)
    if series is None:
        return []
    with series.open() as reader:
        points = [point for point in reader.points() if point.data.get("window") == "raman"]
    darks = [point.data["spectrum"] for point in points if point.kind == "dark"]
    strongest: dict[str, Point] = {}
    for point in points:
        if point.kind == "measurement":
            region = str(point.data["region"])
            kept = strongest.setdefault(region, point)
            if point.data["power_w"].number > kept.data["power_w"].number:
                strongest[region] = point
    return [_shown(region, point, darks) for region, point in strongest.items()]


def _shown(region: str, point: Point, darks: Sequence[Spectrum]) -> ShownSpectrum:
    electrons = to_electrons(point.data["spectrum"], darks)
    total_s = electrons.exposure_s * electrons.accumulations
    power_uw = point.data["power_w"].number * 1e6
    return ShownSpectrum(
        label=f"{region}, {power_uw:.0f} µW",
        shift_cm1=electrons.shift_cm1,
        rate_e_per_s=np.asarray(electrons.signal_e / total_s),
    )
