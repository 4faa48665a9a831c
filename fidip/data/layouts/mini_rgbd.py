"""Read MINI-RGBD's folders: 25 joints in the picture and in space, boxes from the infant's mask."""

from pathlib import Path

import cv2
import numpy as np

from fidip.data.images import read_image
from fidip.data.layouts.collector import SampleCollector, found_names, listed
from fidip.data.pose_samples import PoseSamples
from syrip_gen.keypoints.catalog import MINIRGBD25
from syrip_gen.keypoints.mini_rgbd import (
    CAMERA,
    CAMERA_FILE,
    HEAD_FILE,
    HEAD_LENGTHS,
    IMAGE_SIZE,
    SEQUENCE_NAME,
    SINGLES_FILE,
    SPLITS,
    frame_files,
    numbered_frames,
    read_cameras,
    read_head_lengths,
    read_joint_file,
)

__all__ = ["FRAMES_PER_SEQUENCE", "find_root", "read_mini_rgbd"]

FRAMES_PER_SEQUENCE = 100_000
"""Image ids are the sequence's number times this, plus the frame's number."""
NEEDED = ("joints_2Ddep", "joints_3D")


def find_root(folder: Path) -> Path | None:
    """Return the folder that holds the sequences (itself, or ``MINI-RGBD_web`` in it); None without any."""
    for root in (folder, folder / "MINI-RGBD_web"):
        if any(all((sequence / name).is_dir() for name in NEEDED) for sequence in _sequences(root)):
            return root
    return None


def read_mini_rgbd(
    folder: str | Path, *, split: str = "all", with_images: bool = True, with_masks: bool | None = None
) -> PoseSamples:
    """Read sequences of MINI-RGBD, or of a dataset in its layout.

    Coordinates are taken as they stand in the files. Head lengths are the published ones, unless the folder
    has ``head_lengths.csv``; the camera is MINI-RGBD's, unless a sequence has ``cameras.csv`` (both are
    written by ``syrip export --mini-rgbd``). Sequences that it marked as single pictures give samples without
    sequence and frame number.

    Args:
        folder: Holds the sequences 01, 02 ... or ``MINI-RGBD_web`` with them.
        split: train (sequences 1-8), val (9-10), test (11-12) or all.
        with_images: Also find the pictures; frames that lack one are left out and listed.
        with_masks: Read boxes from the masks, where there are any; else boxes are the keypoints' extent.
            None = as ``with_images``.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it has another layout, the split's sequences are not there, or no frame can be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; expected MINI-RGBD's, with the folders 01 to 12")
    root = find_root(folder)
    if root is None:
        raise ValueError(
            f"{folder} is not in MINI-RGBD's layout: expected folders 01 to 12 with joints_2Ddep and "
            f"joints_3D in each, {found_names(folder)}"
        )
    lengths = read_head_lengths(root / HEAD_FILE) if (root / HEAD_FILE).is_file() else HEAD_LENGTHS
    with_masks = with_images if with_masks is None else with_masks
    collector = SampleCollector(str(folder), MINIRGBD25)
    wanted = _wanted(root, split)
    singles = [sequence.name for sequence in wanted if (sequence / SINGLES_FILE).is_file()]
    if singles:
        collector.notes.append(f"single pictures, no movements: the sequences {listed(singles)}")
    for sequence in wanted:
        _read_sequence(collector, root, sequence, lengths.get(int(sequence.name)), with_images, with_masks)
    return collector.samples()


def _sequences(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return sorted(
        (path for path in root.iterdir() if path.is_dir() and SEQUENCE_NAME.fullmatch(path.name)),
        key=lambda path: int(path.name),
    )


def _wanted(root: Path, split: str) -> list[Path]:
    if split != "all" and split not in SPLITS:
        raise ValueError(f"unknown split {split!r} of MINI-RGBD; choose from {', '.join(SPLITS)}, all")
    found = _sequences(root)
    wanted = [path for path in found if split == "all" or int(path.name) in SPLITS[split]]
    if not wanted:
        numbers = ", ".join(f"{number:02d}" for number in SPLITS[split])
        raise ValueError(
            f"{root}: the split {split} is sequences {numbers}; found {listed([p.name for p in found])}"
        )
    return wanted


def _read_sequence(
    collector: SampleCollector,
    root: Path,
    sequence: Path,
    lengths: tuple[float, float] | None,
    with_images: bool,
    with_masks: bool,
) -> None:
    cameras = read_cameras(sequence / CAMERA_FILE) if (sequence / CAMERA_FILE).is_file() else {}
    is_movement = not (sequence / SINGLES_FILE).is_file()
    missing: dict[str, list[int]] = {}
    numbers = sorted(numbered_frames(sequence))
    if not numbers:
        collector.failures.append(f"{sequence.relative_to(root)}: no frame; {found_names(sequence)}")
        return
    for number in numbers:
        files = frame_files(sequence, number)
        needed = [files.joints_2d, files.joints_3d, *([files.image] if with_images else [])]
        absent = [path.parent.name for path in needed if not path.is_file()]
        if absent:
            missing.setdefault(" and ".join(absent), []).append(number)
            continue
        try:
            joints, points = read_joint_file(files.joints_2d), read_joint_file(files.joints_3d)
            box, size = _mask_box(files.mask) if with_masks else (None, None)
        except ValueError as error:
            collector.failures.append(str(error))
            continue
        camera = cameras.get(number, (*CAMERA, *IMAGE_SIZE))
        head_px, head_mm = lengths or (np.nan, np.nan)
        collector.add(
            np.column_stack([joints[:, :2], np.where(np.isfinite(joints[:, :2]).all(axis=1), 2.0, 0.0)]),
            image_id=int(sequence.name) * FRAMES_PER_SEQUENCE + number,
            points_3d=points,
            intrinsics=camera[:4],
            box=box,
            image_path=files.image if with_images else None,
            image_size=size or (int(camera[4]), int(camera[5])),
            subject=sequence.name,
            sequence=sequence.name if is_movement else "",
            frame=number if is_movement else -1,
            head_px=head_px,
            head_mm=head_mm,
        )
    for kind, frames in missing.items():
        collector.failures.append(
            f"{sequence.name}: {len(frames)} of {len(numbers)} frames left out, no {kind}: {listed(frames)}"
        )
    gaps = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
    if gaps and is_movement:
        collector.notes.append(f"{sequence.name}: frame numbers are not consecutive; without {listed(gaps)}")


def _mask_box(path: Path) -> tuple[tuple[int, ...] | None, tuple[int, int] | None]:
    """Return the box of the mask's pixels and the picture's size; None where there is no usable mask."""
    if not path.is_file():
        return None, None
    mask = np.ascontiguousarray(read_image(path)[..., 0])
    box = cv2.boundingRect(mask)
    return (box if box[2] else None), mask.shape[1::-1]
