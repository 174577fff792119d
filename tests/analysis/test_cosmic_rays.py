import numpy as np
import pytest

from labctl.analysis.cosmics import find_cosmics
from labctl.analysis.counts import to_electrons


def peak(pixels=1340):
    axis = np.arange(pixels) - pixels / 2
    return 20 + 400 * np.exp(-0.5 * (axis / 3) ** 2)


def clean_mean(frames, hit):
    return np.where(hit, 0, frames).sum(axis=0) / np.maximum((~hit).sum(axis=0), 1)


@pytest.mark.parametrize("frames", [2, 3, 5])
def test_mean_of_clean_frames_is_not_biased(frames):
    rng = np.random.default_rng(3)
    mu = np.tile(peak(200), 100)
    bias = []
    for _ in range(30):
        data = rng.poisson(mu, (frames, mu.size)) + rng.normal(0, 4, (frames, mu.size))
        kept = clean_mean(data, find_cosmics(data, 16.0))
        bias.append(kept.sum() / mu.sum() - 1)
    assert abs(np.mean(bias)) < 1e-3


@pytest.mark.parametrize("frames", [3, 4, 5])
def test_rays_on_a_peak_leave_its_area_unbiased(frames):
    rng = np.random.default_rng(4)
    mu = peak()
    area, areas = mu[650:690].sum(), []
    for _ in range(400):
        data = rng.poisson(mu, (frames, mu.size)) + rng.normal(0, 4, (frames, mu.size))
        for row in range(frames):
            if rng.random() < 0.5:
                at = rng.integers(650, 689)
                data[row, at : at + 2] += rng.exponential(2000) * np.array([0.6, 0.4])
        areas.append(clean_mean(data, find_cosmics(data, 16.0))[650:690].sum())
    error = np.std(areas) / np.sqrt(400) / area
    assert abs(np.mean(areas) / area - 1) < 1e-3 + 2 * error
    assert np.std(areas) < 1.2 * np.sqrt((area + 40 * 16) / frames)


def test_two_rays_on_one_pixel_of_three_frames_are_both_found():
    data = np.full((3, 100), 50.0)
    data[0, 40] = data[2, 40] = 3000.0
    hit = find_cosmics(data, 16.0)
    assert hit[:, 40].tolist() == [True, False, True]
    assert hit.sum() == 2


def test_laser_drift_between_bright_frames_is_no_ray():
    data = 1e5 * np.outer([1.0, 1.01, 0.99], np.ones(50))
    assert not find_cosmics(data, 16.0).any()


def test_single_frame_loses_a_strong_ray_but_no_line():
    rng = np.random.default_rng(5)
    data = rng.poisson(peak(), (1, 1340)).astype(float)
    assert not find_cosmics(data, 16.0).any()
    data[0, 200] += 500
    assert np.flatnonzero(find_cosmics(data, 16.0)).tolist() == [200]


def test_two_frames_lose_a_ray():
    data = np.full((2, 100), 50.0)
    data[1, 7] = 900.0
    assert np.argwhere(find_cosmics(data, 16.0)).tolist() == [[1, 7]]


def test_masked_pixel_keeps_its_level_and_gets_a_larger_variance(bench):
    mu = np.full(1340, 100.0)
    spectrum = bench.expose(mu)
    spectrum.counts[1, 500] = 20000
    electrons = to_electrons(spectrum, [bench.dark()])
    assert electrons.cosmic[1, 500]
    assert electrons.signal_e[500] == pytest.approx(300, abs=100)
    assert electrons.variance_scale[500] == pytest.approx(1.5)
    assert not electrons.saturated.any()
