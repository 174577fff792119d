"""Write the morning report: one HTML page that needs nothing else, and the failures beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from labctl import __version__
from labctl.analysis.report.table import format_uncertain
from labctl.core.errors import StorageError
from labctl.core.units import format_quantity
from labctl.service.night import wording
from labctl.service.night.advice import advice_of
from labctl.service.night.budget import KINDS
from labctl.service.night.digest import Digest, ItemDigest, digest_of
from labctl.service.night.failures import FailedExchange, failed_exchanges, keep_failure
from labctl.service.night.ledger import Ledger
from labctl.service.night.settings import LedgerSettings
from labctl.service.night.timeline import timeline_of
from labctl.service.queue.database import StationDatabase
from labctl.store.atomic import replace_file

MOST_SHOWN = 40
"""Failed exchanges shown in the page; all of them are kept as files."""


@dataclass(frozen=True, slots=True)
class MorningReport:
    """Say where the report of a night was written, and the failures that it shows."""

    page: Path
    failures: Sequence[Path]
    digest: Digest


def write_report(
    database: StationDatabase,
    root: Path,
    *,
    transcripts: Path | None = None,
    to: Path | None = None,
    night: str | None = None,
    ledger: LedgerSettings | None = None,
    simulated: str = "",
) -> MorningReport:
    """Write the report of a night, by default the last one.

    Parameters
    ----------
    root
        The folder with the runs.
    transcripts
        The folder with the transcripts, by default `station/transcripts` below `root`.
    to
        Folder for the page and `failures/`; by default `station/nights/<begin>` below `root`.

    Raises
    ------
    UsageError
        If there is no such night.
    StorageError
        If the page cannot be written.
    """
    digest = digest_of(database, root, (), night)
    folder = to or root / "station" / "nights" / f"{digest.begin:%Y-%m-%d_%H%M}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = failed_exchanges(transcripts or root / "station" / "transcripts")
    except OSError as error:
        raise StorageError(f"{folder} cannot be made: {error.strerror}") from error
    inside = [one for one in found if digest.begin <= one.utc <= digest.end]
    kept = _keep(inside, folder)
    named = [replace(one, file=path.name) for one, path in zip(inside, kept, strict=True)]
    digest = digest_of(database, root, named, night)
    spots = Ledger(database, ledger or LedgerSettings())
    text = render(digest, spots, simulated)
    page = replace_file(folder / "report.html", lambda fresh: _write(fresh, text))
    return MorningReport(page, kept, digest)


def render(digest: Digest, ledger: Ledger, simulated: str = "") -> str:
    """Return the page; no script, no outside request."""
    environment = Environment(
        loader=PackageLoader("labctl.service.night", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": wording.duration,
        "quantity": format_quantity,
        "bytes": wording.printable,
        "uncertain": format_uncertain,
        "fluence": wording.fluence,
        "asked": wording.asked,
        "in_order": wording.in_order,
        "numbers": wording.numbers,
    }
    sums = {kind: sum(_sum(one, kind) for one in digest.items) for kind in KINDS}
    sums["suspended"] = sum(gap.duration_s for gap in digest.gaps)
    return environment.get_template("night.html.j2").render(
        digest=digest,
        advice=advice_of(digest),
        timeline=timeline_of(digest),
        sums=sums,
        total_s=max(sum(sums.values()), 1.0),
        length_s=(digest.end - digest.begin).total_seconds(),
        kinds=KINDS,
        spots=ledger.spots(),
        cycles=ledger.thermal_cycles(),
        scale=_scale(digest),
        spot_radius_um=ledger.settings.spot_radius_um,
        shown=digest.exchanges[:MOST_SHOWN],
        no_result=_no_result(digest),
        simulated=simulated or digest.simulated,
        version=__version__,
    )


def _keep(found: Sequence[FailedExchange], folder: Path) -> list[Path]:
    if found:
        (folder / "failures").mkdir(exist_ok=True)
    return [
        keep_failure(one, folder / "failures" / f"{number:03d}_{one.instrument}.toml")
        for number, one in enumerate(found, start=1)
    ]


def _sum(one: ItemDigest, kind: str) -> float:
    return sum(run.budget.sums_s.get(kind, 0.0) for run in one.runs)


def _no_result(digest: Digest) -> dict[str, list[str]]:
    """Return the runs without a result by the reason for it."""
    found: dict[str, list[str]] = {}
    for one in digest.items:
        for run in one.runs:
            if problem := str(run.result.get("problem", "")).replace("\n ", "."):
                found.setdefault(problem, []).append(run.name)
    return found


def _scale(digest: Digest) -> dict[str, Any]:
    """Return the range in K of all temperatures, for the bars beside them."""
    values = [
        edge
        for one in digest.items
        for run in one.runs
        for temperature in run.result.get("temperatures", [])
        for edge in (
            temperature["value_k"] - 3 * temperature["sigma_k"],
            temperature["value_k"] + 3 * temperature["sigma_k"],
        )
    ]
    low, high = min(values, default=290.0), max(values, default=310.0)
    return {"low": low, "span": max(high - low, 1.0)}


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
