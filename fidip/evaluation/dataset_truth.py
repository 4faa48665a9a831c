"""Ground truth of ``syrip eval`` from any dataset that syrip reads, not only from COCO files."""

from pathlib import Path

import numpy as np

from fidip.data.layouts.detect import layout_of, read_pose_samples
from fidip.data.pose_samples import PoseSamples
from fidip.evaluation.ground_truth import GroundTruth, Person, read_ground_truth
from syrip_gen.annotation.coco import person_category
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["read_truth", "truth_of_samples"]


def read_truth(path: str | Path, *, split: str = "all", with_images: bool = False) -> GroundTruth:
    """Read a COCO keypoint file, a dataset of ``syrip generate``, MINI-RGBD, MPI-INF-3DHP or MPII.

    Args:
        path: File or folder.
        split: train, val, test or all, for datasets with a published split.
        with_images: Networks are to be run: leave out (and list) what has no picture.

    Raises:
        FileNotFoundError: If something is missing.
        ValueError: If it is no such dataset, or has no such split.
    """
    path = Path(path)
    if _is_coco(path):
        if split != "all":
            raise ValueError(f"--split {split}: {path} has no published split; leave it out")
        return read_ground_truth(path)
    samples = read_pose_samples(path, split=split, with_images=with_images, with_masks=True)
    return truth_of_samples(samples, path)


def _is_coco(path: Path) -> bool:
    """Return whether COCO's reader has to deal with a path, be it only to say what is wrong with it."""
    if path.is_dir():
        return layout_of(path) == "syrip"
    if path.suffix.lower() == ".mat":
        return False
    return not (path.is_file() and _is_mpii(path))


def _is_mpii(path: Path) -> bool:
    """Return whether a JSON file begins like those of the Pose-ResNet code: a list with joints."""
    with path.open("rb") as file:
        head = file.read(4096)
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") and b'"joints"' in head


def truth_of_samples(samples: PoseSamples, root: Path) -> GroundTruth:
    """Return samples as ground truth: COCO-17 for AP, their own schema and 3D for the rest.

    Args:
        samples: Of one dataset.
        root: Folder that file names shall be relative to.
    """
    coco = samples.in_schema(COCO17)
    is_coco = samples.schema is COCO17
    images: dict[int, dict] = {}
    persons = []
    for n in range(len(samples)):
        image_id = int(samples.image_ids[n])
        width, height = samples.image_sizes[n].tolist()
        record = {"id": image_id}
        if width and height:
            record |= {"width": width, "height": height}
        if samples.image_paths[n] is not None:
            record["file_name"] = _relative(samples.image_paths[n], root)
        images[image_id] = record
        box = samples.boxes[n]
        persons.append(
            Person(
                image_id=image_id,
                annotation_id=n + 1,
                category_id=person_category()["id"],
                keypoints=coco.keypoints[n],
                box=tuple(float(v) for v in box),
                file_area=float("nan"),
                is_crowd=False,
                head_box=None,
                native=None if is_coco else samples.keypoints[n],
                points_3d_mm=_millimetres(samples.keypoints_3d, n),
                head_px=_length(samples.head_px, n),
                head_mm=_length(samples.head_mm, n),
                sequence=samples.sequences[n],
                frame=int(samples.frames[n]),
                camera=_camera(samples.intrinsics, n),
            )
        )
    return GroundTruth(
        name=root.name or str(root),
        images=tuple(images.values()),
        persons=tuple(persons),
        category_ids=(person_category()["id"],),
        zero_index=None,
        notes=samples.notes,
        schema=samples.schema,
        picture_root=root,
        failures=samples.failures,
    )


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _millimetres(points: np.ndarray | None, n: int) -> np.ndarray | None:
    return None if points is None or np.isnan(points[n]).all() else points[n] * 1000


def _length(lengths: np.ndarray | None, n: int) -> float:
    return float("nan") if lengths is None else float(lengths[n])


def _camera(intrinsics: np.ndarray | None, n: int) -> tuple[float, float, float, float] | None:
    known = intrinsics is not None and np.isfinite(intrinsics[n]).all()
    return tuple(intrinsics[n].tolist()) if known else None
