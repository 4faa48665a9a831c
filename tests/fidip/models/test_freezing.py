"""Frozen parts neither train nor drift, unless asked to drift as the authors' code does."""

import pytest
import torch

from fidip.models.catalog import build_network
from fidip.models.freezing import freeze, groups_through


def step(network):
    """One training step with a large learning rate."""
    trainable = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trainable, lr=1.0)
    torch.manual_seed(1)
    features, heatmaps = network.train()(torch.randn(2, 3, 64, 64) + 1)
    (heatmaps.square().mean() + features.square().mean()).backward()
    optimizer.step()


def changed_modules(network, before):
    return {
        name.split(".")[0]
        for name, value in network.state_dict().items()
        if not torch.equal(value, before[name])
    }


def resnet():
    torch.manual_seed(0)
    return build_network("pose_resnet18", input_size=(64, 64))


def copied_state(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def test_frozen_parts_keep_their_weights_and_statistics():
    network = resnet()
    before = copied_state(network)
    freeze(network, groups_through(network, "layer2"))
    step(network)
    assert changed_modules(network, before) == {"layer3", "layer4", "deconv_layers", "final_layer"}


def test_statistics_drift_when_asked():
    network = resnet()
    before = copied_state(network)
    parts = freeze(network, groups_through(network, "layer1"), drifting_statistics=True)
    step(network)
    assert torch.equal(network.layer1[0].conv1.weight, before["layer1.0.conv1.weight"])
    assert not torch.equal(network.layer1[0].bn1.running_mean, before["layer1.0.bn1.running_mean"])
    assert [part.statistics for part in parts] == ["none", "drifting", "drifting"]


def test_switching_to_training_again_and_again_keeps_statistics_frozen():
    network = resnet()
    freeze(network, ["bn1"])
    freeze(network, ["layer1"])
    network.eval()
    network.train()
    assert not network.bn1.training
    assert not any(module.training for module in network.layer1.modules())
    assert network.layer2[0].bn1.training
    assert network.training


def test_freezing_in_evaluation_mode_leaves_the_mode():
    network = resnet().eval()
    freeze(network, ["layer1"])
    assert not any(module.training for module in network.modules())


def test_the_list_says_what_was_frozen():
    lines = [str(part) for part in freeze(resnet(), ["conv1", "layer1"])]
    assert lines == [
        "conv1: 1 tensors, 9,408 values",
        "layer1: 12 tensors, 147,968 values, 4 batch norms (kept)",
    ]


@pytest.mark.parametrize("name", ["layer5", "layer", "", "layer1.0.conv9"])
def test_unknown_names_are_refused_and_nothing_is_frozen(name):
    network = resnet()
    with pytest.raises(ValueError, match=r"no module or parameter .* to freeze; its parts are conv1, bn1"):
        freeze(network, ["conv1", name])
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_unknown_group_is_refused():
    with pytest.raises(ValueError, match=r"no part 'res4' .* its parts are conv1, bn1, layer1"):
        groups_through(resnet(), "res4")


def frozen_indices(network):
    return [index for index, parameter in enumerate(network.parameters()) if not parameter.requires_grad]


def test_fidips_index_71_is_layer2():
    with torch.device("meta"):
        network = build_network("pose_resnet50")
    freeze(network, groups_through(network, "layer2"))
    assert frozen_indices(network) == list(range(72))


def test_fidips_index_108_is_transition2_and_one_stray_tensor():
    with torch.device("meta"):
        network = build_network("hrnet_w48")
    freeze(network, groups_through(network, "transition2"))
    assert frozen_indices(network) == list(range(108))
    (stray,) = freeze(network, ["stage3.0.branches.0.0.conv1.weight"])
    assert frozen_indices(network) == list(range(109))
    assert str(stray) == "stage3.0.branches.0.0.conv1.weight: 1 tensors, 20,736 values"
    network.train()
    assert network.stage3.training
