"""Draw how poses are distributed, as in SyRIP's Fig. 3: all of them overlaid with their torsos alike."""

import numpy as np

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.quality.drawing import SIDE_COLORS

__all__ = ["draw_pose_distribution", "normalise_by_torso"]

_SHOULDERS = [COCO17.index("left_shoulder"), COCO17.index("right_shoulder")]
_HIPS = [COCO17.index("left_hip"), COCO17.index("right_hip")]
_EDGES = [(a, b) for a, b in COCO17.skeleton if min(a, b) >= 5]  # without the face
_TRUNK = {(5, 6), (11, 12), (5, 11), (6, 12)}
_REACH = 2.5
"""Half the picture's side, in torso lengths."""
_MIN_TORSO = 0.3
"""Poses whose torso is shorter than this share of the pose's extent are seen along the body and left out."""


def normalise_by_torso(keypoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn poses upright and scale them to a torso of length 1 about their middle.

    Args:
        keypoints: (N, 17, 3) x, y, v.

    Returns:
        (M, 17, 3) poses, y down, whose torso (mid-hips to mid-shoulders) is labelled and not seen end-on, and
        the (N,) mask of those.
    """
    keypoints = np.asarray(keypoints, np.float64)
    labelled = (keypoints[:, _SHOULDERS + _HIPS, 2] > 0).all(axis=1)
    top = keypoints[:, _SHOULDERS, :2].mean(axis=1)
    bottom = keypoints[:, _HIPS, :2].mean(axis=1)
    up = top - bottom
    length = np.linalg.norm(up, axis=1)
    seen = keypoints[:, :, 2] > 0
    low = np.where(seen[:, :, None], keypoints[:, :, :2], np.inf).min(axis=1)
    high = np.where(seen[:, :, None], keypoints[:, :, :2], -np.inf).max(axis=1)
    kept = labelled & (length > _MIN_TORSO * np.where(labelled, (high - low).max(axis=1), 1)) & (length > 0)
    up, length = up[kept] / length[kept, None], length[kept]
    # Rows take an image vector to (across, down) of a body that stands upright.
    turn = np.stack([np.stack([-up[:, 1], up[:, 0]], axis=1), -up], axis=1)
    centred = keypoints[kept, :, :2] - (0.5 * (top + bottom)[kept])[:, None]
    xy = np.einsum("nab,nkb->nka", turn, centred) / length[:, None, None]
    return np.concatenate([xy, keypoints[kept, :, 2:]], axis=2), kept


def draw_pose_distribution(keypoints: np.ndarray, side: int = 460, opacity: float = 0.16) -> np.ndarray:
    """Overlay poses as translucent skeletons on a transparent ground.

    Args:
        keypoints: (N, 17, 3) poses as :func:`normalise_by_torso` returns them.
        side: Width and height of the picture, px.
        opacity: Of one pose's limbs.

    Returns:
        (side, side, 4) uint8 RGBA.
    """
    import cv2

    groups = {name: [e for e in _EDGES if _edge_group(*e) == name] for name in SIDE_COLORS}
    cover = {name: np.zeros((side, side), np.float32) for name in groups}
    layer = np.zeros((side, side), np.uint8)
    pixels = np.clip(np.round((keypoints[:, :, :2] / (2 * _REACH) + 0.5) * side * 16), -(10**6), 10**6)
    for pose, visibility in zip(pixels.astype(int).tolist(), keypoints[:, :, 2], strict=True):
        for name, edges in groups.items():
            for a, b in edges:
                if visibility[a] > 0 and visibility[b] > 0:
                    cv2.line(layer, pose[a], pose[b], 255, 2, cv2.LINE_AA, 4)
            cv2.accumulate(layer, cover[name])
            layer[:] = 0
    total = sum(cover.values()) / 255
    alpha = 1 - (1 - opacity) ** total
    color = sum(cover[name][..., None] * np.array(SIDE_COLORS[name], np.float32) for name in groups)
    rgb = color / np.maximum(total * 255, 1e-6)[..., None]
    return np.dstack([rgb, alpha * 255]).round().astype(np.uint8)


def _edge_group(a: int, b: int) -> str:
    return "centre" if (a, b) in _TRUNK else COCO17.sides[a]
