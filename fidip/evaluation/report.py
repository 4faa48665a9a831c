"""What ``syrip eval`` prints and writes: tables of all runs, and the same figures as flat JSON."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fidip.evaluation.coco_ap import FIGURES, KeypointMetrics
from fidip.evaluation.figures import RunFigures
from fidip.evaluation.pose_figures import PoseFigures
from fidip.evaluation.pose_tables import joint_table, pose_table, sequence_table
from fidip.evaluation.tables import Table

if TYPE_CHECKING:
    from fidip.detection.metrics import BoxFigures
    from fidip.evaluation.gap import GapFigures

__all__ = ["EvalReport", "NetworkInfo", "eval_figures", "eval_summary", "write_report"]

MAX_FAILURES = 10
BOX_FIGURES = {
    "mean_iou": "Box IoU",
    "recall": "Recall@0.5",
    "precision": "Precision@0.5",
    "ap": "Box AP",
    "ap50": "Box AP50",
}
IN_POSTURE_TABLE = ("ap", "ap50", "ap75", "ar")


@dataclass(frozen=True, slots=True)
class NetworkInfo:
    """Columns of the paper's table that describe a network."""

    network: str
    input_size: str
    """WIDTHxHEIGHT of the crop, px."""
    num_parameters: int


@dataclass(frozen=True, slots=True)
class EvalReport:
    """Everything that one ``syrip eval`` found."""

    gt: str
    runs: tuple[RunFigures, ...]
    networks: dict[str, NetworkInfo] = field(default_factory=dict)
    """By name of the run; predictions files have none."""
    detectors: dict[str, "BoxFigures"] = field(default_factory=dict)
    """By name of the detector, where there were any."""
    gaps: dict[str, "GapFigures"] = field(default_factory=dict)
    """Domain gap by name of the run, where it was asked for."""
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    seconds: float = 0.0
    output: str = ""

    @property
    def poses(self) -> dict[str, PoseFigures]:
        """Pose figures by the run's name, where they were asked for."""
        return {run.name: run.poses for run in self.runs if run.poses is not None}

    @property
    def tables(self) -> dict[str, Table]:
        """Tables by file name without extension, those without rows left out."""
        tables = {
            "table": runs_table(self),
            "detectors": detector_table(self),
            "postures": posture_table(self),
            "keypoints": keypoint_table(self),
            "poses": pose_table(self.poses),
            "sequences": sequence_table(self.poses),
            "joints": joint_table(self.poses),
            "gap": gap_table(self),
        }
        return {name: table for name, table in tables.items() if table.rows}


def runs_table(report: EvalReport) -> Table:
    """One row a run, as the papers' Table 1; the figures with the file's areas below, where they differ."""
    about = ("Network", "Input", "Params") if report.networks else ()
    header = ["Run", *about, "Area", *FIGURES.values()]
    pck = list(report.runs[0].pck) if report.runs else []
    rows: list[tuple[Any, ...]] = []
    for run in report.runs:
        words: Sequence[str] = ["–" for _ in about]
        if run.name in report.networks:
            info = report.networks[run.name]
            words = [info.network, info.input_size, f"{info.num_parameters / 1e6:.1f}M"]
        rows.append((run.name, *words, run.area_used, *_ten(run.coco), *run.pck.values()))
        blank = ("",) * len(about)
        if run.coco_other_area is not None:
            rows.append(
                ("  with the file's area", *blank, "file", *_ten(run.coco_other_area), *[None] * len(pck))
            )
        if run.coco_id_zero is not None:
            what = "  with id 0 as a miss"
            rows.append((what, *blank, run.area_used, *_ten(run.coco_id_zero), *[None] * len(pck)))
    title = "Keypoint AP and AR (OKS)"
    if report.runs:
        title += (
            f" on {report.gt}: {report.runs[0].num_persons} persons in {report.runs[0].num_images} images"
        )
    return Table(title, tuple([*header, *pck]), tuple(rows))


def detector_table(report: EvalReport) -> Table:
    """One row a detector: boxes against those of all persons."""
    header = ("Detector", "Persons", "Boxes", *BOX_FIGURES.values())
    rows = [
        (name, own.num_persons, own.num_found, *(getattr(own, key) for key in BOX_FIGURES))
        for name, own in report.detectors.items()
    ]
    first = next(iter(report.detectors.values()), None)
    title = "Boxes" if first is None else f"Boxes on {report.gt}: {first.num_images} images"
    return Table(title, header, tuple(rows))


def posture_table(report: EvalReport) -> Table:
    """One row a posture and run."""
    pck = list(report.runs[0].pck) if report.runs else []
    header = ("Posture", "Run", "Images", "Persons", *(FIGURES[name] for name in IN_POSTURE_TABLE), *pck)
    rows = [
        (
            posture.posture,
            run.name,
            posture.num_images,
            posture.num_persons,
            *(getattr(posture.coco, name) for name in IN_POSTURE_TABLE),
            *posture.pck.values(),
        )
        for run in report.runs
        for posture in run.postures
    ]
    order = {row[0]: number for number, row in reversed(list(enumerate(rows)))}
    return Table("By posture", header, tuple(sorted(rows, key=lambda row: order[row[0]])))


def keypoint_table(report: EvalReport) -> Table:
    """One row a keypoint; mean OKS term, median error and PCK of each run."""
    if not report.runs:
        return Table("By keypoint", (), ())
    several = len(report.runs) > 1
    has_oks = any(not math.isnan(k.similarity) for run in report.runs for k in run.keypoints)
    header = ["Keypoint", "Labelled"]
    for run in report.runs:
        names = [*(["OKS"] if has_oks else []), "Median error", *run.pck]
        header += [f"{run.name}: {name}" if several else name for name in (names[:1] if several else names)]
    rows = []
    for k, first in enumerate(report.runs[0].keypoints):
        row: list[Any] = [first.keypoint, first.num_labelled]
        for run in report.runs:
            figures = run.keypoints[k]
            similarity = [figures.similarity] if has_oks else []
            values = [*similarity, figures.median_error, *figures.pck.values()]
            row += values[:1] if several else values
        rows.append(tuple(row))
    what = ["mean OKS term"] if has_oks else []
    what += [] if several and has_oks else ["median error over the box's longer side"]
    return Table(f"By keypoint ({'; '.join(what)})", tuple(header), tuple(rows))


def gap_table(report: EvalReport) -> Table:
    """One row a run whose features were compared between two sets of pictures."""
    if not report.gaps:
        return Table("Domain gap", (), ())
    first = next(iter(report.gaps.values()))
    rows = [
        (name, gap.kid, gap.probe_accuracy, gap.classifier_accuracy, gap.kid_imagenet)
        for name, gap in report.gaps.items()
    ]
    sets = f"{first.num_first} persons of {first.first} and {first.num_second} of {first.second}"
    title = f"Domain gap between {sets}"
    header = ("Run", "KID", "Probe accuracy", "Own classifier's accuracy", "KID (ImageNet)")
    if all(math.isnan(gap.kid_imagenet) for gap in report.gaps.values()):  # not asked for
        header, rows = header[:-1], [row[:-1] for row in rows]
    return Table(title, header, tuple(rows))


def eval_summary(report: EvalReport) -> str:
    """Return what is printed."""
    parts = [*report.notes, ""] if report.notes else []
    for table in report.tables.values():
        parts += [table.markdown(), ""]
    if report.failures:
        count = len(report.failures)
        parts.append(f"{count} item{'s' * (count != 1)} could not be used:")
        parts += [f"  {text}" for text in report.failures[:MAX_FAILURES]]
        if len(report.failures) > MAX_FAILURES:
            parts.append(f"  ... all of them in {report.output}/figures.json")
    if report.output:
        parts.append(f"Tables (Markdown, CSV, JSON) and predictions are in {report.output}")
    return "\n".join(parts)


def eval_figures(report: EvalReport) -> dict[str, Any]:
    """Return the printed figures, flat; with several runs each name begins with the run's."""
    figures: dict[str, Any] = {"gt": report.gt, "num_runs": len(report.runs)}
    names = list(dict.fromkeys([*(run.name for run in report.runs), *report.gaps]))
    for name in names:
        own = _run_figures(report, name)
        prefix = f"{name}." if len(names) > 1 else ""
        figures |= {f"{prefix}{key}": value for key, value in own.items()}
    for name, own in report.detectors.items():
        counts = {"num_images": own.num_images, "num_persons": own.num_persons, "num_boxes": own.num_found}
        values = counts | {label: getattr(own, key) for key, label in BOX_FIGURES.items()}
        figures |= {f"detector.{name}.{key}": value for key, value in values.items()}
    figures["num_failures"] = len(report.failures)
    figures |= {f"note.{number}": note for number, note in enumerate(report.notes, start=1)}
    figures["seconds"] = round(report.seconds, 3)
    return {key: None if _is_nan(value) else value for key, value in figures.items()}


def _run_figures(report: EvalReport, name: str) -> dict[str, Any]:
    figures: dict[str, Any] = {"run": name}
    for run in (run for run in report.runs if run.name == name):
        figures |= {"num_images": run.num_images, "num_persons": run.num_persons}
        figures |= {"num_predictions": run.num_predictions, "num_found": run.num_found}
        figures |= {"area": run.area_used, **_named(run.coco), **run.pck}
        if run.coco_other_area is not None:
            figures |= {f"file_area.{key}": v for key, v in _named(run.coco_other_area).items()}
        if run.coco_id_zero is not None:
            figures |= {f"id_zero_as_miss.{key}": v for key, v in _named(run.coco_id_zero).items()}
        for posture in run.postures:
            prefix = f"posture.{posture.posture}"
            figures |= {
                f"{prefix}.num_images": posture.num_images,
                f"{prefix}.num_persons": posture.num_persons,
            }
            figures |= {f"{prefix}.{key}": v for key, v in {**_named(posture.coco), **posture.pck}.items()}
        figures |= {} if run.poses is None else _pose_figures(run.poses)
        for keypoint in run.keypoints:
            prefix = f"keypoint.{keypoint.keypoint}"
            figures |= {f"{prefix}.num_labelled": keypoint.num_labelled, f"{prefix}.OKS": keypoint.similarity}
            figures |= {f"{prefix}.median_error": keypoint.median_error}
            figures |= {f"{prefix}.{key}": value for key, value in keypoint.pck.items()}
    if name in report.networks:
        info = report.networks[name]
        figures |= {"network": info.network, "input_size": info.input_size}
        figures["num_parameters"] = info.num_parameters
    if name in report.gaps:
        figures |= {f"gap.{key}": value for key, value in report.gaps[name].as_dict().items()}
    return figures


def _pose_figures(poses: PoseFigures) -> dict[str, Any]:
    figures = {"schema": poses.schema, **poses.overall}
    for kind, groups in (("sequence", poses.sequences), ("joint", poses.keypoints)):
        for group in groups:
            if group.has_3d:
                figures[f"{kind}.{group.name}.count_3d"] = group.count_3d
            figures |= {f"{kind}.{group.name}.{key}": value for key, value in group.values.items()}
    return figures


def write_report(report: EvalReport, folder: str | Path) -> None:
    """Write table.md (all tables), one CSV a table, and figures.json (with every failure) into a folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"# syrip eval: {report.gt}", "", *(f"* {note}" for note in report.notes), ""]
    for table in report.tables.values():
        lines += [table.markdown(), ""]
    _write(folder / "table.md", "\n".join(lines))
    for name, table in report.tables.items():
        _write(folder / f"{name}.csv", table.csv())
    figures = eval_figures(report)
    figures |= {f"failure.{number}": text for number, text in enumerate(report.failures, start=1)}
    _write(folder / "figures.json", json.dumps(figures, indent=1, allow_nan=False) + "\n")


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def _ten(metrics: KeypointMetrics) -> Sequence[float]:
    return [getattr(metrics, name) for name in FIGURES]


def _named(metrics: KeypointMetrics) -> dict[str, float | None]:
    return {FIGURES[name]: value for name, value in metrics.as_dict().items()}


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
