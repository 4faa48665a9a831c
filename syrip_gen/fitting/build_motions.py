"""Make movements of bodies to film: ``python -m syrip_gen.fitting.build_motions --clips 12 -o motions``.

Every file is a motion that ``syrip animate --motion`` takes: an infant of random shape that moves as those of
:mod:`syrip_gen.fitting.build_pose_clips`, above the floor. Films of them measure 2D networks and lifters on
videos.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from syrip_gen.body import load_body
from syrip_gen.body.keypoint_path import KeypointPath
from syrip_gen.fitting.build_pose_clips import move_body, posed_keypoints
from syrip_gen.fitting.build_prior import sample_infant_poses
from syrip_gen.fitting.npz_files import write_npz
from syrip_gen.fitting.postures import POSTURES
from syrip_gen.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle, rotation_between
from syrip_gen.randomness import stream_rng
from syrip_gen.sampling.poses import sample_betas

__all__ = ["build_motions", "main"]

NUM_SAMPLES = 400
"""Poses of all templates that the movements go between."""
FLESH_M = 0.05
"""The lowest keypoint is about this far above the floor."""
WINDOW = 17
"""Frames over which the body's height above the floor is smoothed."""


def build_motions(
    count: int, frames: int, fps: float, seed: int, body: str = "infant"
) -> dict[str, dict[str, np.ndarray]]:
    """Return the arrays of motion files by name.

    Args:
        count: Movements.
        frames: Frames T of each.
        fps: Their frame rate.
        seed: Root seed.
        body: Name or file of the body.

    Returns:
        betas (S,), global_orient (T, 3), body_pose (T, 23, 3) axis-angle, transl (T, 3) metres (world frame,
        z up, floor at z = 0), fps, name.
    """
    assets = load_body(body)
    model = KeypointPath(assets, dtype=torch.float32)
    rng = stream_rng(seed, 0, "moves")
    samples = sample_infant_poses(assets, max(NUM_SAMPLES, count), seed)
    labels = [posture.label for posture in POSTURES.values()]
    order = rng.permutation(len(samples.template))
    poses, gravity, template = (array[order] for array in samples)
    motions = {}
    for number in range(count):
        alike = np.flatnonzero(template == template[number])
        chosen = rng.choice(alike, min(8, len(alike)), replace=False)
        pose, down = move_body(poses[chosen], gravity[chosen], frames, fps, rng)
        yaw = axis_angle_to_matrix(np.array([0.0, 0.0, rng.uniform(-np.pi, np.pi)]))
        upright = yaw @ np.stack([rotation_between(g, np.array([0.0, 0.0, -1.0])) for g in down])
        orient, betas = matrix_to_axis_angle(upright), sample_betas(model.num_betas, rng)
        lowest = posed_keypoints(model, np.tile(betas, (frames, 1)), orient, pose)[..., 2].min(1)
        height = FLESH_M - minimum_filter1d(lowest, WINDOW, mode="nearest")
        name = f"move{number:02d}_{labels[template[number]]}"
        motions[name] = {
            "betas": betas,
            "global_orient": orient,
            "body_pose": pose,
            "transl": uniform_filter1d(height, WINDOW, mode="nearest")[:, None] * [0.0, 0.0, 1.0],
            "fps": np.float64(fps),
            "name": np.array(name),
        }
    return motions


def main() -> None:
    """Write a folder of motion files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=12, help="movements")
    parser.add_argument("--frames", type=int, default=60, help="frames a movement")
    parser.add_argument("--fps", type=float, default=30.0, help="frames a second")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--body", default="infant", help="infant, or an SMPL-format file")
    parser.add_argument("-o", "--output", type=Path, default=Path("motions"))
    args = parser.parse_args()
    if args.clips < 1 or args.frames < 2 or args.fps <= 0:
        parser.error("give at least 1 --clips, at least 2 --frames and a positive --fps")
    args.output.mkdir(parents=True, exist_ok=True)
    for name, arrays in build_motions(args.clips, args.frames, args.fps, args.seed, args.body).items():
        write_npz(args.output / f"{name}.npz", arrays)
        print(args.output / f"{name}.npz")


if __name__ == "__main__":
    main()
