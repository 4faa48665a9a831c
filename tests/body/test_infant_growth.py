"""The shapes of the embedded infant stay within the WHO child growth standards, 0-12 months."""

import numpy as np
import pytest

from syrip_gen.body import load_body
from syrip_gen.body.measurements import body_length, head_circumference, mesh_volume
from syrip_gen.body.posing import rest_body
from syrip_gen.sampling.poses import sample_betas

# 3rd percentile of newborn girls to 97th of boys of 12 months (WHO Child Growth Standards).
LENGTH_M, WEIGHT_KG, HEAD_M = (0.456, 0.802), (2.4, 11.8), (0.319, 0.486)


@pytest.fixture(scope="module")
def infant():
    return load_body("infant")


def _measure(infant, betas):
    vertices = rest_body(infant, betas)[0].astype(np.float64)
    weight = 1000 * mesh_volume(vertices, infant.faces)  # 1 g/cm3
    return body_length(vertices), weight, head_circumference(vertices, infant.regions["skull"])


def test_the_mean_is_a_six_month_old(infant):
    length, weight, head = _measure(infant, None)
    assert length == pytest.approx(0.666, abs=0.01)
    assert weight == pytest.approx(7.6, abs=0.3)
    assert head == pytest.approx(0.4275, abs=0.006)


def test_samples_stay_inside_the_who_range(infant):
    rng = np.random.default_rng(1)
    sizes = np.array([_measure(infant, sample_betas(infant.num_betas, rng)) for _ in range(400)])
    for column, (low, high) in zip(sizes.T, (LENGTH_M, WEIGHT_KG, HEAD_M), strict=True):
        assert low <= column.min()
        assert column.max() <= high
    # They vary as infants of 0-12 months do: not one size with noise.
    assert np.ptp(sizes[:, 0]) > 0.15
    assert np.ptp(sizes[:, 1]) > 3.5


def test_standard_normal_betas_stay_inside_the_who_range(infant):
    rng = np.random.default_rng(2)
    betas = np.clip(rng.standard_normal((400, infant.num_betas)), -2.5, 2.5)
    sizes = np.array([_measure(infant, b) for b in betas])
    for column, (low, high) in zip(sizes.T, (LENGTH_M, WEIGHT_KG, HEAD_M), strict=True):
        assert low <= column.min()
        assert column.max() <= high


@pytest.mark.parametrize("size", [-2.0, -1.0, 0.0, 1.0, 2.0])
def test_the_head_is_a_quarter_of_the_length(infant, size):
    betas = np.zeros(infant.num_betas)
    betas[0] = size
    vertices = rest_body(infant, betas)[0]
    head = vertices[infant.regions["face"]]
    chin = head[:, 1].min()
    ratio = (vertices[:, 1].max() - chin) / np.ptp(vertices[:, 1])
    assert 0.22 < ratio < 0.28
