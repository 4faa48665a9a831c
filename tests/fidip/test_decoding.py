"""Points from heatmaps whose true centres are known."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from fidip.decoding import DECODERS, decode_heatmaps, unflip_heatmaps
from fidip.models.interface import NetworkSpec
from syrip_gen.keypoints.catalog import COCO17


def spec(*, has_logits=False, cell_center=0.5, size=(256, 192)):
    return NetworkSpec(
        name="toy",
        input_size=size,
        stride=4,
        cell_center=cell_center,
        mean=(0.5,) * 3,
        std=(0.5,) * 3,
        has_logits=has_logits,
        feature_channels=8,
        feature_stride=8,
    )


def gaussians(centres_px, of, *, sigma=2.0, peak=1.0):
    """(B, K, h, w) Gaussians around (B, K, 2) points of the crop."""
    width, height = of.heatmap_size
    cells = centres_px / of.stride - of.cell_center
    x, y = torch.arange(width).double(), torch.arange(height).double()
    dx = (x - cells[..., 0, None]) ** 2
    dy = (y - cells[..., 1, None]) ** 2
    return peak * torch.exp(-(dy[..., :, None] + dx[..., None, :]) / (2 * sigma**2))


def random_points(seed=0, low=40.0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.uniform([low, low], [256 - low, 192 - low], (3, 17, 2)))


@pytest.mark.parametrize("method, bound", [("dark", 0.02), ("quarter", 1.01), ("argmax", 2.01)])
@pytest.mark.parametrize("cell_center", [0.5, 0.125, 0.0])
def test_error_on_exact_gaussians_stays_in_the_methods_bound(method, bound, cell_center):
    of = spec(cell_center=cell_center)
    truth = random_points()
    points, scores = decode_heatmaps(gaussians(truth, of), of, method)
    error = (points - truth).abs()
    assert error.max() < bound
    assert error.max() > bound / 10 or method == "dark"  # the coarse ones cannot be better than their grid
    assert ((scores > 0.85) & (scores <= 1)).all()


@pytest.mark.parametrize("method", DECODERS)
def test_logits_and_values_give_the_same_points(method):
    truth = random_points(1)
    values = gaussians(truth, spec(), peak=0.9).clamp(1e-6, 1 - 1e-6)
    from_values = decode_heatmaps(values, spec(), method)
    from_logits = decode_heatmaps(values.logit(), spec(has_logits=True), method)
    for a, b in zip(from_values, from_logits, strict=True):
        torch.testing.assert_close(a, b, atol=2e-3, rtol=0)


def test_dark_makes_the_step_of_whole_blurred_heatmaps():
    """Zhang et al. 2020 as one would write it down: blur, logarithm, gradient and curvature, Newton step."""
    noise = 0.05 * torch.rand(3, 17, 48, 64, generator=torch.Generator().manual_seed(1))
    heatmaps = gaussians(random_points(4, low=12.0), spec()) + noise
    points, _ = decode_heatmaps(heatmaps, spec())
    for b, k in ((0, 0), (1, 5), (2, 16)):
        values = heatmaps[b, k].numpy()
        row, column = np.unravel_index(values.argmax(), values.shape)
        log = np.log(gaussian_filter(values, 2.0, mode="constant", truncate=2.5))
        here = log[row - 1 : row + 2, column - 1 : column + 2]
        gradient = np.array([here[1, 2] - here[1, 0], here[2, 1] - here[0, 1]]) / 2
        xy = (here[2, 2] - here[0, 2] - here[2, 0] + here[0, 0]) / 4
        xx = here[1, 2] - 2 * here[1, 1] + here[1, 0]
        yy = here[2, 1] - 2 * here[1, 1] + here[0, 1]
        curvature = np.array([[xx, xy], [xy, yy]])
        expected = 4 * (np.array([column, row]) - np.linalg.solve(curvature, gradient) + 0.5)
        np.testing.assert_allclose(points[b, k], expected, atol=1e-3)


def test_dark_beats_the_quarter_offset_under_noise():
    truth = random_points(2)
    noise = 0.02 * torch.randn(3, 17, 48, 64, generator=torch.Generator().manual_seed(0))
    noisy = gaussians(truth, spec()) + noise
    errors = {m: (decode_heatmaps(noisy, spec(), m)[0] - truth).norm(dim=2).mean() for m in DECODERS}
    assert errors["dark"] < 0.7 * errors["quarter"] < 0.7 * errors["argmax"]


def test_points_in_the_outer_cells_stay_within_a_cell():
    truth = torch.tensor([[[0.5, 0.5], [255.0, 100.0], [6.0, 7.0], [128.0, 190.0]]]).double()
    points, _ = decode_heatmaps(gaussians(truth, spec()), spec())
    assert (points - truth).abs().max() < 2.5


@pytest.mark.parametrize("method", DECODERS)
def test_flat_and_tiny_heatmaps_give_finite_points(method):
    small = spec(size=(4, 8))
    for heatmaps, of in ((torch.zeros(2, 3, 48, 64), spec()), (torch.rand(1, 2, 2, 1), small)):
        points, scores = decode_heatmaps(heatmaps, of, method)
        assert torch.isfinite(points).all()
        assert torch.isfinite(scores).all()


def test_arrays_give_arrays_and_empty_batches_pass():
    points, scores = decode_heatmaps(np.zeros((0, 17, 48, 64), np.float32), spec())
    assert isinstance(points, np.ndarray)
    assert points.shape == (0, 17, 2)
    assert scores.shape == (0, 17)


@pytest.mark.parametrize(
    "heatmaps, method, message",
    [
        (torch.zeros(17, 48, 64), "dark", "must be (B, K, h, w), got (17, 48, 64)"),
        (torch.zeros(1, 17, 48, 64), "darkest", "'darkest'; expected dark, quarter, argmax"),
        (torch.full((1, 17, 48, 64), torch.nan), "dark", "toy hold NaN"),
    ],
)
def test_wrong_input_is_named(heatmaps, method, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        decode_heatmaps(heatmaps, spec(), method)
    assert message in str(caught.value)


@pytest.mark.parametrize("cell_center", [0.5, 0.25, 0.125, 0.0])
def test_unflipped_heatmaps_of_a_mirrored_crop_give_the_same_points(cell_center):
    of = spec(cell_center=cell_center)
    truth = random_points(3)
    mirrored = truth[:, COCO17.flip_index].clone()
    mirrored[..., 0] = 256 - mirrored[..., 0]
    points, _ = decode_heatmaps(unflip_heatmaps(gaussians(mirrored, of), COCO17.flip_index, cell_center), of)
    assert (points - truth).abs().max() < 0.1
