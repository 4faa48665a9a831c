"""Where things are on a rest body: eyes, mouth, limbs' axes, and scalar fields that garments are cut along.

Everything here comes from the SMPL-format arrays (joints, skinning weights, COCO regressor, mesh components),
so it holds for any such body; named regions refine it where the asset has them. Rest frame: y up, facing +z,
x to the body's left, metres.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from syrip_gen.body.assets import BodyAssets

__all__ = ["FIELDS", "Anatomy", "face_coordinates", "garment_fields", "measure", "vertex_normals"]

FIELDS = ("height", "arm", "leg", "loop", "neck", "body", "hat", "bib", "front")
"""Scalar fields (metres) that garments are cut along, in this order; see :func:`garment_fields`."""


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """Landmarks of one rest body, metres."""

    joints: np.ndarray
    """(24, 3) SMPL joints."""
    stature: float
    """Vertex extent along y."""
    eyes: np.ndarray
    """(2, 3) centres of the left and right eye: of the eyeballs, or points on the face where there are
    none."""
    eye_radius: float
    """Radius of the eyeballs; 0 where the mesh has none."""
    eyeballs: tuple[np.ndarray, ...]
    """Vertex indices of the left and right eyeball; empty where the mesh has none."""
    face_origin: np.ndarray
    """(3,) point between the eyes, on the corneas."""
    eye_gap: float
    """Distance between the eyes, the unit of face coordinates."""
    head_center: np.ndarray
    """(3,) middle of the cranium."""
    head_radius: float
    mouth: np.ndarray
    """(3,) middle of the line between the lips."""
    mouth_half_width: float
    lid_margin: np.ndarray
    """(M, 3) points along the lids' rims, dense; empty where the asset does not name eye sockets."""
    gaze_offset: float
    """How far outwards of its eyeball's axis each lid opening lies, metres."""
    ears: np.ndarray
    """(2, 3)"""
    shoulder_half_width: float
    arm_length: float
    """Shoulder to wrist."""
    leg_length: float
    """Hip to ankle."""


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return (V, 3) unit normals, area-weighted; zero for unused vertices."""
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    out = np.zeros_like(vertices, dtype=np.float64)
    for axis in range(3):
        weights = np.repeat(normal[:, axis], 3)
        out[:, axis] = np.bincount(faces.ravel(), weights, len(vertices))
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-20)


def measure(assets: BodyAssets) -> Anatomy:
    """Find the landmarks of a body's template."""
    v = assets.v_template
    joints = assets.J_regressor @ v
    keypoints = assets.keypoint_regressor @ v
    balls = _find_eyeballs(assets, keypoints[1:3])
    if balls:
        eyes = np.stack([v[b].mean(axis=0) for b in balls])
        radius = float(
            np.mean([np.linalg.norm(v[b] - c, axis=1).mean() for b, c in zip(balls, eyes, strict=True)])
        )
    else:
        eyes, radius = keypoints[1:3].copy(), 0.0
    gap = float(np.linalg.norm(eyes[0] - eyes[1]))
    origin = eyes.mean(axis=0) + np.array([0.0, 0.0, radius])
    head = v[assets.weights[:, 15] > 0.5]
    cranium = head[head[:, 1] > origin[1]]
    center = np.array([0.0, origin[1], (cranium[:, 2].min() + cranium[:, 2].max()) / 2])
    mouth, mouth_half_width = origin + np.array([0.0, -0.93, 0.15]) * gap, 0.33 * gap
    lips = _rim(assets, "mouth_interior")
    if len(lips):
        middle = lips[np.argsort(np.abs(lips[:, 0]))[: max(4, len(lips) // 8)]]
        mouth, mouth_half_width = middle.mean(axis=0), float(np.abs(lips[:, 0]).max())
    elif len(assets.regions.get("lips", ())):
        mouth = v[assets.regions["lips"]].mean(axis=0)
    lids = [_rim(assets, f"eye_socket_{side}") for side in ("left", "right")]
    gaze_offset = 0.0
    if balls and all(len(lid) for lid in lids):
        gaze_offset = float(np.mean([abs((r[:, 0].min() + r[:, 0].max()) / 2) for r in lids]) - gap / 2)
    return Anatomy(
        joints=joints,
        stature=float(np.ptp(v[:, 1])),
        eyes=eyes,
        eye_radius=radius,
        eyeballs=balls,
        face_origin=origin,
        eye_gap=gap,
        head_center=center,
        head_radius=float(np.ptp(cranium[:, 2]) / 2),
        mouth=mouth,
        mouth_half_width=mouth_half_width,
        lid_margin=np.concatenate(lids),
        gaze_offset=gaze_offset,
        ears=keypoints[3:5],
        shoulder_half_width=float(abs(joints[16, 0] - joints[17, 0]) / 2),
        arm_length=float(np.linalg.norm(joints[20] - joints[16])),
        leg_length=float(np.linalg.norm(joints[7] - joints[1])),
    )


def _find_eyeballs(assets: BodyAssets, eyes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the vertex sets of the left and right eyeball, small round components; () if none."""
    count = assets.num_vertices
    label = _components(assets.faces, count)
    gap = np.linalg.norm(eyes[0] - eyes[1])
    found: list[np.ndarray | None] = [None, None]
    for component in np.unique(label):
        members = np.flatnonzero(label == component)
        if not 12 <= len(members) < count // 8:
            continue
        points = assets.v_template[members]
        center = points.mean(axis=0)
        spread = np.linalg.norm(points - center, axis=1)
        side = int(np.argmin(np.linalg.norm(eyes - center, axis=1)))
        if np.linalg.norm(eyes[side] - center) < 0.6 * gap and spread.std() < 0.2 * spread.mean():
            found[side] = members
    return tuple(found) if all(f is not None for f in found) else ()


@njit(nogil=True, cache=True)
def _components(faces: np.ndarray, count: int) -> np.ndarray:
    """Return (V,) numbers that are equal for vertices which faces (F, 3) connect: the least of them."""
    label = np.arange(count)
    for f in range(len(faces)):
        for e in range(2):
            a, b = faces[f, e], faces[f, e + 1]
            while label[a] != a:
                a = label[a]
            while label[b] != b:
                b = label[b]
            label[max(a, b)] = min(a, b)
            # Paths are kept short by pointing both ends at the least.
            label[faces[f, e]] = label[faces[f, e + 1]] = min(a, b)
    for v in range(count):
        label[v] = label[label[v]]
    return label


def _rim(assets: BodyAssets, region: str) -> np.ndarray:
    """Return points (M, 3) along a region's outer border, five per edge; empty if it is not named."""
    inside = np.zeros(assets.num_vertices, bool)
    inside[assets.regions.get(region, np.empty(0, np.int32))] = True
    edges = np.concatenate([assets.faces[:, [0, 1]], assets.faces[:, [1, 2]], assets.faces[:, [2, 0]]])
    reach = inside[assets.faces].any(axis=1)
    touching = np.zeros(assets.num_vertices, bool)
    touching[assets.faces[reach]] = True
    outside = touching & ~inside
    border = edges[outside[edges].all(axis=1)]
    steps = (np.arange(5) + 0.5)[:, None, None] / 5
    ends = assets.v_template[border]
    return ((1 - steps) * ends[None, :, 0] + steps * ends[None, :, 1]).reshape(-1, 3)


def face_coordinates(points: np.ndarray, anatomy: Anatomy) -> np.ndarray:
    """Return points relative to the spot between the corneas, in eye gaps: x left, y up, z forward."""
    return (points - anatomy.face_origin) / anatomy.eye_gap


def garment_fields(vertices: np.ndarray, weights: np.ndarray, anatomy: Anatomy) -> np.ndarray:
    """Return the (V, 9) fields of :data:`FIELDS`; garments are where linear limits on them hold.

    * height: above the pelvis joint.
    * arm: outwards along the arm from the shoulder joint; negative on the trunk.
    * leg: along the leg from the hip joint; negative above.
    * loop: like leg, but tilted, low at the crotch and high at the hip: the leg opening of a diaper.
    * neck: outside of the neckline's ellipsoid about the base of the neck.
    * body: positive on everything below the neck, negative on the head.
    * hat: above the rim of a hat; negative on the body.
    * bib: inside a bib's outline on the chest.
    * front: forward of the body's middle.
    """
    j = anatomy.joints
    side = np.where(vertices[:, 0] >= 0, 0, 1)
    sign = np.where(side == 0, 1.0, -1.0)
    fields = np.empty((len(vertices), len(FIELDS)), np.float64)
    fields[:, 0] = vertices[:, 1] - j[0, 1]

    shoulder, wrist = j[[16, 17]], j[[20, 21]]
    axis = (wrist - shoulder) / np.linalg.norm(wrist - shoulder, axis=1, keepdims=True)
    arm = np.einsum("ij,ij->i", vertices - shoulder[side], axis[side])
    # The flank is as far out as the shoulder; only what is near the arm's height counts as arm.
    below = np.maximum(0.0, shoulder[side, 1] - 0.55 * anatomy.shoulder_half_width - vertices[:, 1])
    fields[:, 1] = arm - 3.0 * below * (weights[:, [16, 17, 18, 19, 20, 21, 22, 23]].sum(axis=1) < 0.6)

    hip, ankle = j[[1, 2]], j[[7, 8]]
    axis = (ankle - hip) / np.linalg.norm(ankle - hip, axis=1, keepdims=True)
    fields[:, 2] = np.einsum("ij,ij->i", vertices - hip[side], axis[side])
    tilt = np.radians(48)
    outward = np.stack([sign * np.sin(tilt), np.full(len(sign), -np.cos(tilt)), np.zeros(len(sign))], axis=1)
    fields[:, 3] = np.einsum("ij,ij->i", vertices - hip[side], outward)

    width = anatomy.shoulder_half_width
    center = j[12] + np.array([0.0, -0.05, 0.10]) * width
    radii = np.array([0.66, 0.52, 0.78]) * width
    fields[:, 4] = (np.linalg.norm((vertices - center) / radii, axis=1) - 1.0) * radii.mean()
    fields[:, 5] = 0.06 * (0.5 - weights[:, 15] - 0.55 * weights[:, 12])

    q = face_coordinates(vertices, anatomy)
    rim = np.array([0.0, np.cos(np.radians(22)), -np.sin(np.radians(22))])
    fields[:, 6] = ((q - [0.0, 0.62, 0.0]) @ rim) * anatomy.eye_gap - 0.08 * np.maximum(
        0, 0.5 - weights[:, 15]
    )
    chest = (j[12] + j[9]) / 2
    flat = vertices - chest
    fields[:, 7] = 0.95 * width - np.hypot(flat[:, 0], flat[:, 1] * 0.9)
    fields[:, 8] = vertices[:, 2] - j[9, 2]
    return fields.astype(np.float32)
