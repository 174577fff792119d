"""Save what a run holds in the form that somebody wants."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labctl.client import Table
from labctl.client.files import ExportFormat, export_run
from labctl.core.errors import StorageError
from labctl.gui.runs.figure import save_figure
from labctl.gui.runs.reading import temperatures_of
from labctl.gui.runs.temperatures import COLUMNS, cells_of
from labctl.gui.runs.writing import write_whole


@dataclass(frozen=True, slots=True)
class Form:
    """Describe one form in which a run can be saved; `filters` is for the file dialog."""

    id: str
    title: str
    ending: str
    filters: str
    tip: str


FORMS: Mapping[str, Form] = {
    one.id: one
    for one in (
        Form("nexus", "NeXus …", ".nxs", "NeXus (*.nxs)",
             "Everything, as NeXus/HDF5 (NXraman or NXoptical_spectroscopy)"),
        Form("csv", "Table of points …", ".csv", "CSV (*.csv)", "One row for each point, as CSV"),
        Form("text", "Spectra as text …", "", "Folder (*)", "Two columns for each spectrum"),
        Form("figure", "Figure with caption …", ".png",
             "PNG (*.png);;SVG (*.svg);;PDF (*.pdf)", "Spectra and temperatures, with caption"),
        Form("temperatures", "Temperatures …", ".csv", "CSV (*.csv)",
             "The temperature table, as CSV"),
    )
}  # fmt: skip

_EXPORTS: Mapping[str, ExportFormat] = {"nexus": "nexus", "csv": "csv", "text": "text"}


def save_run(table: Table, name: str, form: str, path: Path) -> list[Path]:
    """Save a run; returns the files written. For worker threads.

    Raises
    ------
    StorageError
        If it cannot be read from here, or the file cannot be written.
    """
    run = table.run(name)
    if form in _EXPORTS:
        return export_run(run, _EXPORTS[form], path)
    if form == "temperatures":
        return [_save_temperatures(run.detail, path)]
    with run.open() as reader:
        return [save_figure(reader, run.detail, path)]


def _save_temperatures(detail: Mapping[str, object], path: Path) -> Path:
    result = detail.get("result")
    found = temperatures_of(result if isinstance(result, dict) else {})
    if not found:
        raise StorageError(f"run {detail.get('run', '')} has no temperatures to save")
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow([*COLUMNS, "value_k", "sigma_k", "power_w", "pump_power_w"])
    for one in found:
        at = one.condition
        plain = [one.value_k, one.sigma_k, at.power_w, at.pump_power_w]
        writer.writerow([*cells_of(one), *plain])
    return write_whole(path, table.getvalue().encode())
