"""Pictures of a ground truth: where they are, and reading them ahead of the network."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from fidip.data.annotations import ID_PATTERNS, PICTURE_SUFFIXES
from fidip.data.images import read_image
from fidip.evaluation.ground_truth import GroundTruth

__all__ = ["find_pictures", "picture_folder", "read_ahead"]

THREADS = 2
AHEAD = 8
"""Pictures that wait decoded."""
MAX_NAMED = 40
"""Missing pictures that are named in the error; all of them are counted."""


def picture_folder(gt_path: str | Path, images: str | Path | None, option: str = "--images") -> Path:
    """Return the folder of the pictures: the one given, where ``syrip generate`` puts it, or beside the file.

    Args:
        gt_path: COCO file.
        images: Folder that the user named.
        option: By which option, for the errors.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    gt_path = Path(gt_path)
    if images is not None:
        if not Path(images).is_dir():
            raise FileNotFoundError(f"{option} {images}: no such folder")
        return Path(images)
    guesses = [gt_path.parent.parent / "images" / gt_path.stem.removeprefix("person_keypoints_")]
    guesses.append(gt_path.parent / "images")
    for folder in guesses:
        if folder.is_dir():
            return folder
    if any(path.suffix.lower() in PICTURE_SUFFIXES for path in gt_path.parent.glob("*")):
        return gt_path.parent
    raise FileNotFoundError(f"where are the pictures of {gt_path}? Name their folder with {option} DIR")


def find_pictures(gt: GroundTruth, folder: Path, image_ids: Iterable[int]) -> dict[int, Path]:
    """Return the path of every picture that is needed.

    The file's name counts first, then SyRIP's names by id, as its own loader builds them.

    Raises:
        ValueError: If a name leaves the folder.
        FileNotFoundError: If pictures are missing, with their names.
    """
    records = {image["id"]: image for image in gt.images}
    found, missing = {}, []
    for image_id in image_ids:
        name = str(records[image_id].get("file_name", ""))
        if Path(name).is_absolute() or ".." in Path(name).parts or "\\" in name:
            raise ValueError(f"{gt.name}: image name {name!r} leaves the image folder")
        names = [name, Path(name).name, *(pattern % image_id for pattern in ID_PATTERNS)]
        path = next((folder / n for n in names if n and (folder / n).is_file()), None)
        if path is None:
            missing.append(name or f"image {image_id}")
        else:
            found[image_id] = path
    if missing:
        shown = ", ".join(missing[:MAX_NAMED])
        more = f" and {len(missing) - MAX_NAMED} more" if len(missing) > MAX_NAMED else ""
        total = len(missing) + len(found)
        raise FileNotFoundError(
            f"{len(missing)} of {total} images of {gt.name} are not in {folder}:\n{shown}{more}"
        )
    return found


def read_ahead(
    paths: Iterable[tuple[int, Path]], sizes: dict[int, tuple[int, int] | None]
) -> Iterator[tuple[int, np.ndarray | str]]:
    """Yield (image id, (H, W, 3) uint8 RGB or what is wrong with it), in order, decoded by threads."""

    def start(image_id: int, path: Path) -> tuple[int, Future]:
        return image_id, pool.submit(_read, path, sizes.get(image_id))

    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[tuple[int, Future]] = deque()
        for image_id, path in paths:
            waiting.append(start(image_id, path))
            if len(waiting) > AHEAD:
                done_id, future = waiting.popleft()
                yield done_id, future.result()
        for done_id, future in waiting:
            yield done_id, future.result()


def _read(path: Path, size: tuple[int, int] | None) -> np.ndarray | str:
    try:
        return read_image(path, size)
    except (ValueError, OSError) as error:
        return str(error)
