"""``syrip export --yolo``: a dataset in the layout that YOLO's pose training reads."""

import csv
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fidip.exporting.source import ExportPicture, ExportSource, read_source
from fidip.exporting.split import hold_out
from fidip.exporting.whole_folder import check_is_free, whole_folder
from fidip.exporting.yolo_labels import LeftOut, label_rows

__all__ = ["YoloExport", "export_yolo"]

MAX_NAMED = 10
LIST_FILE = "pictures.csv"
"""Which picture each file was, and what its people come from."""
NOT_REVIEWED = "pictures with labels that nobody reviewed are among them"

Labelled = tuple[ExportPicture, list[str]]


@dataclass(frozen=True, slots=True)
class YoloExport:
    """What was written."""

    path: Path
    num_train: int
    num_val: int
    num_people: int
    num_background: int
    """Pictures with nobody in them."""
    notes: tuple[str, ...]
    failures: tuple[str, ...]

    def figures(self) -> dict[str, Any]:
        """Return the figures of :meth:`summary`, flat."""
        return {
            "yolo": str(self.path),
            "num_train": self.num_train,
            "num_val": self.num_val,
            "num_people": self.num_people,
            "num_background": self.num_background,
            "num_failures": len(self.failures),
        }

    def summary(self) -> str:
        """Return what the command says at the end."""
        lines = [
            f"{self.path}: {self.num_train} pictures to train on, {self.num_val} to validate, "
            f"{self.num_people} people"
        ]
        if self.num_background:
            lines.append(f"  {self.num_background} pictures without anybody, as background")
        lines += [f"  Note: {note}" for note in self.notes]
        if self.failures:
            lines.append(f"{len(self.failures)} pictures could not be written:")
            lines += [f"  {text}" for text in self.failures[:MAX_NAMED]]
        return "\n".join(lines)


def export_yolo(
    source: str | Path,
    output: str | Path,
    *,
    images: str | Path | None = None,
    val_share: float = 0.1,
    link: bool = False,
) -> YoloExport:
    """Write ``images/{train,val}``, ``labels/{train,val}``, ``data.yaml`` and ``pictures.csv``.

    Args:
        source: Dataset folder of syrip, or a COCO keypoint file.
        output: Folder to write; it must not exist or be empty.
        images: Folder of the pictures; None = their usual place.
        val_share: Part of the pictures to validate on, 0 to less than 1. No pose, clip or film is on both
            sides.
        link: Make symbolic links to the pictures instead of copies.

    Raises:
        FileNotFoundError: If the source or the folder of its pictures is missing.
        ValueError: If it cannot be read, nothing in it can be exported, it cannot be split, or the output is
            not empty.
    """
    output = check_is_free(output)
    found = read_source(source, images)
    labelled, counts, failures = _label(found)
    is_val = hold_out([picture.sources for picture, _ in labelled], val_share)
    notes = [*found.notes, *(f"{n} {what}" for what, n in counts.items() if n)]
    if not any(is_val):
        notes.append("no pictures held out: data.yaml names the training pictures for val, too")
    with whole_folder(output) as part:
        _write_pictures(part, labelled, is_val, link=link)
        text = yaml.safe_dump(_description(found, any(is_val)), sort_keys=False, default_flow_style=None)
        (part / "data.yaml").write_text(text, encoding="utf-8")
        _write_list(part / LIST_FILE, labelled, is_val)
    return YoloExport(
        path=output,
        num_train=len(labelled) - sum(is_val),
        num_val=sum(is_val),
        num_people=sum(len(rows) for _, rows in labelled),
        num_background=sum(not rows for _, rows in labelled),
        notes=tuple(notes),
        failures=tuple(failures),
    )


def _label(found: ExportSource) -> tuple[list[Labelled], Counter[str], list[str]]:
    """Return the pictures that can be written with their rows, counts of what was mended, and failures."""
    labelled, counts, failures = [], Counter(), list(found.failures)
    for picture in found.pictures:
        own: Counter[str] = Counter()
        try:
            rows = label_rows(picture, len(found.schema), own)
        except LeftOut as reason:
            counts[str(reason)] += 1
        except ValueError as error:
            failures.append(f"image {picture.image['id']}: {error}")
        else:
            labelled.append((picture, rows))
            counts.update(own)
            counts[NOT_REVIEWED] += picture.image.get("status") == "unreviewed"
    if not any(rows for _, rows in labelled):
        reasons = [*failures, *(f"{n} {what}" for what, n in counts.items() if n), "it has no annotations"]
        raise ValueError(f"{found.path}: nobody to export: {reasons[0]}")
    return labelled, counts, failures


def _write_pictures(root: Path, labelled: list[Labelled], is_val: list[bool], *, link: bool) -> None:
    for split in ("train", "val") if any(is_val) else ("train",):
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True)
    for (picture, rows), held_out in zip(labelled, is_val, strict=True):
        split = "val" if held_out else "train"
        place = root / "images" / split / f"{picture.key}.{picture.file.suffix}"
        if link:
            place.symlink_to(picture.file.path.resolve())
        else:
            shutil.copyfile(picture.file.path, place)
        label = root / "labels" / split / f"{picture.key}.txt"
        label.write_text("".join(f"{row}\n" for row in rows), encoding="ascii")


def _description(found: ExportSource, has_val: bool) -> dict[str, Any]:
    """Return the content of data.yaml. Without ``path`` places are relative to the file itself."""
    schema = found.schema
    return {
        "train": "images/train",
        "val": "images/val" if has_val else "images/train",
        "names": {0: found.category},
        "kpt_shape": [len(schema), 3],
        "flip_idx": schema.flip_index.tolist(),
        "kpt_names": {0: list(schema.keypoints)},
        "skeleton": [list(edge) for edge in schema.skeleton],
    }


def _write_list(path: Path, labelled: list[Labelled], is_val: list[bool]) -> None:
    with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["split", "name", "image_id", "file_name", "sources"])
        for (picture, _), held_out in zip(labelled, is_val, strict=True):
            name = f"{picture.key}.{picture.file.suffix}"
            image = picture.image
            sources = "; ".join(sorted(picture.sources))
            split = "val" if held_out else "train"
            writer.writerow([split, name, image["id"], image["file_name"], sources])
