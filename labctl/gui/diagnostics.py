"""Collect what somebody needs who is to find out what went wrong."""

import platform
from importlib.metadata import PackageNotFoundError, version

from qtpy import QtCore

from labctl.core.status import StationStatus
from labctl.gui.alarm_list import cells, clock_text
from labctl.gui.link import Link
from labctl.gui.log_page import LogPage
from labctl.gui.panels.wording import age_text, value_text

MOST_LINES = 60
PACKAGES = ("labctl", "PySide6-Essentials", "PySide6", "pyqtgraph", "numpy")


def diagnostics(link: Link, log: LogPage | None = None) -> str:
    """Return versions, state, values, alarms and the end of the log as text; no secrets."""
    lines = ["labctl diagnostics", *_versions(), ""]
    status = link.status
    if not link.is_connected:
        lines.append(f"NO CONNECTION: {link.lost_reason or 'none was made yet'}")
    if status is not None:
        lines += _station(status)
    if log is not None:
        lines += ["", "Log:"]
        lines += [
            f"  {clock_text(one.utc)} {one.level} {one.source}: {one.text}"
            for one in log.model.entries[-MOST_LINES:]
        ]
    return "\n".join(lines) + "\n"


def _versions() -> list[str]:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return [
        ", ".join(found),
        f"Python {platform.python_version()}, Qt {QtCore.qVersion()}, {system}",
    ]


def _station(status: StationStatus) -> list[str]:
    kind = "simulated" if status.simulated else "real"
    run = status.run
    lines = [
        f"{status.station} ({kind}), {clock_text(status.utc)} UTC, {status.state.value} "
        f"{status.reason}".rstrip(),
        f"safety: confirmed {status.safety.confirmed}, latched {status.safety.latched}, process "
        f"{status.safety.process} {status.safety.reason}".rstrip(),
        f"run: {run.name}, {run.procedure}, point {run.point}, {run.step}" if run else "run: none",
        "",
        "Values:",
    ]
    for name, value in status.values.items():
        reason = f" ({value.quality}: {value.reason})" if value.reason else ""
        lines.append(
            f"  {name} = {value_text(value.value, value.unit)}, {age_text(value.age_s)}{reason}"
        )
    lines += ["", "Alarms:"]
    lines += ["  " + " | ".join(cells(alarm)) for alarm in status.alarms] or ["  none"]
    return lines
