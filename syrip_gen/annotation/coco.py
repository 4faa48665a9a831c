"""COCO keypoint files as syrip writes them: names, categories, and a writer that streams.

Light on purpose (standard library and the keypoint schemas): the training package imports it too.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.schema import KeypointSchema

__all__ = [
    "ANNOTATION_FILE",
    "FIRST_IMAGE_ID",
    "IMAGE_FOLDER",
    "dataset_info",
    "image_file_name",
    "image_id_of",
    "iterate_coco",
    "person_category",
    "write_coco",
]

FIRST_IMAGE_ID = 10001
"""SyRIP's synthetic images are train10001.jpg onwards; FiDIP's loader builds the path from the id."""
IMAGE_FOLDER = "images/train_infant"
ANNOTATION_FILE = "annotations/person_keypoints_train_infant.json"
LICENSE_ID = 1
"""Licence that every image record refers to: the dataset's own, first in ``licenses``."""

Record = Mapping[str, Any]


def image_id_of(index: int) -> int:
    """Return the image id of the item with this 0-based index."""
    return FIRST_IMAGE_ID + index


def image_file_name(image_id: int) -> str:
    """Return the file name that the original FiDIP loader expects of a training image."""
    return f"train{image_id:05d}.jpg"


def person_category(schema: KeypointSchema = COCO17) -> dict[str, Any]:
    """Return COCO's person category; its skeleton is 1-based, as COCO's is."""
    return {
        "supercategory": "person",
        "id": 1,
        "name": "person",
        "keypoints": list(schema.keypoints),
        "skeleton": [[a + 1, b + 1] for a, b in schema.skeleton],
    }


def dataset_info(description: str, version: str, **more: Any) -> dict[str, Any]:
    """Return COCO's ``info`` block; no clock, so that the same run gives the same bytes."""
    return {"description": description, "version": version, "contributor": "syrip", **more}


def write_coco(
    file: IO[bytes],
    records: Callable[[], Iterable[Record]],
    *,
    info: Record,
    licenses: Sequence[Record] = (),
) -> int:
    """Write one COCO keypoint file without holding its records in memory.

    One image or annotation stands on a line, so that :func:`iterate_coco` (and grep) can read the file in a
    stream.

    Args:
        file: Binary file to write to.
        records: Gives the records anew each time it is called (images come before annotations in the file).
            Records without an ``annotation`` are failed items and are left out.
        info: COCO's info block.
        licenses: COCO's licences; image records refer to the first by ``LICENSE_ID``.

    Returns:
        The number of images written.
    """
    file.write(f'{{"info": {_dumps(info)},\n"licenses": {_dumps(list(licenses))},\n'.encode())
    file.write(f'"categories": {_dumps([person_category()])},\n"images": ['.encode())
    count = _write_list(file, (r["image"] for r in records() if "annotation" in r))
    file.write(b'\n],\n"annotations": [')
    repeated = _write_list(file, (r["annotation"] for r in records() if "annotation" in r))
    file.write(b"\n]}\n")
    if repeated != count:
        raise RuntimeError(
            f"the records changed while they were written: {count} images, {repeated} annotations"
        )
    return count


def iterate_coco(file: IO[bytes]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ("images" | "annotations", record) of a file made by :func:`write_coco`, a line at a time.

    Raises:
        ValueError: If the file does not have that layout.
    """
    section = ""
    for number, raw in enumerate(file, start=1):
        line = raw.strip()
        if line in (b'"images": [', b'"annotations": ['):
            section = line.split(b'"')[1].decode()
        elif line in (b"],", b"]}"):
            section = ""
        elif section and line:
            try:
                yield section, json.loads(line.removesuffix(b","))
            except ValueError as error:
                raise ValueError(f"line {number}: not one record a line: {error}") from None


def _write_list(file: IO[bytes], items: Iterable[Record]) -> int:
    count = 0
    for item in items:
        file.write(b",\n" if count else b"\n")
        file.write(_dumps(item).encode())
        count += 1
    return count


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
