"""Tables of pose figures: all runs, their recordings, their keypoints."""

from collections.abc import Mapping

from fidip.evaluation.pose_figures import GroupFigures, PoseFigures
from fidip.evaluation.tables import Table

__all__ = ["joint_table", "pose_table", "sequence_table"]

Runs = Mapping[str, PoseFigures]


def pose_table(runs: Runs) -> Table:
    """One row a run: errors in px and mm, shares of correct keypoints, boxes."""
    names = list(dict.fromkeys(name for run in runs.values() for name in run.overall))
    rows = tuple((run, *(poses.overall.get(name) for name in names)) for run, poses in runs.items())
    schema = next((poses.schema for poses in runs.values()), "")
    return Table(f"Poses ({schema})", ("Run", *names), rows if names else ())


def sequence_table(runs: Runs) -> Table:
    """One row a recording and run; without rows where there is one recording only."""
    groups = {name: run.sequences for name, run in runs.items()}
    return _groups("By recording", ("Recording", "Persons"), groups)


def joint_table(runs: Runs) -> Table:
    """One row a keypoint and run. Counts are of what is compared in the picture and in space."""
    schema = next((poses.schema for poses in runs.values()), "")
    title = f"By keypoint of {schema}"
    return _groups(title, ("Keypoint", "Labelled"), {name: run.keypoints for name, run in runs.items()})


def _groups(title: str, words: tuple[str, str], runs: Mapping[str, tuple[GroupFigures, ...]]) -> Table:
    """Return a row a group and run.

    Args:
        title: Of the table.
        words: What a group is, and what is counted in it.
        runs: Groups by the run's name.
    """
    first, counted = words
    everything = [group for groups in runs.values() for group in groups]
    has_3d = any(group.has_3d for group in everything)
    has_2d = not has_3d or any(group.has_2d for group in everything)
    counts = (*((counted,) if has_2d else ()), *((f"{counted} in 3D",) if has_3d else ()))
    names = list(dict.fromkeys(n for groups in runs.values() for g in groups for n in g.values))
    order = list(dict.fromkeys(group.name for groups in runs.values() for group in groups))
    rows = [
        (
            group.name,
            run,
            *((group.count,) if has_2d else ()),
            *((group.count_3d,) if has_3d else ()),
            *(group.values.get(name) for name in names),
        )
        for wanted in order
        for run, groups in runs.items()
        for group in groups
        if group.name == wanted
    ]
    return Table(title, (first, "Run", *counts, *names), tuple(rows) if names else ())
