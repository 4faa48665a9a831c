"""Backgrounds for clips: what lies under a moving infant covers its whole path, and nothing is in its way."""

import numpy as np

from syrip_gen.sampling.backgrounds import BackgroundLibrary, sample_background
from syrip_gen.sampling.props import FIELDS
from syrip_gen.sampling.scene import BackgroundSpec, CameraSpec, LightSpec

__all__ = ["sample_clip_background", "suit_path"]

MARGIN_M = 0.10
"""Cloth beyond what the body passes over."""
MAX_HALF_M = {"bed": (1.0, 1.1), "blanket": (1.25, 1.25)}
"""Largest half sizes of a cloth; an infant that moves over more is on the floor."""
TOY_CLEARANCE_M = 0.22
WALL_CLEARANCE_M = 0.9
"""Room for furniture."""
SIDE_CLEARANCE_M = 0.5
CLOTH_PARAMS = (
    "cloth", "cloth_tile", "cloth_colors", "cloth_scale", "cloth_yaw", "cloth_shift", "relief",
    "relief_strength", "relief_yaw", "weave", "weave_strength", "patch", "patch_seed", "crib",
)  # fmt: skip


def sample_clip_background(
    library: BackgroundLibrary,
    posture: str,
    camera: CameraSpec,
    light: LightSpec,
    footprint: np.ndarray,
    rng: np.random.Generator,
) -> BackgroundSpec:
    """Draw the background of one take.

    Args:
        library: What there is.
        posture: What the infant mostly does.
        camera: The take's camera.
        light: The take's light.
        footprint: (n, 2) points that the body passes over, world frame, metres.
        rng: Random stream.
    """
    while True:
        background = sample_background(library, posture, camera, light, rng)
        if background.params["setting"] != "plain":  # no floor to move on
            return suit_path(background, camera, footprint)


def suit_path(background: BackgroundSpec, camera: CameraSpec, footprint: np.ndarray) -> BackgroundSpec:
    """Return a background with cloth, toys and walls that suit where the infant goes."""
    params = dict(background.params)
    if params["setting"] != "floor" and not _cover(params, footprint):
        params = {key: value for key, value in params.items() if key not in CLOTH_PARAMS}
        params |= {"setting": "floor", "floor_height": 0.0}
    params["toys"] = _clear_toys(params["toys"], footprint)
    forward = np.array(camera.T_cam_world[2][:2])
    forward = forward / max(float(np.hypot(*forward)), 1e-9)
    turn = float(params["wall_turn"])
    ahead = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ forward
    params["wall_distance"] = max(
        float(params["wall_distance"]), float((footprint @ ahead).max()) + WALL_CLEARANCE_M
    )
    side = float(np.abs(footprint @ np.array([-ahead[1], ahead[0]])).max()) + SIDE_CLEARANCE_M - 0.7
    shift = float(params["corner_shift"])
    params["corner_shift"] = float(np.copysign(max(abs(shift), side), shift))
    source = background.source if background.kind == "photo" else str(params["setting"])
    return BackgroundSpec(background.kind, source, params)


def _cover(params: dict, footprint: np.ndarray) -> bool:
    """Make the cloth large enough for the path, in place; False when no such cloth exists."""
    half_x, half_y, corner, yaw, cx, cy, wobble, thickness = params["patch"]
    c, s = np.cos(yaw), np.sin(yaw)
    local = (footprint - (cx, cy)) @ np.array([[c, -s], [s, c]])
    need_x, need_y = np.abs(local).max(axis=0) + MARGIN_M
    if need_x <= half_x and need_y <= half_y and corner <= 0.1:
        return True
    limit_x, limit_y = MAX_HALF_M[params["setting"]]
    if need_x > limit_x or need_y > limit_y:
        return False
    size = float(max(need_x, half_x)), float(max(need_y, half_y))
    params["patch"] = [*size, min(corner, 0.08), yaw, cx, cy, wobble, thickness]
    if params.get("crib"):
        params["crib"] = []  # no crib is as large as that
    return True


def _clear_toys(toys: list[float], footprint: np.ndarray) -> list[float]:
    """Keep the toys that the infant does not crawl over."""
    rows = np.reshape(np.asarray(toys, dtype=np.float64), (-1, FIELDS))
    kept = [row for row in rows if np.hypot(*(footprint - row[1:3]).T).min() > TOY_CLEARANCE_M]
    return [float(value) for row in kept for value in row]
