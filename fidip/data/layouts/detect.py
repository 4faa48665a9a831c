"""Find out which dataset's layout a path has, and read it."""

from pathlib import Path

from fidip.data.layouts.coco import read_coco_poses
from fidip.data.layouts.collector import found_names
from fidip.data.layouts.mini_rgbd import find_root, read_mini_rgbd
from fidip.data.layouts.mpi_inf_3dhp import find_sequences, read_mpi_inf_3dhp
from fidip.data.layouts.mpii import read_mpii_json, read_mpii_mat
from fidip.data.pose_samples import PoseSamples
from syrip_gen.annotation.coco import ANNOTATION_FILE
from syrip_gen.keypoints.json_input import load_json

__all__ = ["layout_of", "read_pose_samples"]

KNOWN = (
    "a dataset of syrip generate, MINI-RGBD (01/joints_2Ddep ...), MPI-INF-3DHP (S1/Seq1/annot.mat ...), "
    "MPII (.mat, or train.json / valid.json), a COCO keypoint file"
)


def layout_of(path: str | Path) -> str:
    """Return ``syrip``, ``mini-rgbd``, ``mpi-inf-3dhp``, ``mpii-mat``, ``mpii-json`` or ``coco``.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        ValueError: If it is none of these; the error says what was found.
    """
    path = Path(path)
    if path.is_dir():
        if (path / ANNOTATION_FILE).is_file():
            return "syrip"
        if find_root(path) is not None:
            return "mini-rgbd"
        if find_sequences(path):
            return "mpi-inf-3dhp"
        raise ValueError(f"{path}: no dataset that syrip knows: expected {KNOWN}; {found_names(path)}")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder; expected {KNOWN}")
    if path.suffix.lower() == ".mat":
        return "mpii-mat"
    return "mpii-json" if isinstance(load_json(path), list) else "coco"


def read_pose_samples(
    path: str | Path,
    *,
    split: str = "all",
    images: str | Path | None = None,
    with_images: bool = True,
    with_masks: bool | None = None,
) -> PoseSamples:
    """Read any of the datasets that syrip knows, in its own schema (``.in_schema(...)`` maps it).

    Args:
        path: Folder or file.
        split: train, val, test or all, for datasets with a published split; else all.
        images: Folder of the pictures, where it is not in its usual place.
        with_images: Find the pictures (those missing are left out and listed in ``failures``). Not needed to
            learn 3D from 2D.
        with_masks: Read boxes from masks, where the layout has them; None = as ``with_images``.

    Raises:
        FileNotFoundError: If something is missing.
        ValueError: If it is no dataset that syrip knows, or cannot be read.
    """
    layout = layout_of(path)
    if layout == "mini-rgbd":
        return read_mini_rgbd(path, split=split, with_images=with_images, with_masks=with_masks)
    if layout == "mpi-inf-3dhp":
        return read_mpi_inf_3dhp(path, split=split, with_images=with_images)
    if layout == "mpii-mat":
        return read_mpii_mat(path, images=images, split=split, with_images=with_images)
    if split != "all":
        raise ValueError(f"{path} has no published split; leave the split {split!r} out")
    if layout == "mpii-json":
        return read_mpii_json(path, images=images, with_images=with_images)
    return read_coco_poses(path, images=images, with_images=with_images)
