"""What is measured of one pose or one record: the numbers behind the report's histograms."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from syrip_gen.geometry.rotations import axis_angle_to_matrix
from syrip_gen.keypoints.catalog import COCO17, SMPL24

__all__ = ["categories_of", "measure_pose", "measure_record"]

_SHOULDERS = [COCO17.index("left_shoulder"), COCO17.index("right_shoulder")]
_HIPS = [COCO17.index("left_hip"), COCO17.index("right_hip")]


def measure_pose(keypoints: np.ndarray, bbox: np.ndarray, size: tuple[float, float]) -> dict[str, float]:
    """Return the measures that any labelled pose has, real or synthetic.

    Args:
        keypoints: (17, 3) x, y, v.
        bbox: (4,) x, y, width, height, px.
        size: Width and height of the picture, px.

    Returns:
        ``box_size`` longer side of the box over the picture's longer side; ``num_labelled`` and
        ``num_visible`` keypoints; ``roll`` direction of the head in the picture, degrees clockwise from up,
        where the torso is seen.
    """
    v = keypoints[:, 2]
    measures = {
        "box_size": float(max(bbox[2:]) / max(size)),
        "num_labelled": float((v > 0).sum()),
        "num_visible": float((v == 2).sum()),
    }
    if (v[_SHOULDERS + _HIPS] > 0).all():
        torso = keypoints[_SHOULDERS, :2].mean(axis=0) - keypoints[_HIPS, :2].mean(axis=0)
        if np.linalg.norm(torso) > 1e-6:
            measures["roll"] = float(np.degrees(np.arctan2(torso[0], -torso[1])))
    return measures


def measure_record(record: Mapping[str, Any]) -> dict[str, float]:
    """Return the measures of one dataset record; those that need fields it lacks are left out."""
    annotation, image = record["annotation"], record["image"]
    keypoints = np.asarray(annotation["keypoints"], np.float64).reshape(-1, 3)
    measures = measure_pose(keypoints, np.asarray(annotation["bbox"]), (image["width"], image["height"]))
    camera, body = annotation.get("camera", {}), annotation.get("body", {})
    points = np.asarray(annotation.get("keypoints_3d_m", []), np.float64)
    if "T_cam_world" in camera:
        forward = np.asarray(camera["T_cam_world"], np.float64)[2, :3]
        measures["camera_pitch"] = float(np.degrees(np.arcsin(np.clip(-forward[2], -1, 1))))
    if "fx" in camera:
        measures["field_of_view"] = float(np.degrees(2 * np.arctan(image["width"] / 2 / camera["fx"])))
    if points.shape == (17, 3):
        measures["distance"] = float(np.linalg.norm(points[_HIPS + _SHOULDERS].mean(axis=0)))
    if "pose" in body:
        rotations = axis_angle_to_matrix(np.asarray(body["pose"], np.float64).reshape(24, 3))
        measures |= _head_turn(rotations)
        if points.shape == (17, 3):
            measures |= _view_angles(rotations[0], points[_HIPS].mean(axis=0))
    return measures


def _view_angles(root: np.ndarray, hips: np.ndarray) -> dict[str, float]:
    """Return where the camera is as the infant sees it, degrees.

    ``view_azimuth`` 0 before its belly, +90 on its left, ±180 behind its back; ``view_elevation`` +90 beyond
    its head, -90 beyond its feet.
    """
    towards = root.T @ (-hips / np.linalg.norm(hips))
    return {
        "view_azimuth": float(np.degrees(np.arctan2(towards[0], towards[2]))),
        "view_elevation": float(np.degrees(np.arcsin(np.clip(towards[1], -1, 1)))),
    }


def _head_turn(rotations: np.ndarray) -> dict[str, float]:
    """Return how far the head is turned to its left against the chest, degrees."""
    head = rotations[SMPL24.index("neck")] @ rotations[SMPL24.index("head")]
    return {"head_turn": float(np.degrees(np.arctan2(head[0, 2], head[2, 2])))}


def categories_of(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what a record counts towards: posture, clothes, skin tone, background."""
    found = {"posture": [str(record["image"].get("posture") or "unknown")]}
    spec = record.get("spec") or {}
    appearance, background = spec.get("appearance") or {}, spec.get("background") or {}
    if appearance:
        if appearance.get("texture_file"):
            found["clothes"] = ["texture file"]
        else:
            kinds = [str(garment.get("kind")) for garment in appearance.get("garments", [])]
            over = [kind.replace("_", " ") for kind in kinds if kind != "diaper"]
            found["clothes"] = over or (["diaper only"] if kinds else ["naked"])
            tone = (appearance.get("skin") or {}).get("tone")
            if isinstance(tone, int | float):
                found["skin tone"] = [f"Monk {round(tone)}"]
    if background:
        setting = (background.get("params") or {}).get("setting")
        found["background"] = [str(setting or background.get("kind")).replace("_", " ")]
    return found
