"""``syrip export --webdataset``: tar shards of pictures and their records, the same bytes every time."""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fidip.exporting.source import ExportPicture, ExportSource, read_source
from fidip.exporting.split import hold_out
from fidip.exporting.whole_folder import check_is_free, whole_folder

__all__ = ["ShardExport", "export_shards", "shard_pattern"]

MAX_NAMED = 10
USUAL_NAME = "{split}-%06d.tar"
INDEX_FILE = "dataset.json"
"""What the shards have in common, and the shards with their SHA-256."""

Entry = tuple[ExportPicture, bytes]


@dataclass(frozen=True, slots=True)
class ShardExport:
    """What was written."""

    path: Path
    """Folder of the shards."""
    shards: tuple[str, ...]
    num_train: int
    num_val: int
    num_people: int
    notes: tuple[str, ...]
    failures: tuple[str, ...]

    def figures(self) -> dict[str, Any]:
        """Return the figures of :meth:`summary`, flat."""
        return {
            "webdataset": str(self.path),
            "num_shards": len(self.shards),
            "num_train": self.num_train,
            "num_val": self.num_val,
            "num_people": self.num_people,
            "num_failures": len(self.failures),
        }

    def summary(self) -> str:
        """Return what the command says at the end."""
        lines = [
            f"{self.path}: {self.num_train} pictures to train on, {self.num_val} to validate, "
            f"{self.num_people} people, in {len(self.shards)} shards"
        ]
        lines += [f"  Note: {note}" for note in self.notes]
        if self.failures:
            lines.append(f"{len(self.failures)} pictures could not be written:")
            lines += [f"  {text}" for text in self.failures[:MAX_NAMED]]
        return "\n".join(lines)


def export_shards(
    source: str | Path,
    target: str,
    *,
    images: str | Path | None = None,
    val_share: float = 0.1,
    shard_size: int = 1000,
) -> ShardExport:
    """Write shards of ``KEY.jpg`` (or png ...; the file as it is) and ``KEY.json``, and ``dataset.json``.

    ``KEY.json`` has ``image`` and ``annotations``, the COCO records unchanged.

    Args:
        source: Dataset folder of syrip, or a COCO keypoint file.
        target: Folder to write, which must not exist or be empty; or such a folder and the shards' names, as
            in ``out/infants-{split}-%04d.tar``. Names without ``{split}`` hold no pictures out.
        images: Folder of the pictures; None = their usual place.
        val_share: Part of the pictures in the shards of ``val``; no pose, clip or film is on both sides.
        shard_size: Pictures in a shard.

    Raises:
        FileNotFoundError: If the source or the folder of its pictures is missing.
        ValueError: If it cannot be read, nothing in it can be exported, it cannot be split, the names are no
            pattern, or the folder is not empty.
    """
    folder, name = shard_pattern(target)
    folder = check_is_free(folder)
    found = read_source(source, images)
    entries, failures = _entries(found)
    has_split = "{split}" in name
    is_val = hold_out([picture.sources for picture, _ in entries], val_share if has_split else 0)
    shards: list[dict[str, Any]] = []
    with whole_folder(folder) as part:
        for split, wanted in (("train", False), ("val", True)):
            chosen = [entry for entry, held in zip(entries, is_val, strict=True) if held == wanted]
            for number, start in enumerate(range(0, len(chosen), shard_size)):
                file = name.replace("{split}", split) % number
                batch = chosen[start : start + shard_size]
                digest = _write_shard(part / file, batch)
                shards.append({"file": file, "split": split, "num_pictures": len(batch), "sha256": digest})
        text = json.dumps({**found.header, "shards": shards}, indent=1)
        (part / INDEX_FILE).write_text(text + "\n", encoding="ascii")
    return ShardExport(
        path=folder,
        shards=tuple(shard["file"] for shard in shards),
        num_train=len(entries) - sum(is_val),
        num_val=sum(is_val),
        num_people=sum(len(picture.annotations) for picture, _ in entries),
        notes=found.notes,
        failures=tuple(failures),
    )


def shard_pattern(target: str) -> tuple[Path, str]:
    """Return the folder and the shards' names, with ``%06d`` or so, and perhaps ``{split}``, in them.

    Raises:
        ValueError: If it ends in ``.tar`` but has no number, or more than one, or splits by folders.
    """
    path = Path(target)
    if path.suffix != ".tar":
        return path, USUAL_NAME
    numbers = re.findall(r"%0?\d?d", path.name)
    if len(numbers) != 1 or path.name.count("%") != 1 or "{split}" in str(path.parent):
        raise ValueError(
            f"--webdataset {target}: expected a folder, or names in one folder with a number, such as "
            f"{USUAL_NAME}"
        )
    return path.parent, path.name


def _entries(found: ExportSource) -> tuple[list[Entry], list[str]]:
    """Return the pictures with the bytes of their records, and failures."""
    entries, failures = [], list(found.failures)
    for picture in found.pictures:
        record = {"image": picture.image, "annotations": list(picture.annotations)}
        try:
            text = json.dumps(record, separators=(",", ":"), allow_nan=False)
        except ValueError:
            failures.append(f"image {picture.image['id']}: its records hold numbers that are not finite")
        else:
            entries.append((picture, text.encode("ascii")))
    if not entries:
        raise ValueError(f"{found.path}: nothing to export: {failures[0]}")
    return entries, failures


def _write_shard(path: Path, entries: Sequence[Entry]) -> str:
    """Write one tar file; return its SHA-256."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in _members(entries):
            header = tarfile.TarInfo(
                name
            )  # time 0, user and group 0, mode 644: the bytes depend on nothing else
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _members(entries: Sequence[Entry]) -> Iterator[tuple[str, bytes]]:
    for picture, record in entries:
        yield f"{picture.key}.{picture.file.suffix}", picture.file.path.read_bytes()
        yield f"{picture.key}.json", record
