"""Hold the numbers of the sample: regions, heat, Raman modes, photoluminescence.

Sources are in `reference/science.md` section 3 (assumed values that give the claimed sign and
size) unless a description says otherwise.
"""

from labctl.sim.twin.quantity import Group, number


class Region(Group):
    """One square of the sample and how light heats or cools WSe2 in it."""

    x_um: float = number(0.0, "µm", "Centre, x")
    y_um: float = number(0.0, "µm", "Centre, y")
    size_um: float = number(20.0, "µm", "Edge length", gt=0)
    wse2: float = number(1.0, "", "WSe2 layers present (0 or 1); scales its signals", ge=0)
    mose2: float = number(1.0, "", "MoSe2 layers present (0 or 1); scales its signals", ge=0)
    heating_k_per_uw: float = number(0.03, "K/µW", "h: heating of WSe2 in vacuum", ge=0)
    cooling_k_per_uw: float = number(0.0, "K/µW", "c: optical cooling of WSe2 at low power", ge=0)
    saturation_uw: float = number(150.0, "µW", "Ps: power at which cooling is halved", gt=0)
    conductance_w_m2k: float = number(2.6e5, "W/(m²K)", "G0: WSe2 to its surroundings", gt=0)
    pl_quenching: float = number(0.05, "", "PL intensity relative to a monolayer", ge=0)
    si_transmission: float = number(0.9, "", "Silicon Raman intensity under the flake", ge=0)


class Regions(Group):
    """The sample; outside of every region there is bare silicon."""

    substrate: Region = Region(wse2=0.0, mose2=0.0, heating_k_per_uw=0.0, si_transmission=1.0)
    mono: Region = Region(x_um=30.0, mose2=0.0, heating_k_per_uw=0.06, pl_quenching=1.0)
    weak: Region = Region(x_um=60.0, heating_k_per_uw=0.10)
    strong: Region = Region(x_um=90.0)
    intermediate: Region = Region(x_um=120.0, cooling_k_per_uw=0.60, conductance_w_m2k=1.2e4)
    cvd: Region = Region(x_um=150.0, cooling_k_per_uw=0.35, conductance_w_m2k=1.2e4)

    def named(self, name: str) -> Region:
        """Return a region by name; raises `KeyError`."""
        if name not in type(self).model_fields:
            raise KeyError(name)
        region: Region = getattr(self, name)
        return region


class Heat(Group):
    """Where absorbed light and heat go."""

    absorption_probe: float = number(0.06, "", "Absorbed fraction of the probe beam", gt=0, le=1)
    absorption_pump: float = number(0.04, "", "Absorbed fraction of the pump beam", ge=0, le=1)
    mose2_k_per_uw: float = number(0.08, "K/µW", "Heating of MoSe2", ge=0)
    gas_w_m2k_pa: float = number(0.96, "W/(m²K·Pa)", "Free-molecular conductance of the gas", ge=0)
    gas_k_w_mk: float = number(0.026, "W/(m·K)", "Thermal conductivity of the gas (air)", gt=0)
    spot_radius_um: float = number(0.35, "µm", "1/e² radius of the laser spot", gt=0)


class Artefact(Group):
    """Truth B: what looks like cooling and is none."""

    depth: float = number(0.35, "", "Loss of anti-Stokes intensity at high power", ge=0, lt=1)
    saturation_uw: float = number(150.0, "µW", "Power at which half of it is reached", gt=0)
    pl_shift_ev: float = number(0.008, "eV", "Blue shift of the PL at high power")


class Mode(Group):
    """One Raman mode. Temperature dependence relative to 298 K."""

    shift_cm1: float = number(250.0, "cm⁻¹", "Raman shift at 298 K", gt=0)
    slope_cm1_per_k: float = number(-0.007, "cm⁻¹/K", "Change of the shift with temperature")
    fwhm_cm1: float = number(3.0, "cm⁻¹", "Natural full width at half maximum at 298 K", gt=0)
    rate_per_s_mw: float = number(600.0, "e⁻/(s·mW)", "Integrated Stokes rate at 298 K", ge=0)


class Raman(Group):
    """The Raman modes of WSe2, MoSe2 and silicon under the probe beam."""

    wse2_a1g: Mode = Mode()
    wse2_2la: Mode = Mode(shift_cm1=260.0, fwhm_cm1=6.0, rate_per_s_mw=30.0)
    mose2_a1g: Mode = Mode(shift_cm1=241.0, slope_cm1_per_k=-0.010, rate_per_s_mw=400.0)
    mose2_e: Mode = Mode(shift_cm1=287.0, slope_cm1_per_k=-0.010, fwhm_cm1=4.0, rate_per_s_mw=60.0)
    si: Mode = Mode(shift_cm1=520.7, slope_cm1_per_k=-0.022, fwhm_cm1=3.5, rate_per_s_mw=10000.0)
    si_2ta: Mode = Mode(shift_cm1=302.0, slope_cm1_per_k=-0.010, fwhm_cm1=12.0, rate_per_s_mw=200.0)


class Exciton(Group):
    """One photoluminescence line; position after O'Donnell and Chen (1991) [M]."""

    e0_ev: float = number(1.742, "eV", "Transition energy at 0 K", gt=0)
    coupling: float = number(2.06, "", "S: electron-phonon coupling", ge=0)
    phonon_ev: float = number(0.015, "eV", "ħΩ: mean phonon energy", gt=0)
    fwhm_ev: float = number(0.045, "eV", "Full width at half maximum", gt=0)
    rate_per_s_mw: float = number(1e6, "e⁻/(s·mW)", "Integrated rate of a monolayer", ge=0)


class Pl(Group):
    """Photoluminescence of both materials; the pump excites it by its absorbed photons."""

    wse2: Exciton = Exciton()
    mose2: Exciton = Exciton(e0_ev=1.657, coupling=1.96, fwhm_ev=0.040, rate_per_s_mw=3e5)


class Background(Group):
    """Light that belongs to no line."""

    rate_per_s_mw_cm1: float = number(0.3, "e⁻/(s·mW·cm⁻¹)", "Smooth, at the probe line", ge=0)
    length_cm1: float = number(3000.0, "cm⁻¹", "It grows by e over this Stokes shift", gt=0)
    ambient_per_s_nm: float = number(0.05, "e⁻/(s·nm)", "Room light, lasers off", ge=0)


class Focus(Group):
    """How the collected signal depends on the z position."""

    rayleigh_um: float = number(1.5, "µm", "Defocus that halves the signal", gt=0)
    shift_um_per_k: float = number(0.15, "µm/K", "Move of the best focus with the cryostat")
    reference_k: float = number(298.0, "K", "Cryostat temperature of best focus at z = 0", gt=0)
