"""Calibrate anti-Stokes/Stokes thermometry against the cryostat."""

from pydantic import Field, PositiveInt

from labctl.analysis.thermometry_calibration import calibrate_ratio
from labctl.core.messages import Note, Plan, Set
from labctl.core.parameters import DurationS, PowersW, TemperatureK, TemperaturesK
from labctl.core.procedure import Evidence, Procedure
from labctl.core.results import Result
from procedures.common import (
    FocusTrack,
    SweepParameters,
    equal_counts,
    record_dark,
    record_spectrum,
    settle,
    visiting_order,
)
from procedures.evaluate import last_utc, ratio_points, select


class ThermometryCalibration(Procedure):
    """Calibrate the Raman thermometer against the cryostat at two low powers.

    The monolayer heats in proportion to the power, so that two powers at each temperature give
    the ratio without light. `analyse` returns the calibration that other procedures need.
    """

    name = "thermometry_calibration"

    class Parameters(SweepParameters):
        """Say at which temperatures and powers the ratio is measured."""

        region: str = Field(default="mono", description="Named position; heats linearly")
        temperatures: TemperaturesK = Field(
            default=(200.0, 225.0, 250.0, 275.0, 298.0, 325.0, 350.0, 375.0),
            min_length=3,
            description="Temperatures of the cryostat",
        )
        powers: PowersW = Field(
            default=(25e-6, 100e-6), min_length=2, description="Powers, extrapolated to zero"
        )
        exposure_s: DurationS = Field(default=300.0, gt=0, description="Each exposure")
        accumulations: PositiveInt = Field(
            default=4, le=1000, description="Exposures at the highest power; more at lower ones"
        )
        end_temperature: TemperatureK = Field(
            default=298.0, description="Temperature of the cryostat at the end"
        )

    def plan(self, p: Parameters) -> Plan:
        """Visit the temperatures in random order, refocus at each, take every power."""
        yield Set("stage.position", p.region)
        yield Set("spectrometer.window", "raman")
        yield from record_dark(p, "raman", accumulations=3 * p.accumulations)
        focus = FocusTrack(p)
        yield from focus.start()
        for temperature_k in visiting_order(p.temperatures, p.order, p.seed):
            reached = yield from settle(temperature_k)
            yield Note(f"cryostat at {temperature_k:g} K", {"quality": reached.quality.value})
            yield from focus.follow(temperature_k)
            for power_w in visiting_order(p.powers, p.order, p.seed + 1):
                power = yield Set(f"{p.beam}.power", power_w)
                more = equal_counts(p.accumulations, power_w, max(p.powers))
                yield from record_spectrum(p, "raman", p.region, power, accumulations=more)
        yield from settle(p.end_temperature)
        yield from focus.return_to(p.end_temperature)

    def analyse(self, evidence: Evidence) -> Result:
        """Fit response and self-heating; the calibration is of kind `thermometry.<beam>`."""
        warnings: list[str] = []
        points = ratio_points(evidence, select(evidence.points, "raman"), warnings.append)
        fit = calibrate_ratio(points)
        beam = str(evidence.parameters.get("beam", "probe"))
        numbers = {
            "ln_c": fit.ratio.ln_c,
            "ln_c_sigma": fit.ratio.ln_c_sigma,
            "self_heating_k_per_uw": fit.self_heating_k_per_w * 1e-6,
            "theta_k": fit.theta_k,
            "theta_sigma_k": fit.theta_sigma_k,
            "theta_expected_k": fit.theta_expected_k,
            "shift_slope_cm1_per_k": fit.ratio.shift_slope_cm1_per_k,
            "shift_slope_sigma_cm1_per_k": fit.ratio.shift_slope_sigma_cm1_per_k,
            "chi2": fit.chi2,
            "freedom": fit.freedom,
        }
        return Result(
            calibrations=(fit.calibration(beam, last_utc(evidence), evidence.run),),
            numbers=numbers,
            warnings=(*warnings, *fit.warnings),
        )
