"""Loading a body model from a name or a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import sparse

from syrip_gen.asset_files import asset_path, file_sha256
from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.npz_body import read_npz_body

__all__ = ["load_body"]


def load_body(path_or_name: str | Path = "infant") -> BodyAssets:
    """Load a body model.

    Args:
        path_or_name: ``"infant"`` for the embedded body, or the path of an ``.npz`` or ``.pkl`` file in SMPL's
            format (SMIL's ``smil_web.pkl`` as it is distributed).

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When the file is not an SMPL-format body.
    """
    path = asset_path("bodies/infant.npz") if str(path_or_name) == "infant" else Path(path_or_name)
    if not path.is_file():
        raise FileNotFoundError(f"body model {path} not found; give a .npz or .pkl file or the name 'infant'")
    arrays = read_npz_body(path)
    return BodyAssets(
        name=str(arrays["name"]),
        licence=str(arrays["licence"]),
        v_template=np.asarray(arrays["v_template"], np.float64),
        shapedirs=np.asarray(arrays["shapedirs"], np.float64),
        posedirs=None,
        J_regressor=_unit_rows(arrays["J_regressor"]),
        weights=np.asarray(_unit_rows(arrays["weights"]).todense()),
        parents=np.asarray(arrays["kintree_table"][0], np.int64),
        faces=arrays["f"],
        keypoint_regressor=_unit_rows(arrays["keypoint_regressor"]),
        uv=arrays["uv"],
        uv_faces=arrays["uv_faces"],
        regions=arrays["regions"],
        sha256=file_sha256(path),
    )


def _unit_rows(matrix: sparse.spmatrix) -> sparse.csr_matrix:
    """Return the matrix as float64 with rows that sum to one (storage rounds them to float32)."""
    csr = sparse.csr_matrix(matrix, dtype=np.float64)
    return sparse.csr_matrix(sparse.diags(1 / np.asarray(csr.sum(axis=1)).ravel()) @ csr)
