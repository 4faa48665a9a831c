"""Make 3D infant poses and movements to train lifters on: ``python -m syrip_gen.fitting.build_pose_clips``.

Poses come from the posture templates (paediatric joint ranges, see :mod:`syrip_gen.fitting.postures`) on the
embedded body with random shapes; no dataset's poses go in. A movement goes from pose to pose of one template:
every limb, the trunk and the head at times of their own, along minimum-jerk paths (Flash and Hogan 1985),
with rests between, while the whole body rocks a little. A file of them is what ``syrip train --synthetic``
takes for a lifter beside dataset folders.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from syrip_gen.body import load_body
from syrip_gen.body.keypoint_path import KeypointPath
from syrip_gen.fitting.build_prior import sample_infant_poses
from syrip_gen.fitting.npz_files import write_npz
from syrip_gen.fitting.postures import POSTURES
from syrip_gen.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle, rotation_between
from syrip_gen.randomness import stream_rng
from syrip_gen.sampling.cameras import FOCAL_RANGE, sample_rotation
from syrip_gen.sampling.poses import sample_betas

__all__ = ["build_pose_clips", "main", "move_between", "move_body", "posed_keypoints"]

PARTS = (
    (0, 3, 6, 9),  # left leg: SMPL joints 1, 4, 7, 10
    (1, 4, 7, 10),
    (12, 15, 17, 19, 21),  # left arm from the collar on
    (13, 16, 18, 20, 22),
    (2, 5, 8),  # spine
    (11, 14),  # neck and head
)
"""Indices into the 23 body joints that move together."""
MOVE_S, REST_S = (0.25, 1.6), (0.0, 0.6)
"""Shortest and longest duration of one movement, and of the rest after it."""
REST_PROBABILITY = 0.4
REACH = (0.25, 1.0)
"""How far towards its next pose a part goes."""
ROCK_DEG = 7.0
"""Standard deviation of the body's slow rocking."""
BATCH = 20_000


def move_between(poses: np.ndarray, frames: int, fps: float, rng: np.random.Generator) -> np.ndarray:
    """Return (T, D) a path through (M, D) poses: minimum-jerk movements and rests of random durations.

    Each movement goes part of the way to a random one of the poses.
    """
    path, current, filled = np.empty((frames, poses.shape[1])), poses[rng.integers(len(poses))], 0
    start = int(rng.integers(0, max(1, int(fps))))  # begin in the midst of a movement or a rest
    while filled < frames + start:
        goal = current + rng.uniform(*REACH) * (poses[rng.integers(len(poses))] - current)
        move = max(2, round(fps * float(np.exp(rng.uniform(*np.log(MOVE_S))))))
        rest = round(fps * rng.uniform(*REST_S)) if rng.random() < REST_PROBABILITY else 0
        t = np.minimum(np.arange(1, move + rest + 1) / move, 1.0)[:, None]
        part = current + (10 * t**3 - 15 * t**4 + 6 * t**5) * (goal - current)
        begin, end = max(filled - start, 0), min(filled - start + len(part), frames)
        if end > begin:
            path[begin:end] = part[begin - (filled - start) : end - (filled - start)]
        current, filled = goal, filled + len(part)
    return path


def build_pose_clips(
    num_poses: int, num_clips: int, frames: int, fps: float, seed: int, body: str = "infant"
) -> dict[str, np.ndarray]:
    """Return the arrays of a pose file.

    Args:
        num_poses: Single poses, about (each a clip of one frame).
        num_clips: Movements.
        frames: Frames T of each.
        fps: Their frame rate.
        seed: Root seed.
        body: Name or file of the body.

    Returns:
        keypoints_3d_m (N, 17, 3) float32 COCO-17 in the camera frame, metres; gravity (N, 3) unit vectors,
        the same frame; clip (N,) int32 number of the movement; fps; schema.
    """
    assets = load_body(body)
    model = KeypointPath(assets, dtype=torch.float32)
    rng = stream_rng(seed, 0, "pose-clips")
    samples = sample_infant_poses(assets, max(num_poses, num_clips * 6, 200), seed)
    labels = np.array([posture.label for posture in POSTURES.values()])
    order = rng.permutation(len(samples.template))
    poses, gravity, template = (array[order] for array in samples)
    bodies: list[tuple[np.ndarray, np.ndarray]] = [
        (poses[i : i + 1], gravity[i : i + 1]) for i in range(num_poses)
    ]
    names = [str(labels[template[i]]) for i in range(num_poses)]
    for clip in range(num_clips):
        alike = np.flatnonzero(template == template[clip])
        chosen = rng.choice(alike, min(8, len(alike)), replace=False)
        bodies.append(move_body(poses[chosen], gravity[chosen], frames, fps, rng))
        names.append(str(labels[template[clip]]))
    lengths = [len(pose) for pose, _ in bodies]
    clip_index = np.repeat(np.arange(len(bodies), dtype=np.int32), lengths)
    betas = np.stack([sample_betas(model.num_betas, rng) for _ in bodies])[clip_index]
    orient, down = _views(bodies, names, rng)
    points = posed_keypoints(model, betas, orient, np.concatenate([pose for pose, _ in bodies]))
    return {
        "keypoints_3d_m": _placed(points, clip_index, rng).astype(np.float32),
        "gravity": down.astype(np.float32),
        "clip": clip_index,
        "fps": np.array(float(fps)),
        "schema": np.array("coco17"),
    }


def move_body(
    poses: np.ndarray, gravity: np.ndarray, frames: int, fps: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return (T, 23, 3) a body pose and (T, 3) gravity in the root's frame."""
    path = np.empty((frames, 23, 3))
    for part in PARTS:
        moved = move_between(poses[:, part].reshape(len(poses), -1), frames, fps, rng)
        path[:, part] = moved.reshape(frames, len(part), 3)
    base = gravity[0]
    rock = move_between(np.radians(ROCK_DEG) * rng.standard_normal((4, 3)), frames, fps / 2, rng)
    return path, np.einsum("tij,j->ti", axis_angle_to_matrix(rock), base)


def _views(
    bodies: list[tuple[np.ndarray, np.ndarray]], postures: list[str], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, 3) root orientations in camera frames that suit the postures, and gravity there."""
    orients, downs = [], []
    for (_, gravity), posture in zip(bodies, postures, strict=True):
        yaw = axis_angle_to_matrix(np.array([0.0, 0.0, rng.uniform(-np.pi, np.pi)]))
        upright = yaw @ np.stack([rotation_between(g, np.array([0.0, 0.0, -1.0])) for g in gravity])
        view = sample_rotation(posture, None, upright[0] @ np.array([0.0, 0.0, 1.0]), rng)
        orients.append(matrix_to_axis_angle(view @ upright))
        downs.append(np.tile(-view[:, 2], (len(gravity), 1)))
    return np.concatenate(orients), np.concatenate(downs)


def posed_keypoints(
    model: KeypointPath, betas: np.ndarray, orient: np.ndarray, pose: np.ndarray
) -> np.ndarray:
    """Return (N, 17, 3) keypoints, in batches."""
    parts = []
    with torch.no_grad():
        for i in range(0, len(pose), BATCH):
            rows = slice(i, i + BATCH)
            tensors = (torch.as_tensor(a[rows], dtype=torch.float32) for a in (betas, orient, pose))
            parts.append(model(*tensors).keypoints.numpy())
    return np.concatenate(parts)


def _placed(points: np.ndarray, clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move every clip in front of its camera, at a distance at which it fills a good part of a picture."""
    count = int(clip.max()) + 1
    focal, fill = np.exp(rng.uniform(*np.log(FOCAL_RANGE), count)), rng.uniform(0.35, 0.9, count)
    first = np.searchsorted(clip, np.arange(count))
    extent = np.ptp(points[first], axis=1)[:, :2].max(1)
    distance = np.maximum(focal * extent / fill, extent + 0.15)
    hips = 0.5 * (points[first, 11] + points[first, 12])
    return points - hips[clip, None] + (distance[:, None] * [0.0, 0.0, 1.0])[clip, None]


def main() -> None:
    """Write a pose file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--poses", type=int, default=20_000, help="single poses")
    parser.add_argument("--clips", type=int, default=0, help="movements")
    parser.add_argument("--frames", type=int, default=150, help="frames a movement")
    parser.add_argument("--fps", type=float, default=30.0, help="frames a second")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--body", default="infant", help="infant, or an SMPL-format file")
    parser.add_argument("-o", "--output", type=Path, default=Path("infant_poses.npz"))
    args = parser.parse_args()
    if args.poses < 0 or args.clips < 0 or args.poses + args.clips == 0 or args.frames < 2 or args.fps <= 0:
        parser.error("give --poses or --clips, at least 2 --frames and a positive --fps")
    arrays = build_pose_clips(args.poses, args.clips, args.frames, args.fps, args.seed, args.body)
    write_npz(args.output, arrays)
    print(f"{args.output}: {len(arrays['clip'])} frames of {arrays['clip'].max() + 1} clips")


if __name__ == "__main__":
    main()
