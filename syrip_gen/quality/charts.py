"""Small inline SVG charts; colours come from the page's style sheet."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.quality.statistics import HistogramSpec

__all__ = ["histogram_svg", "skeleton_svg"]

_WIDTH, _HEIGHT, _BASE = 300, 120, 98


def histogram_svg(spec: HistogramSpec, counts: np.ndarray, reference: np.ndarray | None = None) -> Markup:
    """Draw a histogram as bars, and a second one (of the input poses) as a stepped line over it.

    Args:
        spec: Bins and unit.
        counts: (bins,) counts of the dataset.
        reference: (bins,) counts to compare with; both are drawn as shares of their totals.
    """
    share = counts / max(counts.sum(), 1)
    other = None if reference is None or not reference.sum() else reference / reference.sum()
    top = max(share.max(initial=0), 0 if other is None else other.max(initial=0), 1e-9)
    step = _WIDTH / len(counts)
    scale = (_BASE - 6) / top
    parts = []
    for i, (value, count) in enumerate(zip(share, counts, strict=True)):
        height = value * scale
        low, high = spec.edges[i], spec.edges[i + 1]
        title = escape(f"{_number(low)} to {_number(high)} {spec.unit}: {int(count)} ({100 * value:.1f} %)")
        parts.append(
            f'<rect class="bar" x="{i * step + 0.75:.2f}" y="{_BASE - height:.2f}" width="{step - 1.5:.2f}" '
            f'height="{height:.2f}"><title>{title}</title></rect>'
        )
    if other is not None:
        line = " ".join(
            f"{i * step:.1f},{_BASE - v * scale:.1f} {(i + 1) * step:.1f},{_BASE - v * scale:.1f}"
            for i, v in enumerate(other)
        )
        parts.append(f'<polyline class="ref" points="{line}"/>')
    parts.append(f'<line class="axis" x1="0" x2="{_WIDTH}" y1="{_BASE}" y2="{_BASE}"/>')
    parts += _ticks(spec.edges)
    body = "".join(parts)
    return Markup(
        f'<svg class="chart" viewBox="-14 0 {_WIDTH + 28} {_HEIGHT}" role="img" '
        f'aria-label="{escape(spec.title)}">{body}</svg>'
    )


def _ticks(edges: Sequence[float], count: int = 4) -> list[str]:
    low, high = edges[0], edges[-1]
    if low % 1 == 0.5 and edges[1] - low == 1:  # bins centred on whole numbers
        values = np.linspace(low + 0.5, high - 0.5, count + 1).round()
    else:
        values = np.linspace(low, high, count + 1)
    ticks = []
    for value in values:
        x = (value - low) / (high - low) * _WIDTH
        ticks.append(f'<text class="tick" x="{x:.1f}" y="{_HEIGHT - 6}">{_number(value)}</text>')
    return ticks


def _number(value: float) -> str:
    text = f"{value + 0.0:.2f}".rstrip("0").rstrip(".")
    return text.replace("-", "\u2212")


def skeleton_svg(keypoints: np.ndarray, size: tuple[float, float]) -> Markup:
    """Draw one COCO-17 skeleton to lie over its picture: visible joints filled, occluded ones hollow.

    Args:
        keypoints: (17, 3) x, y, v, px.
        size: Width and height of the picture, px.
    """
    unit = max(size) / 100
    parts = []
    for a, b in COCO17.skeleton:
        (xa, ya, va), (xb, yb, vb) = keypoints[a], keypoints[b]
        if va > 0 and vb > 0:
            sides = {COCO17.sides[a], COCO17.sides[b]} - {"centre"}
            side = sides.pop() if len(sides) == 1 else "centre"
            width = 0.8 * unit if min(va, vb) >= 2 else 0.3 * unit
            parts.append(
                f'<line class="{side}" x1="{xa:.1f}" y1="{ya:.1f}" x2="{xb:.1f}" y2="{yb:.1f}" '
                f'stroke-width="{width:.2f}"/>'
            )
    for (x, y, v), side, name in zip(keypoints, COCO17.sides, COCO17.keypoints, strict=True):
        if v > 0:
            state = "seen" if v >= 2 else "hidden"
            parts.append(
                f'<circle class="{side} {state}" cx="{x:.1f}" cy="{y:.1f}" r="{1.15 * unit:.2f}" '
                f'stroke-width="{0.4 * unit:.2f}"><title>{name.replace("_", " ")}</title></circle>'
            )
    body = "".join(parts)
    return Markup(
        f'<svg class="skeleton" viewBox="0 0 {size[0]:g} {size[1]:g}" aria-hidden="true">{body}</svg>'
    )
