import numpy as np
import pytest
import trimesh

from syrip_gen.sampling.appearance.occlusion import short_range_occlusion


@pytest.mark.parametrize("gap,low,high", [(0.2, 0.999, 1.0), (0.02, 0.2, 0.7), (0.002, 0.0, 0.15)])
def test_a_lid_over_a_plane_darkens_it_as_it_comes_closer(gap, low, high):
    plane = trimesh.creation.box((1, 0.001, 1))
    lid = plane.copy()
    lid.apply_translation([0, gap, 0])
    both = trimesh.util.concatenate([plane, lid])
    point = np.array([[0.0, 0.0005, 0.0]])
    sky = short_range_occlusion(
        np.concatenate([both.vertices, point]),
        np.tile([0.0, 1.0, 0.0], (len(both.vertices) + 1, 1)),
        both.faces,
        reach=0.05,
    )
    assert low <= sky[-1] <= high


def test_convex_bodies_see_the_whole_sky():
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.1)
    sky = short_range_occlusion(ball.vertices, ball.vertex_normals, ball.faces, reach=0.03)
    assert sky.min() > 0.98


def test_hollows_of_the_infant_are_darker(painter):
    sky = painter.vertices.open_sky
    mouth = painter.vertices.regions["mouth_interior"] > 0
    belly = painter.vertices.weight(3, 6) > 0.9
    assert sky[mouth].mean() < 0.85
    assert sky[belly].mean() > 0.95
