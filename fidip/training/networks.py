"""The pose network of a run: built, filled with weights, partly frozen, put in place."""

from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from fidip.config import Recipe
from fidip.models.catalog import build_network
from fidip.models.freezing import freeze, groups_through
from fidip.models.interface import PoseNetwork
from fidip.models.weights import load_weights
from syrip_gen.keypoints.catalog import get_schema

__all__ = ["prepare_network"]

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def prepare_network(recipe: Recipe, fabric: Fabric) -> tuple[PoseNetwork, list[str]]:
    """Return the network on its device, channels last, and lines on what was loaded and frozen.

    Raises:
        ValueError: If the weights do not fit or a layer's name is unknown.
    """
    settings = recipe.network
    schema = get_schema(recipe.data.schema_name)
    network = build_network(settings.name, num_keypoints=len(schema), input_size=settings.input_size)
    network.schema = schema
    lines = [_load(network, settings.weights)]
    names: tuple[str, ...] = recipe.freeze.also
    if recipe.freeze.through is not None:
        names = (*groups_through(network, recipe.freeze.through), *names)
    if names:
        parts = freeze(network, names, drifting_statistics=recipe.freeze.batch_norm == "authors")
        lines += [f"frozen: {part}" for part in parts]
    total = sum(p.numel() for p in network.parameters())
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    lines.append(f"{settings.name}: {trained:,} of {total:,} parameters train")
    if fabric.world_size > 1 and _moving_batch_norms(network):
        if fabric.device.type == "cuda":
            kept = network.frozen_statistics
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
            network.frozen_statistics = kept
        else:
            lines.append(
                f"several processes on a CPU: each of the {fabric.world_size} normalises its own part of the "
                "batch (synchronised batch norm needs GPUs), so the run differs from one with one process"
            )
    return network.to(fabric.device, memory_format=torch.channels_last), lines


def _load(network: PoseNetwork, weights: str) -> str:
    name = network.spec.name
    if weights == "none":
        return f"{name}: random weights"
    if weights == "imagenet":
        return f"{name}: ImageNet weights, {load_weights(network, None, what='imagenet')}"
    if weights == "default":
        return f"{name}: syrip's own weights, {load_weights(network, None)}"
    path = Path(weights)
    if path.is_dir():
        path = path / "best.safetensors"
    return f"{name}: {path}, {load_weights(network, path)}"


def _moving_batch_norms(network: PoseNetwork) -> bool:
    """Return whether batch statistics are in use anywhere."""
    network.train()
    return any(isinstance(m, BATCH_NORMS) and m.training for m in network.modules())
