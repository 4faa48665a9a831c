"""Lifted poses on disk: one CSV row a person, and arrays."""

import csv
import os
from pathlib import Path

import numpy as np

from fidip.inference.picture_name import PictureName
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["ARRAYS_3D_FILE", "CSV_3D_FILE", "MM_DIGITS", "ResultFiles3D"]

CSV_3D_FILE, ARRAYS_3D_FILE = "predictions_3d.csv", "predictions_3d.npz"
MM_DIGITS = 1


class ResultFiles3D:
    """``predictions_3d.csv`` (mm; empty cells in gaps) and ``predictions_3d.npz`` (metres; NaN in gaps).

    ``camera`` of the arrays is (N, 4) fx, fy, cx, cy px, NaN where it was not given.

    Poses are relative to the middle of the hips, in the camera's frame: x right, y down, z forward. The
    arrays are kept in memory until the end, 200 bytes a person.
    """

    def __init__(self, folder: Path, schema: KeypointSchema) -> None:
        self.folder, self.schema = folder, schema
        self.rows: list[tuple[PictureName, int]] = []
        self.poses: list[np.ndarray] = []
        self.cameras: list[tuple[float, ...]] = []
        self._csv = open(self._part(CSV_3D_FILE), "w", encoding="utf-8", newline="")  # noqa: SIM115
        self._writer = csv.writer(self._csv)
        axes = [f"{name}_{axis}_mm" for name in schema.keypoints for axis in "xyz"]
        self._writer.writerow(["image_id", "file_name", "frame", "time_s", "person", *axes])

    def add(
        self,
        picture: PictureName,
        person: int,
        pose: np.ndarray,
        camera: tuple[float, float, float, float] | None = None,
    ) -> None:
        """Write one person's (K, 3) pose, metres; NaN = a gap. The camera is fx, fy, cx, cy px if given."""
        time_s = "" if picture.time_s is None else round(picture.time_s, 4)
        frame = "" if picture.frame is None else picture.frame
        cells = [round(float(v), MM_DIGITS) if np.isfinite(v) else "" for v in 1000 * np.ravel(pose)]
        self._writer.writerow([picture.image_id, picture.file_name, frame, time_s, person, *cells])
        self.rows.append((picture, person))
        self.poses.append(np.asarray(pose, np.float32))
        self.cameras.append((np.nan,) * 4 if camera is None else camera)

    def close(self) -> None:
        """Complete both files and put them in place."""
        self._csv.close()
        shape = (len(self.poses), len(self.schema), 3)
        arrays = {
            "keypoints_3d_m": np.array(self.poses, np.float32).reshape(shape),
            "image_id": np.array([picture.image_id for picture, _ in self.rows], np.int64),
            "person": np.array([person for _, person in self.rows], np.int64),
            "frame": np.array([-1 if p.frame is None else p.frame for p, _ in self.rows], np.int64),
            "time_s": np.array([np.nan if p.time_s is None else p.time_s for p, _ in self.rows]),
            "file_name": np.array([picture.file_name for picture, _ in self.rows], str),
            "camera": np.array(self.cameras, np.float64).reshape(-1, 4),
            "schema": np.array(self.schema.name),
        }
        with open(self._part(ARRAYS_3D_FILE), "wb") as file:
            np.savez_compressed(file, **arrays)
        for name in (CSV_3D_FILE, ARRAYS_3D_FILE):
            os.replace(self._part(name), self.folder / name)

    def discard(self) -> None:
        """Leave nothing behind."""
        self._csv.close()
        for name in (CSV_3D_FILE, ARRAYS_3D_FILE):
            self._part(name).unlink(missing_ok=True)

    def _part(self, name: str) -> Path:
        return self.folder / f".{name}.part"
