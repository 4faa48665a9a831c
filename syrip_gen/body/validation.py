"""Checks that turn named arrays from a file into one SMPL-format body, or say what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from syrip_gen.body.assets import NUM_JOINTS
from syrip_gen.body.kinematics import SMPL_PARENTS

__all__ = ["MAX_BETAS", "CoreArrays", "check_core", "check_uv", "unit_rows"]

MAX_BETAS = 20
"""Shape coefficients that are kept: all of SMIL's; SMPL's files of 300 are cut here."""
_REQUIRED = ("v_template", "shapedirs", "weights", "J_regressor", "kintree_table", "f")
_NO_PARENT = (-1, 2**32 - 1, 2**31 - 1)


@dataclass(frozen=True, slots=True, eq=False)
class CoreArrays:
    """The arrays of every SMPL-format file; fields as in :class:`~syrip_gen.body.assets.BodyAssets`."""

    v_template: np.ndarray
    shapedirs: np.ndarray
    posedirs: np.ndarray | None
    J_regressor: sparse.csr_matrix
    weights: np.ndarray
    parents: np.ndarray
    faces: np.ndarray


def check_core(arrays: Mapping[str, Any], source: str) -> CoreArrays:
    """Check the arrays of a body file.

    Args:
        arrays: Arrays by SMPL's names (``v_template``, ``shapedirs``, ``posedirs`` ...).
        source: Name of the file, for messages.

    Raises:
        ValueError: When the file does not hold an SMPL-format body.
    """
    if not isinstance(arrays, Mapping):
        raise ValueError(
            f"{source}: not an SMPL-format body: it holds a {type(arrays).__name__}, not named arrays"
        )
    missing = [key for key in _REQUIRED if key not in arrays]
    if missing:
        found = ", ".join(sorted(str(k) for k in arrays)[:12])
        raise ValueError(
            f"{source}: not an SMPL-format body: {', '.join(missing)} missing (it holds {found})"
        )
    template = _numbers(arrays["v_template"], "v_template", source)
    if template.ndim != 2 or template.shape[1] != 3 or len(template) < 4:
        raise ValueError(f"{source}: v_template has shape {template.shape}, expected (V, 3)")
    count = len(template)
    if not 0.2 < np.ptp(template, axis=0).max() < 4.0:
        extent = np.ptp(template, axis=0).max()
        raise ValueError(f"{source}: the body spans {extent:.3g}; SMPL-format bodies are in metres")
    parents = _parents(arrays["kintree_table"], source)
    weights = _dense(arrays["weights"], "weights", source)
    if weights.shape != (count, NUM_JOINTS):
        raise ValueError(f"{source}: weights have shape {weights.shape}, expected ({count}, {NUM_JOINTS})")
    if weights.min() < -1e-6 or np.abs(weights.sum(axis=1) - 1).max() > 0.01:
        raise ValueError(f"{source}: skinning weights must be >= 0 and sum to 1 at each vertex")
    weights = np.maximum(weights, 0.0)
    return CoreArrays(
        v_template=template,
        shapedirs=_shapedirs(arrays["shapedirs"], count, source),
        posedirs=_posedirs(arrays.get("posedirs"), count, source),
        J_regressor=check_regressor(arrays["J_regressor"], NUM_JOINTS, count, "J_regressor", source),
        weights=weights / weights.sum(axis=1, keepdims=True),
        parents=parents,
        faces=_faces(arrays["f"], count, "f", source),
    )


def check_uv(uv: Any, uv_faces: Any, faces: np.ndarray, source: str) -> tuple[np.ndarray, np.ndarray]:
    """Check texture coordinates; returns (U, 2) float32 and (F, 3) int32."""
    coordinates = _numbers(uv, "uv", source)
    if coordinates.ndim != 2 or coordinates.shape[1] != 2:
        raise ValueError(f"{source}: uv has shape {coordinates.shape}, expected (U, 2)")
    indices = _faces(uv_faces, len(coordinates), "uv_faces", source)
    if len(indices) != len(faces):
        raise ValueError(f"{source}: {len(indices)} UV triangles for {len(faces)} faces")
    return coordinates.astype(np.float32), indices


def check_regressor(matrix: Any, rows: int, cols: int, name: str, source: str) -> sparse.csr_matrix:
    """Check a (rows, cols) regressor; rows come out summing to one exactly."""
    csr = sparse.csr_matrix(matrix if sparse.issparse(matrix) else _numbers(matrix, name, source))
    csr = csr.astype(np.float64)
    if csr.shape != (rows, cols):
        raise ValueError(f"{source}: {name} has shape {csr.shape}, expected ({rows}, {cols})")
    if not np.isfinite(csr.data).all():
        raise ValueError(f"{source}: {name} holds NaN or infinite numbers")
    sums = np.asarray(csr.sum(axis=1)).ravel()
    if np.abs(sums - 1).max() > 0.05:
        raise ValueError(f"{source}: rows of {name} must sum to 1; row {np.abs(sums - 1).argmax()} does not")
    return unit_rows(csr)


def unit_rows(matrix: sparse.spmatrix) -> sparse.csr_matrix:
    """Return the matrix as float64 with rows that sum to one (files round them)."""
    csr = sparse.csr_matrix(matrix, dtype=np.float64)
    return sparse.csr_matrix(sparse.diags(1 / np.asarray(csr.sum(axis=1)).ravel()) @ csr)


def _numbers(value: Any, name: str, source: str) -> np.ndarray:
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise TypeError
    except (TypeError, ValueError):
        raise ValueError(
            f"{source}: {name} is not an array of numbers but a {type(value).__name__}"
        ) from None
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{source}: {name} holds NaN or infinite numbers")
    return array


def _dense(value: Any, name: str, source: str) -> np.ndarray:
    return _numbers(value.toarray() if sparse.issparse(value) else value, name, source)


def _parents(table: Any, source: str) -> np.ndarray:
    kintree = _numbers(table, "kintree_table", source)
    if kintree.ndim != 2 or kintree.shape[0] != 2:
        raise ValueError(f"{source}: kintree_table has shape {kintree.shape}, expected (2, {NUM_JOINTS})")
    if kintree.shape[1] != NUM_JOINTS:
        raise ValueError(
            f"{source}: the body has {kintree.shape[1]} joints; only SMPL's {NUM_JOINTS}-joint format is "
            "read (SMPL, SMIL), not SMPL-H, SMPL-X or others"
        )
    if not np.array_equal(kintree[1], np.arange(NUM_JOINTS)):
        raise ValueError(f"{source}: kintree_table must number the joints 0..{NUM_JOINTS - 1} in order")
    parents = kintree[0].astype(np.int64)
    if parents[0] not in _NO_PARENT:
        raise ValueError(f"{source}: joint 0 must be the root, but its parent is {parents[0]}")
    parents[0] = -1
    if not np.array_equal(parents, SMPL_PARENTS):
        joint = int(np.flatnonzero(parents != SMPL_PARENTS)[0])
        raise ValueError(
            f"{source}: the joint tree is not SMPL's: joint {joint} hangs on {parents[joint]}, "
            f"expected {SMPL_PARENTS[joint]}"
        )
    return parents


def _shapedirs(value: Any, count: int, source: str) -> np.ndarray:
    shapedirs = _numbers(value, "shapedirs", source)
    if shapedirs.ndim != 3 or shapedirs.shape[:2] != (count, 3) or shapedirs.shape[2] < 1:
        raise ValueError(f"{source}: shapedirs have shape {shapedirs.shape}, expected ({count}, 3, S)")
    return np.ascontiguousarray(shapedirs[:, :, :MAX_BETAS])


def _posedirs(value: Any, count: int, source: str) -> np.ndarray | None:
    if value is None:
        return None
    posedirs = _numbers(value, "posedirs", source)
    if posedirs.shape != (count, 3, 207):
        raise ValueError(f"{source}: posedirs have shape {posedirs.shape}, expected ({count}, 3, 207)")
    return posedirs if posedirs.any() else None


def _faces(value: Any, count: int, name: str, source: str) -> np.ndarray:
    faces = _numbers(value, name, source)
    if faces.ndim != 2 or faces.shape[1] != 3 or len(faces) == 0:
        raise ValueError(f"{source}: {name} has shape {faces.shape}, expected (F, 3)")
    if faces.min() < 0 or faces.max() >= count or (faces != np.round(faces)).any():
        raise ValueError(
            f"{source}: {name} must hold indices 0..{count - 1}, found {faces.min():g}..{faces.max():g}"
        )
    return faces.astype(np.int32)
