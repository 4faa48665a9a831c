"""Read MPII Human Pose: the annotation .mat of its authors, and the JSON files of the Pose-ResNet code."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fidip.data.layouts.collector import SampleCollector, listed
from fidip.data.layouts.mat_files import load_mat
from fidip.data.pose_samples import PoseSamples
from syrip_gen.keypoints.catalog import MPII16
from syrip_gen.keypoints.json_input import load_json, number_list

__all__ = ["read_mpii_json", "read_mpii_mat"]

HEAD_OF_BOX = 0.6
"""MPII's head size: 0.6 times the diagonal of the head's box."""
FROM_MATLAB = -0.5
"""Matlab counts pixels from 1 at their centres, we count from their corners."""
SCALE_PX = 200.0
"""``scale`` is the person's height over this."""
CENTRE_SHIFT = 15.0
"""``center`` lies too high: the Pose-ResNet code moves it down by this times the scale."""


def read_mpii_mat(
    path: str | Path, *, images: str | Path | None = None, split: str = "all", with_images: bool = True
) -> PoseSamples:
    """Read ``mpii_human_pose_v1_u12_1.mat``: every person with annotated joints.

    Args:
        path: The file.
        images: Folder of the pictures; None = ``images`` beside the file or beside its folder.
        split: all or train: the file labels training pictures only, and has no validation set.
        with_images: Find the pictures; those that are not there are left out and listed.

    Raises:
        FileNotFoundError: If the file or the picture folder is missing.
        ValueError: If it is no such file.
    """
    path = Path(path)
    if split not in ("all", "train"):
        raise ValueError(f"{path}: has the splits train and all; validation is in Pose-ResNet's valid.json")
    release = load_mat(path).get("RELEASE")
    if not isinstance(release, Mapping) or "annolist" not in release:
        raise ValueError(f"{path}: not MPII's annotation file: expected the struct RELEASE with annolist")
    folder = _image_folder(path, images) if with_images else None
    collector = SampleCollector(str(path), MPII16)
    absent: list[str] = []
    for number, entry in enumerate(_structs(release["annolist"]), start=1):
        people = [p for p in _structs(entry.get("annorect")) if _structs(_points(p))]
        if not people:
            continue
        name = str(next(iter(_structs(entry.get("image"))), {}).get("name", ""))
        picture = _picture(folder, name)
        if folder is not None and picture is None:
            absent.append(name)
            continue
        for person in people:
            _add_person(collector, person, number, picture, f"{path}: {name}")
    _list_absent(collector, absent, folder)
    return collector.samples()


def read_mpii_json(
    path: str | Path, *, images: str | Path | None = None, with_images: bool = True
) -> PoseSamples:
    """Read ``train.json`` or ``valid.json`` of the Pose-ResNet (and HRNet) code.

    ``center`` and ``scale`` become the box that the code itself crops, before its enlargement by 1.25.

    Raises:
        FileNotFoundError: If the file or the picture folder is missing.
        ValueError: If it is no such file.
    """
    path = Path(path)
    data = load_json(path)
    if not isinstance(data, list) or not data or not isinstance(data[0], Mapping) or "image" not in data[0]:
        raise ValueError(
            f"{path}: expected Pose-ResNet's list of objects with image, joints, joints_vis, center, scale"
        )
    if "joints" not in data[0]:
        raise ValueError(f"{path}: holds no joints (MPII's test set is not labelled); take train or valid")
    folder = _image_folder(path, images) if with_images else None
    collector = SampleCollector(str(path), MPII16)
    numbers: dict[str, int] = {}
    absent: list[str] = []
    for i, entry in enumerate(data):
        what = f"{path}: entry {i}"
        if not isinstance(entry, Mapping):
            raise ValueError(f"{what}: expected an object, got {type(entry).__name__}")
        name = str(entry.get("image"))
        picture = _picture(folder, name)
        if folder is not None and picture is None:
            absent.append(name)
            continue
        try:
            keypoints, box = _json_person(entry, what)
        except ValueError as error:
            collector.failures.append(str(error))
            continue
        image_id = numbers.setdefault(name, len(numbers) + 1)
        collector.add(keypoints, image_id=image_id, box=box, image_path=picture)
    _list_absent(collector, absent, folder)
    return collector.samples()


def _add_person(
    collector: SampleCollector, person: Mapping[str, Any], number: int, picture: Path | None, what: str
) -> None:
    keypoints = np.zeros((len(MPII16), 3))
    try:
        for point in _structs(_points(person)):
            joint = int(point["id"])
            if not 0 <= joint < len(MPII16):
                raise ValueError(f"joint {joint}; expected 0..15")
            x, y = float(point["x"]) + FROM_MATLAB, float(point["y"]) + FROM_MATLAB
            keypoints[joint] = x, y, _visibility(point.get("is_visible"))
        head = np.array([float(person[key]) for key in ("x1", "y1", "x2", "y2")])
        head_px = HEAD_OF_BOX * float(np.hypot(*(head[2:] - head[:2])))
        box = _person_box(person)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        collector.failures.append(f"{what}: a person left out: {reason}")
        return
    collector.add(keypoints, image_id=number, box=box, image_path=picture, head_px=head_px)


def _points(person: Mapping[str, Any]) -> Any:
    points = _structs(person.get("annopoints"))
    return points[0].get("point") if points else None


def _visibility(value: Any) -> float:
    """Return COCO's v; MPII leaves it empty for the head, which is labelled all the same."""
    text = "" if isinstance(value, np.ndarray) and not value.size else str(value).strip()
    return 1.0 if text in ("0", "0.0") else 2.0


def _person_box(person: Mapping[str, Any]) -> list[float] | None:
    place = _structs(person.get("objpos"))
    scale = person.get("scale")
    if not place or not isinstance(scale, int | float) or not scale > 0:
        return None
    box = _scale_box(float(place[0]["x"]), float(place[0]["y"]), float(scale))
    return box if np.isfinite(box).all() else None


def _scale_box(x: float, y: float, scale: float) -> list[float]:
    side = SCALE_PX * scale
    return [x + FROM_MATLAB - side / 2, y + FROM_MATLAB + CENTRE_SHIFT * scale - side / 2, side, side]


def _json_person(entry: Mapping[str, Any], what: str) -> tuple[np.ndarray, list[float]]:
    joints = entry.get("joints")
    if not isinstance(joints, list) or len(joints) != len(MPII16):
        count = len(joints) if isinstance(joints, list) else "no"
        raise ValueError(f"{what}: {count} joints; expected MPII's {len(MPII16)}")
    points = [number_list(joint, f"{what} joints") for joint in joints]
    visible = number_list(entry.get("joints_vis"), f"{what} joints_vis")
    center = number_list(entry.get("center"), f"{what} center")
    scale = number_list([entry.get("scale")], f"{what} scale")[0]
    if any(len(p) != 2 for p in points) or len(visible) != len(MPII16) or len(center) != 2:
        raise ValueError(f"{what}: expected 16 joints of 2 numbers, 16 joints_vis and a center of 2")
    keypoints = np.column_stack([np.array(points) + FROM_MATLAB, np.where(np.array(visible) > 0, 2.0, 1.0)])
    keypoints[(np.array(points) <= 0).all(axis=1)] = 0  # (-1, -1): not annotated
    return keypoints, _scale_box(*center, scale)


def _structs(value: Any) -> Sequence[Mapping[str, Any]]:
    """Return Matlab's struct array, which is a single struct, or nothing, where it has one entry or none."""
    if isinstance(value, Mapping):
        return [value]
    items = value if isinstance(value, list | tuple) else getattr(value, "flat", ())
    return [item for item in items if isinstance(item, Mapping)]


def _image_folder(path: Path, images: str | Path | None) -> Path:
    candidates = [Path(images)] if images else [path.parent / "images", path.parent.parent / "images"]
    folder = next((candidate for candidate in candidates if candidate.is_dir()), None)
    if folder is None:
        raise FileNotFoundError(f"pictures of {path} not found in {listed(candidates)}; name their folder")
    return folder


def _picture(folder: Path | None, name: str) -> Path | None:
    if folder is None or not name or Path(name).name != name:
        return None
    return folder / name if (folder / name).is_file() else None


def _list_absent(collector: SampleCollector, absent: list[str], folder: Path | None) -> None:
    if absent:
        collector.failures.append(f"{len(absent)} pictures are not in {folder}: {listed(absent)}")
