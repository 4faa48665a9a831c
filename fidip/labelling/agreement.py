"""How well two labellers agree: OKS, PCK and distances of their points, kappa of their visibilities."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from fidip.evaluation.similarity import keypoint_similarity
from fidip.labelling.documents import POSTURES, ImageLabel, LabelledPerson
from syrip_gen.keypoints.catalog import COCO17

__all__ = ["PCK_SHARES", "Agreement", "PersonPair", "PointAgreement", "agreement_of", "cohens_kappa"]

PCK_SHARES = (0.05, 0.1, 0.2)
"""Of the longer side of the person's box: within it a point counts as agreed upon."""
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class PersonPair:
    """One person that both labelled."""

    image: str
    oks: float
    """Mean over the points that both placed, 0..1; NaN where there is none."""
    distance_px: float
    """Mean over the same points."""
    side_px: float
    """Longer side of the box, mean of both labellers'."""


@dataclass(frozen=True, slots=True)
class PointAgreement:
    """Figures of one keypoint, or of all."""

    name: str
    num: int
    """Points of people that both labelled."""
    num_placed: int
    """Of these, points that both placed (v 1 or 2); distances, OKS and PCK are of these."""
    oks: float
    """Mean similarity, 0..1."""
    distance_px: float
    """Mean distance."""
    distance_share: float
    """Mean distance as a share of the longer side of the box."""
    pck: Mapping[float, float]
    """Share of points that lie closer than this share of the longer side, 0..1."""
    same_visibility: float
    """Share of points with the same v, 0..1."""
    kappa: float
    """Cohen's kappa of v; NaN where both always say the same one thing."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """All figures of two labellers."""

    names: tuple[str, str]
    num_images: int
    """Images that both labelled and neither rejected."""
    only: tuple[tuple[str, ...], tuple[str, ...]]
    """Names of images that the first, and the second, labeller alone has."""
    rejected: tuple[tuple[str, ...], tuple[str, ...]]
    """Names of shared images that the first, and the second, alone rejected."""
    num_rejected_by_both: int
    surplus_people: tuple[int, int]
    """People on shared images that the first, and the second, alone labelled."""
    pairs: tuple[PersonPair, ...]
    points: tuple[PointAgreement, ...]
    """A keypoint each."""
    overall: PointAgreement
    visibility: np.ndarray
    """(3, 3) counts: v of the first down, of the second across."""
    num_postures: int
    """People whose posture both named."""
    same_posture: float
    """Share of these with the same posture, 0..1."""
    posture_kappa: float

    @property
    def mean_oks(self) -> float:
        """Mean over people; NaN where nobody was labelled by both."""
        return _mean([pair.oks for pair in self.pairs])


def agreement_of(
    first: Mapping[str, ImageLabel], second: Mapping[str, ImageLabel], names: tuple[str, str]
) -> Agreement:
    """Compare two labellers' COCO-17 labels.

    People of an image are paired one to one so that the sum of their OKS is the highest. OKS is COCO's with
    the area of the box, mean of both labellers' (the labelled points' extent where there is no box), over the
    points that both placed; it is the same whichever labeller comes first.

    Args:
        first: Labels of one labeller by the image's name.
        second: Labels of the other.
        names: What to call them.

    Raises:
        ValueError: If they have no image in common.
    """
    shared = [name for name in first if name in second]
    if not shared:
        a, b = (next(iter(labels), "none") for labels in (first, second))
        raise ValueError(
            f"{names[0]} and {names[1]} have no image in common; their first images are {a!a} and {b!a}"
        )
    out = [(first[n].status == "rejected", second[n].status == "rejected") for n in shared]
    kept = [name for name, either in zip(shared, out, strict=True) if not any(either)]
    matched = [(name, *pair) for name in kept for pair in _pairs(first[name].people, second[name].people)]
    points = np.array([[a.keypoints, b.keypoints] for _, a, b in matched]).reshape(-1, 2, len(COCO17), 3)
    boxes = np.array([_mean_sides(a, b) for _, a, b in matched]).reshape(-1, 2)
    figures = _Figures(points, boxes)
    counts = [(len(first[n].people), len(second[n].people)) for n in kept]
    postures = [(a.posture, b.posture) for _, a, b in matched if a.posture and b.posture]
    posture_table = confusion(*_columns(postures), POSTURES)
    return Agreement(
        names=names,
        num_images=len(kept),
        only=(
            tuple(name for name in first if name not in second),
            tuple(name for name in second if name not in first),
        ),
        rejected=(
            tuple(n for n, (a, b) in zip(shared, out, strict=True) if a and not b),
            tuple(n for n, (a, b) in zip(shared, out, strict=True) if b and not a),
        ),
        num_rejected_by_both=sum(a and b for a, b in out),
        surplus_people=(sum(max(a - b, 0) for a, b in counts), sum(max(b - a, 0) for a, b in counts)),
        pairs=tuple(figures.person(i, name) for i, (name, _, _) in enumerate(matched)),
        points=tuple(figures.keypoints(slice(k, k + 1), name) for k, name in enumerate(COCO17.keypoints)),
        overall=figures.keypoints(slice(None), "all"),
        visibility=figures.table(slice(None)),
        num_postures=len(postures),
        same_posture=_share(np.trace(posture_table), len(postures)),
        posture_kappa=cohens_kappa(posture_table),
    )


def cohens_kappa(table: np.ndarray) -> float:
    """Return Cohen's kappa of a (C, C) table of counts; NaN where chance alone already agrees wholly.

    (observed - chance) / (1 - chance), Cohen 1960: 1 is full agreement, 0 what chance would give.
    """
    total = table.sum()
    if not total:
        return NAN
    observed = np.trace(table) / total
    chance = float(table.sum(axis=0) @ table.sum(axis=1)) / total**2
    return NAN if chance >= 1 else float((observed - chance) / (1 - chance))


def confusion(first: Sequence[object], second: Sequence[object], values: Sequence[object]) -> np.ndarray:
    """Return (C, C) counts of each pair of values, those of the first down."""
    place = {value: i for i, value in enumerate(values)}
    table = np.zeros((len(values), len(values)), dtype=np.int64)
    for a, b in zip(first, second, strict=True):
        table[place[a], place[b]] += 1
    return table


class _Figures:
    """Distances and similarities of N people whom both labelled, and their means."""

    def __init__(self, points: np.ndarray, sides: np.ndarray) -> None:
        self.v = points[..., 2].astype(int)
        """(N, 2, K)."""
        self.placed = (self.v > 0).all(axis=1)
        """(N, K) whether both placed the point."""
        self.distances = np.linalg.norm(points[:, 0, :, :2] - points[:, 1, :, :2], axis=-1)
        self.oks = keypoint_similarity(self.distances, sides.prod(axis=1))
        self.longer = sides.max(axis=1, initial=0)

    def person(self, i: int, image: str) -> PersonPair:
        both = self.placed[i]
        return PersonPair(
            image, _mean(self.oks[i, both]), _mean(self.distances[i, both]), float(self.longer[i])
        )

    def table(self, columns: slice) -> np.ndarray:
        v = self.v[:, :, columns]
        return confusion(v[:, 0].ravel().tolist(), v[:, 1].ravel().tolist(), (0, 1, 2))

    def keypoints(self, columns: slice, name: str) -> PointAgreement:
        both = self.placed[:, columns]
        distances = self.distances[:, columns][both]
        longer = np.broadcast_to(self.longer[:, None], self.distances.shape)[:, columns][both]
        table = self.table(columns)
        return PointAgreement(
            name=name,
            num=int(table.sum()),
            num_placed=int(both.sum()),
            oks=_mean(self.oks[:, columns][both]),
            distance_px=_mean(distances),
            distance_share=_mean(distances / longer),
            pck={share: _mean(distances <= share * longer) for share in PCK_SHARES},
            same_visibility=_share(np.trace(table), table.sum()),
            kappa=cohens_kappa(table),
        )


def _pairs(
    first: Sequence[LabelledPerson], second: Sequence[LabelledPerson]
) -> Iterable[tuple[LabelledPerson, LabelledPerson]]:
    """Return who is whom on one image."""
    if not first or not second:
        return []
    points = np.array([[[a.keypoints, b.keypoints] for b in second] for a in first])
    apart = np.linalg.norm(points[:, :, 0, :, :2] - points[:, :, 1, :, :2], axis=-1)
    areas = np.array([[np.prod(_mean_sides(a, b)) for b in second] for a in first])
    both = (points[..., 2] > 0).all(axis=2)
    oks = np.where(both, keypoint_similarity(apart, areas), 0).sum(-1) / np.maximum(both.sum(-1), 1)
    return [(first[i], second[j]) for i, j in zip(*linear_sum_assignment(-oks), strict=True)]


def _mean_sides(a: LabelledPerson, b: LabelledPerson) -> tuple[float, float]:
    """Return width and height of a person's box, px: the means of both labellers'."""
    (width_a, height_a), (width_b, height_b) = _sides(a), _sides(b)
    return (width_a + width_b) / 2, (height_a + height_b) / 2


def _sides(person: LabelledPerson) -> tuple[float, float]:
    """Return width and height of the box, or of the placed points; at least one pixel."""
    if person.bbox is not None:
        return person.bbox[2], person.bbox[3]
    placed = np.array([(x, y) for x, y, v in person.keypoints if v] or [(0.0, 0.0)])
    width, height = np.maximum(placed.max(axis=0) - placed.min(axis=0), 1)
    return float(width), float(height)


def _columns(pairs: Sequence[tuple[object, object]]) -> tuple[list[object], list[object]]:
    return [a for a, _ in pairs], [b for _, b in pairs]


def _mean(values: Sequence[float] | np.ndarray) -> float:
    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    return float(finite.mean()) if finite.size else NAN


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else NAN
