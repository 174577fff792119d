"""Set the temperature of the cryostat, and show how it gets there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from labctl.core.readings import Scalar
from labctl.core.status import StationStatus
from labctl.gui.panels.fields import ReadBack, Setter
from labctl.gui.panels.panel import Panel
from labctl.gui.panels.settling import Rule, steadiness, time_to_settle_s
from labctl.gui.panels.strip_chart import StripChart
from labctl.gui.panels.wording import duration_text

SIGMA_SPAN_S = 300.0
MUCH_K = 330.0
"""Above this a set-point has to be confirmed: the sample is being cooked."""
TEMPERATURE, SETPOINT = "cryostat.temperature", "cryostat.setpoint"


class CryostatPanel(Panel):
    """Show set-point and temperature apart, σ, a strip chart and the time to settle."""

    def build(self) -> None:
        """Add the rows that this station has channels for."""
        channel = self.channels[TEMPERATURE]
        self._setter: Setter | None = None
        self._asked_k: float | None = None
        if channel.settable:
            low = channel.low if channel.low is not None else 1.0
            high = channel.high if channel.high is not None else 1000.0
            self._setter = Setter(
                "cryostat temperature", "K", low, high,
                decimals=2, apply=True, confirm_above=MUCH_K,
            )  # fmt: skip
            self._setter.box.set_value(min(max(298.0, low), high))
            self._setter.asked.connect(lambda value: self.command(TEMPERATURE, value))
            self.add_row("Set", self._setter)
        if SETPOINT in self.channels:
            self.add_read("Set-point", SETPOINT)
        self.add_read("Actual", TEMPERATURE)
        self._sigma = ReadBack("cryostat steadiness", "K")
        self._settles = ReadBack("cryostat time to settle")
        self.add_row("σ (5 min)", self._sigma)
        self.add_row("Settling", self._settles)
        self.chart = StripChart("Cryostat temperature", "T", "K")
        self.add_wide(self.chart)
        self._boot = ""
        self.context.link.connected.connect(self._fetch)
        self._fetch()

    def moved(self, channel: str, value: Scalar, reading: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Show what was sent as applied."""
        if channel == TEMPERATURE and self._setter is not None and not isinstance(value, str):
            self._asked_k = float(value)
            self._setter.show_applied(float(value))

    def show_values(self, status: StationStatus, is_connected: bool) -> None:  # noqa: ARG002
        """Draw the temperature, and say how steady it is."""
        setpoint_k = self.number(SETPOINT)
        setpoint_k = self._asked_k if setpoint_k is None else setpoint_k
        if setpoint_k is not None and self._setter is not None and self._setter.applied is None:
            self._setter.show_applied(setpoint_k)
        value, kelvin = self.value(TEMPERATURE), self.number(TEMPERATURE)
        if value is not None and kelvin is not None and not value.stale and value.utc:
            self.chart.add(_seconds(value.utc), kelvin)
        self.chart.set_target(setpoint_k)
        self.chart.draw()
        self._show_steadiness(setpoint_k, is_connected and value is not None and not value.stale)

    def _show_steadiness(self, setpoint_k: float | None, is_fresh: bool) -> None:
        times, values = self.chart.times_s, self.chart.values
        found = steadiness(times, values, SIGMA_SPAN_S)
        if found is None or not is_fresh:
            self._sigma.show_text("too few readings", "stale")
            self._settles.show_text("unknown", "stale")
            return
        drift = f"{found.drift_k_per_min:+.3f} K/min"
        self._sigma.show_text(f"{found.sigma_k:.3f} K, drift {drift}")
        rule = self._rule()
        if rule is None or setpoint_k is None:
            self._settles.show_text("unknown", "stale", "set-point or settling rule is not known")
            return
        left_s = time_to_settle_s(times, values, setpoint_k, rule)
        tip = f"within {rule.tolerance_k:g} K for {duration_text(rule.duration_s)}"
        if left_s is None:
            self._settles.show_text("not approaching", "warning", tip)
        elif left_s == 0:
            self._settles.show_text("settled", "ok", tip)
        else:
            self._settles.show_text(f"about {duration_text(left_s)}", None, tip)

    def _rule(self) -> Rule | None:
        found = self.context.link.description.get("settling") or {}
        try:
            return Rule(float(found["tolerance_k"]), float(found["duration_s"]))
        except (KeyError, TypeError, ValueError):
            return None

    def _fetch(self) -> None:
        """Get how it went before this window was opened."""
        status = self.context.link.status
        boot = status.boot if status else ""
        if boot != self._boot:
            self.chart.clear()
        self._boot = boot
        if not self.chart.times_s:
            self.context.link.ask(lambda table: table.trend(), self._fill, lambda _: None)

    def _fill(self, trend: Mapping[str, Any]) -> None:
        values = trend.get("values", {}).get("cryostat") or ()
        if self.chart.times_s:
            return
        for utc, value in zip(trend.get("utc", ()), values, strict=False):
            if isinstance(value, int | float):
                self.chart.add(_seconds(utc), float(value))
        self.chart.draw()


def _seconds(utc: str) -> float:
    return datetime.fromisoformat(utc).timestamp()
