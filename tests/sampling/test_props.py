import numpy as np
import pytest

from syrip_gen.sampling.perspective import View
from syrip_gen.sampling.props import (
    FURNITURE,
    TOYS,
    build_crib,
    build_furniture,
    build_toys,
    footprints,
    sample_furniture,
    sample_toys,
)
from syrip_gen.sampling.scene import LightSpec
from syrip_gen.sampling.solids import BOX, ELLIPSOID, solid
from syrip_gen.sampling.walls import bounding_boxes, draw_solids

WHITE = np.array([0.8, 0.8, 0.8])
EVEN = LightSpec(
    sh=((1 / 0.886227,) * 3, *((0.0,) * 3 for _ in range(8))),
    key_direction=(0.0, 0.0, 1.0), key_color=(0.0, 0.0, 0.0), shadow_softness=0.1,
)  # fmt: skip


@pytest.fixture
def view() -> View:
    """A camera 2 m in front of the origin that looks along world y, 100 px a metre at the origin."""
    K = np.array([[200.0, 0, 79.5], [0, 200.0, 59.5], [0, 0, 1]])
    R = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    return View(K, R, np.array([0.0, 0.0, 2.0]), 160, 120)


def draw(view: View, *rows: np.ndarray) -> np.ndarray:
    picture = np.zeros((view.height, view.width, 3), np.uint8)
    draw_solids(picture, view, np.array(rows), EVEN, None)
    return picture


def test_a_sphere_covers_its_disc(view) -> None:
    picture = draw(view, solid(ELLIPSOID, np.zeros(3), (0.2, 0.2, 0.2), WHITE))
    covered = picture[..., 0] > 0
    radius = 200 * np.tan(np.arcsin(0.2 / 2.0))
    assert covered.sum() == pytest.approx(np.pi * radius**2, rel=0.06)
    rows, columns = np.nonzero(covered)
    assert rows.mean() == pytest.approx(59.5, abs=0.3)
    assert columns.mean() == pytest.approx(79.5, abs=0.3)


def test_a_box_covers_its_front(view) -> None:
    picture = draw(view, solid(BOX, np.zeros(3), (0.3, 0.1, 0.2), WHITE))
    covered = picture[..., 0] > 0
    assert covered.any(0).sum() == pytest.approx(2 * 0.3 / 1.9 * 200, abs=2)
    assert covered.any(1).sum() == pytest.approx(2 * 0.2 / 1.9 * 200, abs=2)


def test_the_nearer_solid_hides_the_farther(view) -> None:
    near = solid(ELLIPSOID, (0, -0.5, 0), (0.1, 0.1, 0.1), np.array([1.0, 0, 0]))
    far = solid(ELLIPSOID, (0, 0.5, 0), (0.3, 0.3, 0.3), np.array([0, 1.0, 0]))
    for rows in ((near, far), (far, near)):
        centre = draw(view, *rows)[59, 79]
        assert centre[0] > 100
        assert centre[1] < 20


def test_solids_behind_the_camera_are_not_drawn(view) -> None:
    assert draw(view, solid(BOX, (0, -4.0, 0), (0.3, 0.3, 0.3), WHITE)).max() == 0


def test_boxes_hold_all_that_is_drawn(view) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        row = solid(ELLIPSOID, rng.uniform(-0.5, 0.5, 3), rng.uniform(0.02, 0.2, 3), WHITE)
        x0, y0, x1, y1 = bounding_boxes(view, row[None])[0][0]
        ys, xs = np.nonzero(draw(view, row)[..., 0])
        if len(xs):
            assert x0 <= xs.min() <= xs.max() < x1
            assert y0 <= ys.min() <= ys.max() < y1


@pytest.mark.parametrize("kind", range(len(TOYS)))
def test_toys_stand_on_their_support(kind) -> None:
    rows = build_toys([float(kind), 0.5, -0.2, 0.7, 0.5, 3.0])[0]
    lowest = rows[:, 3] - rows[:, 15]
    assert -0.01 < lowest.min() < 0.005
    assert np.hypot(rows[:, 1] - 0.5, rows[:, 2] + 0.2).max() < 0.25
    shadows = footprints(rows)
    assert len(shadows) >= 1
    assert (shadows[:, 2] > 0.005).all()


@pytest.mark.parametrize("kind", range(len(FURNITURE)))
def test_furniture_stands_in_front_of_the_wall(kind) -> None:
    normal = np.array([0.0, 1.0, 0.0])
    rows = build_furniture([float(kind), 0.3, 0, 0, 0.5, 1.0], normal * 2, np.array([1.0, 0, 0]), normal)[0]
    assert (rows[:, 2] <= 2.0 + 1e-9).all()
    assert (rows[:, 3] - rows[:, 15]).min() > -0.06


def test_solids_that_reach_the_camera_are_left_out(view) -> None:
    assert draw(view, solid(BOX, (0, 0, -0.3), (0.5, 4.0, 0.05), WHITE)).max() == 0


def test_cribs_leave_out_the_sides_before_a_flat_camera() -> None:
    outline = (0.35, 0.6, 0.4, 0.0, 0.0)
    closed = build_crib(outline, 0.4, (0.9, 0.9, 0.9), None)
    camera = np.array([2.0, 0.5])
    opened = build_crib(outline, 0.4, (0.9, 0.9, 0.9), camera)
    assert len(opened) < len(closed)
    assert (opened[:, 1:3] @ camera).max() < (closed[:, 1:3] @ camera).max()
    assert closed[:, 3].max() == pytest.approx(0.4)


def test_samples_are_plain_numbers_within_reach() -> None:
    for seed in range(50):
        values = sample_toys((0.4, 0.7), 1.0, 0.5, np.random.default_rng(seed))
        rows = np.reshape(values, (-1, 6))
        distance, angle = np.hypot(rows[:, 1], rows[:, 2]), np.arctan2(rows[:, 2], rows[:, 1])
        assert ((distance >= 0.4) & (distance <= 0.7)).all()
        assert (np.abs(angle - 1.0) <= 0.5).all()
        assert all(isinstance(v, float) for v in values + sample_furniture(np.random.default_rng(seed)))
