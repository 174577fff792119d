"""Show what was found: one figure and one page for a series of runs."""

from labctl.analysis.report.content import ReportContent, RunSection, ShownSpectrum
from labctl.analysis.report.figure import draw_figure
from labctl.analysis.report.page import write_page
from labctl.analysis.report.table import TableRow, headline_rows

__all__ = [
    "ReportContent",
    "RunSection",
    "ShownSpectrum",
    "TableRow",
    "draw_figure",
    "headline_rows",
    "write_page",
]
