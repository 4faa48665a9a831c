"""What a lifter begins from: nothing, another run, the thesis's checkpoint, or VideoPose3D's."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from fidip.lifting.network import AnyLifter, LiftNetwork
from fidip.lifting.refined import RefinedLifter
from fidip.lifting.shipped import shipped_lifter
from fidip.lifting.state import load_core, open_lifter_weights
from fidip.lifting.views import features_per_frame
from fidip.models.weight_files import read_weight_file

__all__ = ["begin_from", "run_weights"]


def begin_from(network: AnyLifter, weights: str) -> str:
    """Load weights into a network; return a line that says what was done.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If they do not fit.
    """
    if weights == "none" and isinstance(network, RefinedLifter):
        raise ValueError(
            "this recipe refines a trained lifter of single frames: pass --weights RUN (of --recipe "
            "lifter-infant), or --weights shipped"
        )
    if weights == "none":
        network.unlearnt = frozenset(network.output_schema.keypoints)
        return "the lifter begins from random weights"
    if weights == "required":
        raise ValueError(
            "this recipe begins from a trained lifter: pass --weights RUN (of --recipe lifter-adult), or "
            "--weights none"
        )
    path = shipped_lifter() if weights == "shipped" else run_weights(weights)
    if path.suffix == ".safetensors":
        return _begin_from_lifter(network, open_lifter_weights(path), path)
    if isinstance(network, RefinedLifter):
        raise ValueError(f"{path} is not a lifter of syrip: give a run folder of --recipe lifter-infant")
    load_core(network.core, read_weight_file(path).tensors, str(path))
    return f"the lifter begins from {path}"


def _begin_from_lifter(network: AnyLifter, other: AnyLifter, path: Path) -> str:
    told, wanted = (
        f"{each.schema.name} keypoints as {each.inputs}, units of {each.output_m} m"
        for each in (other, network)
    )
    if told != wanted:
        raise ValueError(f"{path} takes {told}; this run {wanted}")
    network.unlearnt = other.unlearnt
    if other.confidence and not network.confidence:
        raise ValueError(f"{path} takes confidences: pass --set network.confidence=true")
    if isinstance(network, RefinedLifter) and isinstance(other, LiftNetwork):
        load_core(network.base, _with_doubts(other, network.base), str(path))
        return f"the lifter refines {path}"
    if isinstance(network, RefinedLifter) != isinstance(other, RefinedLifter):
        raise ValueError(f"{path} is a lifter over time; this recipe begins from one of single frames")
    load_core(network, _with_doubts(other, network), str(path))
    return f"the lifter begins from {path}"


def _with_doubts(other: AnyLifter, network: AnyLifter) -> Mapping[str, Tensor]:
    """Return a lifter's weights; where only ``network`` is told of doubts, with weights of zero for them."""
    tensors = other.state_dict()
    if getattr(network, "calm", None) is not None:
        tensors.setdefault("calm", network.calm.detach())
    if other.confidence == network.confidence:
        return tensors
    own, num = features_per_frame(other.inputs, len(other.schema)), len(other.schema)
    firsts = ("core.w1.weight", "core.expand_conv.weight", "refiner.expand_conv.weight")
    for name in tensors:
        if name.removeprefix("base.") in firsts:
            weight = tensors[name]
            doubts = torch.zeros_like(weight[:, :num])
            tensors[name] = torch.cat([weight[:, :own], doubts, weight[:, own:]], 1)
    return tensors


def run_weights(name: str) -> Path:
    """Return the weights file of a run folder, or the file itself.

    Raises:
        FileNotFoundError: If there is none.
    """
    path = Path(name)
    if path.is_dir():
        if not (path / "best.safetensors").is_file():
            raise FileNotFoundError(
                f"{path} holds no lifter (no best.safetensors); was the training finished?"
            )
        return path / "best.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            f"lifter {path} not found: give a run folder of syrip train, or a weights file"
        )
    return path
