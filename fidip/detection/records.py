"""Pictures with the boxes and masks of the persons in them, from COCO files, our datasets and MINI-RGBD."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fidip.data.images import read_image
from fidip.data.layouts.detect import layout_of, read_pose_samples
from fidip.data.mask_codes import checked_code
from fidip.evaluation.pictures import picture_folder
from syrip_gen.annotation.coco import ANNOTATION_FILE
from syrip_gen.keypoints.json_input import load_json, whole_number
from syrip_gen.keypoints.mini_rgbd import frame_files

__all__ = ["Instance", "PictureRecord", "PictureSet", "read_pictures", "split_pictures"]

MAX_NAMED = 10
MASKLESS = "whose mask is broken or of another picture taken by their box alone"


@dataclass(frozen=True, slots=True)
class Instance:
    """One person in a picture."""

    box: tuple[float, float, float, float]
    """Left, top, width, height px."""
    code: Mapping[str, Any] | None = None
    """COCO's compressed run-length code of its visible mask, where there is one."""
    mask_file: Path | None = None
    """Picture of its mask (not 0 = person), where there is one."""

    @property
    def has_mask(self) -> bool:
        """Whether :meth:`mask` gives one."""
        return self.code is not None or self.mask_file is not None

    def mask(self) -> np.ndarray | None:
        """Return the (H, W) uint8 mask, 0 or 255, or None where there is none."""
        if self.mask_file is not None:
            return np.where(read_image(self.mask_file)[..., 0] > 0, 255, 0).astype(np.uint8)
        if self.code is None:
            return None
        from pycocotools import mask as masks

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # pycocotools against numpy 2
            return masks.decode(dict(self.code)) * np.uint8(255)


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """A picture and the persons in it."""

    image_path: Path
    image_size: tuple[int, int] | None
    """(width, height) px as the file says, or None."""
    image_id: int
    instances: tuple[Instance, ...]
    is_synthetic: bool

    @property
    def boxes(self) -> np.ndarray:
        """(N, 4) xywh px."""
        return np.array([i.box for i in self.instances], np.float64).reshape(-1, 4)


@dataclass(frozen=True, slots=True)
class PictureSet:
    """The pictures of one dataset and what was left out."""

    source: str
    records: tuple[PictureRecord, ...]
    notes: tuple[str, ...]
    failures: tuple[str, ...] = ()
    """What is missing or could not be read and was left out, one line each."""


def read_pictures(
    path: str | Path, images: str | Path | None = None, *, is_synthetic: bool = False
) -> PictureSet:
    """Read any dataset that syrip knows, for its boxes.

    Boxes are those of the visible masks, in our datasets by their run-length codes and in MINI-RGBD by its
    ``fg_mask``; elsewhere as the files give them. Pictures with a crowd are left out: its members have no
    boxes, and would be learnt as background.

    Args:
        path: Dataset folder or COCO file.
        images: Folder of the pictures; None = their usual place.
        is_synthetic: The domain of pictures that do not say it themselves.

    Raises:
        FileNotFoundError: If files or pictures are missing.
        ValueError: If it is no such dataset, or there is no box in it.
    """
    path = Path(path)
    layout = layout_of(path)
    if layout in ("syrip", "coco"):
        found = _coco(path / ANNOTATION_FILE if path.is_dir() else path, images, is_synthetic)
    else:
        found = _samples(path, images, layout, is_synthetic)
    if not any(record.instances for record in found.records):
        reasons = "; ".join([*found.notes, *found.failures[:MAX_NAMED]]) or "it has no annotations"
        raise ValueError(f"{path}: there is no person with a box in it: {reasons}")
    return found


def _coco(file: Path, images: str | Path | None, is_synthetic: bool) -> PictureSet:
    data = load_json(file)
    parts = [data.get(key) if isinstance(data, Mapping) else None for key in ("images", "annotations")]
    if not all(isinstance(part, list) and all(isinstance(r, Mapping) for r in part) for part in parts):
        raise ValueError(f"{file}: expected a COCO file with 'images' and 'annotations'")
    folder = picture_folder(file, images)
    instances: dict[int, list[Instance]] = {}
    sizes = {
        whole_number(image.get("id"), f"{file}: images[{i}] id"): (image.get("height"), image.get("width"))
        for i, image in enumerate(parts[0])
    }
    crowded: set[int] = set()
    counts: Counter[str] = Counter()
    for i, annotation in enumerate(parts[1]):
        what = f"{file}: annotation {annotation.get('id', i)}"
        image_id = whole_number(annotation.get("image_id"), f"{what} image_id")
        if annotation.get("iscrowd"):
            crowded.add(image_id)
            continue
        instance, problem = _instance(annotation, sizes.get(image_id, (None, None)))
        if problem:
            counts[problem] += 1
        if instance is not None:
            instances.setdefault(image_id, []).append(instance)
    records, missing = [], []
    for i, image in enumerate(parts[0]):
        image_id = whole_number(image.get("id"), f"{file}: images[{i}] id")
        if image_id in crowded:
            continue
        name = str(image.get("file_name", ""))
        if not name or Path(name).is_absolute() or ".." in Path(name).parts or "\\" in name:
            raise ValueError(f"{file}: image name {name!r} leaves the image folder")
        place = next((p for p in (folder / name, folder / Path(name).name) if p.is_file()), None)
        if place is None:
            missing.append(name)
            continue
        size = image.get("width"), image.get("height")
        own = image.get("is_synthetic")
        records.append(
            PictureRecord(
                image_path=place,
                image_size=size if all(isinstance(n, int) for n in size) else None,
                image_id=image_id,
                instances=tuple(instances.get(image_id, ())),
                is_synthetic=own if isinstance(own, bool) else is_synthetic,
            )
        )
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(missing) + len(records)} images of {file} are not in {folder}: "
            f"{', '.join(missing[:MAX_NAMED])}{' …' if len(missing) > MAX_NAMED else ''}"
        )
    notes = [f"{len(crowded)} pictures with a crowd left out"] if crowded else []
    notes += [f"{n} annotations {what}" for what, n in counts.items()]
    return PictureSet(str(file), tuple(records), tuple(notes))


def _instance(annotation: Mapping[str, Any], image_size: tuple[Any, Any]) -> tuple[Instance | None, str]:
    """Return a person, or None, and what is wrong with it, if anything.

    Args:
        annotation: Of a COCO file.
        image_size: Height and width of its picture as the file says, whatever they are.
    """
    box = annotation.get("bbox")
    numbers = box if isinstance(box, list) and len(box) == 4 else [0, 0, 0, 0]
    if not all(isinstance(v, int | float) and abs(v) < 1e7 for v in numbers) or min(numbers[2:]) <= 0:
        return None, "without a usable box left out"
    code = annotation.get("segmentation")
    if isinstance(code, Mapping) and isinstance(code.get("counts"), str):
        try:
            code, area = checked_code(code)
        except ValueError:
            return Instance(tuple(float(v) for v in numbers)), MASKLESS
        if not area:
            return None, "with an empty mask left out"
        if all(isinstance(n, int) for n in image_size) and code["size"] != list(image_size):
            return Instance(tuple(float(v) for v in numbers)), MASKLESS
    else:
        code = None  # polygons overlap what hides the person; the box alone is used
    return Instance(tuple(float(v) for v in numbers), code), ""


def _samples(path: Path, images: str | Path | None, layout: str, is_synthetic: bool) -> PictureSet:
    """Read a dataset of another layout through its pose reader."""
    samples = read_pose_samples(path, images=images, with_images=True)
    by_picture: dict[Path, list[int]] = {}
    for n, place in enumerate(samples.image_paths):
        if place is not None and (samples.boxes[n, 2:] > 0).all():
            by_picture.setdefault(place, []).append(n)
    records = []
    for place, numbers in by_picture.items():
        width, height = samples.image_sizes[numbers[0]].tolist()
        mask_file = _mini_mask(place) if layout == "mini-rgbd" else None
        records.append(
            PictureRecord(
                image_path=place,
                image_size=(width, height) if width and height else None,
                image_id=int(samples.image_ids[numbers[0]]),
                instances=tuple(
                    Instance(tuple(samples.boxes[n].tolist()), mask_file=mask_file) for n in numbers
                ),
                is_synthetic=is_synthetic or layout == "mini-rgbd",
            )
        )
    return PictureSet(samples.source, tuple(records), samples.notes, samples.failures)


def _mini_mask(picture: Path) -> Path | None:
    """Return the mask of a picture of MINI-RGBD, ``syn_00012.png``, if it is there and not empty."""
    file = frame_files(picture.parent.parent, int(picture.stem.rpartition("_")[2])).mask
    if not file.is_file():
        return None
    return file if cv2.countNonZero(np.ascontiguousarray(read_image(file)[..., 0])) else None


def split_pictures(
    records: Sequence[PictureRecord], held_out: float, most: int, seed: int
) -> tuple[tuple[PictureRecord, ...], tuple[PictureRecord, ...]]:
    """Return pictures to train on and pictures held out; the same seed gives the same split.

    Raises:
        ValueError: If there are fewer than two pictures.
    """
    if len(records) < 2:
        raise ValueError("no --val given, and fewer than two pictures to hold some out of: give --val FILE")
    count = min(max(1, round(held_out * len(records))), most, len(records) - 1)
    chosen = set(np.random.default_rng((seed, 7)).choice(len(records), count, replace=False).tolist())
    train = tuple(r for i, r in enumerate(records) if i not in chosen)
    return train, tuple(r for i, r in enumerate(records) if i in chosen)
