"""Tell published weights apart by their names: which network, which size of crop, which convention."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType

from torch import Tensor

from fidip.models.interface import IMAGENET_MEAN, IMAGENET_STD, NetworkSpec
from syrip_gen.keypoints.catalog import COCO17, MPII16, get_schema
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = [
    "CONVENTIONS",
    "Convention",
    "guess_convention",
    "guess_input_size",
    "guess_network",
    "guess_num_keypoints",
    "guess_schema",
    "saved_input_size",
    "spec_from_metadata",
    "spec_metadata",
    "with_convention",
]


@dataclass(frozen=True, slots=True)
class Convention:
    """What a network learnt about pictures and heatmaps that its tensors do not tell."""

    cell_center: float
    """See :attr:`fidip.models.interface.NetworkSpec.cell_center`."""
    is_bgr: bool
    """Trained on blue, green, red, in this order normalised by the figures of red, green, blue."""


CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        "unbiased": Convention(0.5, is_bgr=False),
        "hrnet": Convention(0.0, is_bgr=False),
        "simple-baselines": Convention(0.0, is_bgr=True),
    }
)
"""``unbiased``: DarkPose, FiDIP and everything trained here. ``hrnet``: HRNet's own ``pose_hrnet_*`` files,
whose targets put cell i at 4 i px.
``simple-baselines``: ``pose_resnet_*`` files; the same, and trained on OpenCV's BGR pictures.
"""

RESNET_BLOCKS = {
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
}
"""(Blocks of layer1 to layer4, whether a block has a third convolution): depth."""
LAST_LAYERS = ("final_layer.weight", "hm_conv.weight", "heatmap.out.weight", "1.convTrans4.bias")


def guess_convention(path: Path) -> str:
    """Return the convention that a file's name stands for."""
    if path.name.startswith("pose_resnet_"):
        return "simple-baselines"
    return "hrnet" if path.name.startswith("pose_hrnet_") else "unbiased"


def guess_input_size(path: Path) -> tuple[int, int] | None:
    """Return (width, height) from a name such as ``pose_resnet_50_384x288``, which has the height first."""
    found = re.search(r"(\d{2,4})[x×](\d{2,4})", path.name)
    return (int(found[2]), int(found[1])) if found else None


def guess_network(tensors: Mapping[str, Tensor]) -> str | None:
    """Return the network whose tensors these are, or None when it is none of syrip's."""
    if "backbone.stem.weight" in tensors and "heatmap.out.weight" in tensors:
        return "movenet_thunder"
    if "conv_compress.weight" in tensors and "hm_conv.weight" in tensors:
        return "pose_mobilenetv2"
    if "0.0.weight" in tensors and "1.convTrans4.weight" in tensors:
        return "pose_resnet50_plain" if "0.4.0.conv3.weight" in tensors else "pose_resnet18_plain"
    if "final_layer.weight" not in tensors or "conv1.weight" not in tensors:
        return None
    finest = tensors.get("stage2.0.branches.0.0.conv1.weight")
    if finest is not None:
        width = finest.shape[0]
        return f"hrnet_w{width}" if width in (32, 48) else None
    blocks = {tuple(name.split(".")[:2]) for name in tensors if re.match(r"layer[1-4]\.\d+\.", name)}
    counts = tuple(sum(layer == f"layer{number}" for layer, _ in blocks) for number in range(1, 5))
    depth = RESNET_BLOCKS.get((counts, "layer1.0.conv3.weight" in tensors))
    return f"pose_resnet{depth}" if depth and "deconv_layers.0.weight" in tensors else None


def guess_num_keypoints(tensors: Mapping[str, Tensor]) -> int | None:
    """Return the number of heatmaps that the last layer makes."""
    return next((tensors[name].shape[0] for name in LAST_LAYERS if name in tensors), None)


def guess_schema(metadata: Mapping[str, str], num_keypoints: int | None) -> KeypointSchema:
    """Return the schema that a file of syrip names, else the usual one of so many keypoints.

    Raises:
        ValueError: If it names an unknown one, or one of another size.
    """
    if "keypoint_schema" not in metadata:
        return MPII16 if num_keypoints == len(MPII16) else COCO17
    schema = get_schema(metadata["keypoint_schema"])
    if num_keypoints is not None and len(schema) != num_keypoints:
        raise ValueError(f"{schema.name} has {len(schema)} keypoints, the network's weights {num_keypoints}")
    return schema


def with_convention(spec: NetworkSpec, convention: str) -> NetworkSpec:
    """Return a spec as a convention has it, for RGB crops.

    Crops stay RGB where a network was trained on BGR: the loader turns the channels of its first convolution
    round instead, and the normalisation turns with them.

    Raises:
        ValueError: When the convention is unknown or not the network's.
    """
    if convention not in CONVENTIONS:
        raise ValueError(f"unknown convention {convention!r}; known are {', '.join(CONVENTIONS)}")
    rules = CONVENTIONS[convention]
    spec = replace(spec, cell_center=rules.cell_center)
    if set(spec.mean) != set(IMAGENET_MEAN):
        if convention != "unbiased":
            raise ValueError(f"{spec.name} knows the unbiased convention only, not {convention!r}")
        return spec
    order = -1 if rules.is_bgr else 1
    return replace(spec, mean=IMAGENET_MEAN[::order], std=IMAGENET_STD[::order])


def spec_metadata(spec: NetworkSpec, schema: KeypointSchema = COCO17) -> dict[str, str]:
    """Return what a safetensors file should carry so that its network is rebuilt as it was."""
    return {"network": spec.name, "spec": json.dumps(asdict(spec)), "keypoint_schema": schema.name}


def saved_input_size(metadata: Mapping[str, str]) -> tuple[int, int] | None:
    """Return (width, height) of the crops from :func:`spec_metadata`, or None where there is none."""
    try:
        width, height = json.loads(metadata["spec"])["input_size"]
        return int(width), int(height)
    except (KeyError, TypeError, ValueError):
        return None


def spec_from_metadata(metadata: Mapping[str, str], spec: NetworkSpec, path: Path) -> NetworkSpec:
    """Return ``spec`` with the colours' normalisation and the cells' place that a file carries.

    Raises:
        ValueError: When the file's figures are no figures.
    """
    try:
        saved = json.loads(metadata["spec"])
        mean, std = (tuple(float(value) for value in saved[key]) for key in ("mean", "std"))
        cell_center = float(saved["cell_center"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: what it says about its network cannot be read ({error!r})") from None
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0 or not 0 <= cell_center <= 1:
        raise ValueError(f"{path}: mean {mean}, std {std}, cell_center {cell_center} are no network's")
    return replace(spec, mean=mean, std=std, cell_center=cell_center)
