"""AH-CoLT's pickles: its network's labels, its reviewer's verdicts, and the corrected labels."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from fidip.labelling.coco_export import write_atomically
from fidip.labelling.documents import SMALLEST_PX, ImageLabel, LabelledPerson
from fidip.labelling.exchange.names import some_names
from fidip.labelling.exchange.plain_pickle import plain_pickle
from fidip.labelling.exchange.records import ImportedLabels, OutgoingImage, imported_image, label_of
from syrip_gen.keypoints.ahcolt_file import ACCEPTED, AhColtFile, AhColtPerson, read_ahcolt_file
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.cleaning import MAX_COORDINATE_PX, clean_keypoints
from syrip_gen.keypoints.mapping import map_keypoints

__all__ = ["read_ah_colt", "write_ah_colt"]

DELETED, REJECTED, TO_INSERT = -1, 0, 2
DELETED_PX = -45.0
PICTURE_SUFFIXES = (".jpg", ".png", ".jpeg")
"""What the tool lists of a folder, in the order of the names."""


def read_ah_colt(path: str | Path, pictures: str | Path | None = None) -> ImportedLabels:
    """Read a ``_fRCNN``, ``_hg``, ``_flag`` or ``_gt`` pickle; nothing in it is executed.

    ``_gt`` labels come back as reviewed. In a ``_flag`` file deleted points are absent; rejected ones keep
    their place, and the image's note names them. MPII-16 labels (``_hg``) get COCO's names;
    they have no face.

    Args:
        path: The pickle.
        pictures: Folder of the pictures, for files without names (all but ``_gt``), whose frames are the
            folder's pictures in order of name; None for the folder that the pickle is named after.

    Raises:
        FileNotFoundError: If the file, or the folder that its names come from, is missing.
        ValueError: If the file is not one of AH-CoLT's, or its frames and the pictures differ in number.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a pickle of AH-CoLT")
    file = read_ahcolt_file(path)
    names = _names(file, path, None if pictures is None else Path(pictures))
    repairs: Counter[str] = Counter()
    images = tuple(
        imported_image(
            name,
            (0, 0),
            _label(people, file.kind, repairs, f"{path}: frame {frame}"),
            what=f"{path}: frame {frame}",
            source=path.name,
            repairs=repairs,
        )
        for frame, (name, people) in enumerate(zip(names, file.frames, strict=True))
    )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{path}: image {twice[0][:80]!a} occurs more than once; names must be unique")
    return ImportedLabels("ah-colt", images, tuple(f"{path.name}: {n} {k}" for k, n in repairs.items() if n))


def write_ah_colt(
    images: Sequence[OutgoingImage], folder: str | Path, name: str
) -> tuple[list[Path], list[str]]:
    """Write ``<name>_fRCNN.pkl``, ``<name>_gt.pkl`` and, if possible, ``<name>_flag.pkl``.

    Verdicts need what the network said. The tool knows one person a picture and goes by the order of the
    pictures in their folder: the largest of several people is written, pictures without one are left out.

    Args:
        images: COCO-17 labels; rejected images are left out.
        folder: Where to write; it must exist.
        name: Name of the pictures' folder, which the tool names its files after.

    Returns:
        The files, and notes on what the format cannot hold.

    Raises:
        ValueError: If no image has a person, or two pictures have the same file name.
        OSError: If a file cannot be written.
    """
    kept = [image for image in images if image.label.status != "rejected"]
    chosen = sorted((i for i in kept if i.label.people), key=lambda i: PurePosixPath(i.name).name)
    if not chosen:
        raise ValueError("none of the images has a labelled person; AH-CoLT's files hold nothing else")
    names = [PurePosixPath(image.name).name for image in chosen]
    twice = [n for n, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{twice[0]!a} occurs in more than one folder; AH-CoLT knows one folder of pictures")
    people = [_largest(image.label) for image in chosen]
    firsts = [_first_of(image, person) for image, person in zip(chosen, people, strict=True)]
    has_firsts = any(image.first is not None for image in chosen)
    content: dict[str, dict[str, Any]] = {
        "fRCNN": {
            "all_boxes": [[], [np.array([[*_corners(p), 1.0]]) for p in firsts]],
            "all_keyps": [[], [[_rows(p)[:2]] for p in firsts]],
        },
        "gt": {
            "images": names,
            "all_keyps": [[], [[_rows(p)] for p in people]],
            "all_boxes": [[_corners(p) for p in people]],
        },
    }
    if has_firsts:
        verdicts = [_flags(a, b) for a, b in zip(firsts, people, strict=True)]
        content["flag"] = {str(frame): [row] for frame, row in enumerate(verdicts)}
    files = []
    for kind, data in content.items():
        files.append(Path(folder) / f"{name}_{kind}.pkl")
        write_atomically(files[-1], plain_pickle(data))
    return files, _notes(images, kept, chosen)


def _names(file: AhColtFile, path: Path, pictures: Path | None) -> list[str]:
    if file.images:
        if len(file.images) != len(file.frames):
            raise ValueError(f"{path}: {len(file.images)} names for {len(file.frames)} frames")
        return [PurePosixPath(name.replace("\\", "/")).name for name in file.images]
    folder = pictures if pictures is not None else path.with_name(path.stem.rpartition("_")[0])
    if not folder.is_dir() or not path.stem.rpartition("_")[0]:
        raise FileNotFoundError(
            f"{path}: holds no file names, its frames are the pictures of {folder} in order; no such folder"
        )
    found = sorted(p.name for p in folder.iterdir() if p.suffix in PICTURE_SUFFIXES)
    if len(found) != len(file.frames):
        raise ValueError(
            f"{path}: {len(file.frames)} frames, but {len(found)} pictures in {folder}; expected one each"
        )
    return found


def _label(people: Sequence[AhColtPerson], kind: str, repairs: Counter[str], what: str) -> ImageLabel:
    labelled, notes = [], []
    for number, person in enumerate(people, 1):
        raw = person.keypoints.copy()
        if person.flags is not None:
            raw[person.flags == DELETED, 2] = 0
            names = np.array(person.schema.keypoints)
            for flag, word in ((REJECTED, "rejected"), (TO_INSERT, "to be inserted")):
                if (person.flags == flag).any():
                    notes.append(f"{word}: {', '.join(names[person.flags == flag])}")
        points = clean_keypoints(raw, is_score=False, repairs=repairs)
        if person.schema.keypoints != COCO17.keypoints:
            points = map_keypoints(points, person.schema, COCO17)
            points[points[:, 2] <= 0] = 0
        labelled.append(
            LabelledPerson(
                id=number,
                keypoints=tuple((float(x), float(y), int(v)) for x, y, v in points),
                bbox=_usable_box(person.box, repairs),
            )
        )
    note = f"AH-CoLT's reviewer: {'; '.join(notes)}" if notes else ""
    status = "reviewed" if kind == "gt" else "unreviewed"
    return label_of(what, people=tuple(labelled), status=status, note=note)


def _usable_box(box: tuple[float, ...] | None, repairs: Counter[str]) -> Any:
    if box is None:
        return None
    if not np.isfinite(box).all() or min(box[2:]) < SMALLEST_PX or max(map(abs, box)) > MAX_COORDINATE_PX:
        repairs["boxes without extent left out"] += 1
        return None
    return box


def _largest(label: ImageLabel) -> LabelledPerson:
    """Return the person with the largest box."""

    def area(person: LabelledPerson) -> float:
        left, top, right, bottom = _corners(person)
        return (right - left) * (bottom - top)

    return max(label.people, key=area)


def _first_of(image: OutgoingImage, person: LabelledPerson) -> LabelledPerson:
    """Return what the network said of this person; the person as it is where the network said nothing."""
    people = image.first.people if image.first is not None else ()
    return next((p for p in people if p.id == person.id), person)


def _rows(person: LabelledPerson) -> np.ndarray:
    """Return (3, 17): a row of x, of y and of v; deleted points lie at (-45, -45)."""
    points = np.array(person.keypoints, dtype=np.float64)
    points[points[:, 2] == 0] = DELETED_PX, DELETED_PX, 0
    return np.ascontiguousarray(points.T)


def _corners(person: LabelledPerson) -> list[float]:
    """Return left, top, right and bottom of the box, or of the labelled points."""
    if person.bbox is not None:
        left, top, width, height = person.bbox
        return [left, top, left + width, top + height]
    points = [(x, y) for x, y, v in person.keypoints if v]
    if not points:
        return [0.0, 0.0, 0.0, 0.0]
    xs, ys = zip(*points, strict=True)
    return [min(xs), min(ys), max(xs), max(ys)]


def _flags(first: LabelledPerson, now: LabelledPerson) -> list[int]:
    """Return the verdicts that lead from the network's points to the person's.

    The tool's reviser alone can say that a point is occluded, so that such points count as rejected.
    """
    flags = []
    for before, after in zip(first.keypoints, now.keypoints, strict=True):
        if after[2] == 0:
            flags.append(DELETED)
        elif before[2] == 0:
            flags.append(TO_INSERT)
        else:
            flags.append(ACCEPTED if before[:2] == after[:2] and after[2] == 2 else REJECTED)
    return flags


def _notes(
    images: Sequence[OutgoingImage], kept: Sequence[OutgoingImage], chosen: Sequence[OutgoingImage]
) -> list[str]:
    notes = []
    without = [image.name for image in kept if not image.label.people]
    if without:
        notes.append(
            f"left out, as nobody is on them: {some_names(without)}. Take them out of the folder: "
            "AH-CoLT goes by the order of the pictures in it"
        )
    rejected = [image.name for image in images if image.label.status == "rejected"]
    if rejected:
        notes.append(
            f"left out, as they were rejected: {some_names(rejected)}. Take them out of the folder too"
        )
    several = [image.name for image in chosen if len(image.label.people) > 1]
    if several:
        notes.append(f"AH-CoLT knows one person a picture; the largest was written of {some_names(several)}")
    odd = [image.name for image in chosen if PurePosixPath(image.name).suffix not in PICTURE_SUFFIXES]
    if odd:
        notes.append(f"AH-CoLT opens {', '.join(PICTURE_SUFFIXES)} only and will not see {some_names(odd)}")
    if any(person.posture for image in chosen for person in image.label.people):
        notes.append("postures are left out: AH-CoLT's files have no place for them")
    return notes
