"""What readers of other tools' files hand out and writers take in."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from fidip.labelling.documents import ImageLabel, parse_label, put_into_picture
from fidip.labelling.records import MAX_SIDE_PX, NewImage, check_image_name
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["ImportedLabels", "OutgoingImage", "imported_image", "label_of"]

MAX_WHO = 200


@dataclass(frozen=True, slots=True)
class ImportedLabels:
    """What a file of another tool says."""

    format: str
    """``coco``, ``cvat``, ``label-studio`` or ``ah-colt``."""
    images: tuple[NewImage, ...]
    """In the order of the file; sizes are 0 where the file does not say them."""
    notes: tuple[str, ...] = ()
    """What was mended or left out, with counts, a sentence each."""


@dataclass(frozen=True, slots=True)
class OutgoingImage:
    """One image for another tool."""

    name: str
    """Path relative to the pictures' folder, with forward slashes."""
    width: int
    """px."""
    height: int
    """px."""
    label: ImageLabel
    """The newest label."""
    first: ImageLabel | None = None
    """What the network said, where that is known."""


def imported_image(
    name: str,
    size: tuple[int, int],
    label: ImageLabel,
    *,
    what: str,
    source: str,
    repairs: Counter[str],
) -> NewImage:
    """Return one image of a file after the checks that all formats share.

    Args:
        name: Path of the picture, untrusted.
        size: (width, height) in px, (0, 0) where the file does not say it.
        label: Its label; points outside the picture are moved to its border.
        what: File and place, for errors.
        source: Name of the file, kept as ``import:<name>``.
        repairs: Counts of what was mended, added to in place.

    Raises:
        ValueError: If the name leaves the folder or the size is no picture's.
    """
    try:
        check_image_name(name)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
    if size != (0, 0):
        if not all(1 <= side <= MAX_SIDE_PX for side in size):
            raise ValueError(f"{what}: expected a size of 1 to {MAX_SIDE_PX} px, got {size[0]} x {size[1]}")
        label, moved = put_into_picture(label, size)
        repairs["keypoints outside their picture moved to its border"] += moved
    who = f"import:{source}"[:MAX_WHO]
    return NewImage(
        name=name, width=size[0], height=size[1], label=label, who=who, action=f"import {source}"[:60]
    )


def label_of(what: str, **fields: Any) -> ImageLabel:
    """Return a label of COCO-17 keypoints from its fields.

    Raises:
        ValueError: One line that begins with ``what``.
    """
    try:
        return parse_label(fields, COCO17)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
