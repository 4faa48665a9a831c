"""Report, contact sheets and dataset card of a dataset, from a stream of its records."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from syrip_gen.annotation.coco import IMAGE_FOLDER
from syrip_gen.keypoints.poses import PoseSet
from syrip_gen.quality.drawing import draw_skeleton
from syrip_gen.quality.pages import Thumb, render_card, render_report
from syrip_gen.quality.sheets import contact_sheet, decode_picture, encode_jpeg
from syrip_gen.quality.statistics import DatasetStatistics, Reservoir, collect_statistics
from syrip_gen.quality.stored import fitted_poses, stored_records

__all__ = ["DatasetFolder", "WrittenReport", "build_report", "write_report"]

SHEET_SIZE = 40
NUM_DRAWN_POSES = 300
_SEED = 20_001  # of the sample that is drawn; any number, but always the same one

Record = Mapping[str, Any]


class DatasetFolder(Protocol):
    """Where pictures are read from."""

    def read_bytes(self, name: str) -> bytes:
        """Read one file, named with forward slashes relative to the dataset."""
        ...


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """What was found in a dataset, and where it can be looked at."""

    paths: tuple[Path, ...]
    statistics: DatasetStatistics
    run: Mapping[str, Any]
    """The content of ``run.json``; only a name for a dataset that is not ours."""


def build_report(
    folder: DatasetFolder,
    records: Callable[[], Iterable[Record]],
    *,
    run: Mapping[str, Any],
    input_poses: PoseSet | None = None,
    poses_are_fits: bool = False,
    image_folder: str = IMAGE_FOLDER,
) -> dict[str, bytes]:
    """Make the files that show what is in a dataset. One pass over the records, in constant memory.

    Args:
        folder: The dataset's folder.
        records: Gives the records; see :mod:`syrip_gen.annotation.labels`. ``spec`` (a scene) and
            ``rejected`` (counts by reason) are used where present.
        run: Content of ``run.json``: command, seed, versions, licences, rejections, fits ... all optional.
        input_poses: Poses that the dataset was made from, to compare with.
        poses_are_fits: They are projections of fitted bodies: their visibility means nothing.
        image_folder: Folder of the images within ``folder``.

    Returns:
        Content by name of ``report.html``, ``README.md`` and, if there are images, ``contact_sheet.jpg`` and
        ``contact_sheet_skeletons.jpg``. No clock and no host gets in: same dataset, same bytes.
    """
    return _build(folder, records, run, input_poses, poses_are_fits, image_folder)[0]


def _build(
    folder: DatasetFolder,
    records: Callable[[], Iterable[Record]],
    run: Mapping[str, Any],
    input_poses: PoseSet | None,
    poses_are_fits: bool,
    image_folder: str,
) -> tuple[dict[str, bytes], DatasetStatistics]:
    """Return :func:`build_report`'s files and what was counted on the way."""
    shown = Reservoir(SHEET_SIZE, np.random.default_rng(_SEED))
    drawn = Reservoir(NUM_DRAWN_POSES, np.random.default_rng(_SEED + 1))
    statistics = collect_statistics(records(), (shown, drawn))
    thumbs = [_load_thumb(folder, record, image_folder) for record in shown.items]
    poses = [np.reshape(r["annotation"]["keypoints"], (-1, 3)) for r in drawn.items]
    keypoints = np.array(poses, np.float64).reshape(-1, 17, 3)
    files = {
        "report.html": render_report(
            run, statistics, thumbs, keypoints, input_poses, poses_are_fits=poses_are_fits
        ).encode(),
        "README.md": render_card(run, statistics, thumbs).encode(),
    }
    seen = [thumb for thumb in thumbs if thumb.pixels is not None]
    if seen:
        files["contact_sheet.jpg"] = encode_jpeg(contact_sheet([t.pixels for t in seen]))
        drawings = [draw_skeleton(t.pixels, t.keypoints) for t in seen]
        files["contact_sheet_skeletons.jpg"] = encode_jpeg(contact_sheet(drawings))
    return files, statistics


def write_report(dataset: str | Path, input_poses: PoseSet | None = None) -> WrittenReport:
    """Write the report of a dataset on disk beside it.

    Any COCO keypoint dataset will do; one that is not ours keeps its own README.

    Args:
        dataset: The dataset's folder.
        input_poses: Poses that it was made from; without them the fitted ones of ``fits.npz`` are shown.

    Raises:
        FileNotFoundError: If there is no annotation file.
        ValueError: If it is not COCO keypoints.
    """
    root = Path(dataset)
    records = stored_records(_find_annotations(root), root / "manifest.jsonl")
    first = next((record for record in records() if "image" in record), None)
    if first is None:
        raise ValueError(f"{root}: its annotations hold no person with 17 keypoints")
    run_file = root / "run.json"
    is_ours = run_file.is_file()
    run = json.loads(run_file.read_bytes()) if is_ours else {"name": root.resolve().name}
    poses = input_poses if input_poses is not None else fitted_poses(root / "fits.npz")
    image_folder = _find_images(root, str(first["image"]["file_name"]))
    files, statistics = _build(_LocalFolder(root), records, run, poses, input_poses is None, image_folder)
    if not is_ours and (root / "README.md").exists():
        del files["README.md"]  # somebody else's words
    for name, data in files.items():
        (root / name).write_bytes(data)
    return WrittenReport(tuple(root / name for name in files), statistics, run)


class _LocalFolder:
    """Reads files of one folder and nothing outside it."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def read_bytes(self, name: str) -> bytes:
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root):
            raise ValueError(f"{name}: leaves the dataset's folder")
        return path.read_bytes()


def _load_thumb(folder: DatasetFolder, record: Record, image_folder: str) -> Thumb:
    """Read one picture; a broken one gives a thumb without pixels."""
    image = record["image"]
    keypoints = np.asarray(record["annotation"]["keypoints"], np.float64).reshape(-1, 3)
    file_name = Path(str(image["file_name"]))
    name = (Path(image_folder) / file_name).as_posix()
    if ".." in file_name.parts or file_name.is_absolute():
        return Thumb(name="(refused: leaves the folder)", href="#", keypoints=keypoints, pixels=None)
    try:
        pixels = decode_picture(folder.read_bytes(name))
    except (OSError, ValueError):
        pixels = None
    return Thumb(name=str(image["file_name"]), href=name, keypoints=keypoints, pixels=pixels)


def _find_annotations(root: Path) -> Path:
    if root.is_file():
        raise ValueError(f"{root}: expected a dataset's folder, not a file")
    candidates = sorted(root.glob("annotations/*.json")) + sorted(root.glob("*keypoints*.json"))
    if not candidates:
        raise FileNotFoundError(
            f"{root}: no annotations/*.json found; expected a dataset made by syrip generate"
        )
    return candidates[0]


def _find_images(root: Path, file_name: str) -> str:
    """Return the folder, relative to the dataset, that holds a file."""
    if not file_name or (root / IMAGE_FOLDER / file_name).is_file():
        return IMAGE_FOLDER
    for folder in (*sorted(p for p in root.glob("images/*") if p.is_dir()), root / "images", root):
        if (folder / file_name).is_file():
            return "" if folder == root else folder.relative_to(root).as_posix()
    return IMAGE_FOLDER
