"""Committed shards → the dataset's files. Streams: memory does not grow with the number of images."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from syrip_gen.annotation.coco import ANNOTATION_FILE, IMAGE_FOLDER, LICENSE_ID, dataset_info, write_coco
from syrip_gen.dataset_files import OutputFolder
from syrip_gen.keypoints.poses import PoseSet
from syrip_gen.quality.report import build_report
from syrip_gen.stages.run_state import FINISHED_FILE, shard_file

__all__ = ["Tally", "merge", "read_records", "tally_records"]

MAX_LISTED_FAILURES = 1000
MANIFEST_FILE = "manifest.jsonl"


@dataclass(frozen=True, slots=True)
class Tally:
    """What the records of a run add up to."""

    num_images: int
    num_failures: int
    num_crashes: int
    failures: dict[int, str]
    """Reason by item index, the first 1000."""
    rejections: dict[str, int]
    """Scenes thrown away and drawn again, by reason, most frequent first."""
    notes: dict[str, int]


def read_records(folder: OutputFolder, num_shards: int) -> Callable[[], Iterator[dict[str, Any]]]:
    """Return a function that streams all committed records in the order of their index."""

    def records() -> Iterator[dict[str, Any]]:
        for shard_id in range(num_shards):
            for line in folder.read_lines(shard_file(shard_id)):
                yield json.loads(line)

    return records


def tally_records(records: Iterable[dict[str, Any]]) -> Tally:
    """Count images, failures, rejections and notes."""
    num_images = num_failures = num_crashes = 0
    failures: dict[int, str] = {}
    rejections: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    for record in records:
        rejections.update(record.get("rejected", {}))
        notes.update(record.get("notes", []))
        if "annotation" in record:
            num_images += 1
            continue
        num_failures += 1
        num_crashes += record["kind"] == "crash"
        if len(failures) < MAX_LISTED_FAILURES:
            failures[record["index"]] = record["reason"]
    return Tally(
        num_images=num_images,
        num_failures=num_failures,
        num_crashes=num_crashes,
        failures=failures,
        rejections=_sorted(rejections),
        notes=_sorted(notes),
    )


def merge(
    folder: OutputFolder,
    records: Callable[[], Iterator[dict[str, Any]]],
    run: dict[str, Any],
    input_poses: PoseSet | None,
) -> None:
    """Write annotations, manifest, report, contact sheet, card and, last of all, ``run.json``."""
    with folder.open_write(ANNOTATION_FILE) as file:
        write_coco(file, records, info=_info(run), licenses=_coco_licences(run["licences"]))
    with folder.open_write(MANIFEST_FILE) as file:
        for record in records():
            file.write(json.dumps(_manifest_line(record), separators=(",", ":")).encode() + b"\n")
    for name, data in build_report(folder, records, run=run, input_poses=input_poses).items():
        folder.write_bytes(name, data)
    folder.write_text(FINISHED_FILE, json.dumps(run, indent=1, sort_keys=True) + "\n")


def _info(run: dict[str, Any]) -> dict[str, Any]:
    return dataset_info("Synthetic infants made by syrip", run["versions"]["syrip"], command=run["command"])


def _coco_licences(licences: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return COCO's ``licenses``: the dataset's own, which every image refers to, then what went in."""
    own = {"id": LICENSE_ID, "name": "see README.md of this dataset", "url": ""}
    parts = [f"{entry['what']} {entry['name']}: {entry['licence']}" for entry in licences]
    return [
        own,
        *({"id": number, "name": name, "url": ""} for number, name in enumerate(parts, LICENSE_ID + 1)),
    ]


def _manifest_line(record: dict[str, Any]) -> dict[str, Any]:
    """Return what the manifest says about one item: its file and the scene, or why there is none."""
    if "annotation" not in record:
        return record
    return {
        "index": record["index"],
        "file_name": f"{IMAGE_FOLDER}/{record['image']['file_name']}",
        "image_id": record["image"]["id"],
        "sha256": record["sha256"],
        "rejected": record["rejected"],
        "notes": record["notes"],
        "scene": record["spec"],
    }


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))
