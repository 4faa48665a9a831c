"""Names that motion capture gives to joints, and how named joints become Human3.6M's 17 points."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import numpy as np

__all__ = ["PARTS", "SCHEMES", "NamedJoints", "find_parts", "missing_parts"]

NamedJoints = Mapping[str, str]
"""Part of the body -> name of the joint in the file."""

PARTS = (
    "pelvis", "spine", "neck", "head", "left_hip", "left_knee", "left_ankle", "right_hip",
    "right_knee", "right_ankle", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow",
    "right_wrist",
)  # fmt: skip
"""What has to be found; ``head_top`` may be found, too."""


def _sided(**parts: str) -> dict[str, tuple[str, ...]]:
    """Write left and right names from patterns: ``@`` is left/right, ``%`` l/r; ``|`` separates choices."""
    names: dict[str, tuple[str, ...]] = {}
    for part, pattern in parts.items():
        choices = tuple(pattern.split("|"))
        if part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"):
            for side in ("left", "right"):
                names[f"{side}_{part}"] = tuple(c.replace("@", side).replace("%", side[0]) for c in choices)
        else:
            names[part] = choices
    return names


SCHEMES: Mapping[str, dict[str, tuple[str, ...]]] = MappingProxyType(
    {
        # CMU, LaFAN1 and Mixamo: "Shoulder" is the collar bone, "Arm" begins at the shoulder.
        "CMU / LaFAN / Mixamo": _sided(
            pelvis="hips", spine="spine1|spine|chest", neck="neck|neck1", head="head",
            head_top="headtopend|headend", hip="@upleg", knee="@leg", ankle="@foot", shoulder="@arm",
            elbow="@forearm", wrist="@hand",
        ),
        "Bandai-Namco": _sided(
            pelvis="hips", spine="spine|chest", neck="neck", head="head", hip="upperleg%", knee="lowerleg%",
            ankle="foot%", shoulder="upperarm%", elbow="lowerarm%", wrist="hand%",
        ),
        "joint names (Hip, Knee, Ankle)": _sided(
            pelvis="hips|pelvis|root|hip", spine="spine1|spine2|spine|chest|abdomen|torso", neck="neck",
            head="head", hip="@hip|%hip", knee="@knee|%knee", ankle="@ankle|%ankle",
            shoulder="@shoulder|%shoulder", elbow="@elbow|%elbow", wrist="@wrist|%wrist",
        ),
        "Poser / Biovision": _sided(
            pelvis="hip|hips", spine="chest|abdomen", neck="neck", head="head",
            hip="%thigh|@thigh|@upleg|@hip", knee="%shin|@shin|@lowleg|@knee", ankle="%foot|@foot|@ankle",
            shoulder="%shldr|@uparm|@shoulder", elbow="%forearm|@lowarm|@elbow", wrist="%hand|@hand|@wrist",
        ),
        "Blender / Unreal": _sided(
            pelvis="pelvis|hips|spine", spine="spine02|spine01|spine001|spine1|spine",
            neck="neck01|neck|spine004", head="head|spine006", hip="thigh%", knee="calf%|shin%",
            ankle="foot%", shoulder="upperarm%", elbow="lowerarm%|forearm%", wrist="hand%",
        ),
    }
)  # fmt: skip
"""Naming scheme -> part -> names in it, normalised by :func:`normalise`, best first."""


def normalise(name: str) -> str:
    """Return a name without namespace, case and punctuation: ``mixamorig:LeftUpLeg`` -> ``leftupleg``."""
    return re.sub(r"[^a-z0-9]", "", name.rsplit(":", 1)[-1].lower())


def find_parts(names: Iterable[str]) -> tuple[str, NamedJoints]:
    """Return the naming scheme that finds most parts among the names, and what it finds."""
    known: dict[str, str] = {}
    for name in names:
        known.setdefault(normalise(name), name)
    best: tuple[str, NamedJoints] = ("", {})
    for scheme, parts in SCHEMES.items():
        found = {
            part: known[choice]
            for part, choices in parts.items()
            if (choice := next((c for c in choices if c in known), None)) is not None
        }
        # One joint for two parts means that the scheme does not fit.
        unique = {part: joint for part, joint in found.items() if list(found.values()).count(joint) == 1}
        if len(unique) > len(best[1]):
            best = scheme, unique
    return best


def missing_parts(found: NamedJoints) -> list[str]:
    """Return the needed parts that are not among those found."""
    return [part for part in PARTS if part not in found]


HEAD_LENGTH_OF_TRUNK = 0.38
"""Base of the skull to crown, as a share of pelvis to neck, where the skeleton ends at the head joint."""


def crown(head: np.ndarray, neck: np.ndarray, pelvis: np.ndarray) -> np.ndarray:
    """Guess (T, 3) tops of heads from joints alone: on from neck to head."""
    direction = head - neck
    length = np.linalg.norm(direction, axis=-1, keepdims=True)
    trunk = np.median(np.linalg.norm(neck - pelvis, axis=-1))
    return head + direction / np.maximum(length, 1e-12) * (HEAD_LENGTH_OF_TRUNK * trunk)
