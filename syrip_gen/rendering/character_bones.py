"""The bones of a user's own skeleton at rest, and whether a bone map fits them."""

import difflib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from syrip_gen.body.kinematics import SMPL_PARENTS
from syrip_gen.keypoints.catalog import SMPL24
from syrip_gen.rendering.character_map import BoneMap

__all__ = ["CharacterRig", "check_bones", "mapped_above"]


@dataclass(frozen=True, slots=True, eq=False)
class CharacterRig:
    """The bones of one armature at rest, in the axes and units of its file as Blender shows them."""

    names: tuple[str, ...]
    parents: tuple[int, ...]
    """-1 = none; parents stand before their children."""
    heads: np.ndarray
    """(B, 3)."""
    tails: np.ndarray
    """(B, 3)."""
    axes: np.ndarray
    """(B, 3, 3) rest rotations; columns are the bones' own axes."""

    @classmethod
    def from_json(cls, bones: Sequence[Mapping[str, Any]]) -> "CharacterRig":
        """Build from what ``blender_scripts/character_file.py`` says of an armature."""
        names = tuple(bone["name"] for bone in bones)
        return cls(
            names=names,
            parents=tuple(-1 if bone["parent"] is None else names.index(bone["parent"]) for bone in bones),
            heads=np.array([bone["head"] for bone in bones], np.float64),
            tails=np.array([bone["tail"] for bone in bones], np.float64),
            axes=np.array([bone["axes"] for bone in bones], np.float64),
        )

    def is_below(self, bone: int, above: int) -> bool:
        """Tell whether ``above`` is a parent, grandparent ... of ``bone``."""
        while bone >= 0:
            bone = self.parents[bone]
            if bone == above:
                return True
        return False


def check_bones(rig: CharacterRig, bones: BoneMap, file: str) -> None:
    """Check that a bone map fits a skeleton.

    Raises:
        ValueError: Listing every bone that the file lacks, with the likeliest names, or every mapped bone
            that does not hang below the bone of the joint above it.
    """
    wanted = list(bones.joints.values()) + [keypoint.bone for keypoint in bones.keypoints.values()]
    missing = [name for name in dict.fromkeys(wanted) if name not in rig.names]
    if missing:
        free = [name for name in rig.names if name not in wanted]
        close = {name: difflib.get_close_matches(name, free, n=1) for name in missing}
        listed = ", ".join(f"{n} (like {close[n][0]}?)" if close[n] else n for n in missing)
        others = ", ".join(free)
        raise ValueError(
            f"{bones.source}: bones that {file} does not have: {listed}. Its other bones: {others or 'none'}"
        )
    loose = []
    for joint, name in bones.joints.items():
        above = mapped_above(joint, bones.joints)
        if above not in (None, "pelvis") and not rig.is_below(
            rig.names.index(name), rig.names.index(bones.joints[above])
        ):
            loose.append(f"{name} ({joint}) below {bones.joints[above]} ({above})")
    if loose:
        raise ValueError(
            f"{file}: bones must hang below those of the joints above them, but these do not: "
            f"{', '.join(loose)}. Map deforming bones, or export a rig without control bones"
        )


def mapped_above(joint: str, mapped: Container[str]) -> str | None:
    """Return the nearest joint above one in SMPL's tree that has a bone."""
    j = SMPL_PARENTS[SMPL24.index(joint)]
    while j >= 0 and SMPL24.keypoints[j] not in mapped:
        j = SMPL_PARENTS[j]
    return SMPL24.keypoints[j] if j >= 0 else None
