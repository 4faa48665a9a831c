"""Scene files: what ``render_scene`` is asked for, checked before Blender sees any of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from camera import Pinhole
from server import BadRequestError

__all__ = ["Lamp", "SceneFile", "read_scene"]

VERSION = 1
MAX_SIDE, MAX_SAMPLES, MAX_LAMPS = 16384, 65536, 16
DEVICES = ("auto", "cpu", "gpu")


@dataclass(frozen=True)
class Lamp:
    """A round area light that faces the body."""

    direction: np.ndarray
    """(3,) unit vector from the middle of the body towards the lamp."""
    distance_m: float
    radius_m: float
    color: np.ndarray
    """(3,) irradiance on a surface there that faces it; 1 makes a white surface just white."""


@dataclass(frozen=True)
class SceneFile:
    """One picture to take. Camera frame: OpenCV's axes, metres."""

    pinhole: Pinhole
    mesh: Path
    texture: Path
    gloss: Path | None
    support_plane: np.ndarray | None
    """(4,) a, b, c, d with the unit normal towards the body."""
    ground_color: np.ndarray
    """(3,) linear colour of the background where the body rests."""
    sh: np.ndarray
    """(9, 3) irradiance coefficients (``light_maths``)."""
    panorama: Path | None
    panorama_rotation: np.ndarray
    """(3, 3) from the camera frame to the panorama's (z up, x in its middle)."""
    lamps: tuple[Lamp, ...]
    region: tuple[int, int, int, int]
    samples: int
    seed: int
    denoise: bool
    threads: int
    device: str
    focus_m: float | None
    fstop: float
    shutter: float | None
    """Share of the way from ``vertices_open`` to ``vertices_close`` that is exposed; None = no blur."""
    with_depth: bool
    result: Path


def read_scene(path: str | Path) -> SceneFile:
    """Read and check a scene file.

    Raises:
        BadRequestError: When a value is missing or cannot be meant; names it.
        OSError: When the file cannot be read.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadRequestError(f"{path} is not a scene file: {error}") from error
    if not isinstance(data, dict):
        raise BadRequestError(f"{path} is not a scene file: it holds no JSON object")
    try:
        return _scene(data)
    except (BadRequestError, KeyError, TypeError, ValueError) as error:
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else error
        raise BadRequestError(f"{path}: {what}") from error


def _scene(data: dict[str, Any]) -> SceneFile:
    if data.get("version") != VERSION:
        raise BadRequestError(f"version is {data.get('version')!r}, expected {VERSION}")
    pinhole = _pinhole(data)
    environment, depth_of_field, blur = (
        data["environment"],
        data.get("depth_of_field"),
        data.get("motion_blur"),
    )
    plane = data.get("support_plane")
    panorama = environment.get("panorama")
    lamps = data.get("lamps", [])
    if len(lamps) > MAX_LAMPS:
        raise BadRequestError(f"{len(lamps)} lamps, expected at most {MAX_LAMPS}")
    return SceneFile(
        pinhole=pinhole,
        mesh=_existing(data["mesh"]),
        texture=_existing(data["texture"]),
        gloss=_existing(data["gloss"]) if data.get("gloss") else None,
        support_plane=None if plane is None else _plane(plane),
        ground_color=np.maximum(_array(data.get("ground_color", [0.3, 0.3, 0.3]), (3,), "ground_color"), 0.0),
        sh=_array(environment["sh"], (9, 3), "environment.sh"),
        panorama=_existing(panorama) if panorama else None,
        panorama_rotation=_array(environment.get("rotation", np.eye(3)), (3, 3), "environment.rotation"),
        lamps=tuple(_lamp(lamp) for lamp in lamps),
        region=_region(data.get("region"), pinhole),
        samples=_whole(data.get("samples", 32), "samples", 1, MAX_SAMPLES),
        seed=_whole(data.get("seed", 0), "seed", 0, 2**31 - 1),
        denoise=bool(data.get("denoise", True)),
        threads=_whole(data.get("threads", 0), "threads", 0, 1024),
        device=_one_of(data.get("device", "auto"), "device", DEVICES),
        focus_m=_number(depth_of_field["distance_m"], "depth_of_field.distance_m", 0.01, 1e4)
        if depth_of_field
        else None,
        fstop=_number(depth_of_field["fstop"], "depth_of_field.fstop", 0.05, 1e4) if depth_of_field else 0.0,
        shutter=_number(blur.get("shutter", 1.0), "motion_blur.shutter", 0.0, 1.0) if blur else None,
        with_depth=bool(data.get("with_depth", False)),
        result=Path(data["result"]),
    )


def _pinhole(data: dict[str, Any]) -> Pinhole:
    w, h = (_whole(data[name], name, 4, MAX_SIDE) for name in ("width", "height"))
    fx, fy = (_number(data[name], name, 1e-3, 1e7) for name in ("fx", "fy"))
    if not 0.005 < fx / fy < 200:  # Blender's pixel aspect reaches 200
        raise BadRequestError(f"fx / fy is {fx / fy:g}, expected something near 1")
    return Pinhole(w, h, fx, fy, *(_number(data[name], name, -1e6, 1e6) for name in ("cx", "cy")))


def _lamp(data: dict[str, Any]) -> Lamp:
    direction = _array(data["direction"], (3,), "lamps.direction")
    length = float(np.linalg.norm(direction))
    if abs(length - 1.0) > 1e-2:
        raise BadRequestError(f"lamps.direction has length {length:g}, expected 1")
    color = _array(data["color"], (3,), "lamps.color")
    if color.min() < 0:
        raise BadRequestError(f"lamps.color is {color.tolist()}, expected no negative number")
    distance = _number(data["distance_m"], "lamps.distance_m", 1e-2, 1e4)
    return Lamp(direction / length, distance, _number(data["radius_m"], "lamps.radius_m", 1e-4, 1e4), color)


def _plane(value: Any) -> np.ndarray:
    plane = _array(value, (4,), "support_plane")
    length = float(np.linalg.norm(plane[:3]))
    if abs(length - 1.0) > 1e-2:
        raise BadRequestError(f"the normal of support_plane has length {length:g}, expected 1")
    return plane / length


def _region(value: Any, pinhole: Pinhole) -> tuple[int, int, int, int]:
    if value is None:
        return 0, 0, pinhole.width, pinhole.height
    x0, y0, x1, y1 = (int(v) for v in _array(value, (4,), "region"))
    if not (0 <= x0 < x1 <= pinhole.width and 0 <= y0 < y1 <= pinhole.height):
        raise BadRequestError(
            f"region is {[x0, y0, x1, y1]}, expected 0 <= x0 < x1 <= {pinhole.width} and "
            f"0 <= y0 < y1 <= {pinhole.height}"
        )
    return x0, y0, x1, y1


def _array(value: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    array = np.asarray(value, dtype=np.float64)
    if array.shape != shape:
        raise BadRequestError(f"{name} has shape {array.shape}, expected {shape}")
    if not np.isfinite(array).all():
        raise BadRequestError(f"{name} holds NaN or infinity")
    return array


def _number(value: Any, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadRequestError(f"{name} is {value!r}, expected a number from {low:g} to {high:g}")
    return float(value)


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadRequestError(f"{name} is {value!r}, expected a whole number from {low} to {high}")
    return value


def _one_of(value: Any, name: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise BadRequestError(f"{name} is {value!r}, expected one of {', '.join(choices)}")
    return value


def _existing(value: Any) -> Path:
    path = Path(value)
    if not path.is_file():
        raise BadRequestError(f"{path} does not exist")
    return path
