"""One annotated picture of our datasets as a frame of MINI-RGBD: 25 joints, mask, and its camera."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.posing import pose_body
from syrip_gen.geometry.camera import project
from syrip_gen.keypoints.catalog import COCO17, MINIRGBD25
from syrip_gen.keypoints.json_input import number_list
from syrip_gen.keypoints.mini_rgbd import CAMERA, IMAGE_SIZE

__all__ = ["Camera", "MiniFrame", "decode_mask", "frame_of", "resample"]

MAX_DEVIATION_M = 0.002
"""A body posed anew may miss the file's keypoints by so much: the file rounds poses to a millionth."""
POSE_NUMBERS = 72


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole and its picture's size, px."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    @classmethod
    def mini_rgbd(cls) -> "Camera":
        """Return MINI-RGBD's."""
        return cls(*CAMERA, *IMAGE_SIZE)

    def as_row(self) -> tuple[float, ...]:
        """Return fx, fy, cx, cy, width, height."""
        return self.fx, self.fy, self.cx, self.cy, self.width, self.height


@dataclass(frozen=True, slots=True, eq=False)
class MiniFrame:
    """The labels of one frame."""

    joints: np.ndarray
    """(25, 3) metres, camera frame."""
    camera: Camera

    @property
    def pixels(self) -> np.ndarray:
        """(25, 3) x, y in px and depth in metres."""
        camera = self.camera
        xy = project(self.joints, camera.fx, camera.fy, camera.cx, camera.cy)
        return np.column_stack([xy, self.joints[:, 2]])

    @property
    def head_lengths(self) -> tuple[float, float]:
        """Length of the head segment, from the neck to the head's joint, px and mm."""
        neck, head = MINIRGBD25.index("neck"), MINIRGBD25.index("head")
        length_px = np.linalg.norm(self.pixels[head, :2] - self.pixels[neck, :2])
        return float(length_px), float(np.linalg.norm(self.joints[head] - self.joints[neck]) * 1000)


def frame_of(
    annotation: Mapping[str, Any], size: tuple[int, int], body: BodyAssets, target: Camera | None = None
) -> MiniFrame:
    """Pose the body of an annotation and take its joints.

    Args:
        annotation: Of a dataset that syrip wrote: ``body`` (betas, pose, transl), ``camera``,
            ``keypoints_3d_m``.
        size: Width and height of its picture.
        body: The body model that the dataset was made with.
        target: Camera of the frame; None = the annotation's own. It looks the same way from the same place,
            so that points in the camera frame stay what they are.

    Raises:
        ValueError: If it has no body or camera, or the body model is another one.
    """
    params, camera = annotation.get("body"), annotation.get("camera")
    if not isinstance(params, Mapping) or not isinstance(camera, Mapping):
        raise ValueError("it has no 'body' and 'camera'; joints beyond COCO's need them")
    betas, pose, transl = (np.array(number_list(params.get(key), key)) for key in ("betas", "pose", "transl"))
    if len(pose) != POSE_NUMBERS or len(transl) != 3 or len(betas) > body.num_betas:
        raise ValueError(
            f"its body has {len(betas)} betas, {len(pose)} pose numbers, {len(transl)} transl; expected at "
            f"most {body.num_betas}, {POSE_NUMBERS}, 3"
        )
    keypoints = np.array(
        [number_list(row, "keypoints_3d_m") for row in annotation.get("keypoints_3d_m") or []]
    )
    if keypoints.shape != (len(COCO17), 3):
        raise ValueError(f"keypoints_3d_m is {keypoints.shape}; expected ({len(COCO17)}, 3)")
    posed = pose_body(body, betas, pose[:3], pose[3:], transl)
    deviation = np.linalg.norm(body.keypoint_regressor @ posed.vertices - keypoints, axis=1).max()
    if not deviation <= MAX_DEVIATION_M:
        raise ValueError(
            f"the posed body misses its keypoints by {1000 * deviation:.0f} mm: the dataset was made with "
            "another body model; name it with --body"
        )
    joints = np.concatenate([posed.joints, keypoints[COCO17.index("nose")][None]])
    numbers = number_list([camera.get(key) for key in ("fx", "fy", "cx", "cy")], "camera")
    if not np.isfinite(numbers).all() or min(numbers[:2]) <= 0 or (joints[:, 2] <= 0).any():
        raise ValueError("its camera is not one, or the body is behind it")
    return MiniFrame(joints, target or Camera(*numbers, *size))


def decode_mask(annotation: Mapping[str, Any], size: tuple[int, int]) -> np.ndarray | None:
    """Return the (H, W) uint8 mask, 0 or 255, of an annotation's run-length code; None if it has none.

    Raises:
        ValueError: If it is of another size, or broken.
    """
    from pycocotools import mask

    code = annotation.get("segmentation")
    if not isinstance(code, Mapping) or not isinstance(code.get("counts"), str):
        return None
    if code.get("size") != [size[1], size[0]]:
        raise ValueError(f"its segmentation is {code.get('size')}; expected {[size[1], size[0]]}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pycocotools against numpy 2
        decoded = mask.decode({"size": code["size"], "counts": code["counts"].encode("ascii", "replace")})
    return decoded * 255


def resample(picture: np.ndarray, source: Camera, target: Camera, *, smooth: bool) -> np.ndarray:
    """Return a picture as another pinhole at the same place, looking the same way, sees it; black outside.

    Args:
        picture: (H, W) or (H, W, C).
        source: Its camera.
        target: The camera wanted.
        smooth: Interpolate (photos) or take the nearest pixel (masks, depth).
    """
    sx, sy = target.fx / source.fx, target.fy / source.fy
    if smooth and max(sx, sy) < 1:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.5 * (1 / max(sx, sy) - 1) + 1e-3)
    # cv2 counts from pixel centres: corner coordinate minus a half.
    shift_x = sx * (0.5 - source.cx) + target.cx - 0.5
    shift_y = sy * (0.5 - source.cy) + target.cy - 0.5
    matrix = np.array([[sx, 0, shift_x], [0, sy, shift_y]])
    flags = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    return cv2.warpAffine(picture, matrix, (target.width, target.height), flags=flags)
