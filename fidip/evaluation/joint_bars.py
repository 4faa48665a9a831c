"""Bars by keypoint, as in Ellershaw's thesis: how far off each one is, and how often it is right."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fidip.evaluation.pose_figures import PoseFigures

__all__ = ["BARS_FILE", "draw_joint_bars"]

BARS_FILE = "joints.png"
LEFT_IN, BELOW_IN, ABOVE_IN = 0.8, 1.1, 0.4
"""Margins for labels and legend, inches."""
COLORS = ("#1f77b4", "#d95f02", "#2a9d5c", "#7a4fa3", "#8a6d3b", "#c23b6f")


def draw_joint_bars(runs: Mapping[str, PoseFigures], path: str | Path) -> bool:
    """Write a PNG: a panel a figure, a group of bars a keypoint, a bar a run.

    Args:
        runs: Figures by the run's name, all of one schema.
        path: File to write.

    Returns:
        Whether there was anything to draw.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    keypoints = list(dict.fromkeys(group.name for run in runs.values() for group in run.keypoints))
    names = [
        name
        for name in dict.fromkeys(n for run in runs.values() for g in run.keypoints for n in g.values)
        if any(np.isfinite(g.values.get(name, np.nan)) for run in runs.values() for g in run.keypoints)
    ]
    if not names:
        return False
    width_in, height_in = 2.5 + 0.55 * len(keypoints), 1.7 * len(names) + BELOW_IN + ABOVE_IN
    figure = Figure(figsize=(width_in, height_in), dpi=100)
    FigureCanvasAgg(figure)
    panels = np.atleast_1d(figure.subplots(len(names), 1))
    edges = {"left": LEFT_IN / width_in, "right": 1 - 0.15 / width_in, "bottom": BELOW_IN / height_in}
    figure.subplots_adjust(**edges, top=1 - ABOVE_IN / height_in, hspace=0.18)
    width = 0.8 / len(runs)
    places = np.arange(len(keypoints))
    for axes, name in zip(panels, names, strict=True):
        for number, (run, figures) in enumerate(runs.items()):
            values = {group.name: group.values.get(name, np.nan) for group in figures.keypoints}
            heights = [values.get(keypoint, np.nan) for keypoint in keypoints]
            offset = (number - (len(runs) - 1) / 2) * width
            color = COLORS[number % len(COLORS)]
            axes.bar(places + offset, heights, width * 0.92, color=color, label=run)
        axes.set_ylabel(name, fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(axis="y", linewidth=0.4, alpha=0.6)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        if not name.endswith(")"):
            axes.set_ylim(0, 1)
    labels = [keypoint.replace("_", " ") for keypoint in keypoints]
    for axes in panels:
        axes.set_xticks(places, labels if axes is panels[-1] else [""] * len(labels))
    panels[-1].tick_params(axis="x", labelrotation=90)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="upper center", ncols=4, fontsize=8)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    figure.savefig(temporary, format="png")
    os.replace(temporary, path)
    return True
