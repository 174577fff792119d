"""Compare a claimed temperature with the energy that the light can move."""

import math
from dataclasses import dataclass

LITERATURE_CONDUCTANCE_W_PER_M2K = (1e5, 16e6)
"""Interface conductances of MoSe2 and WSe2 on substrates: 0.1 to 15.9 MW/m²K (reference, [L])."""


@dataclass(frozen=True, slots=True)
class EnergyBalance:
    """Hold the energy balance of optical cooling in one spot.

    `cooling_flux_w_per_m2` is what leaves if half of the absorbed photons take one phonon each;
    `required_w_per_m2k` is the total conductance at which that holds `drop_k` of cooling.
    """

    absorbed_flux_w_per_m2: float
    cooling_flux_w_per_m2: float
    drop_k: float
    required_w_per_m2k: float
    expected_drop_k: tuple[float, float]

    @property
    def text(self) -> str:
        """Say it in words."""
        low, high = LITERATURE_CONDUCTANCE_W_PER_M2K
        return (
            f"energy balance: a drop of {self.drop_k:.0f} K needs a total thermal conductance of "
            f"{self.required_w_per_m2k / 1e3:.2g} kW/m²K; published interface conductances of "
            f"{low / 1e6:g} to {high / 1e6:g} MW/m²K would allow {self.expected_drop_k[0]:.2g} to "
            f"{self.expected_drop_k[1]:.2g} K"
        )


def energy_balance(
    power_w: float,
    drop_k: float,
    *,
    laser_nm: float = 532.0,
    absorption: float = 0.06,
    spot_radius_um: float = 0.35,
    phonon_cm1: float = 250.0,
    phonons_per_photon: float = 0.5,
) -> EnergyBalance:
    """Return what a temperature drop needs, with assumed absorption, spot and phonon yield."""
    absorbed = power_w * absorption / (math.pi * (spot_radius_um * 1e-6) ** 2)
    cooling = absorbed * phonons_per_photon * phonon_cm1 * laser_nm * 1e-7
    low, high = LITERATURE_CONDUCTANCE_W_PER_M2K
    required = cooling / drop_k if drop_k > 0 else math.inf
    return EnergyBalance(absorbed, cooling, drop_k, required, (cooling / high, cooling / low))
