"""Where two labellers' labels come from: two files of any tool, or two people of one project."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fidip.labelling.documents import ImageLabel
from fidip.labelling.exchange.project_input import is_project, open_project
from fidip.labelling.exchange.readers import read_labels
from fidip.labelling.project_file import project_path

__all__ = [
    "LabelSource",
    "Pairing",
    "labels_by",
    "labels_of_file",
    "pair_names",
    "same_names",
    "source_of_file",
]

Labels = dict[str, ImageLabel]


@dataclass(frozen=True, slots=True)
class LabelSource:
    """One labeller's labels, and what is known of the pictures."""

    labels: Labels
    sizes: dict[str, tuple[int, int]]
    """(width, height) px by image name; (0, 0) where it is unknown."""
    root: Path | None = None
    """Folder of the pictures; None where it is unknown."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """Which image of one labeller is which of the other's: their own names by a shared one."""

    first: dict[str, str]
    second: dict[str, str]
    is_by_file_name: bool = False
    """The folders do not agree, only the names of the files."""

    def renamed(self, labels: Mapping[str, ImageLabel], which: int) -> Labels:
        """Return the labels of the first (0) or second (1) by the shared names."""
        return {shown: labels[own] for shown, own in (self.first, self.second)[which].items()}

    def pairs(self) -> list[tuple[str, str]]:
        """Return the own names of the images that both have."""
        return [(own, self.second[shown]) for shown, own in self.first.items() if shown in self.second]


def labels_of_file(path: str | Path) -> Labels:
    """Return the labels of a project or of any file that ``read_labels`` understands, by image name.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not understood or not of COCO-17 keypoints.
    """
    return source_of_file(path).labels


def source_of_file(path: str | Path) -> LabelSource:
    """Return the labels of a file and what it says of the pictures; raises as :func:`labels_of_file`.

    A COCO file that ``syrip label`` wrote has its project beside it, which knows where the pictures are.
    """
    if is_project(path):
        with open_project(path) as store:
            labels = {row.name: revision.label for row, revision in store.labels()}
            sizes = {row.name: (row.width, row.height) for row in store.images()}
            return LabelSource(labels, sizes, store.root)
    images = read_labels(path).images
    labels = {image.name: image.label for image in images}
    sizes = {image.name: (image.width, image.height) for image in images}
    return LabelSource(labels, sizes, _root_beside(path))


def _root_beside(path: str | Path) -> Path | None:
    """Return the folder of the pictures from the project that belongs to a COCO file, if it can be read."""
    beside = project_path(path)
    if not beside.is_file():
        return None
    with suppress(OSError, ValueError), open_project(beside) as store:
        return store.root
    return None


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
                found[row.name] = store.revision(row.id, own[-1]).label
    if not found:
        known = ", ".join(sorted(others)) or "nobody"
        raise ValueError(f"{path}: {who!a} saved nothing in it; labelled by {known}")
    return found


def same_names(first: Mapping[str, ImageLabel], second: Mapping[str, ImageLabel]) -> tuple[Labels, Labels]:
    """Return both under the same names; see :func:`pair_names`."""
    pairing = pair_names(first, second)
    return pairing.renamed(first, 0), pairing.renamed(second, 1)


def pair_names(first: Iterable[str], second: Iterable[str]) -> Pairing:
    """Find images by name: as they are, or without folders where no name agrees otherwise.

    Frames of videos lie in folders named after each labeller's file: ``ada_frames/visit/frame000000.jpg`` and
    ``bob_frames/visit/frame000000.jpg`` are one image, under the first's name.
    """
    own = list(first), list(second)
    if not set(own[0]) & set(own[1]):
        bare = [{PurePosixPath(name).name: name for name in names} for names in own]
        if len(bare[0]) == len(own[0]) and len(bare[1]) == len(own[1]) and set(bare[0]) & set(bare[1]):
            return Pairing(bare[0], bare[1], is_by_file_name=True)
    known = _frames(name for name in own[0] if name not in set(own[1]))
    other = {
        name: frame for frame, name in _frames(name for name in own[1] if name not in set(own[0])).items()
    }
    shown = {known.get(other.get(name, ""), name): name for name in own[1]}
    return Pairing({name: name for name in own[0]}, shown)


def _frames(names: Iterable[str]) -> dict[str, str]:
    """Return the names of videos' frames by video and frame, as far as these tell them apart."""
    found: dict[str, list[str]] = {}
    for name in names:
        folder, _, frame = name.partition("/")
        if folder.endswith("_frames") and "/" in frame:
            found.setdefault(frame, []).append(name)
    return {frame: own[0] for frame, own in found.items() if len(own) == 1}
