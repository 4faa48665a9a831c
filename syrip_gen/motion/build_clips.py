"""Make assets/motions/ from DeepMimic's clips: ``python -m syrip_gen.motion.build_clips FOLDER``.

FOLDER holds the ``humanoid3d_*.txt`` files of the PyPI package ``pybullet_data`` (or ``pybullet``). Of clips
that end on the feet only the part is kept that an infant might do.
"""

import argparse
from pathlib import Path

import numpy as np

from syrip_gen.asset_files import assets_dir
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.convert import at_rate, write_videopose3d
from syrip_gen.motion.points_3d import DEFAULT_FPS
from syrip_gen.motion.readers import read_motion

__all__ = ["CLIPS", "build_clips"]

CLIPS: dict[str, tuple[str, float, float]] = {
    "crawl": ("humanoid3d_crawl", 0.0, np.inf),
    "push_up": ("humanoid3d_getup_facedown", 0.0, 1.5),
    "legs_up": ("humanoid3d_getup_faceup", 0.0, 1.75),
    "walk": ("humanoid3d_walk", 0.0, np.inf),
}
"""Name of the asset -> file, first and last second."""


def build_clips(source: Path, target: Path) -> list[Path]:
    """Write every clip of :data:`CLIPS` as VideoPose3D would, at 30 frames a second.

    Raises:
        FileNotFoundError: If a source file is missing.
    """
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name, (file_name, start_s, end_s) in CLIPS.items():
        clip = read_motion(source / f"{file_name}.txt")
        if not isinstance(clip, MotionClip):
            raise ValueError(f"{file_name}: expected points")
        seconds = np.arange(len(clip)) / clip.fps
        kept = clip.points[(seconds >= start_s) & (seconds <= end_s)]
        part = MotionClip(kept, clip.schema, clip.fps, clip.frame, clip.is_absolute, name)
        path = target / f"{name}.npy"
        write_videopose3d(at_rate(part, DEFAULT_FPS), path)
        written.append(path)
    return written


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m syrip_gen.motion.build_clips", description=__doc__)
    parser.add_argument("source", type=Path, help="folder of humanoid3d_*.txt")
    parser.add_argument("--target", type=Path, help="folder to write to (default: assets/motions)")
    options = parser.parse_args()
    for made in build_clips(options.source, options.target or assets_dir() / "motions"):
        print(made)
