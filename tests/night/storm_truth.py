"""What the twin knows of a stormy night and no instrument tells."""

import bisect
from dataclasses import dataclass, field
from typing import Any

BEAMS = ("probe", "pump")


@dataclass
class Truth:
    """What the twin knows and no instrument tells."""

    exposures: list[dict[str, Any]] = field(default_factory=list)
    temperatures: list[tuple[float, float]] = field(default_factory=list)
    powers: dict[str, list[tuple[float, float]]] = field(
        default_factory=lambda: {beam: [] for beam in BEAMS}
    )
    blades: dict[str, list[tuple[float, bool]]] = field(
        default_factory=lambda: {beam: [] for beam in BEAMS}
    )
    emission: dict[str, list[tuple[float, bool]]] = field(
        default_factory=lambda: {beam: [] for beam in BEAMS}
    )
    acquires: list[list[float]] = field(default_factory=list)
    stuck: list[list[float]] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)

    def latest(self, series: list[tuple[float, float]], time_s: float) -> tuple[float, float]:
        place = bisect.bisect_right(series, (time_s + 1e-6, float("inf"))) - 1
        return series[max(place, 0)]


class WitnessedCamera:
    """Write down under what each frame was really exposed."""

    def __init__(self, camera: Any, truth: Truth) -> None:
        self._camera = camera
        self._truth = truth

    def __getattr__(self, name: str) -> Any:
        return getattr(self._camera, name)

    def expose(
        self, exposure_s: float, bands: Any, start_s: float, shutter_open: bool = True
    ) -> Any:
        counts = self._camera.expose(exposure_s, bands, start_s, shutter_open)
        scene = self._camera._camera._scene
        middle_s, end_s = start_s + exposure_s / 2, start_s + exposure_s
        beams = scene._beams
        self._truth.exposures.append(
            {
                "start_s": start_s,
                "exposure_s": exposure_s,
                "counts": counts,
                "power_w": {b: beams[b].sample_power_w(middle_s) for b in beams},
                "open": {b: beams[b].shutter.open_fraction(start_s, end_s) for b in beams},
                "cryostat_k": scene._cryostat.true_k(middle_s),
                "camera_c": self._camera._camera.temperature_c(middle_s),
                "x_um": scene._axes["x"].position_um(middle_s),
                "y_um": scene._axes["y"].position_um(middle_s),
                "axis_nm": scene._spectrograph.axis_nm(middle_s),
                "pressure_pa": scene._gauge.true_pa(middle_s),
            }
        )
        return counts
