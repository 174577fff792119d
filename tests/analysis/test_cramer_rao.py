import importlib.util
from pathlib import Path

import numpy as np
import pytest

from labctl.analysis.crb import predicted_sigma_k

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "crb_ratio.py"


@pytest.fixture(scope="module")
def crb_ratio():
    spec = importlib.util.spec_from_file_location("crb_ratio", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("counts", [1000, 30000])
def test_temperatures_reach_the_bound(crb_ratio, counts):
    ratio, bias_k, bound_k, failed = crb_ratio.ratio_to_bound(counts, 150, np.random.default_rng(1))
    assert failed == 0
    # 150 trials know the ratio to 6 %
    assert 0.83 < ratio < 1.17
    assert abs(bias_k) < 0.3 * bound_k


def test_predicted_sigma_follows_the_published_background_free_values():
    for anti_stokes_e, sigma_k in ((1e3, 9.0), (1e4, 2.8), (1e5, 0.9)):
        stokes_e = anti_stokes_e / np.exp(-359.69 / 298.0)
        assert predicted_sigma_k(stokes_e, 298.0, 250.0) == pytest.approx(sigma_k, rel=0.02)
    assert predicted_sigma_k(3000, 298.0, 250.0, 48.0, 5.0) > predicted_sigma_k(3000, 298.0, 250.0)
