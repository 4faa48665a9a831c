"""Which picture of the ground truth a prediction belongs to, where it names its file."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from fidip.evaluation.ground_truth import GroundTruth, some

__all__ = ["PictureNames", "picture_name"]


def picture_name(record: Any) -> str | None:
    """Return the file that a record names; None without one, and for frames, which share their video's."""
    name = record.get("file_name") if isinstance(record, Mapping) else None
    is_named = isinstance(name, str) and name.strip() != "" and record.get("frame") is None
    return name.replace("\\", "/") if is_named else None


class PictureNames:
    """Finds the images of a ground truth by file name.

    ``syrip predict`` numbers pictures as they come; its image ids mean others than the ground truth's.
    """

    def __init__(self, records: Sequence[Any], gt: GroundTruth, name: str) -> None:
        """Look at all names.

        Raises:
            ValueError: If records name files of which the ground truth has none though it has their image
                ids, or a name fits several images, or two names fit one.
        """
        self._names = {
            image["id"]: picture_name({"file_name": image.get("file_name")}) for image in gt.images
        }
        self._by_base: dict[str, list[int]] = {}
        for image_id, file_name in self._names.items():
            if file_name is not None:
                self._by_base.setdefault(PurePosixPath(file_name).name, []).append(image_id)
        named = {n for n in map(picture_name, records) if n is not None}
        self._candidates = {n: self._find(n) for n in named}
        self._check(records, gt, name)

    def image_id(self, record: Mapping[str, Any]) -> int | None:
        """Return the image of a record; None if it names a file that the ground truth does not have."""
        own, name = record["image_id"], picture_name(record)
        if name is None:
            return own
        candidates = self._candidates[name]
        if candidates:
            return own if own in candidates else candidates[0]
        return own if own in self._names and self._names[own] is None else None

    def _find(self, name: str) -> list[int]:
        """Return the images whose path ends most like a name's."""
        best: list[int] = []
        best_rank = (0, False)
        for image_id in self._by_base.get(PurePosixPath(name).name, []):
            other = self._names[image_id]
            rank = (_common_end(name, other), name == other)
            if rank > best_rank:
                best, best_rank = [], rank
            if rank == best_rank:
                best.append(image_id)
        return best

    def _check(self, records: Sequence[Any], gt: GroundTruth, name: str) -> None:
        remedy = "give the records the ground truth's file_name, or its image_id and no file_name"
        known, strange = 0, 0
        files: dict[int, str] = {}
        for record in records:
            file_name = picture_name(record)
            if file_name is None:
                continue
            candidates, own = self._candidates[file_name], record.get("image_id")
            known += bool(candidates)
            is_own = isinstance(own, int)
            strange += not candidates and is_own and self._names.get(own) is not None
            if len(candidates) > 1 and not (is_own and own in candidates):
                what = some([self._names[i] for i in candidates])
                raise ValueError(f"{name}: {file_name} fits several images of {gt.name} ({what}); {remedy}")
            if candidates:
                image_id = own if is_own and own in candidates else candidates[0]
                other = files.setdefault(image_id, file_name)
                if other != file_name:
                    what = f"{other} and {file_name} both fit {self._names[image_id]} of {gt.name}"
                    raise ValueError(f"{name}: {what}; {remedy}")
        if strange and not known:
            own = next(n for n in map(picture_name, records) if n is not None)
            raise ValueError(f"{name}: its file names ({own} ...) are not those of {gt.name}; {remedy}")


def _common_end(one: str, other: str) -> int:
    """Return how many parts at the end of two paths are the same."""
    count = 0
    for a, b in zip(reversed(PurePosixPath(one).parts), reversed(PurePosixPath(other).parts), strict=False):
        if a != b:
            break
        count += 1
    return count
