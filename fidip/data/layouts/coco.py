"""Read COCO keypoint files, with 3D keypoints and cameras where they have them, as our datasets do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fidip.data.layouts.collector import SampleCollector, listed
from fidip.data.pose_samples import PoseSamples
from syrip_gen.annotation.coco import ANNOTATION_FILE, IMAGE_FOLDER
from syrip_gen.keypoints.catalog import CATALOG, COCO17
from syrip_gen.keypoints.json_input import load_json, number_list, whole_number
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = ["file_schema", "intrinsics", "points_3d", "read_coco_poses", "sequence_and_frame"]

MAX_SIDE = 1 << 31
"""Pictures have fewer pixels a side."""


def read_coco_poses(
    path: str | Path, *, images: str | Path | None = None, with_images: bool = True
) -> PoseSamples:
    """Read the labelled persons of a COCO keypoint file or of a dataset that ``syrip generate`` wrote.

    Args:
        path: The file, or the dataset's folder. The category's keypoint names say the schema (COCO-17 where
            it names none).
        images: Folder of the pictures; None = the dataset's own, or the file's folder.
        with_images: Find the pictures; those that are not there are left out and listed.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If it is no COCO keypoint file, or nobody in it is labelled.
    """
    path = Path(path)
    file = path / ANNOTATION_FILE if path.is_dir() else path
    data = load_json(file)
    if not isinstance(data, Mapping) or not {"images", "annotations"} <= set(data):
        raise ValueError(f'{file}: expected a COCO keypoint file with "images" and "annotations"')
    schema = file_schema(data, file)
    folder = None
    if with_images:
        folder = Path(images) if images else (path / IMAGE_FOLDER if path.is_dir() else file.parent)
        if not folder.is_dir():
            raise FileNotFoundError(f"picture folder {folder} of {file} not found")
    records = {
        whole_number(image["id"], f"{file}: image id"): image
        for image in _objects(data["images"], f"{file}: images", "id")
    }
    collector = SampleCollector(str(path), schema)
    absent: dict[str, None] = {}
    for i, annotation in enumerate(_objects(data["annotations"], f"{file}: annotations", "image_id")):
        what = f"{file}: annotation {annotation.get('id', i)}"
        if annotation.get("iscrowd") or not annotation.get("keypoints"):
            continue
        image = records.get(whole_number(annotation["image_id"], f"{what} image_id"))
        if image is None:
            collector.failures.append(f"{what}: there is no image {annotation['image_id']}")
            continue
        picture = _picture(folder, str(image.get("file_name", "")))
        if folder is not None and picture is None:
            absent[str(image.get("file_name", ""))] = None
            continue
        try:
            _add(collector, annotation, image, picture, what)
        except ValueError as error:
            collector.failures.append(str(error))
    if absent:
        collector.failures.append(f"{len(absent)} pictures are not in {folder}: {listed(list(absent))}")
    return collector.samples()


def file_schema(data: Mapping[str, Any], file: Path) -> KeypointSchema:
    """Return the schema of a COCO file by the keypoint names of its category; COCO-17 where it names none.

    Raises:
        ValueError: If they are of no schema that syrip knows.
    """
    categories = data.get("categories") if isinstance(data.get("categories"), list) else []
    names = next((c["keypoints"] for c in categories if isinstance(c, Mapping) and c.get("keypoints")), None)
    if names is None:
        return COCO17
    if not isinstance(names, list):
        raise ValueError(f"{file}: the keypoints of its category are no list of names")
    named = [s for s in CATALOG.values() if list(s.keypoints) == names]
    if named:
        return named[0]
    if len(names) == len(COCO17):
        return COCO17  # names spelled otherwise
    raise ValueError(
        f"{file}: its category has {len(names)} keypoints of no known schema; choose names of one of "
        f"{', '.join(CATALOG)}"
    )


def _objects(value: Any, what: str, key: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(v, Mapping) and key in v for v in value):
        raise ValueError(f"{what}: expected a list of objects with {key}")
    return value


def _picture(folder: Path | None, name: str) -> Path | None:
    if folder is None or not name or Path(name).is_absolute() or ".." in Path(name).parts:
        return None
    return next((p for p in (folder / name, folder / Path(name).name) if p.is_file()), None)


def _add(
    collector: SampleCollector,
    annotation: Mapping[str, Any],
    image: Mapping[str, Any],
    picture: Path | None,
    what: str,
) -> None:
    count = len(collector.schema)
    flat = number_list(annotation["keypoints"], f"{what} keypoints")
    if len(flat) != 3 * count:
        raise ValueError(f"{what}: {len(flat)} numbers in keypoints; expected {3 * count}")
    keypoints = np.array(flat).reshape(count, 3)
    if not (keypoints[:, 2] > 0).any():
        return
    sequence, frame = sequence_and_frame(image, annotation)
    collector.add(
        keypoints,
        image_id=whole_number(image["id"], f"{what} image_id"),
        points_3d=points_3d(annotation.get("keypoints_3d_m"), count, what),
        intrinsics=intrinsics(annotation.get("camera"), what),
        box=_box(annotation.get("bbox"), what),
        image_path=picture,
        image_size=_size(image),
        subject=str(image.get("subject") or ""),
        sequence=sequence,
        frame=frame,
    )


def points_3d(value: Any, count: int, what: str) -> np.ndarray | None:
    """Return (count, 3) metres of an annotation's ``keypoints_3d_m``, null as NaN; None without any.

    Raises:
        ValueError: If it is something else; ``what`` names the annotation.
    """
    if value is None:
        return None
    rows = [number_list(row, f"{what} keypoints_3d_m") for row in value] if isinstance(value, list) else []
    if len(rows) != count or any(len(row) != 3 for row in rows):
        raise ValueError(f"{what}: keypoints_3d_m must be {count} rows of x, y, z")
    return np.array(rows)


def sequence_and_frame(image: Mapping[str, Any], annotation: Mapping[str, Any]) -> tuple[str, int]:
    """Return the recording and frame number of a picture; ``''`` and -1 for single pictures.

    They are the image's ``sequence`` and ``frame``, or the clip (and take) that an animated dataset names as
    the annotation's ``source``.
    """
    source = annotation.get("source")
    if isinstance(source, Mapping) and source.get("clip") is not None:
        sequence, frame = f"{source['clip']}/{source.get('take', 0)}", source.get("frame")
    else:
        sequence, frame = image.get("sequence"), image.get("frame")
    is_frame = isinstance(frame, int) and not isinstance(frame, bool) and abs(frame) < 2**62
    return "" if sequence is None else str(sequence), frame if is_frame else -1


def intrinsics(value: Any, what: str) -> list[float] | None:
    """Return fx, fy, cx, cy in px of an annotation's ``camera``, missing ones as NaN; None without any.

    Raises:
        ValueError: If one is no number; ``what`` names the annotation.
    """
    if not isinstance(value, Mapping):
        return None
    return number_list([value.get(name) for name in ("fx", "fy", "cx", "cy")], f"{what} camera")


def _box(value: Any, what: str) -> list[float] | None:
    box = number_list(value, f"{what} bbox") if isinstance(value, list) else []
    return box if len(box) == 4 and np.isfinite(box).all() and box[2] > 0 and box[3] > 0 else None


def _size(image: Mapping[str, Any]) -> tuple[int, int]:
    size = image.get("width"), image.get("height")
    return size if all(isinstance(side, int) and 0 < side < MAX_SIDE for side in size) else (0, 0)
