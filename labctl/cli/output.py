"""Print for people and for programs.

A reader that goes away (`labctl runs list | head -1`) ends the output, not the command.
"""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

ANY_WIDTH = 500
"""Columns of a table that goes to a file or a pipe: rows are never broken there."""


def emit(text: str) -> None:
    """Print a line to standard output."""
    _write(sys.stdout, text + "\n")


def say(text: str) -> None:
    """Print a message to standard error."""
    _write(sys.stderr, text + "\n")


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object to standard output; NaN and infinity are refused."""
    emit(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to standard output: framed on a terminal, plain columns elsewhere."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    console = Console() if terminal else Console(width=ANY_WIDTH)
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD if terminal else None,
        padding=(0, 1) if terminal else (0, 2, 0, 0),
        pad_edge=terminal,
    )
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    with console.capture() as captured:
        console.print(table)
    emit("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_paragraph(text: str, indent: str = "  ") -> None:
    """Print text to standard output, wrapped at the width of the terminal, at 100 elsewhere."""
    import shutil
    import textwrap

    width = min(shutil.get_terminal_size((100, 24)).columns, 100)
    emit(textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # what follows, and Python's own flush at the end, goes nowhere without complaint
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
