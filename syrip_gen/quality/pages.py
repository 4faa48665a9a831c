"""Turn statistics and pictures into the report page and the dataset card."""

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.poses import PoseSet
from syrip_gen.quality.charts import histogram_svg, skeleton_svg
from syrip_gen.quality.pose_plot import draw_pose_distribution, normalise_by_torso
from syrip_gen.quality.sheets import encode_jpeg
from syrip_gen.quality.statistics import HISTOGRAMS, DatasetStatistics, pose_statistics

__all__ = ["Thumb", "render_card", "render_report"]

THUMB_WIDTH = 400
MAX_POSES = 300
MAX_ROWS = 12
_BLOCKS = ("motion", "settings", "versions", "inputs", "digests", "notes")


@dataclass(frozen=True, slots=True, eq=False)
class Thumb:
    """One picture of the sheet."""

    name: str
    href: str
    """Path of the picture relative to the report."""
    keypoints: np.ndarray
    """(17, 3)."""
    pixels: np.ndarray | None
    """(H, W, 3) uint8 RGB, None where the file is missing or broken."""


def render_report(
    run: Mapping[str, Any],
    statistics: DatasetStatistics,
    thumbs: Sequence[Thumb],
    keypoints: np.ndarray,
    input_poses: PoseSet | None,
    *,
    poses_are_fits: bool = False,
) -> str:
    """Return the report as one HTML page that needs nothing else.

    Args:
        run: Content of ``run.json``.
        statistics: Of all records.
        thumbs: Pictures to show.
        keypoints: (N, 17, 3) sample of the dataset's poses.
        input_poses: What the dataset was made from.
        poses_are_fits: They are projections of fitted bodies, whose visibility means nothing.
    """
    reference = pose_statistics(input_poses) if input_poses is not None and len(input_poses) else None
    name = "Fitted input poses" if poses_are_fits else "Input poses"
    if reference is not None and poses_are_fits:
        reference.histograms.pop("num_visible", None)
    plots = [_pose_plot("This dataset", keypoints)]
    if reference is not None and input_poses is not None:
        usable = input_poses.keypoints[input_poses.is_usable]
        plots.append(_pose_plot(name, _spread(usable, MAX_POSES)))
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            title=_title(run, statistics),
            subtitle=_subtitle(run),
            version=_version(run),
            run={"command": "", "licences": [], "fits": {}, "motion": {}, **run},
            statistics=statistics,
            tiles=_tiles(run, statistics, thumbs),
            thumbs=[_thumb(thumb) for thumb in thumbs],
            cell_aspect=_cell_aspect(thumbs),
            num_broken=sum(thumb.pixels is None for thumb in thumbs),
            pose_plots=plots,
            charts=_charts(statistics, reference),
            categories=_categories(statistics),
            keypoint_rows=_keypoint_rows(statistics, reference),
            reference_name=name.lower() if reference is not None else "",
            has_reference_visibility=reference is not None and not poses_are_fits,
            reason_tables=_reason_tables(run, statistics),
            details=_details(run),
        )
    )


def render_card(run: Mapping[str, Any], statistics: DatasetStatistics, thumbs: Sequence[Thumb]) -> str:
    """Return the dataset card, Markdown."""
    return (
        _environment()
        .get_template("card.md.j2")
        .render(
            title=_title(run, statistics),
            version=_version(run),
            run={"command": "", "licences": [], "fits": {}, "motion": {}, **run},
            statistics=statistics,
            image_size=_image_size(thumbs),
            num_poses_used=len(statistics.poses),
            shares=_shares(statistics.visibility.sum(axis=0)),
            categories=_categories(statistics),
        )
    )


def _environment() -> Any:
    """Return jinja2 with escaping on: file names and settings are other people's text."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("syrip_gen.quality", "templates"),
        autoescape=lambda name: name is not None and ".html" in name,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = _markdown_text
    environment.filters["code"] = lambda value: str(value).replace("```", "'''").replace("\n", " ")
    return environment


def _markdown_text(value: Any) -> str:
    """Escape what Markdown (and HTML inside it) would take for markup, and keep it on one line."""
    text = " ".join(str(value).split()).replace("&", "&amp;").replace("<", "&lt;")
    for sign in "\\`*_[]|":
        text = text.replace(sign, f"\\{sign}")
    return text


def _title(run: Mapping[str, Any], statistics: DatasetStatistics) -> str:
    count = f"{statistics.num_images:,}"
    if not _is_ours(run):
        return f"{run['name']}: {count} poses"
    return (
        f"{count} frames of moving synthetic infants" if run.get("motion") else f"{count} synthetic infants"
    )


def _is_ours(run: Mapping[str, Any]) -> bool:
    return run.get("name", "syrip") == "syrip"


def _version(run: Mapping[str, Any]) -> str:
    return str((run.get("versions") or {}).get("syrip", ""))


def _subtitle(run: Mapping[str, Any]) -> str:
    seed = run.get("seed")
    if not _is_ours(run):
        return "A dataset with COCO keypoints."
    return "A dataset of rendered infants with 2D and 3D keypoints" + (
        f", seed {seed}." if seed is not None else "."
    )


def _image_size(thumbs: Sequence[Thumb]) -> str:
    sizes = Counter(t.pixels.shape[1::-1] for t in thumbs if t.pixels is not None)
    if not sizes:
        return "unknown"
    (width, height), _ = sizes.most_common(1)[0]
    return f"{width}×{height}" + ("" if len(sizes) == 1 else " and others")


def _tiles(
    run: Mapping[str, Any], statistics: DatasetStatistics, thumbs: Sequence[Thumb]
) -> list[dict[str, str]]:
    shares = _shares(statistics.visibility.sum(axis=0))
    tiles = [
        (f"{statistics.num_images:,}", "images" if _is_ours(run) else "persons"),
        (_image_size(thumbs), "pixels, width × height"),
    ]
    fits = run.get("fits") or {}
    if fits:
        tiles.append(
            (f"{fits.get('num_accepted')} of {fits.get('num_poses')}", "input poses fitted and accepted")
        )
    motion = run.get("motion") or {}
    if motion:
        takes = "1 take" if motion.get("num_takes") == 1 else f"{motion.get('num_takes')} takes"
        shown = f"{motion.get('num_chosen')} of {motion.get('num_frames')}"
        tiles.append((shown, f"frames of {motion.get('name')} shown, in {takes}"))
    elif statistics.poses:
        tiles.append((f"{len(statistics.poses):,}", "poses that images were made from"))
    tiles.append((f"{shares[2]} %", f"of keypoints visible, {shares[1]} % occluded"))
    redrawn = sum(statistics.rejections.values())
    if _is_ours(run) and not motion:
        tiles.append((f"{redrawn:,}", "scenes thrown away and drawn again"))
    if statistics.num_failed:
        tiles.append((f"{statistics.num_failed:,}", "items failed"))
    return [{"value": value, "label": label} for value, label in tiles]


def _thumb(thumb: Thumb) -> dict[str, Any]:
    if thumb.pixels is None:
        return {"href": thumb.href, "title": thumb.name, "data": None}
    import cv2

    height, width = thumb.pixels.shape[:2]
    scale = min(1.0, THUMB_WIDTH / width)
    small = cv2.resize(
        thumb.pixels, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=3
    )
    return {
        "href": thumb.href,
        "title": thumb.name,
        "data": base64.b64encode(encode_jpeg(small, 85)).decode(),
        "width": small.shape[1],
        "height": small.shape[0],
        "skeleton": skeleton_svg(thumb.keypoints, (width, height)),
    }


def _cell_aspect(thumbs: Sequence[Thumb]) -> float:
    """Return width over height of the sheet's cells: that of most pictures."""
    ratios = [t.pixels.shape[1] / t.pixels.shape[0] for t in thumbs if t.pixels is not None]
    return round(float(np.median(ratios)), 4) if ratios else 4 / 3


def _spread(poses: np.ndarray, count: int) -> np.ndarray:
    """Return at most ``count`` poses, evenly spaced."""
    return poses[np.unique(np.linspace(0, len(poses) - 1, min(count, len(poses))).round().astype(int))]


def _pose_plot(title: str, keypoints: np.ndarray) -> dict[str, str]:
    import cv2

    poses, kept = normalise_by_torso(keypoints)
    picture = draw_pose_distribution(poses, opacity=float(np.clip(40 / max(len(poses), 1), 0.1, 0.6)))
    _, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA))
    return {
        "title": title,
        "data": base64.b64encode(data.tobytes()).decode(),
        "caption": f"{len(poses)} poses drawn, {int((~kept).sum())} left out",
    }


def _charts(statistics: DatasetStatistics, reference: DatasetStatistics | None) -> list[dict[str, Any]]:
    charts = []
    for name, spec in HISTOGRAMS.items():
        counts = statistics.histograms.get(name)
        if counts is not None and counts.sum():
            other = reference.histograms.get(name) if reference else None
            charts.append(
                {
                    "title": spec.title,
                    "unit": spec.unit,
                    "hint": spec.hint,
                    "svg": histogram_svg(spec, counts, other),
                }
            )
    return charts


def _categories(statistics: DatasetStatistics) -> list[dict[str, Any]]:
    groups = []
    for group, counts in sorted(statistics.categories.items()):
        if group == "skin tone":
            rows = sorted(counts.items(), key=lambda item: int(item[0].split()[-1]))
        else:
            rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        top, total = max(counts.values()), statistics.num_images
        shown = [
            {"name": name, "width": round(100 * n / top, 1), "text": f"{100 * n / total:.1f} %"}
            for name, n in rows[:MAX_ROWS]
        ]
        groups.append({"title": group.capitalize(), "rows": shown})
    return groups


def _shares(counts: np.ndarray) -> list[float]:
    return np.round(100 * counts / max(counts.sum(), 1), 1).tolist()


def _keypoint_rows(
    statistics: DatasetStatistics, reference: DatasetStatistics | None
) -> list[dict[str, Any]]:
    return [
        {
            "name": name.replace("_", " "),
            "share": _shares(statistics.visibility[k]),
            "reference": _shares(reference.visibility[k]) if reference else [],
        }
        for k, name in enumerate(COCO17.keypoints)
    ]


def _reason_tables(run: Mapping[str, Any], statistics: DatasetStatistics) -> list[dict[str, Any]]:
    fits = run.get("fits") or {}
    redrawn = Counter(statistics.rejections)
    tables = [("Scenes drawn again", redrawn, "Every scene was good at the first draw.")]
    if fits:
        reasons = Counter({str(k): int(v) for k, v in (fits.get("reasons") or {}).items()})
        tables.append(("Input poses not used", reasons, "Every input pose was used."))
    if run.get("motion"):  # frames of a clip are not drawn again
        tables = [("Frames without an image", Counter(statistics.failures), "Every chosen frame is here.")]
    elif statistics.failures:
        tables.append(("Items without an image", Counter(statistics.failures), ""))
    return [
        {"title": title, "rows": counts.most_common(MAX_ROWS), "empty": empty}
        for title, counts, empty in tables
    ]


def _details(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the blocks of run.json that explain where a dataset comes from."""
    blocks = []
    for name in _BLOCKS:
        block = run.get(name)
        if isinstance(block, Mapping) and block:
            rows = [(str(key), str(value)) for key, value in block.items()]
            blocks.append({"title": name.capitalize(), "rows": rows})
    return blocks
