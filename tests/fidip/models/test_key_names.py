"""Names and shapes of every network's tensors are the published checkpoints' (FACTS A.5).

The rules below are written from the published names, not from the networks' code.
"""

from functools import lru_cache

import pytest
import torch

from fidip.models.catalog import build_network, network_names

BATCH_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
CONVOLUTION = ("weight",)


def conv_and_norm(conv, norm):
    return [f"{conv}.{kind}" for kind in CONVOLUTION] + [f"{norm}.{kind}" for kind in BATCH_NORM]


def residual_block(block, convolutions, has_downsample):
    names = []
    for number in range(1, convolutions + 1):
        names += conv_and_norm(f"{block}.conv{number}", f"{block}.bn{number}")
    return names + conv_and_norm(f"{block}.downsample.0", f"{block}.downsample.1") * has_downsample


def pose_resnet_names(blocks, convolutions):
    names = conv_and_norm("conv1", "bn1")
    for layer, count in enumerate(blocks, start=1):
        for block in range(count):
            has_downsample = block == 0 and (layer > 1 or convolutions == 3)
            names += residual_block(f"layer{layer}.{block}", convolutions, has_downsample)
    for conv, norm in ((0, 1), (3, 4), (6, 7)):
        names += conv_and_norm(f"deconv_layers.{conv}", f"deconv_layers.{norm}")
    return [*names, "final_layer.weight", "final_layer.bias"]


def hrnet_module_names(module, branches, outputs):
    names = []
    for branch in range(branches):
        for block in range(4):
            names += residual_block(f"{module}.branches.{branch}.{block}", 2, has_downsample=False)
    for target in range(outputs):
        for source in range(branches):
            fuse = f"{module}.fuse_layers.{target}.{source}"
            if source > target:
                names += conv_and_norm(f"{fuse}.0", f"{fuse}.1")
            for step in range(target - source):
                names += conv_and_norm(f"{fuse}.{step}.0", f"{fuse}.{step}.1")
    return names


def hrnet_names():
    names = conv_and_norm("conv1", "bn1") + conv_and_norm("conv2", "bn2")
    for block in range(4):
        names += residual_block(f"layer1.{block}", 3, has_downsample=block == 0)
    names += conv_and_norm("transition1.0.0", "transition1.0.1")
    names += conv_and_norm("transition1.1.0.0", "transition1.1.0.1")
    names += hrnet_module_names("stage2.0", 2, 2)
    names += conv_and_norm("transition2.2.0.0", "transition2.2.0.1")
    for module in range(4):
        names += hrnet_module_names(f"stage3.{module}", 3, 3)
    names += conv_and_norm("transition3.3.0.0", "transition3.3.0.1")
    for module in range(3):
        names += hrnet_module_names(f"stage4.{module}", 4, 1 if module == 2 else 4)
    return [*names, "final_layer.weight", "final_layer.bias"]


def mobile_names():
    names = conv_and_norm("features.0.0", "features.0.1")
    for block in range(1, 18):
        for layer in (0, 3) if block == 1 else (0, 3, 6):
            names += conv_and_norm(f"features.{block}.conv.{layer}", f"features.{block}.conv.{layer + 1}")
    names += conv_and_norm("features.18.0", "features.18.1")
    names.append("conv_compress.weight")
    for block in (1, 2, 3):
        names += conv_and_norm(f"duc{block}.conv", f"duc{block}.bn")
    return [*names, "hm_conv.weight"]


def plain_resnet_names(blocks, convolutions):
    """Ellershaw's: the ResNet's children in a sequence (0 conv1, 1 bn1, 4-7 layer1-4), no norms above."""
    places = {"conv1": "0.0", "bn1": "0.1", **{f"layer{n}": f"0.{n + 3}" for n in range(1, 5)}}
    names = []
    for name in pose_resnet_names(blocks, convolutions):
        first, _, rest = name.partition(".")
        if first in places:
            names.append(f"{places[first]}.{rest}")
    return names + [f"1.convTrans{n}.{kind}" for n in range(1, 5) for kind in ("weight", "bias")]


PUBLISHED = {
    "pose_resnet18_plain": plain_resnet_names((2, 2, 2, 2), 2),
    "pose_resnet50_plain": plain_resnet_names((3, 4, 6, 3), 3),
    "pose_resnet18": pose_resnet_names((2, 2, 2, 2), 2),
    "pose_resnet34": pose_resnet_names((3, 4, 6, 3), 2),
    "pose_resnet50": pose_resnet_names((3, 4, 6, 3), 3),
    "pose_resnet101": pose_resnet_names((3, 4, 23, 3), 3),
    "pose_resnet152": pose_resnet_names((3, 8, 36, 3), 3),
    "hrnet_w32": hrnet_names(),
    "hrnet_w48": hrnet_names(),
    "pose_mobilenetv2": mobile_names(),
}
# Parameters in millions as the papers and model zoos give them, and of the two FiDIP files the bytes of a
# checkpoint (FACTS A.5), which exceed 4 bytes a value by headers and names only.
MILLIONS = {
    "pose_resnet50": 34.0,
    "pose_resnet101": 53.0,
    "pose_resnet152": 68.6,
    "hrnet_w32": 28.5,
    "hrnet_w48": 63.6,
}
FIDIP_BYTES = {"hrnet_w48": 255_354_649, "pose_mobilenetv2": 16_671_259}


@lru_cache
def meta_network(name):
    """Names and shapes without values."""
    with torch.device("meta"):
        return build_network(name)


@pytest.mark.parametrize("name", PUBLISHED)
def test_names_are_the_published_ones_in_their_order(name):
    assert list(meta_network(name).state_dict()) == PUBLISHED[name]


def test_every_network_but_movenet_has_published_names():
    assert set(network_names()) - set(PUBLISHED) == {"movenet_thunder"}


@pytest.mark.parametrize("name, count", [("hrnet_w48", 878), ("hrnet_w32", 878), ("pose_resnet50", 170)])
def test_number_of_trainable_tensors(name, count):
    assert len(list(meta_network(name).parameters())) == count


@pytest.mark.parametrize("name", MILLIONS)
def test_number_of_parameters(name):
    millions = sum(p.numel() for p in meta_network(name).parameters()) / 1e6
    assert millions == pytest.approx(MILLIONS[name], abs=0.05)


@pytest.mark.parametrize("name", FIDIP_BYTES)
def test_size_of_fidips_files(name):
    tensors = meta_network(name).state_dict().values()
    held = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    assert 0 < FIDIP_BYTES[name] - held < 400 * len(tensors)


@pytest.mark.parametrize(
    "network, index, name",
    [
        ("hrnet_w48", 107, "transition2.2.0.1.bias"),
        ("hrnet_w48", 108, "stage3.0.branches.0.0.conv1.weight"),
        ("hrnet_w48", 483, "stage4.0.branches.0.0.conv1.weight"),
        ("pose_resnet50", 33, "layer2.0.conv1.weight"),
        ("pose_resnet50", 71, "layer2.3.bn3.bias"),
        ("pose_resnet50", 140, "layer4.0.downsample.1.bias"),
    ],
)
def test_parameters_stand_where_fidip_counts_them(network, index, name):
    """FiDIP's code freezes by index; these are the ones that FACTS A.3 enumerates."""
    assert [key for key, _ in meta_network(network).named_parameters()][index] == name


@pytest.mark.parametrize(
    "network, tensor, shape",
    [
        ("hrnet_w48", "final_layer.weight", (17, 48, 1, 1)),
        ("hrnet_w48", "stage4.2.fuse_layers.0.3.0.weight", (48, 384, 1, 1)),
        ("hrnet_w48", "stage3.1.fuse_layers.2.0.0.0.weight", (48, 48, 3, 3)),
        ("hrnet_w48", "stage3.1.fuse_layers.2.0.1.0.weight", (192, 48, 3, 3)),
        ("hrnet_w32", "transition1.1.0.0.weight", (64, 256, 3, 3)),
        ("pose_resnet50", "deconv_layers.0.weight", (2048, 256, 4, 4)),
        ("pose_resnet18", "deconv_layers.0.weight", (512, 256, 4, 4)),
        ("pose_mobilenetv2", "conv_compress.weight", (256, 1280, 1, 1)),
        ("pose_mobilenetv2", "duc1.conv.weight", (512, 256, 3, 3)),
        ("pose_mobilenetv2", "duc2.conv.weight", (256, 128, 3, 3)),
        ("pose_mobilenetv2", "duc3.conv.weight", (128, 64, 3, 3)),
        ("pose_mobilenetv2", "hm_conv.weight", (17, 32, 1, 1)),
    ],
)
def test_shapes_are_the_published_ones(network, tensor, shape):
    assert tuple(meta_network(network).state_dict()[tensor].shape) == shape
