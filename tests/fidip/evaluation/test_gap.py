"""Distance between two sets of pictures in the features of a network."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.realism import feature_network, features, square_crop
from fidip.evaluation.boxes import ground_truth_boxes
from fidip.evaluation.gap import (
    CropFeatures,
    crop_features,
    crop_means,
    draw_tsne,
    kernel_distance,
    measure_gap,
)
from fidip.evaluation.ground_truth import read_ground_truth
from fidip.evaluation.imagenet_features import ImageNetFeatures
from fidip.inference.estimator import PoseEstimator
from tests.fidip.inference.dot_network import DotNetwork


def cloud(name, shift=0.0, count=60, *, is_synthetic=False, seed=0, logits=None):
    rows = np.random.default_rng(seed).normal(shift, 1, (count, 24))
    return CropFeatures(name, rows, logits, np.full(count, is_synthetic))


def test_kernel_distance_is_the_unbiased_mmd():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 3)), rng.normal(1, 1, size=(5, 3))

    def k(a, b):
        return (a @ b / 3 + 1) ** 3

    within_x = np.mean([k(x[i], x[j]) for i in range(7) for j in range(7) if i != j])
    within_y = np.mean([k(y[i], y[j]) for i in range(5) for j in range(5) if i != j])
    across = np.mean([k(a, b) for a in x for b in y])
    assert kernel_distance(x, y) == pytest.approx(within_x + within_y - 2 * across)


def test_kernel_distance_of_real_infants_is_the_known_one(shared_data):
    with np.load(
        shared_data / "real_features" / "mobilenetv2_syrip_real_383.npz", allow_pickle=False
    ) as file:
        rows = file["features"].astype(np.float64)
    order = np.random.default_rng(0).permutation(len(rows))
    assert kernel_distance(rows[order[:191]], rows[order[191:]]) == pytest.approx(0, abs=0.01)


def test_sets_that_differ_are_told_apart_and_equal_ones_are_not():
    same = measure_gap(cloud("a"), cloud("b", seed=1))
    far = measure_gap(cloud("a"), cloud("b", 1.0, seed=1))
    assert far.kid > 10 * abs(same.kid)
    assert same.probe_accuracy < 0.65
    assert far.probe_accuracy > 0.95
    assert np.isnan(same.classifier_accuracy)


def test_features_that_only_shrink_come_no_closer():
    near, small = ([cloud("a"), cloud("b", 1.0, seed=1)] for _ in range(2))
    small = [replace(features, pooled=features.pooled / 100) for features in small]
    assert measure_gap(*small).kid == pytest.approx(measure_gap(*near).kid)


def test_own_classifier_is_scored_by_domain_whatever_the_sets_sizes():
    real = cloud("real", count=90, logits=np.full(90, -1.0))
    wrong = cloud("synthetic", count=30, is_synthetic=True, logits=np.full(30, -1.0))
    assert measure_gap(real, wrong).classifier_accuracy == 0.5
    right = cloud("synthetic", count=30, is_synthetic=True, logits=np.full(30, 1.0))
    assert measure_gap(real, right).classifier_accuracy == 1
    assert np.isnan(measure_gap(real, real).classifier_accuracy)


def test_too_few_persons_are_an_error():
    with pytest.raises(ValueError, match="at least 10 persons of each set; b has 4"):
        measure_gap(cloud("a"), cloud("b", count=4))


def test_map_is_written_as_a_picture(tmp_path):
    path = tmp_path / "maps" / "tsne.png"
    draw_tsne(cloud("real", count=20), cloud("synthetic", 2.0, count=15), path, "a map")
    picture = cv2.imread(str(path))
    assert picture.shape == (900, 900, 3)
    blue, _, red = np.moveaxis(picture.astype(int), 2, 0)
    assert (blue - red > 80).sum() > 500
    assert (red - blue > 80).sum() > 500


def test_features_are_the_crops_means_and_go_to_the_classifier(tmp_path):
    """DotNetwork's features are the crop's colours, so that flat pictures give flat features."""
    images, annotations = [], []
    for i, shade in enumerate((40, 90, 200), start=1):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((80, 60, 3), shade, np.uint8))
        images.append({"id": i, "file_name": f"{i}.png", "is_synthetic": i > 1})
        annotations.append(
            {"id": i, "image_id": i, "category_id": 1, "bbox": [20, 30, 9, 12], "keypoints": [25, 35, 2] * 17}
        )
    (tmp_path / "2.png").write_bytes(b"broken")
    gt = read_ground_truth({"images": images, "annotations": annotations})

    class Brightness(nn.Module):
        def forward(self, features):
            return features.mean((1, 2, 3))

    found = crop_features(
        PoseEstimator(DotNetwork(), batch_size=1),
        gt,
        ground_truth_boxes(gt),
        tmp_path,
        name="shades",
        classifier=Brightness(),
    )
    np.testing.assert_allclose(found.pooled, np.repeat([[40 / 255], [200 / 255]], 3, axis=1), atol=0.01)
    np.testing.assert_allclose(found.domain_logits, [40 / 255, 200 / 255], atol=0.01)
    assert found.is_synthetic.tolist() == [False, True]
    assert len(found.failures) == 1
    assert torch.is_grad_enabled()


def test_imagenet_features_are_torchvisions_of_the_square_crop(shared_data):
    """Against benchmarks/realism.py, which made the reference features' twin by hand."""
    weights = shared_data / "models" / "mobilenetv2_imagenet_features.pt"
    photo = cv2.imread(str(sorted((shared_data / "adult_2d" / "images").glob("*.jpg"))[0]))[..., ::-1].copy()
    boxes = [[100, 80, 160, 240], [20, 30, 300, 90]]
    estimator = ImageNetFeatures(weights, device="cpu", batch_size=2)
    crops = np.concatenate([estimator.cut(photo, box).pictures for box in boxes])
    ours = crop_means(estimator, crops)
    theirs = features(feature_network(weights), [square_crop(photo, box, 224)[0] for box in boxes])
    assert ours.shape == (2, 1280)
    for a, b in zip(ours, theirs, strict=True):
        assert np.corrcoef(a, b)[0, 1] > 0.98
    assert np.corrcoef(ours[0], theirs[1])[0, 1] < 0.9
