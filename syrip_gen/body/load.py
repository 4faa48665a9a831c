"""Loading a body model from a name or a file."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from syrip_gen import safe_pickle
from syrip_gen.asset_files import asset_path, file_sha256
from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.npz_body import read_npz_body
from syrip_gen.body.obj_uv import read_obj_uv
from syrip_gen.body.validation import CoreArrays, check_core, check_regressor, check_uv

if TYPE_CHECKING:
    from syrip_gen.body.transfer import SurfaceMap

__all__ = ["SMPL_FACE_VERTICES", "has_smpl_uv", "load_body"]

NAMES = {"infant": "bodies/infant.npz"}
"""Shipped bodies by name."""
SMPL_NUM_VERTICES = 6890
SMPL_NUM_UV = 7576
"""Texture coordinates of SMPL's, SURREAL's and SMIL's ``template.obj``."""
SMPL_FACE_VERTICES = {"nose": 332, "left_eye": 2800, "right_eye": 6260, "left_ear": 583, "right_ear": 4071}
"""Vertices of SMPL's (and SMIL's) mesh that stand for COCO's face keypoints."""
_COCO_LIMBS = (16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8)
"""SMPL joints that stand for COCO's keypoints 5..16."""
logger = logging.getLogger(__name__)


def load_body(path_or_name: str | Path = "infant") -> BodyAssets:
    """Load a body model.

    What a foreign file lacks is completed: COCO's keypoints from the joints and (SMPL's mesh) five known
    vertices; texture coordinates from ``template.obj`` beside the file; else both, and the named regions,
    from the embedded infant by nearest surface points.

    Args:
        path_or_name: ``"infant"`` for the embedded body, or the path of an ``.npz`` or ``.pkl`` file in
            SMPL's format (SMIL's ``smil_web.pkl`` as it is distributed; nothing in it is executed).

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When the file is not an SMPL-format body.
    """
    name = str(path_or_name)
    path = asset_path(NAMES[name]) if name in NAMES else Path(path_or_name)
    if not path.is_file():
        raise FileNotFoundError(
            f"body model {path} not found; give a .npz or .pkl file in SMPL's format, or 'infant' for the "
            "embedded body"
        )
    if path.suffix.lower() == ".npz":
        arrays: Any = read_npz_body(path)
    elif path.suffix.lower() in (".pkl", ".pickle"):
        arrays = safe_pickle.load(path)
    else:
        raise ValueError(f"body model {path}: unknown file type '{path.suffix}'; .npz and .pkl are read")
    core = check_core(arrays, str(path))
    return _complete(core, arrays, path)


def has_smpl_uv(body: BodyAssets) -> bool:
    """Tell whether textures made for SMPL (SURREAL, MINI-RGBD) fit a body."""
    return body.num_vertices == SMPL_NUM_VERTICES and len(body.uv) == SMPL_NUM_UV


@lru_cache(maxsize=1)
def _infant() -> BodyAssets:
    return load_body("infant")


def _transfer() -> ModuleType:
    """Import what only foreign bodies need: scipy's search trees take a while."""
    from syrip_gen.body import transfer

    return transfer


def _complete(core: CoreArrays, arrays: Mapping[str, Any], path: Path) -> BodyAssets:
    """Add keypoints, texture coordinates and regions to the arrays of a file."""
    source = str(path)
    count = len(core.v_template)
    needs_uv = "uv" not in arrays or "uv_faces" not in arrays
    sibling = path.with_name("template.obj")
    needs_face = "keypoint_regressor" not in arrays and count != SMPL_NUM_VERTICES
    surface = None
    if needs_face or (needs_uv and not sibling.is_file()):
        surface = _transfer().SurfaceMap(_infant(), core)
        logger.info("%s: texture layout and face keypoints are taken over from the embedded infant", source)
    if not needs_uv:
        uv, uv_faces = check_uv(arrays["uv"], arrays["uv_faces"], core.faces, source)
    elif sibling.is_file():
        uv, uv_faces = check_uv(*read_obj_uv(sibling, core.faces), core.faces, str(sibling))
    else:
        assert surface is not None
        uv, uv_faces = _transfer().transfer_uv(surface, core.faces)
    regions = {str(k): np.asarray(v, np.int32) for k, v in (arrays.get("regions") or {}).items()}
    if not regions and surface is not None:
        regions = _transfer().transfer_regions(surface)
    return BodyAssets(
        name=str(arrays.get("name", path.stem)),
        licence=str(arrays.get("licence", f"terms of {path.name}, supplied by the user")),
        v_template=core.v_template,
        shapedirs=core.shapedirs,
        posedirs=core.posedirs,
        J_regressor=core.J_regressor,
        weights=core.weights,
        parents=core.parents,
        faces=core.faces,
        keypoint_regressor=_keypoints(core, arrays, surface, source),
        uv=uv,
        uv_faces=uv_faces,
        regions=regions,
        sha256=file_sha256(path),
    )


def _keypoints(
    core: CoreArrays, arrays: Mapping[str, Any], surface: SurfaceMap | None, source: str
) -> sparse.csr_matrix:
    """Return the (17, V) COCO regressor: the file's own, or limbs from joints and the face from vertices."""
    count = len(core.v_template)
    if "keypoint_regressor" in arrays:
        return check_regressor(arrays["keypoint_regressor"], 17, count, "keypoint_regressor", source)
    if count == SMPL_NUM_VERTICES:
        columns = list(SMPL_FACE_VERTICES.values())
        face = sparse.csr_matrix((np.ones(5), (np.arange(5), columns)), shape=(5, count))
    else:
        assert surface is not None
        face = _transfer().transfer_face_keypoints(surface)
    return sparse.csr_matrix(sparse.vstack([face, core.J_regressor[list(_COCO_LIMBS)]]))
