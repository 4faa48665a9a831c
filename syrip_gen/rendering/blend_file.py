"""Saving a motion as a .blend: the dressed infant skinned to its skeleton, keyed, lit, in its scene."""

import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.kinematics import forward_kinematics
from syrip_gen.body.posing import rest_body
from syrip_gen.geometry.rotations import axis_angle_to_matrix
from syrip_gen.keypoints.catalog import SMPL24
from syrip_gen.motion.sequence import BodySequence
from syrip_gen.rendering.blender_process import BlenderProcess, BlenderProgram
from syrip_gen.rendering.blender_scene import KEY_DISTANCE_M, ground_color
from syrip_gen.rendering.resolve import Resources, dress
from syrip_gen.sampling.scene import CameraSpec, LightSpec, SceneSpec

__all__ = ["save_blend", "write_film"]

FILM_VERSION = 1
SCRIPT = "animate.py"


def save_blend(
    path: str | Path,
    sequence: BodySequence,
    spec: SceneSpec,
    resources: Resources,
    program: BlenderProgram,
    *,
    cameras: Sequence[CameraSpec] | None = None,
    samples: int = 64,
) -> Path:
    """Save a motion as a .blend that opens anywhere (pictures packed) and plays.

    Clothes and hair are lifted along the normals of the body at rest, not of each pose, because a skinned
    mesh has one rest shape; see ``docs/guides/animate-your-own-scan.md`` for how much that differs.

    Args:
        path: File to write, ``.blend``.
        sequence: The motion; its frame rate and betas are used.
        spec: Camera, appearance, background and light; its body is not used.
        resources: Shared assets.
        program: Which Blender.
        cameras: Camera of each frame where it moves. No still picture fits behind it then: the support is a
            plain sheet in the light of the scene. None = that of ``spec``.
        samples: Light paths a pixel when the artist renders.

    Returns:
        The path written.

    Raises:
        ValueError: When the path does not end in .blend.
    """
    path = Path(path)
    if path.suffix != ".blend":
        raise ValueError(f"--save-blend {path}: the file name must end in .blend")
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="syrip-film-") as folder,
        BlenderProcess(SCRIPT, program) as blender,
    ):
        film = write_film(Path(folder), sequence, spec, resources, samples=samples)
        partial = path.resolve().with_name(f".{path.name}.partial.blend")
        blender.request({"do": "save_blend", "film": str(film), "result": str(partial)})
        partial.replace(path)
    return path


def write_film(
    folder: Path,
    sequence: BodySequence,
    spec: SceneSpec,
    resources: Resources,
    *,
    cameras: Sequence[CameraSpec] | None = None,
    samples: int = 64,
) -> Path:
    """Write ``film.json`` and the files that it names, as ``blender_scripts/film.py`` reads them.

    The arguments are those of :func:`save_blend`.

    Returns:
        The path of ``film.json``.
    """
    body, camera = resources.body, spec.camera
    rest, joints = rest_body(body, sequence.betas)
    vertices, _, skin = dress(spec, rest, resources)
    backdrop = resources.backdrops.paint(spec)
    arrays = {
        "rest": vertices.astype(np.float32),
        "faces": body.faces,
        "uv": skin.uv,
        "uv_faces": skin.uv_faces,
        "head": body.weights[:, SMPL24.index("head")],
        "joints": joints,
        **_skinning(body),
        **_motion(body, sequence),
        "T_world_cam": np.linalg.inv([c.T_cam_world for c in cameras or [camera]]),
    }
    np.savez(folder / "film.npz", **arrays)
    cv2.imwrite(str(folder / "skin.png"), cv2.cvtColor(skin.texture, cv2.COLOR_RGB2BGR))
    if skin.gloss is not None:
        cv2.imwrite(str(folder / "gloss.png"), skin.gloss)
    cv2.imwrite(str(folder / "background.png"), cv2.cvtColor(backdrop.picture, cv2.COLOR_RGB2BGR))
    region = (0, 0, camera.width, camera.height)
    film = {
        "version": FILM_VERSION,
        **{name: getattr(camera, name) for name in ("width", "height", "fx", "fy", "cx", "cy")},
        "fps": sequence.fps,
        "names": list(SMPL24.keypoints),
        "parents": body.parents.tolist(),
        "arrays": str(folder / "film.npz"),
        "texture": str(folder / "skin.png"),
        "gloss": None if skin.gloss is None else str(folder / "gloss.png"),
        "background": None if cameras else str(folder / "background.png"),
        "sh": (np.array(spec.light.sh) * backdrop.light_gain).tolist(),
        "lamps": _lamps(spec.light, backdrop.light_gain),
        "has_support": backdrop.has_support,
        "ground_color": ground_color(backdrop.picture, region, None),
        "focus": spec.focus and {"distance_m": spec.focus.distance_m, "fstop": spec.focus.fstop},
        "samples": samples,
    }
    path = folder / "film.json"
    path.write_text(json.dumps(film, allow_nan=False), encoding="utf-8")
    return path


def _skinning(body: BodyAssets) -> dict[str, np.ndarray]:
    """Return (V, W) bones and weights, W the most that any vertex has."""
    width = int((body.weights > 0).sum(axis=1).max())
    bones = np.argsort(-body.weights, axis=1, kind="stable")[:, :width]
    weights = np.take_along_axis(body.weights, bones, axis=1)
    return {"bones": bones.astype(np.int32), "weights": weights.astype(np.float32)}


def _motion(body: BodyAssets, sequence: BodySequence) -> dict[str, np.ndarray]:
    """Return what moves.

    Returns:
        ``rotations`` (T, 24, 3, 3) turns of the joints from rest to the world, ``roots`` (T, 3) places of the
        root and, where the body has them, ``posedirs`` (V, 3, 207) with ``pose_features`` (T, 207).
    """
    _, rest = rest_body(body, sequence.betas)
    pose = np.concatenate([sequence.global_orient[:, None], sequence.body_pose], axis=1)
    local = axis_angle_to_matrix(pose)
    posed = [forward_kinematics(turns, rest, body.parents) for turns in local]
    moving = {
        "rotations": np.array([world for world, _ in posed]),
        "roots": np.array([joints[0] for _, joints in posed]) + sequence.transl,
    }
    if body.posedirs is not None:
        moving["posedirs"] = body.posedirs.astype(np.float32)
        moving["pose_features"] = (local[:, 1:] - np.eye(3)).reshape(len(local), -1)
    return moving


def _lamps(light: LightSpec, gain: np.ndarray) -> list[dict[str, Any]]:
    """Return the key light and the lamps, world frame."""
    radius = KEY_DISTANCE_M * math.tan(min(light.shadow_softness, 1.0))
    lamps = [(light.key_direction, KEY_DISTANCE_M, radius, light.key_color)]
    lamps += [(lamp.direction, lamp.distance_m, lamp.radius_m, lamp.color) for lamp in light.lamps]
    return [
        {
            "direction": list(direction),
            "distance_m": distance,
            "radius_m": size,
            "color": (np.array(color) * gain).tolist(),
        }
        for direction, distance, size, color in lamps
        if np.max(color) > 0.0
    ]
