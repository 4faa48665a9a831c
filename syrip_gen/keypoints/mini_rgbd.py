"""The layout of MINI-RGBD on disk: names of its files, rows of its joint files, camera, head lengths.

MINI-RGBD (Hesse et al. 2018): 12 synthetic sequences of 1000 frames. Reader (``fidip.data.layouts``) and
writer (``syrip_gen.annotation.mini_rgbd_export``) meet here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from syrip_gen.keypoints.catalog import MINIRGBD25

__all__ = [
    "CAMERA",
    "CAMERA_FILE",
    "HEAD_FILE",
    "HEAD_LENGTHS",
    "IMAGE_SIZE",
    "SEQUENCE_NAME",
    "SINGLES_FILE",
    "SPLITS",
    "FrameFiles",
    "frame_files",
    "joint_text",
    "numbered_frames",
    "read_cameras",
    "read_head_lengths",
    "read_joint_file",
]

SEQUENCE_NAME = re.compile(r"\d{2,}")
"""Folder of a sequence: 01 to 12."""
IMAGE_SIZE = (640, 480)
"""Width, height in px."""
CAMERA = (588.67905803875317, 590.25690113005601, 322.22048191353628, 237.46785983766890)
"""fx, fy, cx, cy in px."""
SPLITS: Mapping[str, range] = MappingProxyType(
    {"train": range(1, 9), "val": range(9, 11), "test": range(11, 13)}
)
"""Sequence numbers of Ellershaw's split, in which the published figures are given."""
HEAD_LENGTHS: Mapping[int, tuple[float, float]] = MappingProxyType(
    {
        1: (11.21, 24.9), 2: (11.39, 26.3), 3: (11.96, 25.3), 4: (11.13, 27.8), 5: (7.75, 20.6),
        6: (9.10, 23.4), 7: (12.77, 28.2), 8: (13.34, 26.2), 9: (12.75, 29.0), 10: (11.23, 26.1),
        11: (12.17, 28.6), 12: (13.93, 30.1),
    }
)  # fmt: skip
"""Length of the head segment by sequence, px and mm: the unit of PCKh in the published evaluations."""
NUMBERED = {
    "rgb": re.compile(r"syn_(\d{5})\.png"),
    "joints_2Ddep": re.compile(r"syn_joints_2Ddep_(\d{5})\.txt"),
    "joints_3D": re.compile(r"syn_joints_3D_(\d{5})\.txt"),
}
"""Names of the files that make a frame, by folder."""
HEAD_FILE = "head_lengths.csv"
"""Beside the sequences, where they are not MINI-RGBD's own: sequence, length in px, length in mm."""
CAMERA_FILE = "cameras.csv"
"""In a sequence whose pictures have other cameras: frame, fx, fy, cx, cy, width, height."""
SINGLES_FILE = "single_pictures.txt"
"""In a folder whose frames do not follow each other: they are pictures of no one movement."""
MAX_SIDE = 1 << 31
MAX_JOINT_FILE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class FrameFiles:
    """The files of one frame."""

    image: Path
    depth: Path
    mask: Path
    joints_2d: Path
    """Rows x, y (px), depth (m), joint number."""
    joints_3d: Path
    """Rows x, y, z (m, camera frame), joint number."""


def frame_files(sequence: Path, number: int) -> FrameFiles:
    """Return the paths of a frame's files; numbers start at 0."""
    return FrameFiles(
        image=sequence / "rgb" / f"syn_{number:05d}.png",
        depth=sequence / "depth" / f"syn_{number:05d}_depth.png",
        mask=sequence / "fg_mask" / f"mask_{number:05d}.png",
        joints_2d=sequence / "joints_2Ddep" / f"syn_joints_2Ddep_{number:05d}.txt",
        joints_3d=sequence / "joints_3D" / f"syn_joints_3D_{number:05d}.txt",
    )


def numbered_frames(sequence: Path) -> set[int]:
    """Return the numbers of all frames that have a file of any kind in a sequence's folder."""
    numbers: set[int] = set()
    for folder, pattern in NUMBERED.items():
        for path in (sequence / folder).glob("*"):
            match = pattern.fullmatch(path.name)
            if match:
                numbers.add(int(match[1]))
    return numbers


def read_joint_file(path: Path) -> np.ndarray:
    """Read a joint file of either kind.

    Returns:
        (25, 3) float64 numbers before the joint number, by joint number; NaN for joints without a row.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a row is not three numbers and a joint number 0..24, or a joint has two rows.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is missing")
    if path.stat().st_size > MAX_JOINT_FILE_BYTES:
        raise ValueError(f"{path}: too long for {len(MINIRGBD25)} joints")
    joints = np.full((len(MINIRGBD25), 3), np.nan)
    seen: set[int] = set()
    for line, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        words = text.split()
        if not words:
            continue
        try:
            *values, number = (float(word) for word in words)
        except ValueError:
            values, number = [], -1.0
        if len(values) != 3 or number not in range(len(MINIRGBD25)):
            raise ValueError(
                f"{path} line {line}: expected three numbers and a joint number 0..24, got {text[:60]!r}"
            )
        if int(number) in seen:
            raise ValueError(f"{path} line {line}: joint {int(number)} has two rows")
        seen.add(int(number))
        joints[int(number)] = values
    return joints


def read_head_lengths(path: Path) -> dict[int, tuple[float, float]]:
    """Return (px, mm) by sequence number.

    Raises:
        ValueError: If a row is not three numbers.
    """
    return {int(row[0]): (row[1], row[2]) for row in _read_rows(path, 3)}


def read_cameras(path: Path) -> dict[int, tuple[float, ...]]:
    """Return (fx, fy, cx, cy, width, height) in px by frame number.

    Raises:
        ValueError: If a row is not seven numbers, or those are no camera.
    """
    cameras = {int(row[0]): row[1:] for row in _read_rows(path, 7)}
    for frame, (fx, fy, _, _, width, height) in cameras.items():
        if min(fx, fy) <= 0 or not 1 <= min(width, height) <= max(width, height) < MAX_SIDE:
            raise ValueError(f"{path}: frame {frame}: focal lengths and sizes must be above 0 px")
    return cameras


def _read_rows(path: Path, columns: int) -> list[tuple[float, ...]]:
    """Return the rows of a CSV file of finite numbers under one header line."""
    rows = []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for line, text in enumerate(lines[1:], start=2):
        try:
            row = tuple(float(word) for word in text.split(","))
        except ValueError:
            row = ()
        if len(row) != columns or not np.isfinite(row).all():
            raise ValueError(f"{path} line {line}: expected {columns} numbers, got {text[:60]!r}")
        rows.append(row)
    return rows


def joint_text(joints: np.ndarray, decimals: int = 6) -> str:
    """Return the content of a joint file: (25, 3) numbers, a row each with its joint number."""
    rows = [" ".join(f"{value:.{decimals}f}" for value in row) for row in joints]
    return "".join(f"{row} {number}\n" for number, row in enumerate(rows))
