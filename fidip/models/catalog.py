"""The pose networks by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any

from fidip.models.interface import PoseNetwork

__all__ = ["CATALOG", "NetworkEntry", "build_network", "catalog_entry", "network_names"]


@dataclass(frozen=True, slots=True)
class NetworkEntry:
    """How to build one network and at which size of crop it is used unless told otherwise."""

    module: str
    class_name: str
    input_size: tuple[int, int]
    """(width, height) of the crop in px."""
    options: Mapping[str, Any] = field(default_factory=dict)
    shipped_weights: str | None = None
    """File below assets/ with trained weights, if one ships."""


CATALOG: Mapping[str, NetworkEntry] = MappingProxyType(
    {
        "movenet_thunder": NetworkEntry(
            "fidip.models.movenet",
            "MoveNetThunder",
            (256, 256),
            shipped_weights="weights/movenet_thunder.safetensors",
        ),
        **{
            f"pose_resnet{depth}": NetworkEntry(
                "fidip.models.pose_resnet", "PoseResNet", (288, 384), {"depth": depth}
            )
            for depth in (18, 34, 50, 101, 152)
        },
        **{
            f"hrnet_w{width}": NetworkEntry("fidip.models.hrnet", "PoseHRNet", (288, 384), {"width": width})
            for width in (32, 48)
        },
        **{
            f"pose_resnet{depth}_plain": NetworkEntry(
                "fidip.models.pose_resnet_plain", "PlainPoseResNet", (256, 256), {"depth": depth}
            )
            for depth in (18, 50)
        },
        "pose_mobilenetv2": NetworkEntry("fidip.models.pose_mobilenetv2", "PoseMobileNetV2", (224, 224)),
    }
)


def network_names() -> tuple[str, ...]:
    """Return the names that :func:`build_network` knows."""
    return tuple(CATALOG)


def catalog_entry(name: str) -> NetworkEntry:
    """Return a network's entry.

    Raises:
        ValueError: When there is no such network.
    """
    if name not in CATALOG:
        raise ValueError(f"unknown network {name!r}; known are {', '.join(CATALOG)}")
    return CATALOG[name]


def build_network(
    name: str, *, num_keypoints: int = 17, input_size: tuple[int, int] | None = None
) -> PoseNetwork:
    """Build a network with random weights; :func:`fidip.models.weights.load_weights` brings trained ones.

    Args:
        name: One of :func:`network_names`.
        num_keypoints: Number of heatmaps.
        input_size: (width, height) of the crops in px; the network's usual size if None.

    Raises:
        ValueError: When the name is unknown or the size does not suit the network.
    """
    entry = catalog_entry(name)
    network_class = getattr(import_module(entry.module), entry.class_name)
    size = entry.input_size if input_size is None else (int(input_size[0]), int(input_size[1]))
    return network_class(num_keypoints=num_keypoints, input_size=size, **entry.options)
