"""The whole work of ``syrip fit``: poses in, a file of fits and overlays out."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from syrip_gen.body import load_body
from syrip_gen.config import FitConfig
from syrip_gen.fitting.bank import FitBank
from syrip_gen.geometry.camera import project
from syrip_gen.keypoints.poses import PoseSet
from syrip_gen.stages.inputs import make_bank, read_inputs

if TYPE_CHECKING:
    from syrip_gen.stages.run_shards import Progress

__all__ = ["fit_files"]

OVERLAY_SIDE_PX = 640
MAX_PHOTO_PIXELS = 100_000_000


def fit_files(config: FitConfig, progress: "Progress") -> tuple[FitBank, float]:
    """Fit the poses of files, save the bank, draw overlays if asked for.

    Returns:
        The bank, and the seconds that fitting took.
    """
    inputs = read_inputs(config.poses)
    if inputs.poses is None:
        raise ValueError(f"--poses {config.poses[0]}: this is a fit bank already; give 2D poses")
    _prepare_outputs(config)
    for note in inputs.notes:
        progress.note(note)
    progress.stage("fit", len(inputs.poses))
    began = time.monotonic()
    bank = make_bank(inputs, load_body(config.body), config.pose_prior, progress.advance)
    seconds = time.monotonic() - began
    bank.save(config.output)
    if config.overlays:
        progress.stage("overlays", len(bank))
        _write_overlays(bank, inputs.poses, Path(config.overlays), config.images, progress)
    return bank, seconds


def _prepare_outputs(config: FitConfig) -> None:
    """Make the folders, so that nothing is fitted whose result could not be written."""
    if Path(config.output).is_dir():
        raise ValueError(
            f"--output {config.output} is a folder; expected the name of a file such as fits.npz"
        )
    if config.images and not Path(config.images).is_dir():
        raise FileNotFoundError(f"--images {config.images}: no such folder")
    for option, folder in (("output", Path(config.output).parent), ("overlays", config.overlays)):
        if folder:
            try:
                Path(folder).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ValueError(
                    f"--{option}: the folder {folder} cannot be made ({error.strerror})"
                ) from error


def _write_overlays(
    bank: FitBank, poses: PoseSet, folder: Path, images: str | None, progress: "Progress"
) -> None:
    """Draw every fit (coloured) over the input keypoints (white rings), one JPEG each."""
    import cv2

    from syrip_gen.keypoints.catalog import COCO17
    from syrip_gen.quality.drawing import draw_skeleton

    for i in range(len(bank)):
        width, height = (int(side) for side in bank.image_size[i])
        scale = OVERLAY_SIDE_PX / max(width, height, 1)
        picture = _photo(images, poses.file_name[i], scale, width, height)
        if np.isfinite(bank.keypoints_3d_m[i]).all() and np.isfinite(bank.focal_px[i]):
            pixels = (
                project(bank.keypoints_3d_m[i], bank.focal_px[i], bank.focal_px[i], width / 2, height / 2)
                * scale
            )
            picture = draw_skeleton(picture, np.column_stack([pixels, np.full(17, 2.0)]), schema=COCO17)
        for x, y, v in poses.keypoints[i]:
            if v > 0:
                cv2.circle(picture, (round(x * scale), round(y * scale)), 5, (255, 255, 255), 1, cv2.LINE_AA)
        verdict = "accepted" if bank.accepted[i] else f"rejected: {bank.reason[i]}"
        text = f"{verdict}, {bank.reprojection_error[i] * 100:.1f} %"
        cv2.putText(picture, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
        name = "".join(c if c.isalnum() or c in "-_" else "_" for c in poses.pose_id[i])
        cv2.imwrite(str(folder / f"{i:05d}_{name[:80]}.jpg"), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        progress.advance()


def _photo(images: str | None, name: str, scale: float, width: int, height: int) -> np.ndarray:
    """Return the scaled photo, or a grey canvas where there is none; names cannot leave the folder."""
    import cv2

    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if images and name:
        root = Path(images).resolve()
        path = (root / name).resolve()
        if path.is_relative_to(root) and path.is_file() and width * height <= MAX_PHOTO_PIXELS:
            photo = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if photo is not None:
                return cv2.cvtColor(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB)
    return np.full((size[1], size[0], 3), 60, np.uint8)
