"""The keypoint schemas that syrip knows, as data."""

import itertools
from collections.abc import Mapping
from types import MappingProxyType

from syrip_gen.keypoints.schema import KeypointSchema

__all__ = [
    "BODY19",
    "BODY25",
    "CATALOG",
    "COCO17",
    "H36M17",
    "MINIRGBD25",
    "MPII16",
    "MPI_INF_3DHP28",
    "OPENPOSE18",
    "SMPL24",
    "SMPL29",
    "SPIN14",
    "get_schema",
]


def _schema(
    name: str,
    keypoints: str,
    edges: str,
    oks_sigmas: tuple[float, ...] | None = None,
) -> KeypointSchema:
    """Build a schema from names and ``a-b-c`` chains; left/right partners are found by their names."""
    names = tuple(keypoints.split())
    pairs = tuple((left, left.replace("left_", "right_", 1)) for left in names if left.startswith("left_"))
    skeleton = tuple(
        (names.index(a), names.index(b))
        for chain in (c.split("-") for c in edges.split())
        for a, b in itertools.pairwise(chain)
    )
    return KeypointSchema(name, names, pairs, skeleton, oks_sigmas)


_LIMBS = (
    "left_ankle-left_knee-left_hip right_ankle-right_knee-right_hip "
    "left_shoulder-left_elbow-left_wrist right_shoulder-right_elbow-right_wrist"
)
_SMPL_NAMES = (
    "pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle spine3 left_foot "
    "right_foot neck left_collar right_collar head left_shoulder right_shoulder left_elbow right_elbow "
    "left_wrist right_wrist left_hand right_hand"
)
_SMPL_EDGES = (
    "pelvis-spine1-spine2-spine3-neck-head pelvis-left_hip-left_knee-left_ankle-left_foot "
    "pelvis-right_hip-right_knee-right_ankle-right_foot "
    "spine3-left_collar-left_shoulder-left_elbow-left_wrist-left_hand "
    "spine3-right_collar-right_shoulder-right_elbow-right_wrist-right_hand"
)
_BODY19_NAMES = (
    "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist mid_hip right_hip "
    "right_knee right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear left_ear"
)
_BODY19_EDGES = (
    "neck-nose neck-right_shoulder neck-left_shoulder neck-mid_hip mid_hip-right_hip mid_hip-left_hip "
    "nose-right_eye-right_ear nose-left_eye-left_ear "
) + _LIMBS

_COCO_SIGMAS = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072,
    0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089,
)  # fmt: skip

COCO17 = _schema(
    "coco17",
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow "
    "left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle",
    # COCO's own 19 edges in COCO's order.
    "left_ankle-left_knee-left_hip right_ankle-right_knee-right_hip left_hip-right_hip "
    "left_shoulder-left_hip right_shoulder-right_hip left_shoulder-right_shoulder left_shoulder-left_elbow "
    "right_shoulder-right_elbow left_elbow-left_wrist right_elbow-right_wrist left_eye-right_eye "
    "nose-left_eye nose-right_eye left_eye-left_ear right_eye-right_ear left_ear-left_shoulder "
    "right_ear-right_shoulder",
    _COCO_SIGMAS,
)
"""COCO's person keypoints: the layout of every dataset that syrip writes."""

MPII16 = _schema(
    "mpii16",
    "right_ankle right_knee right_hip left_hip left_knee left_ankle pelvis thorax upper_neck head_top "
    "right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist",
    "pelvis-thorax-upper_neck-head_top pelvis-left_hip pelvis-right_hip thorax-left_shoulder "
    "thorax-right_shoulder " + _LIMBS,
)
"""MPII's layout, also of stacked-hourglass networks and of AH-CoLT's ``_hg`` files."""

BODY19 = _schema("body19", _BODY19_NAMES, _BODY19_EDGES)
"""The first 19 points of OpenPose's BODY_25, as in FiDIP's fitting inputs."""

BODY25 = _schema(
    "body25",
    _BODY19_NAMES + " left_big_toe left_small_toe left_heel right_big_toe right_small_toe right_heel",
    _BODY19_EDGES
    + " left_ankle-left_big_toe-left_small_toe left_ankle-left_heel"
    + " right_ankle-right_big_toe-right_small_toe right_ankle-right_heel",
)
"""OpenPose's BODY_25."""

OPENPOSE18 = _schema(
    "openpose18",
    _BODY19_NAMES.replace("mid_hip ", ""),
    "neck-nose neck-right_shoulder neck-left_shoulder neck-right_hip neck-left_hip "
    "nose-right_eye-right_ear nose-left_eye-left_ear " + _LIMBS,
)
"""OpenPose's older COCO output, 17 points and a neck."""

H36M17 = _schema(
    "h36m17",
    "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle spine thorax neck_nose head_top "
    "left_shoulder left_elbow left_wrist right_shoulder right_elbow right_wrist",
    "pelvis-spine-thorax-neck_nose-head_top pelvis-left_hip pelvis-right_hip thorax-left_shoulder "
    "thorax-right_shoulder " + _LIMBS,
)
"""Human3.6M's 17 joints as VideoPose3D orders them (``Head`` there is the top of the head)."""

SMPL24 = _schema("smpl24", _SMPL_NAMES, _SMPL_EDGES)
"""The kinematic joints of SMPL, SMIL and our infant body."""

SMPL29 = _schema(
    "smpl29",
    _SMPL_NAMES + " nose right_eye left_eye right_ear left_ear",
    _SMPL_EDGES + " head-nose nose-left_eye-left_ear nose-right_eye-right_ear",
)
"""SMPL's joints followed by five face points, the usual order of SMPL-family fitting code."""

MINIRGBD25 = _schema("minirgbd25", _SMPL_NAMES + " nose", _SMPL_EDGES + " head-nose")
"""MINI-RGBD's joints: SMPL's tree (left_hip is its ``leftThigh``, left_wrist its ``leftHand``) and a nose."""

MPI_INF_3DHP28 = _schema(
    "mpi_inf_3dhp28",
    "spine3 spine4 spine2 spine1 pelvis neck head head_top left_collar left_shoulder left_elbow left_wrist "
    "left_hand right_collar right_shoulder right_elbow right_wrist right_hand left_hip left_knee left_ankle "
    "left_midfoot left_toe right_hip right_knee right_ankle right_midfoot right_toe",
    "pelvis-spine1-spine2-spine3-spine4-neck-head-head_top pelvis-left_hip pelvis-right_hip "
    "spine4-left_collar-left_shoulder spine4-right_collar-right_shoulder left_wrist-left_hand "
    "right_wrist-right_hand left_ankle-left_midfoot-left_toe right_ankle-right_midfoot-right_toe " + _LIMBS,
)
"""MPI-INF-3DHP's 28 joints (``spine1`` is its ``spine``, ``left_collar`` its ``left_clavicle``)."""

SPIN14 = _schema(
    "spin14",
    "right_ankle right_knee right_hip left_hip left_knee left_ankle right_wrist right_elbow right_shoulder "
    "left_shoulder left_elbow left_wrist neck head_top",
    "neck-head_top neck-left_shoulder neck-right_shoulder left_hip-right_hip left_shoulder-left_hip "
    "right_shoulder-right_hip " + _LIMBS,
)
"""The 14 joints of LSP in LSP's order, the layout of SPIN's outputs and of SyRIP's weak 3D labels."""

CATALOG: Mapping[str, KeypointSchema] = MappingProxyType(
    {
        schema.name: schema
        for schema in (
            COCO17, MPII16, BODY19, BODY25, OPENPOSE18, H36M17, SMPL24, SMPL29, MINIRGBD25,
            MPI_INF_3DHP28, SPIN14,
        )
    }
)  # fmt: skip
"""Every schema by name."""


def get_schema(name: str) -> KeypointSchema:
    """Return a schema by name.

    Raises:
        ValueError: If there is no such schema; the message lists those that exist.
    """
    try:
        return CATALOG[name.lower()]
    except KeyError:
        raise ValueError(f"unknown keypoint schema {name!r}; choose from {', '.join(CATALOG)}") from None
