"""Regulate the sample's temperature and pressure, in closed form of time since the last change."""

import math
from dataclasses import dataclass

import numpy as np

from labctl.sim.twin import table_numbers as numbers

HEATER_SHARE = {1: 100.0, 2: 10.0, 3: 1.0}
"""By how much a range shows more percent than the highest one, at the same power."""

PEAK_LAGS = 4.0
"""The overshoot peaks after this many time constants."""

HEATER_GAIN_PERCENT_PER_K = 2.0


@dataclass(frozen=True, slots=True)
class Regime:
    """Hold what happens since the last change: a ramp to the target (rate 0: at once), then lag."""

    begin_s: float
    begin_k: float
    target_k: float
    rate_k_per_s: float
    lag_s: float
    overshoot_k: float

    @property
    def ramp_s(self) -> float:
        """Return how long the ramp takes, in s."""
        return abs(self.target_k - self.begin_k) / self.rate_k_per_s if self.rate_k_per_s else 0.0

    def working_k(self, now_s: float) -> float:
        """Return where the ramp is, in K."""
        elapsed_s = now_s - self.begin_s
        if elapsed_s >= self.ramp_s:
            return self.target_k
        return self.begin_k + math.copysign(
            self.rate_k_per_s * elapsed_s, self.target_k - self.begin_k
        )

    def temperature_k(self, now_s: float) -> float:
        """Return the temperature in K: a first-order lag behind the ramp."""
        elapsed_s = max(now_s - self.begin_s, 0.0)
        ramp_s = self.ramp_s
        rate = math.copysign(self.rate_k_per_s, self.target_k - self.begin_k)
        ramped_s = min(elapsed_s, ramp_s)
        behind_k = -rate * self.lag_s * -math.expm1(-ramped_s / self.lag_s)
        if elapsed_s < ramp_s:
            return self.begin_k + rate * ramped_s + behind_k
        offset_k = behind_k if ramp_s else self.begin_k - self.target_k
        lags = (elapsed_s - ramp_s) / self.lag_s
        bump = (lags / PEAK_LAGS) ** PEAK_LAGS * math.exp(PEAK_LAGS - lags) if lags < 100 else 0.0
        return self.target_k + offset_k * math.exp(-lags) + self.overshoot_k * bump


class Cryostat:
    """Regulate the temperature of the cold finger. Fulfils `CryostatPort`.

    Assigning `setpoint_k`, `ramp_on`, `ramp_k_per_min` or `heater_range` takes effect at the
    latest time that the cryostat has seen.
    """

    def __init__(
        self, values: numbers.Cryostat, random: np.random.Generator, clock_start_s: float
    ) -> None:
        self._values = values
        self._random = random
        self._seen_s = clock_start_s
        self._setpoint_k = values.start_k
        self._ramp_k_per_min = 0.0
        self._ramp_on = False
        self._heater_range = values.start_range
        self._regime = self._next_regime(values.start_k, clock_start_s)

    @property
    def setpoint_k(self) -> float:
        """Return the set-point in K."""
        return self._setpoint_k

    @setpoint_k.setter
    def setpoint_k(self, setpoint_k: float) -> None:
        self.set_setpoint(setpoint_k, self._seen_s)

    @property
    def ramp_on(self) -> bool:
        """Return whether a new set-point is approached by a ramp."""
        return self._ramp_on

    @ramp_on.setter
    def ramp_on(self, on: bool) -> None:
        self._ramp_on = on
        self._restart_ramp()

    @property
    def ramp_k_per_min(self) -> float:
        """Return the rate of ramps in K/min; 0 means no ramp."""
        return self._ramp_k_per_min

    @ramp_k_per_min.setter
    def ramp_k_per_min(self, rate: float) -> None:
        self._ramp_k_per_min = rate
        self._restart_ramp()

    @property
    def heater_range(self) -> int:
        """Return 0 off, 1 low, 2 medium or 3 high."""
        return self._heater_range

    @heater_range.setter
    def heater_range(self, heater_range: int) -> None:
        switched = (heater_range == 0) != (self._heater_range == 0)
        self._heater_range = heater_range
        if switched:
            self._restart(self._seen_s)

    def set_setpoint(self, setpoint_k: float, now_s: float) -> None:
        """Change the set-point; a ramp starts from the present temperature."""
        self._setpoint_k = setpoint_k
        self._restart(self._see(now_s))

    def true_k(self, now_s: float) -> float:
        """Return the temperature in K without the sensor's noise."""
        return max(self._regime.temperature_k(self._see(now_s)), self._values.base_k)

    def sensor_k(self, now_s: float) -> float:
        """Return what the control sensor shows in K, noise included."""
        return self.true_k(now_s) + float(self._values.noise_k * self._random.standard_normal())

    def heater_percent(self, now_s: float) -> float:
        """Return the heater output in percent."""
        if self._heater_range == 0:
            return 0.0
        lagging_k = self.working_setpoint_k(now_s) - self.true_k(now_s)
        rise_k = self.true_k(now_s) - self._values.base_k
        steady = 100.0 * rise_k / self._values.full_span_k * HEATER_SHARE[self._heater_range]
        return min(max(steady + HEATER_GAIN_PERCENT_PER_K * lagging_k, 0.0), 100.0)

    def working_setpoint_k(self, now_s: float) -> float:
        """Return where a ramp is now, in K; the set-point if there is none."""
        return self._regime.working_k(self._see(now_s)) if self._heater_range else self._setpoint_k

    def _see(self, now_s: float) -> float:
        self._seen_s = max(self._seen_s, now_s)
        return now_s

    def _restart_ramp(self) -> None:
        if self._seen_s - self._regime.begin_s < self._regime.ramp_s:
            self._restart(self._seen_s)

    def _restart(self, now_s: float) -> None:
        self._regime = self._next_regime(self.true_k(now_s), now_s)

    def _next_regime(self, begin_k: float, now_s: float) -> Regime:
        values = self._values
        if self._heater_range == 0:
            return Regime(now_s, begin_k, values.rest_k, 0.0, values.rest_lag_s, 0.0)
        target_k = max(self._setpoint_k, values.base_k)
        rate_k_per_s = max(self._ramp_k_per_min, 0.0) / 60.0 if self._ramp_on else 0.0
        step_k = target_k - begin_k
        if rate_k_per_s:
            step_k = math.copysign(min(abs(step_k), rate_k_per_s * values.lag_s), step_k)
        share = min(max(step_k / values.overshoot_step_k, -1.0), 1.0)
        overshoot_k = values.overshoot_k * share
        return Regime(now_s, begin_k, target_k, rate_k_per_s, values.lag_s, overshoot_k)


class Gauge:
    """Measure the pressure in the sample space. Fulfils `GaugePort`."""

    def __init__(
        self, values: numbers.Gauge, cryostat: Cryostat, random: np.random.Generator
    ) -> None:
        self._values = values
        self._cryostat = cryostat
        self._random = random

    def true_pa(self, now_s: float) -> float:
        """Return the pressure in Pa without noise: cold walls give off less gas."""
        warming_k = self._cryostat.true_k(now_s) - 298.0
        growth = math.expm1(warming_k / self._values.wall_k)
        floor_pa = 0.01 * self._values.pressure_pa
        return max(self._values.pressure_pa + self._values.outgassing_pa * growth, floor_pa)

    def pressure_pa(self, now_s: float) -> float:
        """Return the pressure in Pa, noise included."""
        noise = math.exp(self._values.noise * self._random.standard_normal())
        return self.true_pa(now_s) * noise
