"""Write tiny datasets in the exact layouts in which the real ones are distributed."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

MINI_CAMERA = (588.67905803875317, 590.25690113005601, 322.22048191353628, 237.46785983766890)


def mini_points(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (25, 2) px and (25, 3) metres of one made-up frame."""
    points = np.random.default_rng(seed).uniform((-0.2, -0.2, 1.0), (0.2, 0.2, 1.2), (25, 3))
    fx, fy, cx, cy = MINI_CAMERA
    pixels = np.stack([points[:, 0] / points[:, 2] * fx + cx, points[:, 1] / points[:, 2] * fy + cy], axis=1)
    return pixels, points


def write_mini_rgbd(root: Path, sequences: dict[int, list[int]]) -> None:
    """Write sequences with these frame numbers; the mask is a rectangle at (100, 50) of 200 by 300 px."""
    for sequence, frames in sequences.items():
        folder = root / f"{sequence:02d}"
        for name in ("rgb", "depth", "fg_mask", "joints_2Ddep", "joints_3D", "smil_params"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for frame in frames:
            write_mini_frame(folder, frame, seed=1000 * sequence + frame)


def write_mini_frame(folder: Path, frame: int, seed: int) -> None:
    """Write the files of one frame."""
    pixels, points = mini_points(seed)
    rows_2d = [
        f"{x:.6f} {y:.6f} {p[2]:.6f} {i}" for i, ((x, y), p) in enumerate(zip(pixels, points, strict=True))
    ]
    rows_3d = [f"{x:.8f} {y:.8f} {z:.8f} {i}" for i, (x, y, z) in enumerate(points)]
    (folder / "joints_2Ddep" / f"syn_joints_2Ddep_{frame:05d}.txt").write_text("\n".join(rows_2d) + "\n")
    (folder / "joints_3D" / f"syn_joints_3D_{frame:05d}.txt").write_text("\n".join(rows_3d) + "\n")
    mask = np.zeros((480, 640), np.uint8)
    mask[50:350, 100:300] = 255
    Image.fromarray(mask).save(folder / "fg_mask" / f"mask_{frame:05d}.png")
    Image.fromarray(mask[..., None].repeat(3, 2)).save(folder / "rgb" / f"syn_{frame:05d}.png")


def struct_array(entries: list[dict]) -> np.ndarray:
    """Return a Matlab struct array; each entry has the same keys, [] stands for empty."""
    names = list(entries[0])
    array = np.empty((1, len(entries)), dtype=[(name, object) for name in names])
    for i, entry in enumerate(entries):
        for name in names:
            array[0, i][name] = entry[name]
    return array


def mpii_person(points: dict[int, tuple], *, visible: dict[int, object] | None = None, **more) -> dict:
    """Return an annorect with these 1-based points."""
    visible = visible or {}
    entries = [{"x": x, "y": y, "id": k, "is_visible": visible.get(k, 1)} for k, (x, y) in points.items()]
    values = {
        "x1": 10, "y1": 20, "x2": 40, "y2": 60, "scale": 2.0,
        "objpos": struct_array([{"x": 300.0, "y": 200.0}]),
        "annopoints": struct_array([{"point": struct_array(entries)}]) if entries else [],
    }  # fmt: skip
    return {**values, **more}


def write_mpii_mat(path: Path, images: list[tuple[str, list[dict]]]) -> None:
    """Write RELEASE.annolist with these pictures and persons."""
    annolist = [
        {
            "image": struct_array([{"name": name}]),
            "annorect": struct_array(people) if people else [],
            "frame_sec": [],
            "vididx": [],
        }
        for name, people in images
    ]
    release = struct_array(
        [{"annolist": struct_array(annolist), "img_train": np.ones((1, len(images)), np.uint8)}]
    )
    savemat(path, {"RELEASE": release})


def cell(arrays: list[np.ndarray]) -> np.ndarray:
    """Return Matlab's (n, 1) cell array."""
    out = np.empty((len(arrays), 1), object)
    for i, array in enumerate(arrays):
        out[i, 0] = array
    return out


def write_3dhp(root: Path, subjects: dict[str, int], cameras: int = 14) -> dict[str, tuple]:
    """Write annot.mat and camera.calibration of subjects with so many frames; return their (2D, 3D) cells."""
    written = {}
    for subject, frames in subjects.items():
        folder = root / subject / "Seq1"
        folder.mkdir(parents=True)
        rng = np.random.default_rng(int(subject[1:]))
        points = [rng.uniform(-900, 900, (frames, 84)) + np.tile([0, 0, 3000], 28) for _ in range(cameras)]
        pixels = [rng.uniform(0, 2048, (frames, 56)) for _ in range(cameras)]
        data = {
            "annot2": cell(pixels),
            "annot3": cell(points),
            "univ_annot3": cell(points),
            "frames": np.arange(frames, dtype=np.uint16)[:, None],
            "cameras": np.arange(cameras, dtype=np.uint8)[None],
        }
        savemat(folder / "annot.mat", data)
        (folder / "camera.calibration").write_text(calibration_text(cameras))
        written[subject] = (pixels, points)
    return written


def calibration_text(cameras: int) -> str:
    """Return a calibration file; camera c has fx 1500 + c."""
    lines = ["Skeletool Camera Calibration File V1.0"]
    for c in range(cameras):
        lines += [
            f"name          {c}",
            "  sensor      10 10",
            "  size        2048 2048",
            "  animated    0",
            f"  intrinsic   {1500 + c} 0 1024.7 0 0 1497.1 1051.3 0 0 0 1 0 0 0 0 1 ",
            "  extrinsic   1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1 ",
            "  radial      0",
        ]
    return "\n".join(lines) + "\n"


def write_json(path: Path, value: object) -> Path:
    """Write JSON and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path
