"""Convert MoveNet's published graphs, Thunder and MultiPose, to tensors of the modules in ``fidip.models``.

Run ``python -m fidip.models.convert_movenet ONNX OUT [movenet_thunder|movenet_multipose]``. OUT is
assets/weights/<name>.safetensors and keeps every value, since the graph's are half-precision numbers widened
to 32 bits.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from fidip.models import movenet_multipose
from fidip.models.movenet import STAGES, MoveNetThunder, Stages
from fidip.models.movenet_multipose import MoveNetMultiPose

__all__ = ["GRAPHS", "convert_movenet"]

EXTRACTOR = "center_net_mobile_net_v2fpn_feature_extractor/model_1"
PYRAMID = {
    "pyramid.top": "conv2d",
    "pyramid.lateral16": "conv2d_1",
    "pyramid.smooth16.": "re_lu",
    "pyramid.lateral8": "conv2d_2",
    "pyramid.smooth8.": "re_lu_1",
    "pyramid.lateral4": "conv2d_3",
    "pyramid.smooth4.": "re_lu_2",
}


@dataclass(frozen=True, slots=True)
class Graph:
    """One of the published networks."""

    title: str
    build: Callable[[], nn.Module]
    stages: Stages
    heads: Mapping[str, tuple[str, int, int]]
    """Module: (name in the graph, number of its ReLU, number of its last convolution)."""


GRAPHS = {
    "movenet_thunder": Graph(
        "MoveNet Thunder",
        MoveNetThunder,
        STAGES,
        {
            "center": ("center_0", 3, 4),
            "heatmap": ("kpt_heatmap_0", 4, 5),
            "regression": ("kpt_regress_0", 5, 6),
            "offset": ("kpt_offset_0", 6, 7),
        },
    ),
    "movenet_multipose": Graph(
        "MoveNet MultiPose",
        MoveNetMultiPose,
        movenet_multipose.STAGES,
        {
            "center": ("center_0", 3, 4),
            "box_size": ("box_scale_0", 4, 5),
            "box_offset": ("box_offset_0", 5, 6),
            "heatmap": ("kpt_heatmap_0", 6, 7),
            "regression": ("kpt_regress_0", 7, 8),
            "offset": ("kpt_offset_0", 8, 9),
        },
    ),
}


def convert_movenet(source: Path, target: Path, name: str = "movenet_thunder") -> int:
    """Write the half-precision tensors of an ONNX file of a MoveNet; returns how many.

    Raises:
        ValueError: When the graph is not that network's or a value does not fit 16 bits exactly.
    """
    graph = GRAPHS[name]
    layers = dict(module_layers(graph))
    convolutions = read_convolutions(source)
    tensors = {}
    for tensor, expected in graph.build().state_dict().items():
        module, kind = tensor.rsplit(".", 1)
        if layers[module] not in convolutions:
            raise ValueError(f"{source} has no convolution {layers[module]!r}; is it {graph.title}?")
        value = convolutions[layers[module]][0 if kind == "weight" else 1]
        tensors[tensor] = exact_half(value, tensor, tuple(expected.shape), source)
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, target, metadata={"network": name})
    return len(tensors)


def exact_half(value: np.ndarray, name: str, shape: tuple[int, ...], source: Path) -> Tensor:
    """Return the values at 16 bits, or fail where the shape or a value would not survive."""
    if value.shape != shape:
        raise ValueError(
            f"{name} should be {shape}, but is {value.shape} in {source}; is it another MoveNet?"
        )
    half = value.astype(np.float16)
    if not np.array_equal(half.astype(np.float32), value):
        raise ValueError(f"{name} of {source} holds values that half precision cannot; they would change")
    return torch.from_numpy(half)


def module_layers(graph: Graph) -> Iterator[tuple[str, str]]:
    """Yield (module of ours, what its convolution makes in the graph)."""
    yield "backbone.stem", f"{EXTRACTOR}/model/Conv1_relu/Relu6"
    number = 0
    for stage, blocks in graph.stages.items():
        for position in range(len(blocks)):
            block = f"{EXTRACTOR}/model/" + (f"block_{number}" if number else "expanded_conv")
            module = f"backbone.{stage}.{position}"
            yield f"{module}.expand", f"{block}_expand_relu/Relu6"
            yield f"{module}.depthwise", f"{block}_depthwise/depthwise"
            yield f"{module}.project", f"{block}_project_BN/FusedBatchNormV3"
            number += 1
    yield "backbone.last", f"{EXTRACTOR}/model/out_relu/Relu6"
    for module, layer in PYRAMID.items():
        if module.endswith("."):
            number = "" if layer == "re_lu" else layer.removeprefix("re_lu")
            yield f"{module}depthwise", f"{EXTRACTOR}/separable_conv2d{number}/separable_conv2d/depthwise"
            yield f"{module}pointwise", f"{EXTRACTOR}/{layer}/Relu"
        else:
            yield module, f"{EXTRACTOR}/{layer}/BiasAdd"
    for module, (head, relu, last) in graph.heads.items():
        yield f"{module}.conv.depthwise", f"{head}/separable_conv2d_{relu}/separable_conv2d/depthwise"
        yield f"{module}.conv.pointwise", f"{head}/re_lu_{relu}/Relu"
        yield f"{module}.out", f"{head}/conv2d_{last}/BiasAdd"


def read_convolutions(source: Path) -> dict[str, tuple[np.ndarray, ...]]:
    """Return each convolution's weight and bias, under the name of the activation behind it or its own."""
    import onnx

    graph = onnx.load(source).graph
    constants = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    activations = {
        node.input[0]: node.output[0]
        for node in graph.node
        if node.op_type in ("Relu", "Clip") and node.input
    }
    convolutions = {}
    for node in graph.node:
        if node.op_type == "Conv":
            name = activations.get(node.output[0], node.output[0])
            name = name.removeprefix("StatefulPartitionedCall/").removesuffix(":0")
            convolutions[name] = tuple(constants[item] for item in node.input[1:])
    return convolutions


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[3:] not in ([], *([name] for name in GRAPHS)):
        sys.exit(f"usage: python -m fidip.models.convert_movenet ONNX OUT [{'|'.join(GRAPHS)}]")
    print(
        convert_movenet(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]),
        "tensors written to",
        sys.argv[2],
    )
