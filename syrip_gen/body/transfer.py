"""What a foreign SMPL-format body lacks, taken over from the embedded infant by nearest surface points.

Both bodies are in SMPL's T-pose, so matching parts (head, trunk, upper arms ...) are brought into one box
each, and nearest points are looked up inside that box.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.validation import CoreArrays

__all__ = ["SurfaceMap", "transfer_face_keypoints", "transfer_regions", "transfer_uv"]

_PARTS = (
    (12, 15), (0, 3, 6, 9, 13, 14), (16,), (17,), (18,), (19,), (20, 22), (21, 23), (1,), (2,), (4,), (5,),
    (7, 10), (8, 11),
)  # fmt: skip
_HIDDEN = ("mouth_interior", "tongue", "eye_socket_left", "eye_socket_right")
_GRID = np.array(
    [(i / 4, j / 4, 1 - (i + j) / 4) for i in range(5) for j in range(5 - i)]
)  # barycentric samples of a triangle


def _part_of(weights: np.ndarray) -> np.ndarray:
    """Return the (V,) index into ``_PARTS`` that a vertex belongs to."""
    return np.argmax(np.stack([weights[:, list(part)].sum(axis=1) for part in _PARTS], axis=1), axis=1)


class SurfaceMap:
    """Correspondence from a foreign body to the infant's surface.

    Attributes:
        infant: The embedded body.
        core: The foreign body's arrays.
        part: (V,) part of each foreign vertex.
    """

    def __init__(self, infant: BodyAssets, core: CoreArrays) -> None:
        self.infant, self.core = infant, core
        self.part = _part_of(core.weights)
        self._theirs, self._faces, self._trees = _surface_trees(infant)
        self._ours = [
            _box(core.v_template[self.part == p]) if (self.part == p).any() else None
            for p in range(len(_PARTS))
        ]

    def nearest(self, points: np.ndarray, part: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the infant's faces (N,) and barycentric places (N, 3) nearest to foreign (N, 3) points."""
        box = self._ours[part]
        assert box is not None
        _, index = self._trees[part].query(_normalise(points, box))
        return self._faces[part][index // len(_GRID)], _GRID[index % len(_GRID)]

    def to_foreign(self, points: np.ndarray, part: int) -> np.ndarray:
        """Move (N, 3) points of a part of the infant to the foreign body."""
        (low, size), box = self._theirs[part], self._ours[part]
        assert box is not None
        return (points - low) / size * box[1] + box[0]


@lru_cache(maxsize=1)
def _surface_trees(infant: BodyAssets) -> tuple[list, list[np.ndarray], list[cKDTree]]:
    """Return box, faces and tree of surface samples of each part of the infant."""
    part = _part_of(infant.weights)
    hidden = np.zeros(infant.num_vertices, bool)
    for name in _HIDDEN:
        hidden[infant.regions.get(name, np.empty(0, np.int32))] = True
    visible = np.flatnonzero(~hidden[infant.faces].any(axis=1))
    face_part = part[infant.faces[visible, 0]]
    boxes = [_box(infant.v_template[part == p]) for p in range(len(_PARTS))]
    faces = [visible[face_part == p] for p in range(len(_PARTS))]
    trees = []
    for members, box in zip(faces, boxes, strict=True):
        points = np.einsum("gk,fkc->fgc", _GRID, infant.v_template[infant.faces[members]])
        trees.append(cKDTree(_normalise(points.reshape(-1, 3), box)))
    return boxes, faces, trees


def _box(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = points.min(axis=0), points.max(axis=0)
    return low, np.maximum(high - low, 1e-6)


def _normalise(points: np.ndarray, box: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return (points - box[0]) / box[1]


def transfer_uv(surface: SurfaceMap, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (3F, 2) texture coordinates and (F, 3) indices for a foreign mesh in the infant's layout.

    The corners of a face always come from one chart of the layout, the one under the face's middle; where
    they would straddle a cut inside that chart, the layout of the triangle under the middle is continued
    instead.
    """
    infant, template = surface.infant, surface.core.v_template
    chart = _charts(infant)
    middle = template[faces].mean(axis=1)
    face_part = surface.part[faces[:, 0]]
    uv = np.empty((len(faces), 3, 2))
    for part in np.unique(face_part):
        rows = np.flatnonzero(face_part == part)
        under, _ = surface.nearest(middle[rows], part)
        corners = template[faces[rows]]
        for k in range(3):
            face, place = surface.nearest(corners[:, k], part)
            uv[rows, k] = np.einsum("nk,nkc->nc", place, infant.uv[infant.uv_faces[face]])
            other = chart[face] != chart[under]
            uv[rows[other], k] = np.nan
        cut = np.isnan(uv[rows]).any(axis=(1, 2)) | _stretched(uv[rows], corners, infant, under)
        uv[rows[cut]] = _continue(corners[cut], middle[rows[cut]], infant, under[cut])
    flat = np.clip(uv.reshape(-1, 2), 0.0, 1.0)
    return flat, np.arange(len(flat), dtype=np.int32).reshape(-1, 3)


def _charts(infant: BodyAssets) -> np.ndarray:
    """Return the (F,) chart that each face of the infant's layout lies in."""
    count = len(infant.uv)
    corners = infant.uv_faces
    edges = (corners.ravel(), np.roll(corners, 1, axis=1).ravel())
    _, label = connected_components(sparse.coo_matrix((np.ones(corners.size), edges), (count, count)), False)
    return label[corners[:, 0]]


def _extent(points: np.ndarray) -> np.ndarray:
    """Return the (N,) longest side of (N, 3, D) triangles."""
    return np.linalg.norm(points - np.roll(points, 1, axis=1), axis=2).max(axis=1)


def _stretched(uv: np.ndarray, corners: np.ndarray, infant: BodyAssets, under: np.ndarray) -> np.ndarray:
    """Tell which triangles are far larger in the layout than the infant's triangle under them suggests."""
    scale = _extent(infant.uv[infant.uv_faces[under]]) / _extent(infant.v_template[infant.faces[under]])
    return _extent(uv) > 2.0 * scale * _extent(corners) + 1e-4


def _continue(corners: np.ndarray, middle: np.ndarray, infant: BodyAssets, under: np.ndarray) -> np.ndarray:
    """Lay out (N, 3, 3) triangles by the linear map of the infant's triangles under their middles."""
    space = infant.v_template[infant.faces[under]]
    plane = infant.uv[infant.uv_faces[under]].astype(np.float64)
    edges = np.stack([space[:, 1] - space[:, 0], space[:, 2] - space[:, 0]], axis=2)
    slopes = np.stack([plane[:, 1] - plane[:, 0], plane[:, 2] - plane[:, 0]], axis=2)
    size = _extent(space) / np.maximum(_extent(corners), 1e-9)
    offset = (corners - middle[:, None]) * np.minimum(size, 1.0)[:, None, None]
    coefficients = np.einsum("nab,nkb->nka", np.linalg.pinv(edges), offset)
    spread = np.einsum("nab,nkb->nka", slopes, coefficients)
    # Slivers can throw corners far out: never larger than three of the infant's triangles.
    shrink = np.minimum(1.0, 3.0 * _extent(plane) / np.maximum(_extent(spread), 1e-12))
    return plane.mean(axis=1)[:, None] + shrink[:, None, None] * spread


def transfer_regions(surface: SurfaceMap) -> dict[str, np.ndarray]:
    """Return the infant's named vertex sets on the foreign mesh, hidden ones (tongue ...) left out."""
    infant = surface.infant
    owner = np.empty(len(surface.part), np.int64)
    for part in np.unique(surface.part):
        rows = np.flatnonzero(surface.part == part)
        face, place = surface.nearest(surface.core.v_template[rows], part)
        owner[rows] = infant.faces[face, np.argmax(place, axis=1)]
    found = {}
    for name, members in infant.regions.items():
        if name not in _HIDDEN:
            found[name] = np.flatnonzero(np.isin(owner, members)).astype(np.int32)
    return found


def transfer_face_keypoints(surface: SurfaceMap) -> sparse.csr_matrix:
    """Return the (5, V) regressor of nose, eyes and ears: the mean of vertices nearest to the infant's."""
    places = surface.to_foreign((surface.infant.keypoint_regressor @ surface.infant.v_template)[:5], 0)
    head = np.flatnonzero(surface.part == 0)
    if len(head) < 8:
        raise ValueError(
            "the body has no head to find nose, eyes and ears on; give a keypoint_regressor in the file"
        )
    _, index = cKDTree(surface.core.v_template[head]).query(places, k=4)
    rows = np.repeat(np.arange(5), 4)
    shape = (5, len(surface.part))
    return sparse.csr_matrix((np.full(20, 0.25), (rows, head[index].ravel())), shape=shape)
