"""A body of spheres and capsules in SMPL's layout, for tests that need geometry but no asset."""

import numpy as np
import trimesh
from scipy import sparse

from syrip_gen.body.assets import BodyAssets
from syrip_gen.keypoints.catalog import COCO17, SMPL24

PARENTS = np.array([-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21])
# Metres, T-pose of a 65 cm infant: y up, facing +z, x to the body's left.
_CENTRE = {"pelvis": (0, 0, 0), "spine1": (0, 0.05, 0), "spine2": (0, 0.09, 0), "spine3": (0, 0.13, 0),
           "neck": (0, 0.18, 0), "head": (0, 0.22, 0)}  # fmt: skip
_LEFT = {
    "hip": (0.045, -0.03, 0), "knee": (0.05, -0.15, 0), "ankle": (0.05, -0.26, 0),
    "foot": (0.05, -0.28, 0.05), "collar": (0.03, 0.15, 0), "shoulder": (0.08, 0.15, 0),
    "elbow": (0.17, 0.15, 0), "wrist": (0.26, 0.15, 0), "hand": (0.30, 0.15, 0),
}  # fmt: skip
_RADIUS = {"head": 0.07, "neck": 0.03, "hip": 0.035, "knee": 0.025, "ankle": 0.02, "foot": 0.015,
           "shoulder": 0.025, "elbow": 0.02, "wrist": 0.018, "hand": 0.015, "collar": 0.03}  # fmt: skip
_FACE = {"nose": (0, -0.01, 1), "left_eye": (0.35, 0.15, 0.9), "right_eye": (-0.35, 0.15, 0.9),
         "left_ear": (1, 0, 0), "right_ear": (-1, 0, 0)}  # fmt: skip


def _joint_positions() -> np.ndarray:
    joints = []
    for name in SMPL24.keypoints:
        side, _, kind = name.rpartition("_")
        mirror = np.array([-1 if side == "right" else 1, 1, 1])
        joints.append(np.array(_CENTRE.get(name) or _LEFT[kind]) * mirror)
    return np.array(joints)


def _limb(start: np.ndarray, end: np.ndarray, radius: float) -> trimesh.Trimesh:
    """A capsule-like closed mesh: a sphere stretched from start to end."""
    sphere = trimesh.creation.icosphere(subdivisions=2, radius=radius)
    axis = end - start
    if np.linalg.norm(axis) > 0:
        upper = sphere.vertices @ axis > 0
        sphere.vertices = sphere.vertices + np.where(upper[:, None], axis, 0)
    sphere.vertices = sphere.vertices + start
    return sphere


def make_toy_body() -> BodyAssets:
    """Return the body; every limb is rigid and has the name of the joint that moves it."""
    joints = _joint_positions()
    vertices, faces, owner = [], [], []
    centres = {}
    for j, name in enumerate(SMPL24.keypoints):
        kind = name.rpartition("_")[2]
        children = np.flatnonzero(j == PARENTS)
        radius = _RADIUS.get(kind, 0.05)
        start = joints[j] + ((0, 0.06, 0) if name == "head" else (0, 0, 0))
        end = joints[children[0]] if len(children) == 1 else start
        mesh = _limb(start, end, radius)
        offset = sum(len(v) for v in vertices)
        distance = np.linalg.norm(mesh.vertices - start, axis=1)
        centres[name] = (offset + np.flatnonzero(distance < radius * 1.001), start, radius)
        vertices.append(mesh.vertices)
        faces.append(mesh.faces + offset)
        owner.append(np.full(len(mesh.vertices), j))
    v, owners = np.concatenate(vertices), np.concatenate(owner)
    weights = np.zeros((len(v), 24))
    weights[np.arange(len(v)), owners] = 1
    return BodyAssets(
        name="toy",
        licence="none",
        v_template=v,
        shapedirs=np.stack([v * 0.03, np.zeros_like(v)], axis=2),
        posedirs=None,
        J_regressor=_regressor(joints, v),
        weights=weights,
        parents=PARENTS,
        faces=np.concatenate(faces).astype(np.int32),
        keypoint_regressor=_keypoint_regressor(joints, v, owners),
        uv=np.zeros((1, 2), np.float32),
        uv_faces=np.zeros_like(np.concatenate(faces), dtype=np.int32),
    )


def _row(vertices: np.ndarray, index: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights over some vertices that sum to 1 and average to the target."""
    equations = np.vstack([vertices[index].T, np.ones(len(index))])
    return index, np.linalg.lstsq(equations, np.append(target, 1.0), rcond=None)[0]


def _regressor(targets: np.ndarray, v: np.ndarray, near: int = 60) -> sparse.csr_matrix:
    rows = np.zeros((len(targets), len(v)))
    for i, target in enumerate(targets):
        index = np.argsort(np.linalg.norm(v - target, axis=1), kind="stable")[:near]
        rows[i, index] = _row(v, index, target)[1]
    return sparse.csr_matrix(rows)


def _keypoint_regressor(joints: np.ndarray, v: np.ndarray, owner: np.ndarray) -> sparse.csr_matrix:
    rows = np.zeros((len(COCO17), len(v)))
    head = SMPL24.index("head")
    centre = joints[head] + (0, 0.06, 0)
    for k, name in enumerate(COCO17.keypoints):
        if name in _FACE:
            direction = np.array(_FACE[name]) / np.linalg.norm(_FACE[name])
            index = np.flatnonzero(owner == head)
            rows[k, index[np.argmax((v[index] - centre) @ direction)]] = 1
        else:
            j = SMPL24.index(name)
            index = np.flatnonzero(owner == j)
            rows[k, index] = _row(v, index, joints[j])[1]
    return sparse.csr_matrix(rows)


def toy_inputs(
    vertices: np.ndarray, faces: np.ndarray, *, focal: float = 600.0, width: int = 320, height: int = 240
):
    """RenderInputs with everything that is not geometry left plain."""
    from syrip_gen.rendering.types import RenderInputs

    return RenderInputs(
        vertices=vertices.astype(np.float32),
        normals=np.zeros_like(vertices, np.float32),
        faces=faces,
        uv=np.zeros((1, 2), np.float32),
        uv_faces=np.zeros_like(faces),
        texture=np.full((2, 2, 3), 200, np.uint8),
        gloss=None,
        background=np.zeros((height, width, 3), np.uint8),
        support_plane=None,
        sh=np.zeros((9, 3), np.float32),
        key_direction=np.array([0, -1, 0], np.float32),
        key_color=np.zeros(3, np.float32),
        shadow_softness=0.1,
        fx=focal,
        fy=focal,
        cx=width / 2,
        cy=height / 2,
        width=width,
        height=height,
    )


def toy_spec(index: int = 0, *, width: int = 320, height: int = 240, focal: float = 600.0):
    """A SceneSpec that names no asset."""
    from syrip_gen.sampling.scene import (
        AppearanceSpec,
        BackgroundSpec,
        BodySpec,
        CameraSpec,
        EffectsSpec,
        GarmentSpec,
        LightSpec,
        SceneSpec,
    )

    camera = CameraSpec(
        focal, focal, width / 2, height / 2, width, height, tuple(map(tuple, np.eye(4).tolist()))
    )
    return SceneSpec(
        index=index,
        seed=7,
        pose_index=3,
        pose_id=f"poses/3/{index}",
        posture="Supine",
        body=BodySpec((0.0, 0.0), (0.0, 0.0, 0.0), (0.0,) * 69, (0.0, 0.0, 1.0)),
        camera=camera,
        appearance=AppearanceSpec(
            {"tone": 4.0}, {}, {}, (GarmentSpec("diaper", "plain", (1.0, 1.0, 1.0), {}),), None, 1
        ),
        background=BackgroundSpec("room", "carpet", {}),
        light=LightSpec(((0.0,) * 3,) * 9, (0.0, 0.0, 1.0), (0.0,) * 3, 0.1),
        effects=EffectsSpec(0.0, (1.0,) * 3, 1.0, 1.0, 0.0, 0.0, 90, 0),
    )


def view(
    body: BodyAssets, body_pose=None, *, yaw_deg: float = 0.0, pitch_deg: float = 0.0, distance: float = 1.6
):
    """Pose the body in front of a camera (0 degrees = seen from the front): vertices, keypoints."""
    from scipy.spatial.transform import Rotation

    from syrip_gen.body.posing import pose_body

    vertices = pose_body(body, None, None, body_pose, None).vertices.astype(np.float64)
    # Half a turn about x brings y up, facing +z to y down, facing the camera.
    upright = Rotation.from_euler("x", 180 + pitch_deg, degrees=True)
    turned = (upright * Rotation.from_euler("y", yaw_deg, degrees=True)).apply(vertices)
    vertices = turned + np.array([0, 0, distance])
    return vertices.astype(np.float32), np.asarray(body.keypoint_regressor @ vertices)
