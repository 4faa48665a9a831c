"""Review of fits: which of the bodies that ``syrip fit`` fitted may go into images."""

import hashlib
import io
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from fidip.data.npz_files import load_arrays
from fidip.labelling.coco_export import Exported, write_atomically
from fidip.labelling.documents import MAX_REASON_LENGTH, Doubt, ImageLabel, LabelledPerson
from fidip.labelling.pictures import inside
from fidip.labelling.records import MAX_SIDE_PX, ImageRow, NewImage
from fidip.labelling.store import LabelStore
from syrip_gen.geometry.camera import project
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["OVERLAY", "FitPictures", "open_fits_review", "write_fits"]

OVERLAY = "mesh"
"""Name of the overlays that ``syrip fit --overlays`` draws."""
ARRAYS = ("keypoints_3d_m", "focal_px", "image_size", "accepted", "reason", "file_name", "annotation_id")
FINITE = ("betas", "global_orient", "body_pose", "transl", "focal_px", "keypoints_3d_m")
"""What must be finite in an accepted fit."""


def open_fits_review(path: Path, images: Path | None, overlays: Path | None) -> LabelStore:
    """Go on with the review of a ``fits.npz``, or begin it; see :mod:`fidip.labelling.review`."""
    for option, folder in (("--images", images), ("--overlays", overlays)):
        if folder is not None and not folder.is_dir():
            raise FileNotFoundError(f"{option} {folder}: no such folder")
    arrays = _load(path)
    project = path.with_name(f"{path.stem}.review.project")
    if project.exists():
        store = LabelStore.open(project)
    else:
        store = LabelStore.create(
            project,
            kind="review",
            root=images or path.parent,
            output=path.with_name(f"{path.stem}.reviewed.npz"),
            settings={"fits": path.name, "digest": _digest(path), "overlays": None},
        )
    try:
        if store.settings.get("digest") != _digest(path):
            raise ValueError(
                f"--review {path}: {project.name} belongs to other fits; were they made anew? Move it away "
                "to begin a new review"
            )
        if images is not None:
            store.set_root(images)
        if overlays is not None:
            store.set_settings(overlays=str(overlays.absolute()))
        if not store.counts().total:
            store.add_images(_rows(arrays, path))
    except BaseException:
        store.close()
        raise
    return store


def write_fits(store: LabelStore) -> Exported:
    """Write ``fits.reviewed.npz``: the fits with ``accepted`` and ``reason`` as the review says.

    A fit that nobody reviewed keeps what the checks said. One whose numbers are not finite stays rejected.

    Raises:
        OSError: If the file cannot be written; an earlier one stays as it was.
        RuntimeError: If ``fits.npz`` was made anew; nothing is written.
    """
    change = store.last_change()
    source = store.path.with_name(store.settings["fits"])
    arrays = _load(source)
    if _digest(source) != store.settings["digest"]:
        raise RuntimeError(f"{source} was made anew since the review began; nothing was written")
    accepted = arrays["accepted"].copy()
    reasons = [str(reason) for reason in arrays["reason"]]
    is_sound = np.all([np.isfinite(arrays[n]).reshape(len(accepted), -1).all(axis=1) for n in FINITE], axis=0)
    for newest, first in store.edits():
        row = newest.image_id - 1
        if newest.label == first:
            continue  # the decision was undone
        if newest.label.status == "reviewed" and is_sound[row]:
            accepted[row], reasons[row] = True, ""
        elif newest.label.status == "rejected":
            accepted[row] = False
            reasons[row] = f"review: {', '.join(newest.label.reasons) or 'rejected'}"
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer, **(arrays | {"accepted": accepted, "reason": np.array(reasons, dtype=np.str_)})
    )
    write_atomically(store.output, buffer.getvalue())
    return Exported(store.output, len(accepted), int(accepted.sum()), change)


class FitPictures:
    """The photos that fits were made from, and the overlays of ``syrip fit --overlays``."""

    def __init__(self, store: LabelStore) -> None:
        self._store = store
        self._names: dict[int, str] | None = None
        self._listed: tuple[str, int] | None = None
        self._overlays: dict[int, str] = {}

    def path_of(self, image: ImageRow, overlay: str | None = None) -> Path:
        """Return the photo of a fit, or its overlay; see :class:`~fidip.labelling.pictures.PictureSource`."""
        if overlay is None:
            return inside(self._store.root, self._photo(image.id))
        name = self._overlay_names().get(image.id - 1) if overlay == OVERLAY else None
        if name is None:
            raise FileNotFoundError(f"{image.name[:200]!a}: there is no overlay {overlay[:40]!a}")
        return inside(Path(self._store.settings["overlays"]), name)

    def overlays(self, image: ImageRow) -> tuple[str, ...]:
        """Return ``("mesh",)`` where there is one."""
        try:
            self.path_of(image, OVERLAY)
        except (FileNotFoundError, ValueError):
            return ()
        return (OVERLAY,)

    def _overlay_names(self) -> dict[int, str]:
        """Return the overlays by the row of their fit; the folder is listed again only after it changed."""
        folder = self._store.settings.get("overlays")
        if not folder or not os.path.isdir(folder):
            return {}
        state = (folder, os.stat(folder).st_mtime_ns)
        if state != self._listed:
            found = (re.fullmatch(r"(\d{5,9})_.*\.jpg", name) for name in sorted(os.listdir(folder)))
            self._overlays = {int(match[1]): match[0] for match in found if match}
            self._listed = state
        return self._overlays

    def _photo(self, number: int) -> str:
        if self._names is None:
            names = _load(self._store.path.with_name(self._store.settings["fits"]))["file_name"]
            self._names = {i: str(name) for i, name in enumerate(names, start=1)}
        return self._names[number]


def _rows(arrays: dict[str, np.ndarray], path: Path) -> list[NewImage]:
    """Return one image a fit, with its keypoints; several fits of one photo are told apart by ``#2`` ..."""
    count: Counter[str] = Counter()
    rows = []
    for i, raw in enumerate(arrays["file_name"]):
        name = _name(str(raw), i)
        count[name] += 1
        width, height = (int(side) for side in arrays["image_size"][i])
        is_size = min(width, height) >= 1 and max(width, height) <= MAX_SIDE_PX
        reason = str(arrays["reason"][i])[:MAX_REASON_LENGTH] or "the checks"
        is_accepted = bool(arrays["accepted"][i])
        label = ImageLabel(
            people=_people(arrays, i, (width, height)) if is_size else (),
            status="unreviewed" if is_accepted else "rejected",
            reasons=() if is_accepted else (reason,),
        )
        row = NewImage(
            name=name if count[name] == 1 else f"{name}#{count[name]}",
            width=width if is_size else 0,
            height=height if is_size else 0,
            label=label,
            who=f"import:{path.name}"[:200],
            doubts=() if is_accepted else (Doubt(person=1, kind="fit", text=f"the checks say: {reason}"),),
            state="ok" if is_size else "unreadable",
            id=i + 1,
        )
        rows.append(row)
    return rows


def _name(raw: str, i: int) -> str:
    """Return a name for the list; the photo itself is looked up by the number of the fit."""
    parts = [part for part in raw.replace("\0", "").split("/") if part not in ("", ".", "..")]
    return "/".join(parts)[:4000] or f"fit {i + 1}"


def _people(arrays: dict[str, np.ndarray], i: int, size: tuple[int, int]) -> tuple[LabelledPerson, ...]:
    """Return a fit's keypoints in its picture, those outside absent; nobody where they are not finite."""
    focal = float(arrays["focal_px"][i])
    points = project(arrays["keypoints_3d_m"][i], focal, focal, size[0] / 2, size[1] / 2)
    if not np.isfinite(points).all():
        return ()
    seen = ((points >= 0) & (points <= size)).all(axis=1)
    keypoints = tuple(
        (float(x), float(y), 2) if s else (0.0, 0.0, 0) for (x, y), s in zip(points, seen, strict=True)
    )
    return (LabelledPerson(id=1, keypoints=keypoints),)


def _load(path: Path) -> dict[str, Any]:
    """Return the arrays of a fit bank.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no fit bank.
    """
    if not path.is_file():
        raise FileNotFoundError(f"--review {path}: no such file; expected a fits.npz of 'syrip fit'")
    try:
        arrays = load_arrays(path)
        missing = sorted({*ARRAYS, *FINITE} - set(arrays))
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
    except ValueError as error:
        raise ValueError(f"--review {path}: no fits.npz of 'syrip fit': {error}") from None
    count = len(np.atleast_1d(arrays["focal_px"]))
    if arrays["keypoints_3d_m"].shape != (count, len(COCO17), 3) or arrays["image_size"].shape != (count, 2):
        raise ValueError(f"--review {path}: its arrays do not have the shapes of a fit bank")
    short = sorted(name for name in (*ARRAYS, *FINITE) if len(np.atleast_1d(arrays[name])) != count)
    if short:
        raise ValueError(f"--review {path}: {', '.join(short)} have not {count} entries each")
    return arrays


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
