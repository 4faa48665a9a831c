"""annotate(): everything that a dataset says about one picture, from geometry alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from syrip_gen.annotation.boxes import mask_area, mask_box, mask_rle
from syrip_gen.annotation.coco import LICENSE_ID, image_file_name, image_id_of
from syrip_gen.annotation.surface import BodySurface
from syrip_gen.annotation.visibility import keypoint_visibility
from syrip_gen.rendering.depth_buffer import DepthBuffer
from syrip_gen.rendering.types import RenderInputs
from syrip_gen.sampling.scene import BodySpec, SceneSpec

__all__ = ["Labels", "annotate"]

PIXEL_DECIMALS, METRE_DECIMALS, PARAMETER_DECIMALS = 3, 6, 6


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The labels of one picture."""

    record: dict[str, Any]
    """``index``, COCO ``image`` and COCO ``annotation``; JSON-able."""
    mask: np.ndarray
    """(H, W) bool pixels whose centre shows the body."""

    @property
    def image_name(self) -> str:
        """File name of the picture."""
        return self.record["image"]["file_name"]

    @property
    def keypoints(self) -> np.ndarray:
        """(17, 3) x, y, v as written in the file."""
        return np.array(self.record["annotation"]["keypoints"]).reshape(17, 3)


def annotate(
    spec: SceneSpec,
    inputs: RenderInputs,
    keypoints_3d: np.ndarray,
    body: BodySpec | None,
    surface: BodySurface,
    buffer: DepthBuffer | None = None,
) -> Labels:
    """Label one scene, before or after it is rendered.

    Box, area and mask come from the depth buffer, one sample a pixel, so every renderer gets the same ones.

    Args:
        spec: The scene.
        inputs: Its geometry and camera.
        keypoints_3d: (17, 3) COCO-17 keypoints, metres, camera frame.
        body: Body parameters in the camera frame; None where something else was posed.
        surface: Parts of the body's mesh.
        buffer: The scene's depth buffer, where somebody has drawn it already.
    """
    intrinsics = (inputs.fx, inputs.fy, inputs.cx, inputs.cy)
    size = (inputs.width, inputs.height)
    keypoints_3d = np.round(np.asarray(keypoints_3d, np.float64), METRE_DECIMALS)
    mask = (buffer or DepthBuffer().draw(inputs)).mask
    pixels, visibility = keypoint_visibility(
        keypoints_3d, inputs.vertices, inputs.faces, surface, intrinsics, size
    )
    image_id = image_id_of(spec.index)
    record = {
        "index": spec.index,
        "image": {
            "id": image_id,
            "file_name": image_file_name(image_id),
            "width": inputs.width,
            "height": inputs.height,
            "license": LICENSE_ID,
            "is_synthetic": True,
            "posture": spec.posture,
        },
        "annotation": {
            "id": image_id,
            "image_id": image_id,
            "category_id": 1,
            "iscrowd": 0,
            "bbox": [float(n) for n in mask_box(mask)],
            "area": float(mask_area(mask)),
            "num_keypoints": int((visibility > 0).sum()),
            "keypoints": _keypoint_list(pixels, visibility),
            "keypoints_3d_m": keypoints_3d.tolist(),
            "camera": _camera(spec, intrinsics),
            **({} if body is None else {"body": _body(body)}),
            "source": _source(spec),
            "segmentation": mask_rle(mask),
        },
    }
    return Labels(record, mask)


def _source(spec: SceneSpec) -> dict[str, Any]:
    """Return what the pose was made from: an input pose, or a frame of a clip."""
    source = {"pose_id": spec.pose_id, "pose_index": spec.pose_index, "seed": spec.seed}
    if spec.motion is None:
        return source
    motion = spec.motion
    return source | {
        "clip": motion.clip,
        "frame": motion.frame,
        "time_s": motion.time_s,
        "take": motion.take,
    }


def _keypoint_list(pixels: np.ndarray, visibility: np.ndarray) -> list[float | int]:
    """Return COCO's flat x, y, v list; (0, 0, 0) for what is outside the picture."""
    flat: list[float | int] = []
    for (x, y), v in zip(np.round(pixels, PIXEL_DECIMALS).tolist(), visibility.tolist(), strict=True):
        flat += [x, y, v] if v else [0, 0, 0]
    return flat


def _camera(spec: SceneSpec, intrinsics: tuple[float, float, float, float]) -> dict[str, Any]:
    names = ("fx", "fy", "cx", "cy")
    values = {name: float(value) for name, value in zip(names, intrinsics, strict=True)}
    T = [_rounded(row, PARAMETER_DECIMALS) for row in spec.camera.T_cam_world]
    return {**values, "T_cam_world": T}


def _body(body: BodySpec) -> dict[str, Any]:
    return {
        "betas": _rounded(body.betas, PARAMETER_DECIMALS),
        "pose": _rounded([*body.global_orient, *body.body_pose], PARAMETER_DECIMALS),
        "transl": _rounded(body.transl, METRE_DECIMALS),
    }


def _rounded(values: Sequence[float], decimals: int) -> list[float]:
    return np.round(np.asarray(values, np.float64), decimals).tolist()
