"""How well real motion clips are followed by the infant: ``python -m benchmarks.retarget``.

Five clips of motion capture of different kinds, or others by name, and with ``--pixels`` the start of 2D
sequences of MINI-RGBD. The clips are not shipped, but read from ``SYRIP_SHARED_DATA`` (``../shared/data``).
"""

import argparse
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from syrip_gen.body import BodyAssets, load_body
from syrip_gen.body.posing import pose_body
from syrip_gen.fitting.priors import load_prior
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.readers import read_motion
from syrip_gen.motion.retarget import retarget
from syrip_gen.motion.sequence import BodySequence

CLIPS = (
    "crawl", "roll", "getup_facedown", "dataset-1_walk_normal_001", "dataset-2_wave-both-hands_normal_014",
)  # fmt: skip
NEAR_FLOOR_M = 0.005
"""Height of a foot's vertex below which it touches the floor, whatever the source's contacts say."""
LIMITS = {"bone_error_median_deg": 5.0, "foot_speed_max_cm": 1.0, "floor_depth_max_cm": 1.0}


def shared_data() -> Path:
    """Return the folder of the clips."""
    default = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    return Path(os.environ.get("SYRIP_SHARED_DATA", default))


def read_clip(name: str) -> MotionClip:
    """Read one clip of DeepMimic or Bandai-Namco by name."""
    if name.startswith("dataset"):
        clip = read_motion(shared_data() / "mocap/bandai_namco/bandai_17j_sample.npz", clip=name)
    else:
        clip = read_motion(shared_data() / f"mocap/deepmimic_pybullet/humanoid3d_{name}.txt")
    assert isinstance(clip, MotionClip)
    return clip


def read_pixels(name: str, frames: int) -> MotionClip:
    """Read the first frames of one MINI-RGBD sequence (30 frames a second, 640 x 480)."""
    with np.load(shared_data() / "infant_2d/minirgbd_2d_sequences.npz", allow_pickle=False) as data:
        names, joints = [str(joint) for joint in data["joint_names"]], data[name][:frames].astype(float)
    points = np.full((len(joints), 17, 2), np.nan)
    for k, joint in enumerate(names):
        keypoint = joint.replace("hand", "wrist").replace("foot", "ankle")
        if keypoint in COCO17.keypoints:
            points[:, COCO17.index(keypoint)] = joints[:, k]
    return MotionClip(points, COCO17, 30.0, "camera", True, name, (640, 480))


def slides_cm(body: BodyAssets, sequence: BodySequence) -> np.ndarray:
    """Return the ways (cm a frame) of foot vertices that are near the floor before and after a frame."""
    feet = np.isin(np.argmax(body.weights, axis=1), (7, 8, 10, 11))
    poses = zip(sequence.global_orient, sequence.body_pose, sequence.transl, strict=True)
    track = np.stack([pose_body(body, sequence.betas, *pose).vertices[feet] for pose in poses])
    down = (track[1:, :, 2] < NEAR_FLOOR_M) & (track[:-1, :, 2] < NEAR_FLOOR_M)
    return 100.0 * np.linalg.norm(np.diff(track[..., :2], axis=0), axis=-1)[down]


def main() -> None:
    """Retarget and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="*", default=list(CLIPS))
    parser.add_argument("--pixels", action="store_true", help="clips are names of MINI-RGBD sequences")
    parser.add_argument("--frames", type=int, default=150, help="first frames of a MINI-RGBD sequence")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    body, prior, results = load_body("infant"), load_prior("infant"), {}
    retarget(read_clip("walk"), body, prior)  # compiles
    for name in options.clips:
        clip = read_pixels(name, options.frames) if options.pixels else read_clip(name)
        start, busy = time.perf_counter(), time.process_time()
        result = retarget(clip, body, prior)
        figures = asdict(result.report)
        figures |= {"seconds": time.perf_counter() - start, "processor_s": time.process_time() - busy}
        slides = slides_cm(body, result.sequence)
        for label, share in (("median", 50.0), ("p99", 99.0)):
            figures[f"foot_near_floor_{label}_cm"] = (
                float(np.percentile(slides, share)) if slides.size else float("nan")
            )
        results[name] = figures
        print(f"{name}: {len(clip)} frames at {clip.fps:g}/s")
        for note in result.sequence.notes:
            print(f"  {note}")
        for key, value in figures.items():
            over = f" (aim: at most {LIMITS[key]:g})" if key in LIMITS else ""
            print(f"  {key} {value:.3f}{over}" if isinstance(value, float) else f"  {key} {value}{over}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
