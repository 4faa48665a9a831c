"""Reject scenes that would make bad training images, with a reason."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from syrip_gen.annotation.labels import Labels
from syrip_gen.body.assets import BodyAssets
from syrip_gen.fitting.proxies import build_spheres, penetration, posed_centers
from syrip_gen.geometry.rotations import axis_angle_to_matrix
from syrip_gen.rendering.types import RenderInputs

__all__ = ["REASONS", "CheckLimits", "SampleChecker"]

REASONS = (
    "geometry is not finite",
    "body touches the camera",
    "body is too small in the picture",
    "body fills the whole picture",
    "body is mostly outside the picture",
    "too few keypoints in the picture",
    "too few visible keypoints",
    "body parts run through each other",
    "body sinks into its support",
)
"""What :meth:`SampleChecker.check` may say, in the order in which it looks."""
_NO_PLANE = (0.0, 0.0, 0.0, 0.0)
"""Everything is at height 0 over it."""


@dataclass(frozen=True, slots=True)
class CheckLimits:
    """Bounds of an acceptable scene."""

    min_depth_m: float = 0.10
    """Nearest surface to the camera, metres."""
    min_box_side_px: float = 48.0
    """Longer side of the visible body's box, px."""
    min_box_share: float = 0.02
    """Area of that box as a share of the picture."""
    max_mask_share: float = 0.85
    """Share of the picture that the body may cover."""
    min_inside_share: float = 0.5
    """Share of the body's surface points that fall inside the picture."""
    min_keypoints: int = 7
    """Keypoints inside the picture (v > 0)."""
    min_visible: int = 4
    """Keypoints seen (v = 2)."""
    max_penetration_m: float = 0.035
    """Overlap of two body parts on an infant of average size, beyond what flesh gives."""
    max_sinking_m: float = 0.08
    """How far the body may reach below its support plane (a mattress gives way)."""


class SampleChecker:
    """Checks scenes of one body; a check takes well under a millisecond."""

    def __init__(self, body: BodyAssets, limits: CheckLimits | None = None) -> None:
        self.limits = limits or CheckLimits()
        self._parents = body.parents
        self._spheres = build_spheres(body)
        self._rest_length = _bone_length(body.J_regressor @ body.v_template, body.parents)

    def check(self, labels: Labels, inputs: RenderInputs, joints_3d: np.ndarray | None) -> str | None:
        """Return why the scene should be drawn again (one of :data:`REASONS`), or None if it is good.

        Args:
            labels: Its labels.
            inputs: Its geometry and camera.
            joints_3d: (24, 3) metres, camera frame; None = not this body, whose parts are not compared.
        """
        surface = _measure(
            np.ascontiguousarray(inputs.vertices, np.float32), inputs.fx, inputs.fy, inputs.cx, inputs.cy,
            float(inputs.width), float(inputs.height), inputs.support_plane or _NO_PLANE,
        )  # fmt: skip
        is_finite, nearest, inside_share, lowest = surface
        if not (is_finite and (joints_3d is None or np.isfinite(joints_3d).all())):
            return "geometry is not finite"
        if nearest < self.limits.min_depth_m:
            return "body touches the camera"
        reason = self._bad_framing(labels, inputs, inside_share)
        if reason is None and joints_3d is not None:
            reason = self._bad_pose(labels, np.asarray(joints_3d, np.float64))
        if reason is None and lowest < -self.limits.max_sinking_m:
            return "body sinks into its support"
        return reason

    def _bad_framing(self, labels: Labels, inputs: RenderInputs, inside_share: float) -> str | None:
        limits, annotation = self.limits, labels.record["annotation"]
        _, _, width, height = annotation["bbox"]
        picture = inputs.width * inputs.height
        if max(width, height) < limits.min_box_side_px or width * height < limits.min_box_share * picture:
            return "body is too small in the picture"
        if annotation["area"] > limits.max_mask_share * picture:
            return "body fills the whole picture"
        if inside_share < limits.min_inside_share:
            return "body is mostly outside the picture"
        visibility = labels.keypoints[:, 2]
        if (visibility > 0).sum() < limits.min_keypoints:
            return "too few keypoints in the picture"
        if (visibility == 2).sum() < limits.min_visible:
            return "too few visible keypoints"
        return None

    def _bad_pose(self, labels: Labels, joints_3d: np.ndarray) -> str | None:
        pose = np.array(labels.record["annotation"]["body"]["pose"]).reshape(24, 3)
        rotations = axis_angle_to_matrix(pose)
        for joint in range(1, len(rotations)):
            rotations[joint] = rotations[self._parents[joint]] @ rotations[joint]
        scale = _bone_length(joints_3d, self._parents) / self._rest_length
        overlap = penetration(self._spheres, posed_centers(self._spheres, joints_3d, rotations, scale), scale)
        if overlap.max() > self.limits.max_penetration_m * scale:
            return "body parts run through each other"
        return None


@njit(nogil=True, cache=True, error_model="numpy")
def _measure(vertices, fx, fy, cx, cy, width, height, plane):  # pragma: no cover - compiled
    """Look at every fourth vertex, which is plenty to see where the body is.

    Returns:
        Whether all are finite, the least depth, the share inside the picture, the least height over ``plane``
        (a, b, c, d of ax + by + cz + d), metres.
    """
    a, b, c, d = plane
    nearest, lowest = np.inf, np.inf
    is_finite, inside, count = True, 0, 0
    for i in range(0, vertices.shape[0], 4):
        x, y, z = np.float64(vertices[i, 0]), np.float64(vertices[i, 1]), np.float64(vertices[i, 2])
        is_finite &= np.isfinite(x) and np.isfinite(y) and np.isfinite(z)
        nearest, lowest = min(nearest, z), min(lowest, a * x + b * y + c * z + d)
        u, v = fx * x / z + cx, fy * y / z + cy
        inside += (u >= 0.0) & (u < width) & (v >= 0.0) & (v < height)
        count += 1
    return is_finite, nearest, inside / max(count, 1), lowest


def _bone_length(joints: np.ndarray, parents: np.ndarray) -> float:
    """Return the summed length of all bones, metres."""
    return float(np.linalg.norm(joints[1:] - joints[parents[1:]], axis=1).sum())
