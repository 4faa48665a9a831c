"""``syrip export --onnx``: a pose network as an ONNX file, checked against ONNX Runtime before it is kept."""

import json
import logging
import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fidip.decoding import decode_heatmaps, heatmap_values
from fidip.models.interface import PoseNetwork

__all__ = ["OnnxExport", "export_onnx"]

TOLERANCE = 1e-4
"""Largest difference of a heatmap value (0..1) between PyTorch and ONNX Runtime that is accepted."""
OPSET = 18
CHECK_BATCHES = (1, 3)
INPUT, OUTPUT = "images", "heatmaps"


@dataclass(frozen=True, slots=True)
class OnnxExport:
    """What was written and how well it agrees."""

    path: Path
    network: str
    input_size: tuple[int, int]
    num_bytes: int
    max_abs_difference: float
    """Of heatmap values, over all checked batches."""
    max_keypoint_difference_px: float
    """Of keypoints read from the heatmaps, px of the crop."""

    def figures(self) -> dict[str, Any]:
        """Return the figures of :meth:`summary`, flat."""
        return {
            "onnx": str(self.path),
            "network": self.network,
            "input_width": self.input_size[0],
            "input_height": self.input_size[1],
            "num_bytes": self.num_bytes,
            "max_abs_difference": self.max_abs_difference,
            "max_keypoint_difference_px": self.max_keypoint_difference_px,
            "tolerance": TOLERANCE,
        }

    def summary(self) -> str:
        """Return what the command says at the end."""
        width, height = self.input_size
        batches = " and ".join(map(str, CHECK_BATCHES))
        return "\n".join(
            [
                f"{self.path}: {self.network}, {self.num_bytes / 2**20:.1f} MiB",
                f"  input   {INPUT} (N, 3, {height}, {width}) float32, RGB 0 to 255, any N",
                f"  output  {OUTPUT} (N, K, h, w) float32, values 0 to 1",
                f"  parity with PyTorch, batches of {batches}: max abs diff {self.max_abs_difference:.2e} "
                f"(limit {TOLERANCE:.0e}), keypoints {self.max_keypoint_difference_px:.3f} px",
            ]
        )


class _Deployed(nn.Module):
    """The network with its normalisation in front and values instead of logits behind."""

    def __init__(self, network: PoseNetwork) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(network.spec.mean).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(network.spec.std).view(1, 3, 1, 1) * 255)

    def forward(self, images: Tensor) -> Tensor:
        return heatmap_values(self.network((images - self.mean) / self.std).heatmaps, self.network.spec)


def export_onnx(network: PoseNetwork, path: str | Path, *, tolerance: float = TOLERANCE) -> OnnxExport:
    """Write a pose network as ONNX with a free batch size.

    Normalisation and, where the network has logits, the sigmoid are part of the file; how cells become pixels
    stands in its metadata (``stride``, ``cell_center``, ``keypoints``).

    Args:
        network: The network, with weights.
        path: File to write.
        tolerance: Largest difference of a heatmap value that is accepted.

    Raises:
        ImportError: If onnx or onnxruntime is not installed.
        RuntimeError: If ONNX Runtime's heatmaps differ by more; nothing is written then.
        OSError: If the file cannot be written.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise ImportError("exporting to ONNX needs the extra 'onnx': pip install 'syrip[onnx]'") from error
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    deployed = _Deployed(network).cpu().eval()
    try:
        _trace(deployed, part)
        model = onnx.load(part)
        onnx.helper.set_model_props(model, _metadata(network))
        onnx.checker.check_model(model)
        onnx.save(model, part)
        onnxruntime.set_default_logger_severity(3)
        session = onnxruntime.InferenceSession(str(part), providers=["CPUExecutionProvider"])
        difference, difference_px = _parity(deployed, session)
        if not difference <= tolerance:
            raise RuntimeError(
                f"the ONNX file of {network.spec.name} differs from PyTorch by {difference:.2e} "
                f"(limit {tolerance:.0e}); it was not kept"
            )
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    spec = network.spec
    return OnnxExport(path, spec.name, spec.input_size, path.stat().st_size, difference, difference_px)


def _trace(deployed: _Deployed, path: Path) -> None:
    """Write the file with PyTorch's TorchScript exporter, which needs no further package."""
    width, height = deployed.network.spec.input_size
    example = torch.zeros(1, 3, height, width)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        level = logging.getLogger("torch.onnx").level
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        try:
            torch.onnx.export(
                deployed,
                (example,),
                str(path),
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}},
            )
        finally:
            logging.getLogger("torch.onnx").setLevel(level)


def _metadata(network: PoseNetwork) -> dict[str, str]:
    spec = network.spec
    return {
        "network": spec.name,
        "stride": str(spec.stride),
        "cell_center": str(spec.cell_center),
        "keypoint_schema": network.schema.name,
        "keypoints": json.dumps(network.schema.keypoints),
    }


@torch.inference_mode()
def _parity(deployed: _Deployed, session: Any) -> tuple[float, float]:
    """Return the largest differences of heatmap values and of keypoints in px over pictures of blobs."""
    spec = deployed.network.spec
    width, height = spec.input_size
    rng = np.random.default_rng(0)
    difference = difference_px = 0.0
    for batch in CHECK_BATCHES:
        coarse = torch.from_numpy(rng.uniform(0, 255, (batch, 3, 12, 12)).astype(np.float32))
        images = nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 255)
        expected = deployed(images)
        (found,) = session.run([OUTPUT], {INPUT: images.numpy()})
        got = torch.from_numpy(found)
        if got.shape != expected.shape:
            raise RuntimeError(
                f"the ONNX file returns {tuple(got.shape)} for {batch} pictures, not {tuple(expected.shape)}"
            )
        values = replace(spec, has_logits=False)
        points = [decode_heatmaps(maps, values)[0] for maps in (expected, got)]
        difference = max(difference, float((got - expected).abs().max()))
        difference_px = max(difference_px, float((points[0] - points[1]).abs().max()))
    return difference, difference_px
