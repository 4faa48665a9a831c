"""``syrip export --cvat | --label-studio | --ah-colt``: labels of a project or file for another tool."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fidip.labelling.exchange.ah_colt import write_ah_colt
from fidip.labelling.exchange.cvat_writer import labels_path, write_cvat
from fidip.labelling.exchange.label_studio_config import LOCAL_FILES
from fidip.labelling.exchange.label_studio_writer import config_path, write_label_studio
from fidip.labelling.exchange.project_input import check_no_labels_lost, is_project, open_project
from fidip.labelling.exchange.readers import read_labels
from fidip.labelling.exchange.records import OutgoingImage
from fidip.labelling.store import LabelStore
from fidip.output_check import check_output_file, check_output_folder

__all__ = ["LabelExport", "export_labels", "outgoing_images"]


@dataclass(frozen=True, slots=True)
class LabelExport:
    """What was written for another tool."""

    files: tuple[Path, ...]
    num_images: int
    num_people: int
    notes: tuple[str, ...]
    """What was left out, and what the source had to say, a sentence each."""

    def figures(self) -> dict[str, Any]:
        """Return the figures of :meth:`summary`, flat."""
        return {
            "files": [str(file) for file in self.files],
            "num_images": self.num_images,
            "num_people": self.num_people,
            "num_notes": len(self.notes),
        }

    def summary(self) -> str:
        """Return what the command says at the end."""
        lines = [f"{self.num_people} people on {self.num_images} images"]
        lines += [f"  {file}" for file in self.files]
        return "\n".join([*lines, *(f"  Note: {note}" for note in self.notes)])


def export_labels(
    source: str | Path, tool: str, target: str | Path, *, image_url: str = LOCAL_FILES
) -> LabelExport:
    """Write labels for another tool.

    Args:
        source: A labelling project, or a file that ``read_labels`` understands.
        tool: ``cvat``, ``label_studio`` or ``ah_colt``.
        target: File to write; for AH-CoLT the folder.
        image_url: For Label Studio: what comes before the pictures' names in their addresses.

    Raises:
        FileNotFoundError: If the source is missing.
        ValueError: If the source is not understood or the tool's format cannot hold its labels.
        OSError: If a file cannot be written.
    """
    target = Path(target)
    option = f"--{tool.replace('_', '-')}"
    if tool == "ah_colt":
        check_output_folder(target, option)
    else:
        check_output_file(target, option)
    for file in _files_of(tool, target):
        check_no_labels_lost(file, option, source)
    images, name, notes = outgoing_images(source)
    (target if tool == "ah_colt" else target.absolute().parent).mkdir(parents=True, exist_ok=True)
    if tool == "ah_colt":
        files, more = write_ah_colt(images, target, name)
    elif tool == "cvat":
        files, more = write_cvat(images, target)
    elif tool == "label_studio":
        files, more = write_label_studio(images, target, image_url)
    else:
        raise ValueError(f"unknown tool {tool!r}; expected cvat, label_studio or ah_colt")
    people = sum(len(image.label.people) for image in images)
    return LabelExport(tuple(files), len(images), people, (*notes, *more))


def _files_of(tool: str, target: Path) -> tuple[Path, ...]:
    """Return the files beside each other that a tool takes; AH-CoLT's lie in a folder of their own."""
    if tool == "ah_colt":
        return ()
    return target, labels_path(target) if tool == "cvat" else config_path(target)


def outgoing_images(source: str | Path) -> tuple[Sequence[OutgoingImage], str, list[str]]:
    """Return the images of a project or file, the name of their folder as far as known, and notes.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not understood or not of COCO-17 keypoints.
    """
    source = Path(source)
    if is_project(source):
        with open_project(source) as store:
            images, unreadable = _of_project(store)
            name = store.root.name
        notes = [f"{unreadable} images without a readable picture are left out"] if unreadable else []
        return images, name, notes
    found = read_labels(source)
    images = [OutgoingImage(i.name, i.width, i.height, i.label) for i in found.images if i.state == "ok"]
    return images, source.name.partition(".")[0], list(found.notes)


def _of_project(store: LabelStore) -> tuple[list[OutgoingImage], int]:
    """Return a project's images with what the network said first, and the number left out."""
    images, left_out = [], 0
    for row, newest in store.labels():
        label = newest.label
        if row.state != "ok" and not label.people:
            left_out += 1
            continue
        state = store.image(row.id)
        first = state.first if state.first_who.startswith("ai:") else None
        images.append(OutgoingImage(row.name, row.width, row.height, label, first))
    return images, left_out
