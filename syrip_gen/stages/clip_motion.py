"""From a motion file to the motion of every take, saved in the dataset."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from syrip_gen.asset_files import asset_path
from syrip_gen.body.assets import BodyAssets
from syrip_gen.config import AnimateConfig
from syrip_gen.dataset_files import OutputFolder
from syrip_gen.fitting.objective import Mixture
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.readers import read_motion
from syrip_gen.motion.retarget import retarget
from syrip_gen.motion.selection import select_frames
from syrip_gen.motion.sequence import BodySequence
from syrip_gen.sampling.clip_takes import take_betas
from syrip_gen.stages.run_shards import Progress
from syrip_gen.stages.run_state import release_folder
from syrip_gen.stages.saved_sequence import SavedSequence, has_sequence, load_sequence, save_sequence

__all__ = ["ClipMotion", "motion_file", "read_clip", "save_takes"]

BUNDLED_MOTION = "motions/crawl.npy"


@dataclass(frozen=True, slots=True, eq=False)
class ClipMotion:
    """What a motion file holds, and how it becomes the motion of infants."""

    motion: MotionClip | BodySequence
    body: BodyAssets
    prior: Mixture
    up: str
    """Which way is up in it, see :func:`syrip_gen.motion.retarget.retarget`."""
    rule: str
    """Which frames are photographed."""
    seed: int

    @property
    def is_retargeted(self) -> bool:
        """Whether the file holds points; else it holds bodies, and those move in every take."""
        return isinstance(self.motion, MotionClip)

    def take(self, number: int, frames: np.ndarray | None = None) -> SavedSequence:
        """Return the motion of one take.

        Args:
            number: Number of the take.
            frames: Frames to photograph; None chooses them.
        """
        sequence, figures = self.motion, {}
        if isinstance(sequence, MotionClip):
            betas = take_betas(self.body.num_betas, self.seed, number)
            result = retarget(sequence, self.body, self.prior, betas=betas, up=self.up)
            sequence, figures = result.sequence, _flat(asdict(result.report))
        chosen = np.asarray(select_frames(sequence, self.rule)) if frames is None else frames
        return SavedSequence(sequence, chosen, figures)


def motion_file(config: AnimateConfig) -> str:
    """Return the path of the clip."""
    return config.motion or str(asset_path(BUNDLED_MOTION))


def read_clip(config: AnimateConfig, body: BodyAssets, prior: Mixture) -> ClipMotion:
    """Read the motion file.

    Raises:
        FileNotFoundError: When it is not there.
        ValueError: When no clip can be made of it.
    """
    path = motion_file(config)
    motion = read_motion(path, fps=config.fps, clip=config.clip, schema=config.keypoint_schema, body=body)
    if len(motion) < 2:
        raise ValueError(
            f"{path}: one frame only is no motion; expected two or more (syrip generate makes pictures of "
            "single poses)"
        )
    return ClipMotion(motion, body, prior, config.up, config.frames, config.seed)


def save_takes(source: ClipMotion, num_takes: int, folder: OutputFolder, progress: Progress) -> SavedSequence:
    """Save the motion of every take that an interrupted run has not saved; return that of the first as saved.

    Raises:
        ValueError: When the clip cannot be retargeted; the folder is given up.
    """
    progress.stage("retarget", num_takes)
    if not has_sequence(folder, 0):
        try:
            save_sequence(source.take(0), 0, folder)
        except ValueError:
            release_folder(folder)
            raise
    first = load_sequence(folder, 0)
    progress.advance()
    for take in range(1, num_takes):
        if not has_sequence(folder, take):
            save_sequence(source.take(take, first.frames), take, folder)
        progress.advance()
    return first


def _flat(figures: dict[str, Any]) -> dict[str, Any]:
    """Round figures for files; what is not a number is None."""
    return {
        name: (round(value, 4) if math.isfinite(value) else None) if isinstance(value, float) else value
        for name, value in figures.items()
    }
