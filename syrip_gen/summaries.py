"""What a command says when it is done, as text for people and as flat figures for ``--json``."""

from typing import TYPE_CHECKING, Any

from syrip_gen.progress import format_duration

if TYPE_CHECKING:
    from syrip_gen.fitting.bank import FitBank
    from syrip_gen.pipeline import GenerateResult
    from syrip_gen.quality.report import WrittenReport

__all__ = [
    "animate_figures",
    "animate_summary",
    "bank_figures",
    "fit_summary",
    "generate_figures",
    "generate_summary",
    "report_figures",
    "report_summary",
]

MAX_REASONS = 8
MAX_FAILURES = 10


def generate_summary(result: "GenerateResult") -> str:
    """Return the end summary of ``syrip generate``."""
    fits = result.run["fits"]
    lines = [
        f"{result.run['num_images']} images from {fits['num_accepted']} of {fits['num_poses']} poses in "
        f"{result.output}",
        *_reasons("poses not used", fits["reasons"]),
        *_reasons("scenes drawn again", result.run["rejections"]),
        *_reasons("notes", result.run["notes"]),
    ]
    return "\n".join([*lines, *_work_lines(result, "fit"), *_failure_lines(result), *_file_lines(result)])


def animate_summary(result: "GenerateResult", blend_file: str | None = None) -> str:
    """Return the end summary of ``syrip animate``, which may have saved a .blend besides."""
    motion = result.run["motion"]
    takes = "1 take" if motion["num_takes"] == 1 else f"{motion['num_takes']} takes"
    lines = [
        f"{result.run['num_images']} images of {takes} from {motion['num_chosen']} of {motion['num_frames']} "
        f"frames of '{motion['name']}' ({motion['fps']:g} a second) in {result.output}",
        *(f"  {note}" for note in motion["notes"]),
    ]
    error, speed = motion.get("retarget.bone_error_median_deg"), motion.get("retarget.foot_speed_median_cm")
    if error is not None:
        feet = f", feet on the ground move {speed:.2f} cm a frame" if speed is not None else ""
        lines.append(f"  bones follow the clip within {error:.1f} degrees (median){feet}")
    lines += _reasons("notes", result.run["notes"])
    work = _work_lines(result, "retarget")
    blend = [f"  Blender file   {blend_file}"] if blend_file else []
    files = _file_lines(result, f"  motion         {result.output}/sequence.npz", *blend)
    return "\n".join([*lines, *work, *_failure_lines(result), *files])


def _work_lines(result: "GenerateResult", first_stage: str) -> list[str]:
    """Return how long the stages took, if anything was made."""
    if not result.num_rendered:
        return []
    rate = result.num_rendered / max(result.render_seconds, 1e-9)
    speed = f"{rate:.1f} images/s" if rate >= 1 else f"{1 / rate:.1f} s an image"
    waited = (
        f"compiled {format_duration(result.compile_seconds)} more, " if result.compile_seconds > 1 else ""
    )
    return [
        f"  {first_stage} {format_duration(result.fit_seconds)}, {waited}{result.num_rendered} images in "
        f"{format_duration(result.render_seconds)} ({speed})"
    ]


def _failure_lines(result: "GenerateResult") -> list[str]:
    """Return what could not be made and why."""
    lines = []
    if result.num_failures:
        lines.append(f"  {result.num_failures} images could not be made:")
        for index, reason in list(result.run["failures"].items())[:MAX_FAILURES]:
            lines.append(f"    item {index}: {reason}")
        if result.num_failures > MAX_FAILURES:
            lines.append(f"    ... all of them in {result.output}/manifest.jsonl")
    if result.num_crashes:
        lines.append("  Items at which a worker process died are tried again with --resume.")
    return lines


def _file_lines(result: "GenerateResult", *more: str) -> list[str]:
    """Return where everything is, and what to do next."""
    return [
        f"  annotations    {result.output}/annotations/person_keypoints_train_infant.json",
        *more,
        f"  contact sheet  {result.output}/contact_sheet.jpg",
        f"  report         {result.output}/report.html",
        f"Next: open {result.output}/report.html",
    ]


def generate_figures(result: "GenerateResult") -> dict[str, Any]:
    """Return the figures of the summary, flat."""
    fits = result.run["fits"]
    more = {"num_poses": fits["num_poses"], "num_accepted": fits["num_accepted"]}
    figures = _run_figures(result, "fit_seconds", more)
    for reason, count in fits["reasons"].items():
        figures[f"fit_reasons.{reason}"] = count
    return figures


def animate_figures(result: "GenerateResult") -> dict[str, Any]:
    """Return the figures of the summary, flat."""
    motion = {name: value for name, value in result.run["motion"].items() if name not in ("name", "notes")}
    more = {name if "." in name else f"motion.{name}": value for name, value in motion.items()}
    return _run_figures(result, "retarget_seconds", more)


def _run_figures(result: "GenerateResult", first_stage: str, more: dict[str, Any]) -> dict[str, Any]:
    run = result.run
    figures: dict[str, Any] = {
        "output": result.output,
        "num_images": run["num_images"],
        "num_failures": result.num_failures,
        **more,
        "num_rendered": result.num_rendered,
        first_stage: round(result.fit_seconds, 3),
        "compile_seconds": round(result.compile_seconds, 3),
        "render_seconds": round(result.render_seconds, 3),
        "images_per_second": round(result.num_rendered / max(result.render_seconds, 1e-9), 2),
    }
    for stage, seconds in sorted(result.stage_seconds.items()):
        figures[f"stage_seconds.{stage}"] = round(seconds, 3)
    for group in ("rejections", "notes"):
        for reason, count in run[group].items():
            figures[f"{group}.{reason}"] = count
    return figures


def fit_summary(bank: "FitBank", output: str, seconds: float) -> str:
    """Return the end summary of ``syrip fit``."""
    figures = bank_figures(bank, seconds)
    lines = [
        f"{figures['num_accepted']} of {figures['num_poses']} poses accepted in {output}",
        *_reasons("not accepted", bank.reasons()),
    ]
    error = figures["mean_reprojection_error_percent"]
    if error is not None:
        lines.append(f"  mean reprojection error of the accepted: {error:.2f} % of the box diagonal")
    lines += [
        f"  {format_duration(seconds)}, {figures['seconds_per_pose']:.3f} s a pose",
        f"Next: syrip generate --poses {output}"
        if figures["num_accepted"]
        else "Next: check the keypoints; --overlays DIR draws the fits over them",
    ]
    return "\n".join(lines)


def bank_figures(bank: "FitBank", seconds: float) -> dict[str, Any]:
    """Return the figures of a fit, flat."""
    errors = bank.reprojection_error[bank.accepted]
    figures: dict[str, Any] = {
        "num_poses": len(bank),
        "num_accepted": int(bank.accepted.sum()),
        "mean_reprojection_error_percent": round(float(errors.mean()) * 100, 4) if len(errors) else None,
        "seconds": round(seconds, 3),
        "seconds_per_pose": round(seconds / max(len(bank), 1), 4),
    }
    for reason, count in bank.reasons().items():
        figures[f"reasons.{reason}"] = count
    return figures


def report_summary(report: "WrittenReport") -> str:
    """Return the figures of a dataset and the files that show it, for ``syrip report``."""
    figures, statistics = report_figures(report), report.statistics
    lines = [f"{figures['num_images']} images" + _of_poses(figures)]
    for group, counts in sorted(statistics.categories.items()):
        ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
        lines += [f"  {group}"]
        lines += [
            f"    {count:>6}  {_percent(count, statistics.num_images):5.1f} %  {name}"
            for name, count in ranked
        ]
    lines += [
        f"  keypoints: {figures['visible_percent']} % visible, {figures['occluded_percent']} % occluded, "
        f"{figures['outside_percent']} % outside or unlabelled"
    ]
    lines += [
        f"    {name.removeprefix('visible_percent.'):<15} {share:5.1f} % visible"
        for name, share in figures.items()
        if name.startswith("visible_percent.")
    ]
    fits = report.run.get("fits") or {}
    lines += [
        *_reasons("items without an image", dict(statistics.failures)),
        *_reasons("scenes drawn again by the checks", dict(statistics.rejections)),
        *_reasons("input poses not used", fits.get("reasons") or {}),
        *(f"  wrote {path}" for path in report.paths),
    ]
    return "\n".join(lines)


def report_figures(report: "WrittenReport") -> dict[str, Any]:
    """Return the figures of a dataset, flat; shares in percent of all keypoints or of all images."""
    from syrip_gen.keypoints.catalog import COCO17

    statistics, fits = report.statistics, report.run.get("fits") or {}
    outside, occluded, visible = statistics.visibility.sum(axis=0).tolist()
    total = outside + occluded + visible
    figures: dict[str, Any] = {
        "num_images": statistics.num_images,
        "num_failures": statistics.num_failed,
        "num_poses_used": len(statistics.poses),
        "num_poses": fits.get("num_poses"),
        "num_accepted": fits.get("num_accepted"),
        "visible_percent": _percent(visible, total),
        "occluded_percent": _percent(occluded, total),
        "outside_percent": _percent(outside, total),
    }
    for name, (_, _, count) in zip(COCO17.keypoints, statistics.visibility.tolist(), strict=True):
        figures[f"visible_percent.{name}"] = _percent(count, statistics.num_images)
    for group, counts in sorted(statistics.categories.items()):
        for name, count in sorted(counts.items()):
            figures[f"{group.replace(' ', '_')}.{name}"] = count
    for group, counts in (("failures", statistics.failures), ("rejections", statistics.rejections)):
        for reason, count in sorted(counts.items()):
            figures[f"{group}.{reason}"] = count
    for reason, count in (fits.get("reasons") or {}).items():
        figures[f"fit_reasons.{reason}"] = count
    return figures


def _of_poses(figures: dict[str, Any]) -> str:
    if not figures["num_poses_used"]:
        return ""
    text = f" of {figures['num_poses_used']} poses"
    return text + (
        f" ({figures['num_accepted']} of {figures['num_poses']} accepted)" if figures["num_poses"] else ""
    )


def _percent(count: int, total: int) -> float:
    return round(100 * count / max(total, 1), 1)


def _reasons(title: str, counts: dict[str, int]) -> list[str]:
    """Return one line for each of the most frequent reasons."""
    if not counts:
        return []
    lines = [f"  {title}: {sum(counts.values())}"]
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    lines += [f"    {count:>5}  {reason}" for reason, count in ranked[:MAX_REASONS]]
    if len(ranked) > MAX_REASONS:
        lines.append(f"    {sum(count for _, count in ranked[MAX_REASONS:]):>5}  other reasons")
    return lines
