"""Predictions on disk while they come: COCO results (JSON) and one CSV row a person."""

import csv
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from fidip.inference.gap_list import GapList
from fidip.inference.picture_name import PictureName
from fidip.inference.result_files_3d import MM_DIGITS, ResultFiles3D
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["CSV_FILE", "RESULTS_FILE", "PictureName", "ResultFiles"]

RESULTS_FILE, CSV_FILE = "predictions.json", "predictions.csv"
CATEGORY_ID = 1
PX_DIGITS, SCORE_DIGITS = 2, 4


class ResultFiles:
    """Both files, written picture by picture and put in place at the end; memory does not grow.

    ``predictions.json`` is a COCO results file: image_id, category_id, keypoints, score, and besides bbox,
    file_name, width and height of the picture, keypoint_schema, for videos frame and time_s, and with a
    lifter keypoints_3d_mm (x, y, z of every keypoint relative to the middle of the hips, camera frame; not in
    gaps) and the camera (fx, fy, cx, cy px), if it was given. Image ids count pictures and frames. With a
    lifter, :class:`ResultFiles3D` are written beside them.
    """

    def __init__(
        self, folder: Path, schema: KeypointSchema = COCO17, schema_3d: KeypointSchema | None = None
    ) -> None:
        """Open the files; with ``schema_3d``, those of lifted poses too.

        Raises:
            OSError: If the folder cannot be written to.
        """
        self.folder, self.schema = folder, schema
        self.num_persons = 0
        self.num_not_lifted = 0
        self.without_pose, self.not_lifted = GapList(), GapList()
        self._made = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        self._json = open(self._part(RESULTS_FILE), "w", encoding="utf-8")  # noqa: SIM115 - closed in close()
        self._csv = open(self._part(CSV_FILE), "w", encoding="utf-8", newline="")  # noqa: SIM115
        self._files_3d = ResultFiles3D(folder, schema_3d) if schema_3d is not None else None
        self._json.write("[")
        self._rows = csv.writer(self._csv)
        points = [f"{name}_{value}" for name in schema.keypoints for value in ("x", "y", "score")]
        box = [f"bbox_{value}" for value in ("x", "y", "width", "height")]
        self._rows.writerow(["image_id", "file_name", "frame", "time_s", "person", "score", *box, *points])

    def add(
        self,
        picture: PictureName,
        keypoints: np.ndarray,
        scores: np.ndarray,
        boxes: Sequence[np.ndarray],
        poses_3d: np.ndarray | None = None,
        camera: tuple[float, float, float, float] | None = None,
    ) -> None:
        """Write the persons of one picture.

        Args:
            picture: The picture.
            keypoints: (N, K, 3) x, y px and score.
            scores: (N,).
            boxes: N boxes xywh px.
            poses_3d: (N, K, 3) metres, NaN in gaps, with a lifter.
            camera: fx, fy, cx, cy px that the lifter was told.
        """
        if not len(keypoints):
            self.without_pose.add(picture)
        video = {} if picture.frame is None else {"frame": picture.frame, "time_s": round(picture.time_s, 4)}
        for person, (points, score, box) in enumerate(zip(keypoints, scores, boxes, strict=True)):
            flat = [
                round(float(v), SCORE_DIGITS if i % 3 == 2 else PX_DIGITS)
                for i, v in enumerate(np.asarray(points).ravel())
            ]
            corners = [round(float(v), PX_DIGITS) for v in box]
            record = {
                "image_id": picture.image_id,
                "category_id": CATEGORY_ID,
                "keypoints": flat,
                "score": round(float(score), SCORE_DIGITS),
                "bbox": corners,
                "file_name": picture.file_name,
                "width": picture.size[0],
                "height": picture.size[1],
                "keypoint_schema": self.schema.name,
                **video,
            }
            if poses_3d is not None:
                lifted = _millimetres(poses_3d[person])
                if not lifted:
                    self.num_not_lifted += 1
                    self.not_lifted.add(picture)
                record |= lifted
                if self._files_3d.schema.name != self.schema.name:
                    record["keypoint_schema_3d"] = self._files_3d.schema.name
                if camera is not None:
                    record["camera"] = dict(zip(("fx", "fy", "cx", "cy"), camera, strict=True))
                self._files_3d.add(picture, person, poses_3d[person], camera)
            self._json.write(",\n" if self.num_persons else "\n")
            self._json.write(json.dumps(record, separators=(",", ":"), allow_nan=False))
            where = [picture.image_id, picture.file_name, video.get("frame", ""), video.get("time_s", "")]
            self._rows.writerow([*where, person, record["score"], *corners, *flat])
            self.num_persons += 1

    def close(self) -> None:
        """Complete both files and put them in place."""
        self._json.write("\n]\n")
        for file, name in ((self._json, RESULTS_FILE), (self._csv, CSV_FILE)):
            file.close()
            os.replace(self._part(name), self.folder / name)
        if self._files_3d is not None:
            self._files_3d.close()

    def discard(self) -> None:
        """Leave nothing behind, nor an empty folder that was not there before."""
        for file, name in ((self._json, RESULTS_FILE), (self._csv, CSV_FILE)):
            file.close()
            self._part(name).unlink(missing_ok=True)
        if self._files_3d is not None:
            self._files_3d.discard()
        with suppress(OSError):  # something else lies in it
            for made in self._made:
                made.rmdir()

    def _part(self, name: str) -> Path:
        return self.folder / f".{name}.part"


def _millimetres(pose: np.ndarray) -> dict[str, list[float | None]]:
    """Return a record's 3D keypoints, null where the lifter knows none; nothing for a gap."""
    if not np.isfinite(pose).any():
        return {}
    numbers = [round(1000 * float(v), MM_DIGITS) if np.isfinite(v) else None for v in np.ravel(pose)]
    return {"keypoints_3d_mm": numbers}
