"""Labels with everything that a label can say, for round trips."""

import numpy as np

from fidip.labelling.documents import ImageLabel, LabelledPerson
from fidip.labelling.exchange.records import OutgoingImage

SIZE = (640, 480)


def person(number=1, *, seed=0, size=SIZE, posture=None, score=None, box=True, visibility=None):
    """Return a person whose points have v 0, 1 and 2 in turn, or all ``visibility``."""
    rng = np.random.default_rng(seed)
    low, high = np.array(size) * 0.2, np.array(size) * 0.8
    places = np.round(rng.uniform(low, high, (17, 2)), 3)
    points = []
    for k, (x, y) in enumerate(places.tolist()):
        v = (2, 1, 2, 0)[k % 4] if visibility is None else visibility
        points.append((x, y, v) if v else (0.0, 0.0, 0))
    bbox = (size[0] * 0.15, size[1] * 0.15, size[0] * 0.7, size[1] * 0.7) if box else None
    return LabelledPerson(id=number, keypoints=tuple(points), bbox=bbox, posture=posture, score=score)


def label(*people, status="reviewed", reasons=(), note=""):
    return ImageLabel(people=people, status=status, reasons=reasons, note=note)


def outgoing(name="a.jpg", lab=None, *, size=SIZE, first=None):
    return OutgoingImage(name, *size, lab if lab is not None else label(person()), first)


def example_images():
    """Return images with one, two and no people, each status, and names that need escaping."""
    return [
        outgoing("a.jpg", label(person(posture="supine"))),
        outgoing("sub/b 1.png", label(person(1, seed=1), person(2, seed=2, posture="side"))),
        outgoing("c&<\"'>é%20.jpg", label(person(seed=3), status="rejected", reasons=("blurred", "x<y"))),
        outgoing("d.jpg", label(status="reviewed", note='nobody & "nothing"\n here ')),
        outgoing("e.jpg", label(person(seed=4, score=None), status="unreviewed", note="look again")),
        outgoing("f.jpg", label(person(seed=5, box=False, visibility=1, size=(333, 777))), size=(333, 777)),
    ]


def assert_same_label(found, expected, *, atol=0.0, skip=()):
    """Compare everything that a format should keep; scores are the network's and are not exchanged."""
    assert len(found.people) == len(expected.people)
    for a, b in zip(found.people, expected.people, strict=True):
        points_a, points_b = np.array(a.keypoints), np.array(b.keypoints)
        np.testing.assert_array_equal(points_a[:, 2], points_b[:, 2])
        np.testing.assert_allclose(points_a, points_b, rtol=0, atol=atol)
        assert (a.bbox is None) == (b.bbox is None)
        if a.bbox is not None:
            np.testing.assert_allclose(a.bbox, b.bbox, rtol=0, atol=2 * atol)
        if "posture" not in skip:
            assert a.posture == b.posture
    for field in {"status", "reasons", "note"} - set(skip):
        assert getattr(found, field) == getattr(expected, field), field
