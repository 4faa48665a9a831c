"""The ``.npz`` form of a body: plain arrays, no pickles, the same bytes for the same body."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
from scipy import sparse

from syrip_gen.body.assets import BodyAssets

__all__ = ["read_npz_body", "write_npz_body"]

_REQUIRED = ("v_template", "shapedirs", "weights", "kintree_table", "f", "uv", "uv_faces", "name", "licence")


def write_npz_body(assets: BodyAssets, path: Path | str) -> None:
    """Write a body atomically; floats are stored as float32, the joint and keypoint regressors sparsely."""
    arrays: dict[str, np.ndarray] = {
        "name": np.array(assets.name),
        "licence": np.array(assets.licence),
        "v_template": assets.v_template.astype(np.float32),
        "shapedirs": assets.shapedirs.astype(np.float32),
        "kintree_table": np.stack([assets.parents, np.arange(24)]).astype(np.int32),
        "f": assets.faces.astype(np.int32),
        "uv": assets.uv.astype(np.float32),
        "uv_faces": assets.uv_faces.astype(np.int32),
    }
    if assets.posedirs is not None:
        arrays["posedirs"] = assets.posedirs.astype(np.float32)
    for key, matrix in (
        ("J_regressor", assets.J_regressor),
        ("keypoint_regressor", assets.keypoint_regressor),
        ("weights", sparse.csr_matrix(assets.weights)),
    ):
        csr = sparse.csr_matrix(matrix)
        arrays[f"{key}.data"] = csr.data.astype(np.float32)
        arrays[f"{key}.indices"] = csr.indices.astype(np.int32)
        arrays[f"{key}.indptr"] = csr.indptr.astype(np.int32)
        arrays[f"{key}.shape"] = np.array(csr.shape, np.int32)
    for region, vertices in assets.regions.items():
        arrays[f"regions.{region}"] = np.asarray(vertices, np.int32)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_npz_body(path: Path | str) -> dict[str, object]:
    """Read the arrays of a body file by name; sparse matrices are rebuilt, regions gathered in a dict.

    Raises:
        ValueError: When the file is not a plain npz or lacks arrays.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays: dict[str, object] = {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"body file {path} is not a readable npz of plain arrays: {error}") from error
    regions = {}
    for key in [k for k in arrays if k.startswith("regions.")]:
        regions[key.removeprefix("regions.")] = arrays.pop(key)
    for key in [k.removesuffix(".indptr") for k in arrays if k.endswith(".indptr")]:
        try:
            parts = [arrays.pop(f"{key}.{part}") for part in ("data", "indices", "indptr", "shape")]
            matrix = sparse.csr_matrix(tuple(parts[:3]), shape=tuple(int(n) for n in parts[3]))
            matrix.check_format(full_check=True)
        except (KeyError, ValueError, TypeError) as error:
            raise ValueError(f"body file {path}: the sparse array '{key}' is broken: {error}") from error
        arrays[key] = matrix
    arrays["regions"] = regions
    missing = [key for key in _REQUIRED if key not in arrays]
    if missing and "v_template" not in arrays:
        raise ValueError(f"body file {path} holds no SMPL-format body: arrays {missing} are missing")
    return arrays
