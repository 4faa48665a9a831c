"""The shipped recipes' real networks: a step, a look, what is frozen, ImageNet features."""

import numpy as np
import pytest
import torch
from torchvision.ops.misc import FrozenBatchNorm2d

from fidip.detection import network as networks
from fidip.detection.config import DetectNetworkSettings
from fidip.detection.dataset import PictureBatch
from fidip.detection.detectors import FasterRCNNDetector
from fidip.detection.network import FoldedLayers, build_detector
from fidip.detection.state import checkpoint_of, make_detect_state, restore
from fidip.detection.steps import detect_step
from fidip.detection.weights import begin_from, open_detector_weights, save_detector
from fidip.recipes import load_any_recipe
from fidip.training.processes import open_fabric

RECIPES = ("detector-mobilenetv2", "detector-mobilenet", "detector")
SMALL = ("network.min_size=64", "network.max_size=96", "optimizer.warmup_steps=0")


def small(name, *changes):
    """Return a recipe for small pictures, and its network."""
    recipe = load_any_recipe(name, [*SMALL, *changes])[1]
    torch.manual_seed(0)
    return recipe, build_detector(recipe.network, is_frozen=True)


def batch():
    """Return two pictures, one with a person and one without."""
    generator = torch.Generator().manual_seed(0)
    images = [torch.randint(0, 256, (3, 64, 96), generator=generator, dtype=torch.uint8) for _ in "ab"]
    return PictureBatch(images, [torch.tensor([[10.0, 8, 70, 50]]), torch.zeros(0, 4)], [0, 1])


@pytest.mark.parametrize("name", RECIPES)
def test_the_recipes_networks_take_a_step_and_look(name, tmp_path):
    recipe, network = small(name)
    state = make_detect_state(recipe, network, torch.device("cpu"), is_frozen=True)
    before = {key: tensor.clone() for key, tensor in network.named_parameters()}
    network.train()
    numbers = detect_step(state, batch(), open_fabric("cpu", "32"))
    assert set(numbers) == {"loss", "loss_class", "loss_box", "loss_proposal", "loss_proposal_box"}
    assert all(torch.isfinite(value) for value in numbers.values())
    weight = recipe.optimizer.box_weight
    classes, boxes = (
        sum(float(numbers[key]) for key in keys)
        for keys in (("loss_class", "loss_proposal"), ("loss_box", "loss_proposal_box"))
    )
    assert float(numbers["loss"]) == pytest.approx(classes + weight * boxes, rel=1e-4)
    moved = {key for key, tensor in network.named_parameters() if not torch.equal(before[key], tensor)}
    body = list(network.backbone.body.children())
    frozen = {id(p) for block in body[: recipe.network.frozen_blocks] for p in block.parameters()}
    kept = {key for key, tensor in network.named_parameters() if id(tensor) in frozen}
    assert not moved & kept
    assert {key.split(".")[0] for key in moved} == {"backbone", "rpn", "roi_heads"}
    save_detector(tmp_path / "best.safetensors", network, recipe.network, is_frozen=True)
    opened = FasterRCNNDetector(open_detector_weights(str(tmp_path)), "x")
    picture = batch().images[0].permute(1, 2, 0).numpy()
    own, theirs = (FasterRCNNDetector(n, "x").detect([picture])[0] for n in (network, opened.network))
    assert np.allclose(own.boxes, theirs.boxes, atol=1e-2)


def test_the_average_trails_the_network_and_comes_back(tmp_path):
    recipe, network = small("detector-mobilenetv2", "optimizer.ema_decay=0.9")
    state = make_detect_state(recipe, network, torch.device("cpu"), is_frozen=True)
    network.train()
    for _ in range(2):
        detect_step(state, batch(), open_fabric("cpu", "32"))
    name = "roi_heads.box_predictor.cls_score.weight"
    assert not torch.equal(state.average.tensors[name], network.state_dict()[name])
    torch.save(checkpoint_of(state), tmp_path / "last.pt")
    other = make_detect_state(recipe, small("detector-mobilenetv2")[1], torch.device("cpu"), is_frozen=True)
    restore(other, torch.load(tmp_path / "last.pt", weights_only=True))
    assert torch.equal(other.average.tensors[name], state.average.tensors[name])
    assert torch.equal(other.network.state_dict()[name], network.state_dict()[name])
    content = checkpoint_of(state)
    del content["average"]
    with pytest.raises(ValueError, match="it lacks average"):
        restore(other, content)


def test_blocks_that_nobody_trained_are_not_frozen():
    with pytest.raises(ValueError, match=r"the first 4 blocks .* would be random: give --weights FILE"):
        build_detector(DetectNetworkSettings(frozen_blocks=4), is_frozen=False)


def test_there_is_no_coco_detector_on_mobilenetv2():
    settings = DetectNetworkSettings(backbone="mobilenet_v2_fpn", weights="coco")
    with torch.device("meta"):
        network = build_detector(settings, is_frozen=True)
    with pytest.raises(ValueError, match="give --weights imagenet"):
        begin_from(network, settings)


def test_torchvisions_mobilenetv2_is_taken(tmp_path):
    """Nested names of torchvision's classifier; the published flat ones are in the next test."""
    import torchvision

    torch.manual_seed(1)
    theirs = torchvision.models.mobilenet_v2(weights=None)
    torch.save(theirs.state_dict(), tmp_path / "mobilenet_v2.pth")
    settings = DetectNetworkSettings(backbone="mobilenet_v2_fpn", weights=str(tmp_path / "mobilenet_v2.pth"))
    network = build_detector(settings, is_frozen=True)
    begin_from(network, settings)
    name = "backbone.body.17.conv.6.weight"
    assert torch.equal(network.state_dict()[name], theirs.features[17].conv[2].weight)


def test_real_imagenet_features_are_taken(shared_data):
    path = shared_data / "models" / "mobilenetv2_imagenet_features.pt"
    settings = DetectNetworkSettings(backbone="mobilenet_v2_fpn", weights=str(path))
    network = build_detector(settings, is_frozen=True)
    assert "the backbone begins from" in begin_from(network, settings)
    norm = network.backbone.body["17"].conv[1]
    assert float(norm.running_var.mean()) != 1


def test_folding_norms_changes_nothing():
    """Figures, gradients and names are those of the layers in a row; norms that learn are left alone."""
    for norm in (FrozenBatchNorm2d, torch.nn.BatchNorm2d):
        torch.manual_seed(0)
        layers = [torch.nn.Conv2d(3, 4, 3, bias=False), norm(4), torch.nn.ReLU6(), torch.nn.Conv2d(4, 2, 1)]
        for tensor in (layers[1].weight, layers[1].bias, layers[1].running_mean, layers[1].running_var):
            tensor.data.uniform_(0.5, 2)
        plain, folded = torch.nn.Sequential(*layers).eval(), FoldedLayers(*layers).eval()
        x = torch.rand(2, 3, 8, 8)
        gradients = []
        for module in (plain, folded):
            module.zero_grad()
            module(x).square().sum().backward()
            gradients.append(layers[0].weight.grad.clone())
        assert torch.allclose(plain(x), folded(x), atol=1e-5)
        assert torch.allclose(*gradients, rtol=1e-4, atol=1e-3)
        assert list(folded.state_dict()) == list(plain.state_dict())


def test_one_look_is_torchvisions_and_a_second_follows(monkeypatch):
    """At another size than the network's, so that boxes must come back to px of the picture."""
    torch.manual_seed(0)
    settings = DetectNetworkSettings(backbone="tiny", min_size=48, max_size=64)
    detector = build_detector(settings, is_frozen=True).eval()
    detector.roi_heads.score_thresh = 0.0  # random weights are sure of nothing
    image = torch.rand(3, 90, 120)
    with torch.inference_mode():
        wanted = detector([image])[0]
    twice = networks.find_boxes(detector, image)
    monkeypatch.setattr(networks, "LOOKS", 1)
    once = networks.find_boxes(detector, image)
    assert len(wanted["boxes"]) > 0
    assert all(torch.equal(once[name], wanted[name]) for name in ("boxes", "scores"))
    assert not torch.equal(twice["boxes"][:1], once["boxes"][:1])
