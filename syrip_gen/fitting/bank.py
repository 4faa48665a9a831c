"""FitBank: the bodies fitted to a set of 2D poses, saved as one .npz without pickles."""

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from syrip_gen.fitting.npz_files import write_npz

__all__ = ["FitBank"]

_SHAPES: dict[str, tuple[int | None, ...]] = {
    "betas": (None, None),
    "global_orient": (None, 3),
    "body_pose": (None, 23, 3),
    "transl": (None, 3),
    "focal_px": (None,),
    "image_size": (None, 2),
    "keypoints_3d_m": (None, 17, 3),
    "reprojection_error": (None,),
    "accepted": (None,),
    "reason": (None,),
    "image_id": (None,),
    "annotation_id": (None,),
    "file_name": (None,),
    "pose_id": (None,),
    "posture": (None,),
}
_KINDS = {
    "image_size": "iu", "accepted": "b", "image_id": "iu", "annotation_id": "iu",
    "reason": "U", "file_name": "U", "pose_id": "U", "posture": "U", "body": "U",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class FitBank:
    """N fitted bodies in input order, rejected ones too. Camera frame: x right, y down, z forward, metres."""

    betas: np.ndarray
    """(N, S) shape coefficients."""
    global_orient: np.ndarray
    """(N, 3) axis-angle of the root, body to camera, radians."""
    body_pose: np.ndarray
    """(N, 23, 3) axis-angle of joints 1..23, radians."""
    transl: np.ndarray
    """(N, 3) metres."""
    focal_px: np.ndarray
    """(N,) focal length; the principal point is the image's centre."""
    image_size: np.ndarray
    """(N, 2) int64 width, height in pixels."""
    keypoints_3d_m: np.ndarray
    """(N, 17, 3) COCO-17 keypoints in the camera frame."""
    reprojection_error: np.ndarray
    """(N,) mean distance of the labelled keypoints, as a fraction of the keypoint box's diagonal."""
    accepted: np.ndarray
    """(N,) bool."""
    reason: np.ndarray
    """(N,) str, why a fit was rejected; '' when accepted."""
    image_id: np.ndarray
    """(N,) int64."""
    annotation_id: np.ndarray
    """(N,) int64."""
    file_name: np.ndarray
    """(N,) str, untrusted text."""
    pose_id: np.ndarray
    """(N,) str, unique."""
    posture: np.ndarray
    """(N,) str: Supine, Prone, Sitting, Standing ... as the input says; '' where unknown."""
    body: str = ""
    """``name:sha256`` of the body that was fitted."""

    def __post_init__(self) -> None:
        count = len(self.focal_px)
        for name, shape in _SHAPES.items():
            array = getattr(self, name)
            expected = (count, *shape[1:])
            if array.ndim != len(expected) or any(
                e is not None and e != a for e, a in zip(expected, array.shape, strict=True)
            ):
                raise ValueError(f"fit bank: {name} has shape {array.shape}, expected {expected}")
            kind = _KINDS.get(name, "f")
            if array.dtype.kind not in kind:
                raise ValueError(f"fit bank: {name} has type {array.dtype}, expected kind '{kind}'")
        if len(set(self.pose_id.tolist())) != count:
            raise ValueError("fit bank: pose_id must be unique")
        for name in ("betas", "global_orient", "body_pose", "transl", "focal_px", "keypoints_3d_m"):
            if not np.isfinite(getattr(self, name)[self.accepted]).all():
                raise ValueError(f"fit bank: {name} of an accepted fit is not finite")

    def __len__(self) -> int:
        return len(self.focal_px)

    def select(self, index: np.ndarray | slice) -> "FitBank":
        """Return some of the fits, by boolean mask, integer index or slice."""
        return FitBank(**{name: getattr(self, name)[index] for name in _SHAPES}, body=self.body)

    def reasons(self) -> dict[str, int]:
        """Count the rejections by reason, most frequent first."""
        names, counts = np.unique(self.reason[~self.accepted], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return {str(names[i]): int(counts[i]) for i in order}

    def save(self, path: str | Path) -> None:
        """Write the bank atomically; equal banks give equal bytes."""
        arrays = {name: getattr(self, name) for name in _SHAPES}
        write_npz(Path(path), arrays | {"body": np.array(self.body)})

    @classmethod
    def load(cls, path: str | Path) -> "FitBank":
        """Read and check a saved bank.

        Raises:
            FileNotFoundError: When there is no such file.
            ValueError: When it is no fit bank, or not a sound one.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"fit bank not found: {path}")
        try:
            with np.load(path, allow_pickle=False) as data:
                missing = sorted(set(_SHAPES) - set(data.files))
                if missing:
                    raise ValueError(f"it lacks {', '.join(missing)}")
                arrays = {name: data[name] for name in _SHAPES}
                body = str(data["body"]) if "body" in data.files else ""
        except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path}: not a fit bank ('syrip fit' writes them): {error}") from error
        try:
            return cls(**arrays, body=body)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def to_json(self) -> list[dict[str, Any]]:
        """Return one flat record a fit for ``syrip fit --json``; arrays that are not finite are None."""
        records = []
        for i in range(len(self)):
            record = {}
            for field in fields(self):
                if field.name == "body":
                    continue
                value = getattr(self, field.name)[i]
                array = np.asarray(value)
                if array.dtype.kind == "f" and not np.isfinite(array).all():
                    record[field.name] = None
                else:
                    record[field.name] = array.tolist()
            records.append(record)
        return records
