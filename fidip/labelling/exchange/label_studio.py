"""Read Label Studio's JSON export: keypoints and boxes in percent, visibility and posture by region."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from fidip.labelling.documents import MAX_REASONS
from fidip.labelling.exchange.label_studio_config import NOTE, REASONS
from fidip.labelling.exchange.label_studio_people import people_of
from fidip.labelling.exchange.records import ImportedLabels, imported_image, label_of
from fidip.labelling.records import NewImage
from syrip_gen.keypoints.json_input import load_json

__all__ = ["is_label_studio", "is_label_studio_min", "labels_of_tasks", "read_label_studio"]

UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the name of an uploaded file."""
Record = Mapping[str, Any]


def is_label_studio(data: Any) -> bool:
    """Return whether JSON is a list of Label Studio's tasks."""
    return isinstance(data, list) and bool(data) and all(isinstance(t, dict) and "data" in t for t in data)


def is_label_studio_min(data: Any) -> bool:
    """Return whether JSON is Label Studio's JSON-MIN."""
    return (
        isinstance(data, list)
        and bool(data)
        and isinstance(data[0], dict)
        and {"annotator", "annotation_id", "lead_time"} & set(data[0]) != set()
        and "data" not in data[0]
    )


def read_label_studio(path: str | Path) -> ImportedLabels:
    """Read Label Studio's JSON export, or tasks that are still to be imported there.

    Of several annotations the newest counts that was not cancelled; they come back as reviewed, cancelled
    ones as rejected, predictions as unreviewed. Points belong to the box that is their parent, else to the
    only person, else to the only box that they lie in. Visibility is the region's choice ``occluded``, else
    visible; points that are not there are absent.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: One line: what of which task cannot be used.
    """
    path = Path(path)
    return labels_of_tasks(load_json(path), path)


def labels_of_tasks(data: Any, path: Path) -> ImportedLabels:
    """Return the labels in the content of a file; see :func:`read_label_studio`."""
    if is_label_studio_min(data):
        raise ValueError(
            f"{path}: Label Studio's JSON-MIN, which does not say whose the points are nor which are hidden; "
            "export as JSON"
        )
    if not is_label_studio(data):
        raise ValueError(f"{path}: not Label Studio's JSON: expected a list of tasks with 'data'")
    repairs: Counter[str] = Counter()
    images = [_image(task, number, path, repairs) for number, task in enumerate(data)]
    name, times = Counter(image.name for image in images).most_common(1)[0]
    if times > 1:
        raise ValueError(f"{path}: image {name[:80]!a} occurs {times} times; names must be unique")
    notes = tuple(f"{path.name}: {n} {what}" for what, n in repairs.items() if n)
    return ImportedLabels("label-studio", tuple(images), notes)


def _image(task: Record, number: int, path: Path, repairs: Counter[str]) -> NewImage:
    what = f"{path}: task {task.get('id', number)}"
    name = _name(task, what)
    results, status = _chosen(task, what, repairs)
    sizes = {(r["original_width"], r["original_height"]) for r in results if "original_width" in r}
    if len(sizes) > 1:
        raise ValueError(f"{what}: results for pictures of several sizes: {sorted(sizes)[:3]}; expected one")
    size = next(iter(sizes), (0, 0))
    people = people_of(results, size, what, repairs)
    label = label_of(what, people=people, status=status, **_texts(results))
    return imported_image(name, size, label, what=what, source=path.name, repairs=repairs)


def _name(task: Record, what: str) -> str:
    """Return the picture's name: our own ``file_name``, else from its address."""
    data = task["data"]
    if not isinstance(data, Mapping):
        raise ValueError(f"{what}: expected 'data' to be an object")
    if isinstance(data.get("file_name"), str):
        return data["file_name"]
    addresses = [data["image"]] if "image" in data else list(data.values())
    address = next((a for a in addresses if isinstance(a, str) and a), None)
    if address is None:
        raise ValueError(f"{what}: expected the picture's address in data.image")
    try:
        parts = urlsplit(address)
    except ValueError:
        raise ValueError(f"{what}: {address[:80]!a} is no address of a picture") from None
    local = parse_qs(parts.query).get("d")
    if local:
        return local[0].lstrip("/")
    name = unquote(parts.path).rpartition("/")[2]
    return UPLOADED.sub("", name) if "/upload/" in parts.path else name


def _chosen(task: Record, what: str, repairs: Counter[str]) -> tuple[list[Record], str]:
    """Return the results to read and what they say of the image's status."""
    annotations = _objects(task.get("annotations") or [], f"{what}, annotations")
    predictions = _objects(task.get("predictions") or [], f"{what}, predictions")
    kept = [a for a in annotations if not a.get("was_cancelled")]
    repairs["tasks with several annotations, of which the newest was read"] += len(kept) > 1
    if kept or annotations:
        source, status = (kept, "reviewed") if kept else (annotations, "rejected")
    elif predictions:
        source, status = predictions, "unreviewed"
    else:
        return [], "unreviewed"
    times = [str(a.get("updated_at") or a.get("created_at") or "") for a in source]
    newest = source[max(range(len(source)), key=lambda i: (times[i], i))]  # later ones come later in the file
    results = _objects(newest.get("result") or [], f"{what}, result")
    return [_checked(r, f"{what}, result {r.get('id', i)}") for i, r in enumerate(results)], status


def _objects(value: Any, what: str) -> list[Record]:
    if not isinstance(value, list) or not all(isinstance(v, Mapping) for v in value):
        raise ValueError(f"{what}: expected a list of objects")
    return value


def _checked(result: Record, what: str) -> Record:
    """Return a result whose size and value are of the right kinds."""
    if not isinstance(result.get("value", {}), Mapping):
        raise ValueError(f"{what}: expected 'value' to be an object")
    if result.get("image_rotation"):
        angle = str(result["image_rotation"])[:10]
        raise ValueError(f"{what}: the picture was turned by {angle}° in Label Studio; turn it back there")
    if "original_width" in result or "original_height" in result:
        sides = result.get("original_width"), result.get("original_height")
        if not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in sides):
            raise ValueError(f"{what}: expected original_width and original_height in px, got {sides}")
    return result


def _texts(results: Sequence[Record]) -> dict[str, Any]:
    """Return the reasons and the note of an image."""
    found: dict[str, Any] = {}
    for result in results:
        value = result.get("value", {})
        if result.get("from_name") == REASONS and isinstance(value.get("choices"), list):
            found["reasons"] = list(dict.fromkeys(map(str, value["choices"])))[:MAX_REASONS]
        if result.get("from_name") == NOTE and value.get("text"):
            text = value["text"]
            found["note"] = "\n".join(map(str, text)) if isinstance(text, list) else str(text)
    return found
