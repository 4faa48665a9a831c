"""Pictures of fits over the photos and keypoints that they were made from."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.posing import pose_body
from syrip_gen.fitting.bank import FitBank
from syrip_gen.geometry.camera import project
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.poses import PoseSet
from syrip_gen.quality.drawing import draw_skeleton
from syrip_gen.rendering.normals import vertex_normals
from syrip_gen.rendering.zbuffer import face_buffer

if TYPE_CHECKING:
    from syrip_gen.stages.run_shards import Progress

__all__ = ["blend_mesh", "write_overlays"]

OVERLAY_SIDE_PX = 640
MAX_PHOTO_PIXELS = 100_000_000
MESH_COLOR = np.array([172.0, 204.0, 236.0], np.float32)
"""RGB; of no skin, blanket or wooden floor."""
OPACITY = 0.7
LIGHT = np.array([-0.35, -0.45, -0.82], np.float32)
"""Unit vector towards the light, camera frame: over the camera's left shoulder."""
SAMPLES = 2


def write_overlays(
    bank: FitBank, poses: PoseSet, body: BodyAssets, folder: Path, images: str | None, progress: "Progress"
) -> None:
    """Draw every fit, its surface and coloured keypoints, over the input keypoints (white rings).

    One JPEG each, named by the number of the fit. ``syrip label --review`` shows them as ``mesh``.
    """
    import cv2

    for i in range(len(bank)):
        width, height = (int(side) for side in bank.image_size[i])
        scale = OVERLAY_SIDE_PX / max(width, height, 1)
        picture = _photo(images, poses.file_name[i], scale, width, height)
        if _is_finite(bank, i):
            focal = bank.focal_px[i]
            posed = pose_body(body, bank.betas[i], bank.global_orient[i], bank.body_pose[i], bank.transl[i])
            centre = (width / 2 * scale, height / 2 * scale)
            picture = blend_mesh(picture, posed.vertices, body.faces, focal * scale, centre)
            pixels = project(bank.keypoints_3d_m[i], focal, focal, width / 2, height / 2) * scale
            picture = draw_skeleton(picture, np.column_stack([pixels, np.full(17, 2.0)]), schema=COCO17)
        for x, y, v in poses.keypoints[i]:
            if v > 0:
                cv2.circle(picture, (round(x * scale), round(y * scale)), 5, (255, 255, 255), 1, cv2.LINE_AA)
        verdict = "accepted" if bank.accepted[i] else f"rejected: {bank.reason[i]}"
        text = f"{verdict}, {bank.reprojection_error[i] * 100:.1f} %"
        cv2.putText(picture, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
        name = "".join(c if c.isalnum() or c in "-_" else "_" for c in poses.pose_id[i])
        cv2.imwrite(str(folder / f"{i:05d}_{name[:80]}.jpg"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        progress.advance()


def blend_mesh(
    picture: np.ndarray,
    vertices: np.ndarray,
    faces: np.ndarray,
    focal_px: float,
    centre_px: tuple[float, float],
) -> np.ndarray:
    """Return a copy of a picture with a shaded, half transparent surface over it.

    Args:
        picture: (H, W, 3) uint8 RGB.
        vertices: (V, 3) metres, camera frame.
        faces: (F, 3) vertex indices, counter-clockwise seen from outside.
        focal_px: Focal length in px of this picture.
        centre_px: Principal point in px of this picture.
    """
    import cv2

    height, width = picture.shape[:2]
    triangles = np.ascontiguousarray(faces, np.int32)
    points = np.ascontiguousarray(vertices, np.float32)
    _, face = face_buffer(points, triangles, focal_px, focal_px, *centre_px, width, height, SAMPLES)
    seen = face >= 0
    normals = vertex_normals(points, triangles)[triangles].mean(axis=1)
    light = np.clip(normals @ LIGHT / np.linalg.norm(normals, axis=1).clip(1e-6), 0, 1)
    layer = np.zeros((*face.shape, 4), np.float32)
    layer[seen, :3] = (0.4 + 0.6 * light[face[seen], None]) * MESH_COLOR
    layer[seen, 3] = 1.0
    layer = cv2.resize(layer, (width, height), interpolation=cv2.INTER_AREA) * np.float32(OPACITY)
    mixed = picture * (1.0 - layer[..., 3:]) + layer[..., :3]
    return np.clip(np.round(mixed), 0, 255).astype(np.uint8)


def _is_finite(bank: FitBank, i: int) -> bool:
    arrays = (bank.betas, bank.global_orient, bank.body_pose, bank.transl, bank.keypoints_3d_m, bank.focal_px)
    return all(np.isfinite(array[i]).all() for array in arrays)


def _photo(images: str | None, name: str, scale: float, width: int, height: int) -> np.ndarray:
    """Return the scaled photo, or a grey canvas where there is none; names cannot leave the folder."""
    import cv2

    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if images and name:
        root = Path(images).resolve()
        path = (root / name).resolve()
        if path.is_relative_to(root) and path.is_file() and width * height <= MAX_PHOTO_PIXELS:
            photo = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if photo is not None:
                return cv2.cvtColor(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
    return np.full((size[1], size[0], 3), 60, np.uint8)
