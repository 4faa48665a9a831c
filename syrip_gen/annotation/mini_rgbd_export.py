"""Write a dataset of ours in MINI-RGBD's layout, so that what reads MINI-RGBD reads it."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from syrip_gen.annotation.coco import ANNOTATION_FILE, IMAGE_FOLDER
from syrip_gen.annotation.mini_rgbd_frames import Camera, decode_mask, frame_of, resample
from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.load import load_body
from syrip_gen.keypoints.json_input import load_json
from syrip_gen.keypoints.mini_rgbd import CAMERA_FILE, HEAD_FILE, SINGLES_FILE, frame_files, joint_text

__all__ = ["MAX_SEQUENCES", "MiniRgbdExport", "export_mini_rgbd", "group_frames"]

MAX_SEQUENCES = 12
FRAMES_FILE = "frames.csv"
"""Which picture of the dataset each frame is."""
FOLDERS = ("rgb", "depth", "fg_mask", "joints_2Ddep", "joints_3D")
MAX_NAMED = 10
SINGLES_TEXT = """These pictures are no recording: each stands by itself, and frame numbers only count them.
Written by 'syrip export --mini-rgbd'; syrip does not read such a folder as a movement.
"""

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MiniRgbdExport:
    """What was written."""

    path: Path
    num_frames: int
    num_sequences: int
    num_singles: int
    """Sequences that hold single pictures, marked as such."""
    num_cut: int
    """Frames in which some joint lies outside the picture."""
    failures: tuple[str, ...]

    def figures(self) -> dict[str, Any]:
        """Return the figures of :meth:`summary`, flat."""
        return {
            "mini_rgbd": str(self.path),
            "num_frames": self.num_frames,
            "num_sequences": self.num_sequences,
            "num_sequences_of_single_pictures": self.num_singles,
            "num_cut": self.num_cut,
            "num_failures": len(self.failures),
        }

    def summary(self) -> str:
        """Return what the command says at the end."""
        lines = [f"{self.path}: {self.num_frames} frames in {self.num_sequences} sequences, 25 joints each"]
        if self.num_singles:
            lines.append(f"  {self.num_singles} sequences are single pictures, no movements ({SINGLES_FILE})")
        if self.num_cut:
            lines.append(f"  {self.num_cut} frames have joints outside the picture")
        if self.failures:
            lines.append(f"{len(self.failures)} annotations could not be written:")
            lines += [f"  {text}" for text in self.failures[:MAX_NAMED]]
        return "\n".join(lines)


@dataclass(slots=True)
class _Writer:
    """Where frames go, and what is written once all are there."""

    dataset: Path
    root: Path
    body: BodyAssets
    target: Camera | None
    rows: list[str] = field(default_factory=list)
    num_cut: int = 0
    failures: list[str] = field(default_factory=list)


def export_mini_rgbd(
    dataset: str | Path,
    output: str | Path,
    *,
    body: str | Path = "infant",
    camera: str = "own",
    advance: Callable[[int], None] = lambda count: None,
) -> MiniRgbdExport:
    """Write rgb, depth (where the dataset has it), fg_mask, joints_2Ddep and joints_3D.

    Sequences of single pictures are marked by a file, so that nothing of ours takes them for movements.

    Joints that COCO's keypoints do not give come from the body posed anew. Takes of a clip become a sequence
    each; single pictures are spread over twelve sequences, those of one pose in one sequence, so that the
    published split by sequences shares no pose. ``head_lengths.csv`` (neck to head joint, mean of a sequence)
    and ``cameras.csv`` say what is not MINI-RGBD's own, ``frames.csv`` which picture a frame was.

    Args:
        dataset: Folder that ``syrip generate`` or ``syrip animate`` wrote.
        output: Folder to write; it must not exist or be empty.
        body: The body model that the dataset was made with.
        camera: ``own`` keeps pictures and cameras; ``mini-rgbd`` brings all onto its 640x480 camera, as tools
            with its intrinsics built in need. Places in space stay the same.
        advance: Called with the number of annotations done.

    Raises:
        FileNotFoundError: If the dataset or the body is missing.
        ValueError: If it is no dataset of ours, the body is another one, or the output is not empty.
    """
    dataset, output = Path(dataset), Path(output)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ValueError(f"{output} is not empty; choose another folder")
    images, annotations = _read(dataset)
    part = output.with_name(f".{output.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    target = Camera.mini_rgbd() if camera == "mini-rgbd" else None
    writer = _Writer(dataset, part, load_body(body), target)
    try:
        groups = group_frames(annotations)
        lengths = [
            _write_sequence(writer, number, group, images, advance)
            for number, group in enumerate(groups, start=1)
        ]
        if not writer.rows:
            raise ValueError(f"{dataset}: no frame could be written: {writer.failures[0]}")
        _write_lengths(part, lengths)
        text = "sequence,frame,image_id,file_name\n" + "".join(writer.rows)
        (part / FRAMES_FILE).write_text(text, encoding="utf-8")
        if output.is_dir():
            output.rmdir()
        os.replace(part, output)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    singles = sum(not _is_take(group[0]) for group in groups)
    return MiniRgbdExport(
        output, len(writer.rows), len(groups), singles, writer.num_cut, tuple(writer.failures)
    )


def group_frames(annotations: Sequence[Record], most: int = MAX_SEQUENCES) -> list[list[Record]]:
    """Return the annotations of each sequence, in order.

    Args:
        annotations: In file order.
        most: Sequences that single pictures are spread over, evenly; those of one pose stay together.
    """
    takes: dict[tuple, list[Record]] = {}
    poses: dict[str, list[Record]] = {}
    for number, annotation in enumerate(annotations):
        source = _source(annotation)
        if _is_take(annotation):
            takes.setdefault((str(source["clip"]), str(source.get("take"))), []).append(annotation)
        else:
            poses.setdefault(str(source.get("pose_id", number)), []).append(annotation)
    sequences: list[list[Record]] = [[] for _ in range(min(most, len(poses)))]
    for group in sorted(poses.values(), key=len, reverse=True):
        min(sequences, key=len).extend(group)
    order = {id(annotation): number for number, annotation in enumerate(annotations)}
    spread = [sorted(sequence, key=lambda a: order[id(a)]) for sequence in sequences]
    return [*takes.values(), *spread]


def _source(annotation: Record) -> Record:
    source = annotation.get("source")
    return source if isinstance(source, Mapping) else {}


def _is_take(annotation: Record) -> bool:
    """Return whether it is of a frame of a clip."""
    return _source(annotation).get("clip") is not None


def _read(dataset: Path) -> tuple[dict[int, Record], list[Record]]:
    """Return the images by id and the annotations of a dataset."""
    file = dataset / ANNOTATION_FILE
    if not file.is_file():
        raise FileNotFoundError(f"{dataset} is no dataset of syrip generate: {ANNOTATION_FILE} is missing")
    data = load_json(file)
    lists = [data.get(key) if isinstance(data, Mapping) else None for key in ("images", "annotations")]
    if not all(isinstance(x, list) and all(isinstance(v, Mapping) for v in x) for x in lists):
        raise ValueError(f"{file}: expected a COCO file with 'images' and 'annotations'")
    images = {image["id"]: image for image in lists[0] if isinstance(image.get("id"), int)}
    if not lists[1]:
        raise ValueError(f"{file}: it has no annotations")
    return images, lists[1]


def _write_sequence(
    writer: _Writer,
    number: int,
    annotations: Sequence[Record],
    images: Mapping[int, Record],
    advance: Callable[[int], None],
) -> list[tuple[float, float]]:
    """Write one sequence's folder; return the head lengths of its frames."""
    folder = writer.root / f"{number:02d}"
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    if not _is_take(annotations[0]):
        (folder / SINGLES_FILE).write_text(SINGLES_TEXT, encoding="utf-8")
    cameras, lengths = [], []
    for annotation in annotations:
        frame = len(lengths)
        try:
            image = images.get(annotation.get("image_id"), {})
            camera, length = _write_frame(writer, folder, frame, annotation, image)
        except ValueError as error:
            writer.failures.append(f"annotation {annotation.get('id')}: {error}")
        else:
            lengths.append(length)
            cameras.append(f"{frame},{','.join(f'{value:.10g}' for value in camera.as_row())}\n")
            writer.rows.append(f"{number:02d},{frame},{annotation['image_id']},{image['file_name']}\n")
        advance(1)
    if writer.target is None:
        header = "frame,fx,fy,cx,cy,width,height\n"
        (folder / CAMERA_FILE).write_text(header + "".join(cameras), encoding="utf-8")
    if not any((folder / "depth").iterdir()):
        (folder / "depth").rmdir()
    return lengths


def _write_frame(
    writer: _Writer, folder: Path, number: int, annotation: Record, image: Record
) -> tuple[Camera, tuple[float, float]]:
    name = image.get("file_name")
    if not isinstance(name, str) or Path(name).name != name:
        raise ValueError(f"its image {annotation.get('image_id')} has no usable file_name")
    picture = _picture(writer.dataset / IMAGE_FOLDER / name, cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{IMAGE_FOLDER}/{name} is missing or does not decode")
    size = picture.shape[1::-1]
    own = frame_of(annotation, size, writer.body)
    frame = own if writer.target is None else frame_of(annotation, size, writer.body, writer.target)
    mask = decode_mask(annotation, size)
    depth_name = Path(name).with_suffix(".png").name
    depth = _picture(
        writer.dataset / IMAGE_FOLDER.replace("images", "depth") / depth_name, cv2.IMREAD_UNCHANGED
    )
    files = frame_files(folder, number)
    for array, path, smooth in (
        (picture, files.image, True),
        (mask, files.mask, False),
        (depth, files.depth, False),
    ):
        if array is not None:
            moved = (
                array if writer.target is None else resample(array, own.camera, frame.camera, smooth=smooth)
            )
            _write_png(path, moved)
    files.joints_2d.write_text(joint_text(frame.pixels), encoding="ascii")
    files.joints_3d.write_text(joint_text(frame.joints), encoding="ascii")
    inside = (frame.pixels[:, :2] >= 0) & (frame.pixels[:, :2] <= (frame.camera.width, frame.camera.height))
    writer.num_cut += not inside.all()
    return frame.camera, frame.head_lengths


def _write_lengths(root: Path, lengths: Sequence[Sequence[tuple[float, float]]]) -> None:
    rows = [
        f"{number},{px:.3f},{mm:.3f}\n"
        for number, own in enumerate(lengths, start=1)
        if own
        for px, mm in [np.mean(own, axis=0)]
    ]
    (root / HEAD_FILE).write_text("sequence,px,mm\n" + "".join(rows), encoding="utf-8")


def _picture(path: Path, flags: int) -> np.ndarray | None:
    """Return a decoded picture; None if it is missing or broken."""
    if not path.is_file() or not path.stat().st_size:
        return None
    return cv2.imdecode(np.fromfile(path, np.uint8), flags)


def _write_png(path: Path, array: np.ndarray) -> None:
    encoded = cv2.imencode(".png", array)[1]
    path.write_bytes(encoded.tobytes())
