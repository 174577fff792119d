import pytest

from labctl.core.calibration import Calibration
from labctl.core.errors import UsageError
from labctl.core.procedure import find_procedures, get_procedure


def test_the_shipped_procedures_are_found_by_name():
    assert set(find_procedures()) >= {
        "spectrum",
        "thermometry_calibration",
        "power_series",
        "temperature_series",
        "dual_beam",
        "wavelength_check",
    }


def test_every_procedure_has_defaults_for_all_parameters_and_a_summary():
    for procedure in find_procedures().values():
        procedure.Parameters()
        assert procedure.summary().endswith(".")


def test_an_unknown_procedure_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="did you mean 'power_series'"):
        get_procedure("powerseries")


def test_equal_calibrations_and_only_these_share_an_identity():
    first = Calibration("wavelength", {"offset_nm": 0.1}, "2026-01-01T00:00:00Z", "run 1", 30.0)
    same = Calibration("wavelength", {"offset_nm": 0.1}, "2026-01-01T00:00:00Z", "run 1", 30.0)
    other = Calibration("wavelength", {"offset_nm": 0.2}, "2026-01-01T00:00:00Z", "run 1", 30.0)
    assert first.identity == same.identity != other.identity
