"""Reject scenes that would make bad training images, with a reason."""

from dataclasses import dataclass

import numpy as np

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

    def check(self, labels: Labels, inputs: RenderInputs, joints_3d: np.ndarray) -> str | None:
        """Return why the scene should be drawn again (one of :data:`REASONS`), or None if it is good.

        Args:
            labels: Its labels.
            inputs: Its geometry and camera.
            joints_3d: (24, 3) metres, camera frame.
        """
        joints_3d = np.asarray(joints_3d, np.float64)
        # Every fourth vertex is plenty to see where the body is.
        points = inputs.vertices[::4].astype(np.float64)
        return (
            self._bad_geometry(points, joints_3d)
            or self._bad_framing(labels, inputs, points)
            or self._bad_pose(labels, inputs, points, joints_3d)
        )

    def _bad_geometry(self, points: np.ndarray, joints_3d: np.ndarray) -> str | None:
        if not (np.isfinite(points).all() and np.isfinite(joints_3d).all()):
            return "geometry is not finite"
        if points[:, 2].min() < self.limits.min_depth_m:
            return "body touches the camera"
        return None

    def _bad_framing(self, labels: Labels, inputs: RenderInputs, points: np.ndarray) -> str | None:
        limits, annotation = self.limits, labels.record["annotation"]
        _, _, width, height = annotation["bbox"]
        picture = inputs.width * inputs.height
        if max(width, height) < limits.min_box_side_px or width * height < limits.min_box_share * picture:
            return "body is too small in the picture"
        if annotation["area"] > limits.max_mask_share * picture:
            return "body fills the whole picture"
        u = inputs.fx * points[:, 0] / points[:, 2] + inputs.cx
        v = inputs.fy * points[:, 1] / points[:, 2] + inputs.cy
        inside = (u >= 0) & (u < inputs.width) & (v >= 0) & (v < inputs.height)
        if inside.mean() < limits.min_inside_share:
            return "body is mostly outside the picture"
        visibility = labels.keypoints[:, 2]
        if (visibility > 0).sum() < limits.min_keypoints:
            return "too few keypoints in the picture"
        if (visibility == 2).sum() < limits.min_visible:
            return "too few visible keypoints"
        return None

    def _bad_pose(
        self, labels: Labels, inputs: RenderInputs, points: np.ndarray, joints_3d: np.ndarray
    ) -> str | None:
        pose = np.array(labels.record["annotation"]["body"]["pose"]).reshape(24, 3)
        rotations = axis_angle_to_matrix(pose)
        for joint in range(1, len(rotations)):
            rotations[joint] = rotations[self._parents[joint]] @ rotations[joint]
        scale = _bone_length(joints_3d, self._parents) / self._rest_length
        overlap = penetration(self._spheres, posed_centers(self._spheres, joints_3d, rotations, scale), scale)
        if overlap.max() > self.limits.max_penetration_m * scale:
            return "body parts run through each other"
        if inputs.support_plane is not None:
            height = points @ np.array(inputs.support_plane[:3]) + inputs.support_plane[3]
            if height.min() < -self.limits.max_sinking_m:
                return "body sinks into its support"
        return None


def _bone_length(joints: np.ndarray, parents: np.ndarray) -> float:
    """Return the summed length of all bones, metres."""
    return float(np.linalg.norm(joints[1:] - joints[parents[1:]], axis=1).sum())
