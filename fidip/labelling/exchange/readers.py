"""read_labels: labels from any tool's file that syrip understands."""

from pathlib import Path

from fidip.labelling.coco_import import read_coco
from fidip.labelling.exchange.ah_colt import read_ah_colt
from fidip.labelling.exchange.cvat import read_cvat
from fidip.labelling.exchange.label_studio import is_label_studio, is_label_studio_min, labels_of_tasks
from fidip.labelling.exchange.records import ImportedLabels
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.json_input import load_json

__all__ = ["UNDERSTOOD", "read_labels"]

UNDERSTOOD = (
    "a COCO keypoint file, CVAT's annotations.xml (CVAT for images 1.1), Label Studio's JSON export or a "
    "pickle of AH-CoLT"
)


def read_labels(path: str | Path, *, pictures: str | Path | None = None) -> ImportedLabels:
    """Read labels, whatever of the understood formats they are in; told by the content, not by the name.

    Args:
        path: A COCO keypoint file (CVAT's «COCO Keypoints 1.0» included), CVAT's XML, Label Studio's JSON, or
            a pickle of AH-CoLT (in which nothing is executed).
        pictures: Folder of the pictures; needed only for AH-CoLT's files without names.

    Raises:
        FileNotFoundError: If there is nothing at ``path``.
        ValueError: If the content is not understood; says what was found and what is expected.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected {UNDERSTOOD}")
    with path.open("rb") as file:
        head = file.read(64)
    if head[:1] == b"\x80" or path.suffix.lower() in (".pkl", ".pickle"):
        return read_ah_colt(path, pictures)
    if head[:2] == b"PK":
        raise ValueError(f"{path}: a zip archive; unpack it and give the annotation file in it: {UNDERSTOOD}")
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<":
        return read_cvat(path)
    data = load_json(path)
    if is_label_studio(data) or is_label_studio_min(data):
        return labels_of_tasks(data, path)
    if isinstance(data, dict) and "images" in data:
        project = read_coco(path)
        if project.schema.keypoints != COCO17.keypoints:
            raise ValueError(f"{path}: keypoints of the schema {project.schema.name}; expected {COCO17.name}")
        return ImportedLabels("coco", project.images, project.notes)
    found = (
        f"an object with keys {sorted(map(str, data))[:6]}" if isinstance(data, dict) else type(data).__name__
    )
    raise ValueError(f"{path}: JSON, but not labels: found {found}; expected {UNDERSTOOD}")
