import dataclasses

import numpy as np
import pytest

from syrip_gen.rendering.depth_buffer import SAME_SURFACE, CornerSamples, DepthBuffer
from syrip_gen.rendering.types import RenderInputs
from syrip_gen.rendering.zbuffer import face_buffer
from tests.rendering.simple_scenes import inputs_of, quad, sphere, two_meshes

SIZE = (64, 48)


@pytest.fixture
def balls() -> RenderInputs:
    """Two balls, one in front of the other."""
    return inputs_of(*two_meshes(sphere((0.05, -0.02, 1.0), 0.2), sphere((-0.1, 0.02, 1.4), 0.25)))


def camera(inputs: RenderInputs) -> tuple[float, float, float, float]:
    return inputs.fx, inputs.fy, inputs.cx, inputs.cy


def test_it_is_the_face_buffer(balls: RenderInputs) -> None:
    buffer = DepthBuffer().draw(balls)
    depth, index = face_buffer(balls.vertices, balls.faces, *camera(balls), *SIZE)
    covered = index >= 0
    np.testing.assert_array_equal(buffer.mask, covered)
    np.testing.assert_array_equal(buffer.face[covered], index[covered])
    np.testing.assert_array_equal(buffer.depth(), depth)


def test_leaving_out_back_faces_changes_nothing_on_a_closed_mesh(balls: RenderInputs) -> None:
    buffer = DepthBuffer().draw(balls)
    assert buffer.topology.is_closed
    opened = DepthBuffer().draw(
        dataclasses.replace(balls, faces=np.concatenate([balls.faces, balls.faces[:1]]))
    )
    assert not opened.topology.is_closed
    np.testing.assert_array_equal(buffer.inverse_depth, opened.inverse_depth)


def test_drawing_again_forgets_the_last_picture(balls: RenderInputs) -> None:
    moved = dataclasses.replace(balls, vertices=balls.vertices + np.float32([0.05, 0.05, 0.1]))
    away = dataclasses.replace(balls, vertices=balls.vertices + np.float32([9, 0, 0]))
    buffer = DepthBuffer().draw(balls)
    np.testing.assert_array_equal(buffer.draw(moved).depth(), DepthBuffer().draw(moved).depth())
    assert buffer.is_seen
    assert not buffer.draw(away).is_seen
    assert not buffer.mask.any()


def test_pixels_on_an_edge_are_marked_and_their_corners_are_the_face_buffer(balls: RenderInputs) -> None:
    buffer, corners = DepthBuffer().draw(balls), CornerSamples.allocate(*SIZE)
    corners.draw(buffer, balls)
    fx, fy, cx, cy = camera(balls)
    depth, index = face_buffer(
        balls.vertices, balls.faces, fx, fy, cx + 0.5, cy + 0.5, SIZE[0] + 1, SIZE[1] + 1
    )
    inverse = np.stack(
        [1 / depth[:-1, :-1], 1 / depth[:-1, 1:], 1 / depth[1:, :-1], 1 / depth[1:, 1:], buffer.inverse_depth]
    )
    x0, y0, x1, y1 = buffer.bounds
    inside = np.zeros(SIZE[::-1], bool)
    inside[y0:y1, x0:x1] = True
    breaks = inverse.max(axis=0) - inverse.min(axis=0) > 3 * SAME_SURFACE * inverse.max(axis=0)
    # Slopes within a pixel are steep near a silhouette without being an edge; real steps are all marked.
    steps = inside & breaks & (inverse.max(axis=0) > 1.2 * inverse.min(axis=0))
    assert steps.sum() > 100
    assert corners.marks[steps].all()
    marked = inside & corners.marks
    for dj, di in ((0, 0), (0, 1), (1, 0), (1, 1)):
        near = np.zeros((SIZE[1] + 1, SIZE[0] + 1), bool)
        near[dj : dj + SIZE[1], di : di + SIZE[0]] = marked
        found = np.where(corners.inverse_depth > 0, corners.face, -1)
        np.testing.assert_array_equal(found[near], index[near])


def test_a_plane_has_no_edges_but_its_border() -> None:
    floor = inputs_of(*quad([(-1, 0.4, 5), (1, 0.4, 5), (1, 0.4, 1.0), (-1, 0.4, 1.0)]))
    buffer, corners = DepthBuffer().draw(floor), CornerSamples.allocate(*SIZE)
    corners.draw(buffer, floor)
    assert not corners.marks[33:45, 20:44].any()
    assert buffer.mask[33:45, 20:44].all()
