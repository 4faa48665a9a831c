"""Domain classifiers: the authors' sizes, and the small one."""

import pytest
import torch
from torch import nn

from fidip.domain.classifiers import SmallClassifier, build_classifier
from fidip.models.interface import IMAGENET_MEAN, IMAGENET_STD, NetworkSpec


def spec(name, input_size, channels, stride):
    return NetworkSpec(name, input_size, 4, 0.5, IMAGENET_MEAN, IMAGENET_STD, False, channels, stride)


HRNET = spec("hrnet_w48", (288, 384), 48, 4)
MOBILE = spec("pose_mobilenetv2", (224, 224), 1280, 32)
RESNET = spec("pose_resnet50", (288, 384), 2048, 32)


@pytest.mark.parametrize("network, count", [(HRNET, 754_553), (MOBILE, 847_153), (RESNET, 454_041_601)])
def test_paper_classifiers_have_the_authors_number_of_parameters(network, count):
    with torch.device("meta"):
        classifier = build_classifier("paper", network)
    assert sum(p.numel() for p in classifier.parameters()) == count


@pytest.mark.parametrize("network", [HRNET, MOBILE])
def test_paper_classifiers_take_the_features_of_their_network(network):
    width, height = (side // network.feature_stride for side in network.input_size)
    logits = build_classifier("paper", network)(torch.randn(2, network.feature_channels, height, width))
    assert logits.shape == (2,)


def test_names_are_the_authors():
    names = {n.rsplit(".", 1)[0] for n in build_classifier("paper", HRNET).state_dict()}
    assert names == {*(f"conv_layer.{i}" for i in (0, 1, 4, 5)), *(f"layer.{i}" for i in (0, 1, 3, 4, 6))}


def test_paper_classifier_needs_the_papers_input_size():
    with pytest.raises(ValueError, match=r"288x384 px, not 192x256.*classifier=small"):
        build_classifier("paper", spec("hrnet_w48", (192, 256), 48, 4))


def test_paper_has_none_for_movenet():
    with pytest.raises(ValueError, match="no domain classifier for movenet_thunder"):
        build_classifier("paper", spec("movenet_thunder", (256, 256), 24, 4))


@pytest.mark.parametrize("size", [(7, 7), (12, 9), (64, 64)])
def test_small_classifier_takes_any_size(size):
    assert SmallClassifier(24)(torch.randn(2, 24, *size)).shape == (2,)


def test_small_classifier_sees_each_picture_alone():
    classifier, features = SmallClassifier(8), torch.randn(6, 8, 10, 10)
    torch.testing.assert_close(classifier(features)[:2], classifier(features[:2]))
    assert not any(isinstance(m, nn.BatchNorm2d | nn.BatchNorm1d) for m in classifier.modules())


def test_small_classifier_learns_a_texture():
    torch.manual_seed(0)
    classifier = SmallClassifier(8)
    optimizer = torch.optim.Adam(classifier.parameters(), 1e-2)
    label = torch.arange(32) % 2
    for _ in range(30):
        features = torch.randn(32, 8, 12, 12)
        features[label == 1, :2] *= 2
        logits = classifier(features)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, label.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert ((logits > 0) == (label == 1)).float().mean() > 0.9
