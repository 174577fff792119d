"""Calibrate the power of a beam: from the controller to the sample."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field, model_validator

from labctl.analysis.power_fit import PowerFit, PowerPoint, fit_power, power_calibration
from labctl.core.calibration import Calibration
from labctl.core.messages import Plan, Point, Read, Record, Set
from labctl.core.parameters import DurationS, PowersW
from labctl.core.procedure import Evidence, Procedure
from labctl.core.readings import Reading
from labctl.core.results import Result
from procedures.common import SpectrumParameters, take_spectrum
from procedures.evaluate import last_utc

SIGNIFICANT = 16.3
"""Fall of χ² by three fitted numbers that chance exceeds once in 1000."""


class PowerCalibrationProcedure(Procedure):
    """Relate the settings of a beam to the power at the sample.

    With `readings`, what a meter at the sample showed at each power is the standard. Without
    them it is the pick-off meter, which shows whether the attenuator still does what it did.
    """

    name = "power_calibration"

    class Parameters(SpectrumParameters):
        """Say which settings are visited, and what a meter at the sample showed there."""

        powers: PowersW = Field(
            default=(5e-6, 10e-6, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3),
            min_length=4,
            description="Powers that the controller is set to, in this order",
        )
        readings: PowersW | None = Field(
            default=None,
            description="What a meter at the sample showed at each of them, if there was one",
        )
        pick_off: bool = Field(default=True, description="Whether the beam has a pick-off meter")
        meter_accuracy: float = Field(
            default=0.03, gt=0, le=0.5, description="Relative error of the meter at the sample"
        )
        show_beam: bool = Field(
            default=False, description="Open the shutter at each power, to read a meter there"
        )
        exposure_s: DurationS = Field(
            default=10.0, gt=0, description="How long the shutter is open with `show_beam`"
        )
        accumulations: int = Field(default=1, ge=1, le=1000, description="So many times")

        @model_validator(mode="after")
        def _one_reading_each(self) -> Self:
            if self.readings is not None and len(self.readings) != len(self.powers):
                raise ValueError(
                    f"{len(self.powers)} powers need as many readings, got {len(self.readings)}"
                )
            return self

    def plan(self, p: Parameters) -> Plan:
        """Set every power and read back what meters, laser and attenuator show."""
        for number, power_w in enumerate(p.powers):
            power: Reading = yield Set(f"{p.beam}.power", power_w)
            laser = yield Read(f"{p.beam}.laser_power")
            angle = yield Read(f"{p.beam}.attenuator")
            meter = (yield Read(f"{p.beam}.meter")) if p.pick_off else None
            data = {
                "asked_w": power_w,
                "power_w": power,
                "laser_power_w": laser,
                "attenuator_deg": angle,
                "meter_w": meter,
                "sample_w": None if p.readings is None else p.readings[number],
            }
            if p.show_beam:
                window: Reading = yield Read("spectrometer.window")
                spectrum = yield from take_spectrum(p, "raman")
                data |= {"window": window.value, "spectrum": spectrum}
            yield Record(data, kind="check")

    def analyse(self, evidence: Evidence) -> Result:
        """Fit the attenuator and the pick-off meter; the old calibration must be known.

        Without a meter at the sample a new one is proposed only if the attenuator has changed.
        """
        beam = str(evidence.parameters["beam"])
        previous = evidence.calibrations.get(f"power.{beam}")
        points = [] if previous is None else _points(evidence.points, previous)
        if previous is None or not points:
            what = "no settings were recorded" if previous else f"there is no power.{beam} yet"
            return Result(warnings=(what,))
        fit = fit_power(points, previous)
        with_meter = evidence.parameters.get("readings") is not None
        numbers = _numbers(fit, points, with_meter)
        if not with_meter and fit.gain < SIGNIFICANT:
            return Result(numbers=numbers)
        calibration = power_calibration(
            fit,
            previous,
            with_sample_meter=with_meter,
            meter_accuracy=float(evidence.parameters["meter_accuracy"]),
            measured_utc=last_utc(evidence),
            source=evidence.run,
        )
        return Result(numbers=numbers, calibrations=(calibration,))


def _points(points: Sequence[Point], previous: Calibration) -> list[PowerPoint]:
    """Return the settings at which everything that is needed could be read."""
    found = []
    for point in points:
        laser_w, angle_deg, meter_w = (
            _number(point.data.get(key)) for key in ("laser_power_w", "attenuator_deg", "meter_w")
        )
        sample_w = _number(point.data.get("sample_w"))
        if sample_w is None and meter_w is not None:
            sample_w = meter_w * float(previous.values["sample_per_meter"])
        if laser_w is None or angle_deg is None or sample_w is None:
            continue
        if min(laser_w, sample_w) > 0:
            found.append(PowerPoint(laser_w, angle_deg, sample_w, meter_w))
    return found


def _number(value: object) -> float | None:
    if isinstance(value, Reading):
        value = value.value
    return float(value) if isinstance(value, float | int) else None


def _numbers(fit: PowerFit, points: Sequence[PowerPoint], with_meter: bool) -> dict[str, object]:
    return {
        "standard": "meter at the sample" if with_meter else "pick-off meter",
        "transmission": fit.transmission,
        "extinction": fit.extinction,
        "offset_deg": fit.offset_deg,
        "sample_per_meter": fit.sample_per_meter,
        "meter_scatter": fit.scatter,
        "power_w": [one.sample_w for one in points],
        "residual_before_percent": [100 * value for value in fit.before],
        "residual_after_percent": [100 * value for value in fit.residuals],
        "rms_before_percent": 100 * fit.rms_before,
        "rms_after_percent": 100 * fit.rms_after,
    }
