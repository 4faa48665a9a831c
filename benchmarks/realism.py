"""How much do generated pictures look like photos of infants? ``python -m benchmarks.realism DATASET...``.

Several datasets are shown side by side: one made with ``--renderer cycles`` and one with ``raster`` and the
same other settings hold the same scenes, and this is checked.

Two measures, on ground-truth boxes (both need files of the shared data folder, see ``--data``):

* AP of MoveNet Thunder, a network trained on photos of people. It scores 0.77 on real infants; a realistic
  synthetic set should score about that, and pictures that do not look like people to it score far less.
* KID (Binkowski et al. 2018): unbiased squared MMD with the kernel (x.y / d + 1)^3 between ImageNet
  MobileNetV2 features of the generated crops and of 383 real photos. Two halves of the real set: -0.001, real
  training against held-out real photos: 0.05, real infants against COCO's adults: 0.35.
"""

import argparse
import contextlib
import io
import json
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

CROP_SCALE = 1.25
"""Side of the square crop over the longer side of the box."""
MOVENET_SIZE, FEATURE_SIZE = 256, 224
BATCH = 32
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def square_crop(image: np.ndarray, box: list[float], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut the square of side 1.25 max(w, h) around a box's centre, zero outside, resized to ``size``.

    Returns:
        (size, size, 3) uint8 and (left, top, side) of the square in the picture, px.
    """
    x, y, w, h = box
    side = max(round(CROP_SCALE * max(w, h)), 2)
    left, top = round(x + w / 2 - side / 2), round(y + h / 2 - side / 2)
    crop = np.zeros((side, side, 3), np.uint8)
    x0, y0, x1, y1 = (
        max(left, 0),
        max(top, 0),
        min(left + side, image.shape[1]),
        min(top + side, image.shape[0]),
    )
    if x1 > x0 and y1 > y0:
        crop[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return cv2.resize(crop, (size, size), interpolation=cv2.INTER_LINEAR), np.array([left, top, side], float)


class MoveNet:
    """Adult pose network, one crop at a time."""

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def __call__(self, crop: np.ndarray, square: np.ndarray) -> np.ndarray:
        """Return (17, 3) x, y in picture pixels and score."""
        out = self.session.run(None, {self.input: crop[None].astype(np.int32)})[0].reshape(17, 3)
        return np.stack(
            [square[0] + out[:, 1] * square[2], square[1] + out[:, 0] * square[2], out[:, 2]], axis=1
        )


def feature_network(path: Path):
    """Return torchvision's MobileNetV2 features with the stored tensors, matched in order."""
    import torch
    import torchvision

    network = torchvision.models.mobilenet_v2(weights=None).features
    stored = list(torch.load(path, weights_only=True, map_location="cpu").values())
    own = network.state_dict()
    if len(stored) < len(own):
        raise ValueError(f"{path} holds {len(stored)} tensors, expected {len(own)}")
    network.load_state_dict({name: t.reshape(own[name].shape) for name, t in zip(own, stored, strict=False)})
    return network.eval()


def features(network, crops: list[np.ndarray]) -> np.ndarray:
    """Return (N, 1280) float64 spatial means of the features of uint8 RGB crops."""
    import torch

    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    rows = []
    with torch.inference_mode():
        for start in range(0, len(crops), BATCH):
            batch = torch.from_numpy(np.stack(crops[start : start + BATCH])).permute(0, 3, 1, 2).float() / 255
            rows.append(network((batch - mean) / std).mean((2, 3)).double().numpy())
    return np.concatenate(rows)


def kid(x: np.ndarray, y: np.ndarray) -> float:
    """Return the unbiased squared MMD between (N, D) and (M, D) features, kernel (x.y / D + 1)^3."""
    d = x.shape[1]
    kxx, kyy, kxy = ((a @ b.T / d + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    n, m = len(x), len(y)
    within_x = (kxx.sum() - np.trace(kxx)) / (n * (n - 1))
    within_y = (kyy.sum() - np.trace(kyy)) / (m * (m - 1))
    return float(within_x + within_y - 2 * kxy.mean())


def average_precision(dataset: dict[str, Any], results: list[dict[str, Any]], area: str) -> dict[str, float]:
    """Return COCO's keypoint AP, AP50, AP75; ``area`` = ``box`` (w x h) or ``file`` (as annotated)."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    if not results:
        return {"AP": float("nan"), "AP50": float("nan"), "AP75": float("nan")}
    chosen = {r["annotation_id"] for r in results}
    annotations = []
    for a in dataset["annotations"]:
        if a["id"] in chosen:
            size = a["bbox"][2] * a["bbox"][3] if area == "box" else a.get("area", 0.0)
            labelled = int((np.array(a["keypoints"][2::3]) > 0).sum())
            annotations.append({**a, "area": size, "iscrowd": 0, "num_keypoints": labelled})
    gt, images = COCO(), {a["image_id"] for a in annotations}
    gt.dataset = {"info": {}, "annotations": annotations, "categories": dataset["categories"],
                  "images": [i for i in dataset["images"] if i["id"] in images]}  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        gt.createIndex()
        evaluation = COCOeval(gt, gt.loadRes([dict(r) for r in results]), "keypoints")
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, 0, 0, 0]
    thresholds = evaluation.params.iouThrs
    pick = {
        "AP": precision,
        "AP50": precision[np.isclose(thresholds, 0.5)],
        "AP75": precision[np.isclose(thresholds, 0.75)],
    }
    return {name: float(p[p > -1].mean()) if (p > -1).any() else float("nan") for name, p in pick.items()}


def keypoint_errors(dataset: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, float]:
    """Return, by keypoint, the share predicted within 10 % of the box's diagonal."""
    by_id = {a["id"]: a for a in dataset["annotations"]}
    hits: dict[str, list[bool]] = defaultdict(list)
    names = dataset["categories"][0]["keypoints"]
    for r in results:
        a = by_id[r["annotation_id"]]
        truth, guess = np.reshape(a["keypoints"], (17, 3)), np.reshape(r["keypoints"], (17, 3))
        distance = np.hypot(*(truth - guess)[:, :2].T) / np.hypot(a["bbox"][2], a["bbox"][3])
        for k in np.flatnonzero(truth[:, 2] > 0):
            hits[names[k]].append(bool(distance[k] < 0.1))
    return {name: float(np.mean(hits[name])) for name in names if hits[name]}


def find_dataset(path: Path) -> tuple[Path, Path]:
    """Return (annotation file, image folder) of a generated dataset, or of a COCO file beside its images."""
    if path.is_file():
        return path, path.parent / "images"
    found = sorted((path / "annotations").glob("person_keypoints_*.json"))
    if not found:
        raise FileNotFoundError(f"{path} is no dataset: it holds no annotations/person_keypoints_*.json")
    folder = path / "images" / found[0].stem.removeprefix("person_keypoints_")
    return found[0], folder if folder.is_dir() else path / "images"


def measure(
    dataset: dict[str, Any], images: Path, data: Path, threads: int, limit: int | None
) -> dict[str, Any]:
    """Return all figures of one dataset."""
    movenet = MoveNet(data / "models" / "movenet-thunder.onnx", threads)
    network = feature_network(data / "models" / "mobilenetv2_imagenet_features.pt")
    records = {i["id"]: i for i in dataset["images"]}
    annotations = [a for a in dataset["annotations"] if any(v > 0 for v in a["keypoints"][2::3])][:limit]
    crops, results = [], []
    for a in annotations:
        picture = cv2.imread(str(images / Path(records[a["image_id"]]["file_name"]).name))
        if picture is None:
            raise FileNotFoundError(f"image {records[a['image_id']]['file_name']} not found in {images}")
        picture = np.ascontiguousarray(picture[..., ::-1])
        crops.append(square_crop(picture, a["bbox"], FEATURE_SIZE)[0])
        points = movenet(*square_crop(picture, a["bbox"], MOVENET_SIZE))
        results.append({"annotation_id": a["id"], "image_id": a["image_id"], "category_id": a["category_id"],
                        "keypoints": points.ravel().tolist(),
                        "score": float(points[:, 2].mean())})  # fmt: skip
    rows = features(network, crops)
    with np.load(data / "real_features" / "mobilenetv2_syrip_real_383.npz", allow_pickle=False) as file:
        real = next(file[k] for k in file.files if file[k].ndim == 2 and file[k].shape[1] == rows.shape[1])
    postures: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for r in results:
        postures[str(records[r["image_id"]].get("posture") or "unknown")].append(r)
    return {
        "images": len(results),
        "area=box": average_precision(dataset, results, "box"),
        "area=file": average_precision(dataset, results, "file"),
        "AP by posture (area=box)": {
            f"{name} ({len(rs)})": average_precision(dataset, rs, "box")["AP"]
            for name, rs in sorted(postures.items())
        },
        "keypoints within 10 % of the box diagonal": keypoint_errors(dataset, results),
        "mean MoveNet score": float(np.mean([r["score"] for r in results])),
        "KID to real infants": kid(rows, real.astype(np.float64)),
    }


def side_by_side(all_figures: dict[str, dict[str, Any]]) -> str:
    """Return the main figures of several datasets as lines of a table."""
    lines = [f"{'dataset':40}{'images':>8}{'AP':>8}{'AP50':>8}{'AP75':>8}{'score':>8}{'KID':>8}"]
    for name, figures in all_figures.items():
        ap = figures["area=box"]
        values = (
            ap["AP"],
            ap["AP50"],
            ap["AP75"],
            figures["mean MoveNet score"],
            figures["KID to real infants"],
        )
        lines.append(f"{name[-38:]:40}{figures['images']:8}" + "".join(f"{value:8.3f}" for value in values))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "datasets",
        metavar="DATASET",
        type=Path,
        nargs="+",
        help="folder that syrip generate wrote, or a COCO keypoint file",
    )
    parser.add_argument(
        "--images", type=Path, help="image folder of the only dataset, if it is not beside the annotations"
    )
    default = os.environ.get("SYRIP_SHARED_DATA", "../shared/data")
    parser.add_argument(
        "--data", type=Path, default=Path(default), help=f"shared data folder (default {default})"
    )
    parser.add_argument("--limit", type=int, help="measure only the first N annotations")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(arguments.threads)
    if arguments.images and len(arguments.datasets) > 1:
        parser.error("--images is for one dataset only")
    all_figures, contents = {}, []
    try:
        for path in arguments.datasets:
            file, images = find_dataset(path)
            dataset = json.loads(file.read_text())
            contents.append(dataset["annotations"][: arguments.limit])
            all_figures[str(path)] = measure(
                dataset, arguments.images or images, arguments.data, arguments.threads, arguments.limit
            )
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f"realism: {error}")
    figures = all_figures if len(all_figures) > 1 else next(iter(all_figures.values()))
    print(json.dumps(figures, indent=2))
    if len(all_figures) > 1:
        print(side_by_side(all_figures))
        are_same = all(annotations == contents[0] for annotations in contents)
        print(f"annotations are {'the same' if are_same else 'NOT the same: other scenes'}")
    print(
        "reference: MoveNet AP 0.77 on real infants (area=box); KID real-real -0.001..0.05, COCO adults 0.35"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
