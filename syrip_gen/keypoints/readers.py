"""read_poses: 2D poses from any file that syrip understands."""

from pathlib import Path

from syrip_gen.keypoints.ahcolt_reader import read_ahcolt
from syrip_gen.keypoints.coco_reader import read_coco_annotations, read_coco_results
from syrip_gen.keypoints.json_input import load_json
from syrip_gen.keypoints.openpose_reader import is_openpose, read_openpose, read_openpose_folder
from syrip_gen.keypoints.poses import PoseSet

__all__ = ["read_poses"]

_UNDERSTOOD = (
    "COCO annotations or results with keypoints, OpenPose JSON (file or folder) or an AH-CoLT pickle"
)


def read_poses(path: str | Path) -> PoseSet:
    """Read 2D poses, whatever of the understood formats they are in.

    Understood: COCO keypoint annotations, COCO keypoint results, one OpenPose file or a folder of them
    (BODY_25, COCO-18, FiDIP's 19 points), AH-CoLT pickles. Poses keep their order in the file; one with too
    few labelled keypoints stays in its place (``PoseSet.is_usable`` is False there).

    Raises:
        FileNotFoundError: If there is nothing at ``path``.
        ValueError: If the content is not understood or holds no usable pose; says which value of which file.
    """
    path = Path(path)
    if path.is_dir():
        return read_openpose_folder(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file or folder; expected {_UNDERSTOOD}")
    with path.open("rb") as file:
        head = file.read(4)
    if path.suffix.lower() in {".pkl", ".pickle"} or head[:1] == b"\x80":
        return read_ahcolt(path)
    if head[:2] == b"PK":
        raise ValueError(f"{path}: this is a zip or .npz archive; expected {_UNDERSTOOD}")
    data = load_json(path)
    if isinstance(data, list):
        if not data:
            raise ValueError(f"{path}: the list is empty; expected COCO keypoint results")
        return read_coco_results(data, path)
    if is_openpose(data):
        return read_openpose(data, path)
    if isinstance(data, dict) and "annotations" in data:
        return read_coco_annotations(data, path)
    found = f"an object with keys {sorted(data)[:6]}" if isinstance(data, dict) else type(data).__name__
    raise ValueError(f"{path}: JSON, but not poses: found {found}; expected {_UNDERSTOOD}")
