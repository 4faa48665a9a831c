"""What is behind and below the infant: which photo or room, and how it is laid out.

Settings: ``bed`` (a sheet-covered mattress above the floor), ``blanket`` (a blanket, rug or mat on the
floor), ``floor`` (carpet or boards). Behind them a wall, a panorama or one of the user's photos. With photos
there is also ``plain``: the photo alone behind the body, as SyRIP's code does it.
"""

from dataclasses import dataclass

import numpy as np

from syrip_gen.sampling.props import sample_furniture, sample_toys
from syrip_gen.sampling.scene import BackgroundSpec, CameraSpec, LightSpec

__all__ = ["BackgroundLibrary", "sample_background"]

SETTINGS = {"bed": 0.5, "blanket": 0.33, "floor": 0.17}
PLAIN_SHARE = 0.15
"""Share of photo backgrounds that are the bare photo."""
CRIB_SHARE = 0.2
"""Share of beds that are cribs."""
PHOTO_SETTINGS = {"bed": 0.3, "blanket": 0.5, "floor": 0.2}

WHITES = ((0.93, 0.92, 0.90), (0.90, 0.90, 0.92), (0.94, 0.91, 0.85), (0.86, 0.85, 0.83))
PASTELS = (
    (0.75, 0.84, 0.92), (0.93, 0.78, 0.80), (0.80, 0.90, 0.82), (0.95, 0.90, 0.72), (0.84, 0.79, 0.91),
    (0.92, 0.83, 0.74), (0.72, 0.86, 0.86), (0.80, 0.78, 0.74), (0.66, 0.74, 0.84), (0.90, 0.70, 0.66),
)  # fmt: skip
STRONG = (
    (0.25, 0.40, 0.65), (0.75, 0.25, 0.28), (0.30, 0.55, 0.42), (0.90, 0.72, 0.25), (0.45, 0.33, 0.55),
    (0.85, 0.45, 0.25), (0.20, 0.25, 0.35), (0.40, 0.40, 0.42), (0.50, 0.36, 0.26), (0.20, 0.55, 0.65),
)  # fmt: skip


THREE_COLORS = frozenset(
    f"pattern_{name}"
    for name in ("stripes_three", "waves", "blocks", "puzzle", "dots_mixed", "stars_mixed", "hearts",
                 "clouds", "leaves", "bears", "triangles")
)  # fmt: skip
"""Patterns that use the middle level, too."""


@dataclass(frozen=True, slots=True, eq=False)
class BackgroundLibrary:
    """Names of what backgrounds can be made of."""

    photos: tuple[str, ...]
    """The user's photos, in order; empty = rooms only."""
    floors: tuple[str, ...] = ()
    carpets: tuple[str, ...] = ()
    fabrics: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    reliefs: tuple[str, ...] = ()
    weaves: tuple[str, ...] = ()
    walls: tuple[str, ...] = ()
    views: tuple[str, ...] = ()


def sample_background(
    library: BackgroundLibrary,
    posture: str,
    camera: CameraSpec,
    light: LightSpec,
    rng: np.random.Generator,
    plain: bool = False,
) -> BackgroundSpec:
    """Draw the background of one scene.

    Args:
        library: What there is.
        posture: Posture of the infant; those who stand rarely do so on beds.
        camera: The scene's camera.
        light: The scene's light.
        rng: Random stream.
        plain: Only a photo (a panorama if there are none), no support.
    """
    has_photo = bool(library.photos)
    params: dict[str, float | str | list[float]] = {}
    number = int(rng.integers(len(library.photos))) if has_photo else -1
    params["photo"] = float(number)
    params["photo_crop"] = [float(x) for x in (rng.uniform(1.0, 1.5), *rng.random(2), rng.random() < 0.5)]
    params["far_blur"] = float(rng.uniform(0.5, 3.5))
    if has_photo and (plain or rng.random() < PLAIN_SHARE):
        return BackgroundSpec("photo", library.photos[number], {**params, "setting": "plain"})
    if plain:
        params.update({"view": _pick(library.views, rng), "view_yaw": float(rng.uniform(-np.pi, np.pi))})
        return BackgroundSpec("room", str(params["view"]), {**params, "setting": "plain"})
    weights = dict(PHOTO_SETTINGS if has_photo else SETTINGS)
    if posture in ("Standing", "Crawling"):
        weights["bed"] *= 0.4
    names = list(weights)
    setting = str(rng.choice(names, p=np.array(list(weights.values())) / sum(weights.values())))
    params["setting"] = setting
    params.update(_floor(library, setting, rng))
    if setting != "floor":
        params.update(_cloth(library, setting, rng))
        is_crib = setting == "bed" and posture != "Standing" and rng.random() < CRIB_SHARE
        params.update(_patch("crib" if is_crib else setting, rng))
        params["crib"] = _crib(rng) if is_crib else []
    params.update(_surroundings(library, rng))
    if has_photo:
        params["backdrop"] = "photo"
    params["toys"] = [] if params.get("crib") else _toys(camera, rng)
    params["ramp"] = [float(x) for x in rng.uniform(-0.18, 0.18, 2)]
    return BackgroundSpec(
        "photo" if has_photo else "room", library.photos[number] if has_photo else setting, params
    )


def _toys(camera: CameraSpec, rng: np.random.Generator) -> list[float]:
    """Draw toys beyond the infant's reach; behind it unless the camera looks down steeply."""
    forward = camera.T_cam_world[2]
    steep = -forward[2] > 0.75
    ahead = float(np.arctan2(forward[1], forward[0]))
    return sample_toys((0.40, 0.75), ahead, np.pi if steep else 1.2, rng)


def _pick(names: tuple[str, ...], rng: np.random.Generator) -> str:
    return names[int(rng.integers(len(names)))] if names else ""


def _color(rng: np.random.Generator, whites: float = 0.48, pastels: float = 0.36) -> list[float]:
    """Draw a fabric colour: white, pastel or strong, slightly varied."""
    draw = rng.random()
    group = WHITES if draw < whites else PASTELS if draw < whites + pastels else STRONG
    color = np.array(group[int(rng.integers(len(group)))]) * rng.uniform(0.9, 1.04) + rng.normal(0, 0.02, 3)
    return [float(x) for x in np.clip(color, 0.03, 0.96)]


def _floor(library: BackgroundLibrary, setting: str, rng: np.random.Generator) -> dict:
    carpet = rng.random() < (0.6 if setting == "floor" else 0.35)
    return {
        "floor": _pick(library.carpets if carpet else library.floors, rng),
        "floor_yaw": float(rng.uniform(-np.pi, np.pi)),
        "floor_shift": [float(x) for x in rng.uniform(0, 3, 2)],
        "floor_tone": [
            float(x) for x in np.clip(rng.uniform(0.75, 1.15) + rng.normal(0, 0.03, 3), 0.6, 1.25)
        ],
        "floor_height": float(-rng.uniform(0.3, 0.6)) if setting == "bed" else 0.0,
    }


def _cloth(library: BackgroundLibrary, setting: str, rng: np.random.Generator) -> dict:
    """Sheet, blanket, quilt, rug or foam mat."""
    kind = str(rng.choice(["plain", "pattern", "fabric", "mat"], p=[0.45, 0.33, 0.16, 0.06]))
    if kind == "mat":
        pattern, relief, strength, scale = "pattern_puzzle", "relief_soft", 0.3, rng.uniform(2.0, 2.6)
        colors = _color(rng, 0.0, 0.4) + _color(rng, 0.0, 0.4) + _color(rng, 0.1, 0.4)
    else:
        pattern = {
            "plain": "",
            "pattern": _pick(library.patterns, rng),
            "fabric": _pick(library.fabrics, rng),
        }[kind]
        base = _color(rng)
        accent, third = _color(rng, 0.25, 0.4), _color(rng, 0.25, 0.4)
        if pattern not in THREE_COLORS:  # the middle level only occurs where the two others blend
            third = [(a + b) / 2 for a, b in zip(base, accent, strict=True)]
        colors = base + third + accent
        relief = _pick(library.reliefs, rng)
        strength = rng.uniform(0.5, 1.7) * (0.5 if "quilt" in relief else 1.0)
        scale = np.exp(rng.uniform(np.log(0.6), np.log(1.8)))
    return {
        "cloth": kind,
        "cloth_tile": pattern,
        "cloth_colors": colors,
        "cloth_scale": float(scale),
        "cloth_yaw": float(rng.uniform(-np.pi, np.pi)),
        "cloth_shift": [float(x) for x in rng.uniform(0, 3, 2)],
        "relief": relief,
        "relief_strength": float(strength),
        "relief_yaw": float(rng.uniform(-np.pi, np.pi)),
        "weave": _pick(library.weaves, rng),
        "weave_strength": float(rng.uniform(0.1, 0.7)),
    }


def _crib(rng: np.random.Generator) -> list[float]:
    """Height of the rails over the mattress and their colour: white paint or wood."""
    tone = ((0.92, 0.91, 0.89), (0.72, 0.56, 0.38), (0.45, 0.30, 0.20), (0.62, 0.62, 0.62))[
        int(rng.choice(4, p=[0.5, 0.25, 0.15, 0.1]))
    ]
    return [float(rng.uniform(0.25, 0.5)), *(float(t) for t in tone)]


def _patch(setting: str, rng: np.random.Generator) -> dict:
    """Outline of the cloth: half sizes, corner radius, turn, centre, how much the edge wanders, thickness."""
    if setting == "crib":
        size, wobble, thickness = (rng.uniform(0.33, 0.38), rng.uniform(0.58, 0.68)), 0.0, 0.1
    elif setting == "bed":
        size, wobble, thickness = (rng.uniform(0.55, 1.0), rng.uniform(0.9, 1.1)), 0.004, 0.2
    else:
        size, wobble, thickness = (
            (rng.uniform(0.42, 0.8), rng.uniform(0.5, 0.95)),
            0.02,
            rng.uniform(0.004, 0.02),
        )
    centre = rng.uniform(-0.15, 0.15, 2) * (0.3 if setting == "crib" else 1.0)
    corner = rng.choice([0.03, 0.08, 0.45], p=[0.5, 0.4, 0.1]) if setting == "blanket" else 0.07
    return {
        "patch": [float(x) for x in (*size, corner, rng.uniform(-np.pi, np.pi), *centre, wobble, thickness)],
        "patch_seed": float(rng.integers(1 << 20)),
    }


def _surroundings(library: BackgroundLibrary, rng: np.random.Generator) -> dict:
    wall = np.clip(rng.choice([0.72, 0.86, 0.92]) + rng.normal(0, 0.04) + rng.normal(0, 0.025, 3), 0.3, 0.96)
    if rng.random() < 0.12:
        wall = np.array(_color(rng, 0.0, 0.7))
    return {
        "backdrop": "view" if rng.random() < 0.2 and library.views else "wall",
        "view": _pick(library.views, rng),
        "view_yaw": float(rng.uniform(-np.pi, np.pi)),
        "wall": _pick(library.walls, rng),
        "wall_color": [float(x) for x in wall],
        "wall_distance": float(np.exp(rng.uniform(np.log(0.7), np.log(3.5)))),
        "wall_turn": float(np.clip(rng.normal(0, 0.35), -0.9, 0.9)),
        "corner_shift": float(rng.uniform(-3.0, 3.0)),
        "furniture": sample_furniture(rng) if rng.random() < 0.7 else [],
        "skirting": float(rng.uniform(0.0, 0.12) * (rng.random() < 0.75)),
        "skirting_tone": float(rng.uniform(0.75, 0.95)),
    }
