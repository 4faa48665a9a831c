"""How good boxes are: IoU of the best box, recall, and COCO's AP of boxes."""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from fidip.detection.boxes import FoundBoxes, above
from fidip.evaluation.pose_metrics import box_iou

__all__ = ["BoxFigures", "measure_boxes"]

GOOD_IOU = 0.5


@dataclass(frozen=True, slots=True)
class BoxFigures:
    """Figures of one detector; shares are 0..1, NaN where there is nothing to measure."""

    num_images: int
    num_persons: int
    num_found: int
    """Boxes that are sure enough."""
    mean_iou: float
    """Mean overlap of persons with their best box (pairs for the highest sum); 0 for a person without one."""
    recall: float
    """Share of persons whose box overlaps by half or more."""
    precision: float
    """Share of sure boxes that overlap a person by half or more, in pictures without crowds."""
    ap: float
    """COCO's AP of boxes (IoU 0.5 to 0.95), over all boxes, sure or not."""
    ap50: float


def measure_boxes(
    truth: Sequence[np.ndarray],
    found: Sequence[FoundBoxes],
    min_score: float,
    crowds: Sequence[np.ndarray] | None = None,
) -> BoxFigures:
    """Compare the boxes of pictures with those of the persons in them.

    Args:
        truth: (N, 4) xywh px a picture.
        found: A detector's boxes a picture, in the same order.
        min_score: Boxes below it count for AP only.
        crowds: (M, 4) boxes of crowds a picture; boxes found in them are neither right nor wrong.
    """
    crowds = [np.zeros((0, 4))] * len(truth) if crowds is None else crowds
    overlaps: list[float] = []
    num_sure = num_judged = num_right = 0
    for boxes, all_found, crowd in zip(truth, found, crowds, strict=True):
        sure = above(all_found, min_score)
        num_sure += len(sure)
        best = np.zeros(len(boxes))
        if len(boxes) and len(sure):
            iou = box_iou(boxes, sure.boxes)
            rows, columns = linear_sum_assignment(-iou)
            best[rows] = iou[rows, columns]
        overlaps += best.tolist()
        if not len(crowd):
            num_judged += len(sure)
            num_right += int((best >= GOOD_IOU).sum())
    values = np.array(overlaps)
    ap, ap50 = _coco_ap(truth, found, crowds) if len(values) else (float("nan"), float("nan"))
    return BoxFigures(
        num_images=len(truth),
        num_persons=len(values),
        num_found=num_sure,
        mean_iou=float(values.mean()) if len(values) else float("nan"),
        recall=float((values >= GOOD_IOU).mean()) if len(values) else float("nan"),
        precision=num_right / num_judged if num_judged else float("nan"),
        ap=ap,
        ap50=ap50,
    )


def _coco_ap(
    truth: Sequence[np.ndarray], found: Sequence[FoundBoxes], crowds: Sequence[np.ndarray]
) -> tuple[float, float]:
    """Return AP and AP50 as pycocotools computes them for boxes."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    labels = [
        (n, box, is_crowd)
        for is_crowd, sets in enumerate((truth, crowds))
        for n, boxes in enumerate(sets, start=1)
        for box in np.asarray(boxes).tolist()
    ]
    results = [
        {"image_id": n, "category_id": 1, "bbox": box, "score": score}
        for n, own in enumerate(found, start=1)
        for box, score in zip(own.boxes.tolist(), own.scores.tolist(), strict=True)
    ]
    if not results:
        return 0.0, 0.0
    data = {
        "info": {},
        "images": [{"id": n} for n in range(1, len(truth) + 1)],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {
                "id": i,
                "image_id": n,
                "category_id": 1,
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": is_crowd,
            }
            for i, (n, box, is_crowd) in enumerate(labels, start=1)
        ],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = data
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0]), float(evaluation.stats[1])
