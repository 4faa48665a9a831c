"""Where two labellers' labels come from: two files of any tool, or two people of one project."""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from fidip.labelling.documents import ImageLabel
from fidip.labelling.exchange.project_input import is_project, open_project
from fidip.labelling.exchange.readers import read_labels

__all__ = ["labels_by", "labels_of_file", "same_names"]

Labels = dict[str, ImageLabel]


def labels_of_file(path: str | Path) -> Labels:
    """Return the labels of a project or of any file that ``read_labels`` understands, by image name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not understood or not of COCO-17 keypoints.
    """
    if is_project(path):
        with open_project(path) as store:
            return {row.name: revision.label or ImageLabel() for row, revision in store.labels()}
    return {image.name: image.label for image in read_labels(path).images}


def labels_by(path: str | Path, who: str) -> Labels:
    """Return the newest labels that one person, network or import made in a project, by image name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no project, or nobody of that name saved anything in it.
    """
    if Path(path).is_file() and not is_project(path):
        raise ValueError(f"{path}: not a labelling project; two labellers share one in NAME.json.project")
    found: Labels = {}
    others: set[str] = set()
    with open_project(path) as store:
        for row in store.images():
            entries = store.history(row.id)
            others |= {entry.who for entry in entries}
            own = [entry.revision for entry in entries if entry.who == who]
            if own:
                found[row.name] = store.revision(row.id, own[-1]).label or ImageLabel()
    if not found:
        known = ", ".join(sorted(others)) or "nobody"
        raise ValueError(f"{path}: {who!a} saved nothing in it; labelled by {known}")
    return found


def same_names(first: Mapping[str, ImageLabel], second: Mapping[str, ImageLabel]) -> tuple[Labels, Labels]:
    """Return both under the same names: as they are, or without folders where no name agrees otherwise.

    Frames of videos lie in folders named after each labeller's file: ``ada_frames/visit/frame000000.jpg`` and
    ``bob_frames/visit/frame000000.jpg`` are one image, under the first's name.
    """
    if not set(first) & set(second):
        bare = [{PurePosixPath(name).name: label for name, label in own.items()} for own in (first, second)]
        if len(bare[0]) == len(first) and len(bare[1]) == len(second) and set(bare[0]) & set(bare[1]):
            return bare[0], bare[1]
    known = _frames(name for name in first if name not in second)
    other = {name: frame for frame, name in _frames(name for name in second if name not in first).items()}
    return dict(first), {known.get(other.get(name, ""), name): label for name, label in second.items()}


def _frames(names: Iterable[str]) -> dict[str, str]:
    """Return the names of videos' frames by video and frame, as far as these tell them apart."""
    found: dict[str, list[str]] = {}
    for name in names:
        folder, _, frame = name.partition("/")
        if folder.endswith("_frames") and "/" in frame:
            found.setdefault(frame, []).append(name)
    return {frame: own[0] for frame, own in found.items() if len(own) == 1}
