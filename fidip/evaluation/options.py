"""Settings of ``syrip eval``; each field doubles as a command-line option."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["DETECTED", "EvalConfig"]

DETECTED = "detected"
"""Word for the boxes of the first detector."""


def _option(default: Any, help_: str, **extra: Any) -> Any:
    limits = {key: extra.pop(key) for key in ("ge", "le", "gt", "lt") if key in extra}
    return Field(default, description=help_, json_schema_extra=extra, **limits)


class EvalConfig(BaseModel):
    """Settings of ``syrip eval``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gt: str | None = _option(
        None,
        "What to compare with: a COCO keypoint file (SyRIP's work unchanged), a dataset of syrip generate, "
        "MINI-RGBD's, MPI-INF-3DHP's or MPII's folder or file; required.",
        metavar="DATASET",
    )
    checkpoint: tuple[str, ...] = _option(
        (),
        "Run folder of syrip train, weights file, or movenet_thunder (shipped, trained on adults), as RUN "
        "is. May be given several times.",
        metavar="RUN",
    )
    predictions: tuple[str, ...] = _option(
        (), "COCO results of any estimator, as RUN is. May be given several times.", metavar="PRED.json"
    )
    images: str | None = _option(
        None,
        "Folder of the pictures; none = the one that syrip generate puts beside the annotations.",
        metavar="DIR",
    )
    area: Literal["auto", "bbox", "file"] = _option(
        "auto",
        "Area in OKS, px²: the file's, the box's (bbox), or auto: the file's unless it cannot be the "
        "persons' areas.",
    )
    metrics: str = _option(
        "oks",
        "Figures beside AP and AR (oks), comma-separated: pckh@SHARE of the head's size (pckh = 0.5, "
        "pckh1, pckh2), pck@SHARE of the box's longer side (pck = 0.05), ajpe, and of 3D keypoints mpjpe, "
        "pa-mpjpe, n-mpjpe, pck3d@MM (150), accel; iou of boxes.",
        metavar="LIST",
    )
    gt_3d: str | None = _option(
        None,
        "3D keypoints of --gt where it has none: an .npz with keypoints_3d_m (N, K, 3) in metres, file_name "
        "and schema.",
        metavar="FILE.npz",
    )
    keypoint_schema: str = _option(
        "coco17",
        "Keypoints that all figures but AP and AR are computed of: coco17, mpii16 (published MINI-RGBD "
        "figures), minirgbd25 …",
        metavar="NAME",
    )
    split: Literal["all", "train", "val", "test"] = _option(
        "all", "Published split of MINI-RGBD (test: 11, 12) or MPI-INF-3DHP to compare with."
    )
    thesis: bool = _option(
        False, "Count exact hits (distance 0, such as the pelvis) as wrong in PCKh, as Ellershaw's code does."
    )
    lift: str | None = _option(
        None,
        "Lift 2D keypoints to 3D first: run folder of syrip train --recipe lifter-..., a lifter's file, or "
        "infant (the shipped lifter). With it RUN may also be labels, the labelled 2D keypoints.",
        metavar="RUN",
    )
    no_camera: bool = _option(
        False, "With --lift: do not tell the lifter the cameras that the dataset knows."
    )
    boxes: str = _option(
        "gt",
        "Boxes that networks are run on: gt, detected (by the first --detector), or COCO detections of a "
        "file.",
        metavar="gt|detected|FILE",
    )
    detector: tuple[str, ...] = _option(
        (),
        "Detector to measure: run folder of syrip train --recipe detector, or movenet_multipose (shipped, "
        "trained on adults). May be given several times; alone, no pose is estimated.",
        metavar="RUN",
    )
    detector_score: float | None = _option(
        None,
        "Least score of a detected box, 0 to 1; none = the detector's own (0.5; movenet_multipose 0.1).",
        metavar="FLOAT",
        ge=0,
        le=1,
    )
    decode: Literal["dark", "quarter", "argmax"] = _option(
        "dark", "How points are read from heatmaps: DARK, quarter of a cell to the higher neighbour, argmax."
    )
    no_flip_test: bool = _option(False, "Do not average with the mirrored crop (twice as fast).")
    rotation_pick: bool = _option(
        False, "Try each crop at 0, 90, 180 and 270 degrees and keep the most confident (four times slower)."
    )
    oks_nms: float = _option(
        0.9, "OKS above which two detected persons are one; not with --boxes gt; 1 keeps all.", gt=0, le=1
    )
    batch_size: int = _option(16, "Crops in one pass of a network.", ge=1)
    device: str = _option("auto", "auto (a GPU if there is one), cpu, cuda, cuda:1 …", metavar="NAME")
    output: str = _option(
        "eval",
        "Folder for tables and predictions; those of an earlier evaluation in it are replaced.",
        metavar="DIR",
        short="-o",
    )
    gap: str | None = _option(
        None,
        "Second set of pictures, for the domain gap to the first: a dataset of syrip generate, or a COCO "
        "keypoint file.",
        metavar="DATASET",
    )
    kid_weights: str | None = _option(
        None,
        "torchvision's MobileNetV2 with ImageNet weights, for --gap: also gives the kernel distance of its "
        "features, which does not depend on the run.",
        metavar="FILE",
    )
    gap_images: str | None = _option(
        None, "Folder of the second set's pictures; none = the one beside it.", metavar="DIR"
    )
