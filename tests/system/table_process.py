"""Start the simulated table in a process of its own, and read what reached its instruments."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from labctl.core.clock import RealClock

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / "configs"
BRIGHT: Mapping[str, float] = {
    "raman.wse2_a1g.rate_per_s_mw": 60_000.0,
    "raman.wse2_2la.rate_per_s_mw": 3_000.0,
    "raman.mose2_a1g.rate_per_s_mw": 40_000.0,
    "raman.mose2_e.rate_per_s_mw": 6_000.0,
    "ccd.cooling_s": 5.0,
    "ccd.stable_s": 5.0,
}
"""A hundred times the Raman light, for a temperature from a second of exposure; a quick cooler."""

_MOVES = {
    "zaber": re.compile(r"\bmove\b"),
    "ell14": re.compile(r"^[0-9A-F](?:ma|mr|ho)"),
    "spectrapro": re.compile(r"(?:\bGOTO\b|(?<!\?)\bGRATING\b)"),
}
_EMISSION = re.compile(r"^l1\r")
_SHUTTER = re.compile(r"^(?:ens|closed\?|ens\?)\r")


@dataclass(frozen=True, slots=True)
class Action:
    """Hold what was written to an instrument, and the beams that were open then."""

    number: int
    to: str
    what: str
    open: tuple[str, ...]

    @property
    def is_move(self) -> bool:
        """Tell whether a motor is told to move."""
        return self.to in _MOVES and _MOVES[self.to].search(self.what) is not None

    @property
    def is_emission(self) -> bool:
        return self.to.startswith("cobolt") and _EMISSION.match(self.what) is not None

    @property
    def is_exposure(self) -> bool:
        return self.what == "start_acquisition"

    @property
    def asks_shutter(self) -> bool:
        """Tell whether a shutter is asked for its state, or told to change it."""
        return self.to.startswith("sc10") and _SHUTTER.match(self.what) is not None


def station_file(
    folder: Path,
    *,
    override: Mapping[str, float] = BRIGHT,
    procedures: Sequence[str] = ("procedures", "adaptive_procedures"),
    clock: str = "virtual",
    speed: float = 1.0,
) -> Path:
    """Write the station file of a simulated table, with other numbers and procedures."""
    text = (CONFIGS / "simulated.toml").read_text(encoding="utf-8")
    replaced = {
        'procedures = ["procedures"]': f"procedures = {json.dumps(list(procedures))}",
        '"calibrations"  # relative to this file': json.dumps(str(CONFIGS / "calibrations")),
        'clock = "virtual"': f'clock = "{clock}"',
        "speed = 1.0": f"speed = {speed!r}",
        "[simulation.override]": "\n".join(
            [
                "[simulation.override]",
                *(f'"{name}" = {value!r}' for name, value in override.items()),
            ]
        ),
    }
    for before, after in replaced.items():
        assert text.count(before) == 1, f"{before!r} is not in the station file once"
        text = text.replace(before, after)
    path = folder / "simulated.toml"
    path.write_text(text, encoding="utf-8")
    return path


class TableProcess:
    """Hold a table that another process serves; a context manager."""

    def __init__(self, folder: Path, speed: float, **changes: object) -> None:
        self.speed = speed
        self.log = folder / "wire.jsonl"
        command = [sys.executable, str(Path(__file__).with_name("served.py"))]
        command += [str(station_file(folder, **changes)), str(speed), str(self.log)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.station = folder / "served.toml"
        self.station.write_text(json.loads(self._line())["station"], encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def mark(self, text: str) -> Mapping[str, Sequence[str]]:
        """Put a mark into the log; what is written later stands behind it.

        Returns the beams whose shutter is `open`, the lasers `emitting` and the axes `moving`.
        """
        self._process.stdin.write(f"{text}\n")
        self._process.stdin.flush()
        state: Mapping[str, Sequence[str]] = json.loads(self._line())
        return state

    def await_exposure(self, since: str, *, dark: bool = False, timeout_s: float = 30.0) -> None:
        """Return once the camera exposes with a shutter open (or none), after a mark."""
        clock = RealClock()
        end_s = clock.monotonic_s() + timeout_s
        while not any(a.is_exposure and bool(a.open) != dark for a in self.actions(since)):
            assert clock.monotonic_s() < end_s, "nothing was exposed"
            clock.sleep(0.02)

    def actions(self, since: str) -> Iterator[Action]:
        """Yield what was written to the instruments between a mark and the next one."""
        is_within = False
        with self.log.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                entry = json.loads(line)
                if "mark" in entry:
                    is_within = entry["mark"] == since
                elif is_within:
                    yield Action(number, entry["to"], entry["what"], tuple(entry["open"]))

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._process.stdout.close()

    def _line(self) -> str:
        line = self._process.stdout.readline()
        assert line, "the process that serves the table has ended"
        return line
