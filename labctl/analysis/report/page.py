"""Write the page of a report: one HTML file that needs nothing else."""

import base64
import json
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from labctl.analysis.report.content import ReportContent
from labctl.analysis.report.table import TableRow, format_uncertain, headline_rows
from labctl.core.units import format_quantity


def write_page(path: Path, content: ReportContent, figure: Path) -> None:
    """Write the report as HTML with the figure inside; no script, no outside request."""
    environment = Environment(
        loader=PackageLoader("labctl.analysis.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["quantity"] = format_quantity
    environment.filters["uncertain"] = format_uncertain
    environment.filters["json"] = lambda value: json.dumps(value, default=str, ensure_ascii=False)
    picture = base64.b64encode(figure.read_bytes()).decode()
    page = environment.get_template("report.html.j2").render(
        content=content,
        rows=headline_rows(content.sections, content.ambient_k),
        headings=TableRow.HEADINGS,
        picture=picture,
    )
    path.write_text(page, encoding="utf-8")
