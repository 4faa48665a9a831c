"""Bone maps: which bones of a user's rigged scan stand for SMPL's joints and for COCO's keypoints."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from syrip_gen.keypoints.catalog import COCO17, SMPL24

__all__ = ["BoneMap", "KeypointOnBone", "read_bone_map"]

_LIMBS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
REQUIRED = ("pelvis", "head", *(f"{side}_{kind}" for kind in _LIMBS for side in ("left", "right")))
"""Joints that every map names; the others follow the nearest of these above them."""
SPINE = ("spine1", "spine2", "spine3")
AXES = {sign + axis: value for sign, value in (("", 1.0), ("-", -1.0)) for axis in "xyz"}
MAX_BYTES = 1_000_000
KEYS = ("joints", "keypoints", "armature", "meshes", "up", "scale")


@dataclass(frozen=True, slots=True)
class KeypointOnBone:
    """Where a keypoint lies at rest; it moves with its bone."""

    bone: str
    at: float = 0.0
    """Place along the bone: 0 its head, 1 its tail."""
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """From there to the infant's left, up and forward at rest, in the file's units."""
    point: tuple[float, float, float] | None = None
    """Place in the file's own axes as Blender shows them, instead of ``at`` and ``offset``."""


@dataclass(frozen=True, slots=True)
class BoneMap:
    """What a bone map file says."""

    joints: Mapping[str, str]
    """Bone by SMPL-24 joint."""
    keypoints: Mapping[str, KeypointOnBone]
    """All of COCO-17."""
    armature: str | None = None
    """Name of the armature; None = the only one."""
    meshes: tuple[str, ...] = ()
    """Names of the meshes to show; empty = all that belong to the armature."""
    up: tuple[float, float, float] | None = None
    """Upwards at rest, in the file's axes as Blender shows them; None = from the hips to the head."""
    scale: float | None = None
    """Metres per unit of the file; None = such that the legs are as long as the body model's."""
    source: str = "the bone map"
    """For messages."""


def read_bone_map(path: str | Path) -> BoneMap:
    """Read a YAML bone map.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it is not a complete bone map; everything that is wrong with its names is listed.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"bone map {path} not found; give --bone-map a YAML file")
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"bone map {path} is larger than {MAX_BYTES} bytes; this is no bone map")
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"bone map {path} is not readable YAML: {reason}") from None
    return parse_bone_map(data, str(path))


def parse_bone_map(data: Any, source: str) -> BoneMap:
    """Check the parsed YAML of a bone map; ``source`` names it in messages."""
    if not isinstance(data, dict) or not isinstance(data.get("joints"), dict):
        raise ValueError(f"{source}: expected 'joints:' with lines 'SMPL joint: bone name', and 'keypoints:'")
    unknown = [str(key) for key in data if key not in KEYS]
    if unknown:
        raise ValueError(f"{source}: unknown key {', '.join(unknown)}; a bone map has {', '.join(KEYS)}")
    joints = _joints(data["joints"], source)
    return BoneMap(
        joints=joints,
        keypoints=_keypoints(data.get("keypoints"), joints, source),
        armature=_text(data.get("armature"), "armature", source),
        meshes=_texts(data.get("meshes"), "meshes", source),
        up=_axis(data.get("up"), source),
        scale=_scale(data.get("scale"), source),
        source=source,
    )


def _joints(given: dict[Any, Any], source: str) -> dict[str, str]:
    """Return bone names by joint; missing, unknown and doubled ones are all listed in one error."""
    joints = {str(name): str(bone) for name, bone in given.items() if bone is not None}
    problems = []
    unknown = [name for name in joints if name not in SMPL24.keypoints]
    if unknown:
        problems.append(f"no SMPL joints: {', '.join(unknown)} (there are {', '.join(SMPL24.keypoints)})")
    missing = [name for name in REQUIRED if name not in joints]
    if not any(name in joints for name in SPINE):
        missing.append("one of " + ", ".join(SPINE))
    if missing:
        problems.append(f"joints without a bone: {', '.join(missing)}")
    bones = list(joints.values())
    doubled = sorted({bone for bone in bones if bones.count(bone) > 1})
    if doubled:
        problems.append(f"bones of several joints: {', '.join(doubled)}")
    if problems:
        raise ValueError(f"{source}: {'; '.join(problems)}")
    return joints


def _keypoints(given: Any, joints: Mapping[str, str], source: str) -> dict[str, KeypointOnBone]:
    """Return all 17 keypoints; limbs that are not given lie at the heads of their joints' bones."""
    given = {} if given is None else given
    if not isinstance(given, dict):
        raise ValueError(f"{source}: 'keypoints' must be lines 'COCO keypoint: bone', got {given!r}")
    unknown = [str(name) for name in given if name not in COCO17.keypoints]
    missing = [name for name in COCO17.keypoints if name not in given and name not in joints]
    problems = []
    if unknown:
        problems.append(f"no COCO keypoints: {', '.join(unknown)} (there are {', '.join(COCO17.keypoints)})")
    if missing:
        problems.append(f"keypoints without a bone: {', '.join(missing)}")
    if problems:
        raise ValueError(f"{source}: {'; '.join(problems)}")
    return {
        name: _keypoint(given[name], name, source) if name in given else KeypointOnBone(joints[name])
        for name in COCO17.keypoints
    }


def _keypoint(value: Any, name: str, source: str) -> KeypointOnBone:
    if isinstance(value, str):
        return KeypointOnBone(value)
    if not isinstance(value, dict) or not isinstance(value.get("bone"), str):
        raise ValueError(f"{source}: keypoint {name} must be a bone, or {{bone: NAME, at: head, offset: []}}")
    unknown = [str(key) for key in value if key not in ("bone", "at", "offset", "point")]
    if unknown:
        raise ValueError(
            f"{source}: keypoint {name}: unknown {', '.join(unknown)}; expected bone, at, offset or point"
        )
    at = value.get("at", "head")
    at = {"head": 0.0, "tail": 1.0}.get(at, at) if isinstance(at, str) else at
    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at <= 1:
        raise ValueError(f"{source}: keypoint {name}: 'at' must be head, tail or 0..1, got {at!r}")
    if "point" in value:
        if "at" in value or "offset" in value:
            raise ValueError(f"{source}: keypoint {name}: give 'point', or 'at' and 'offset', not both")
        return KeypointOnBone(value["bone"], point=_vector(value["point"], f"keypoint {name}: point", source))
    offset = _vector(value.get("offset", (0, 0, 0)), f"keypoint {name}: offset", source)
    return KeypointOnBone(value["bone"], float(at), offset)


def _vector(value: Any, what: str, source: str) -> tuple[float, float, float]:
    try:
        numbers = np.array(value, np.float64)
    except (TypeError, ValueError):
        numbers = np.array(())
    if numbers.shape != (3,) or not np.isfinite(numbers).all():
        raise ValueError(f"{source}: {what} must be three numbers, got {value!r}")
    x, y, z = (float(number) for number in numbers)
    return x, y, z


def _text(value: Any, key: str, source: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError(f"{source}: '{key}' must be a name, got {value!r}")


def _texts(value: Any, key: str, source: str) -> tuple[str, ...]:
    if value is None:
        return ()
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{source}: '{key}' must be a list of names, got {value!r}")
    return tuple(names)


def _axis(value: Any, source: str) -> tuple[float, float, float] | None:
    if value is None:
        return None
    if not isinstance(value, str) or value not in AXES:
        raise ValueError(f"{source}: 'up' must be one of {', '.join(AXES)}, got {value!r}")
    x, y, z = (AXES[value] if axis == value[-1] else 0.0 for axis in "xyz")
    return x, y, z


def _scale(value: Any, source: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ValueError(f"{source}: 'scale' must be metres per unit, above 0, got {value!r}")
    return float(value)
