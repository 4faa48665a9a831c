"""The convex hull: the same facets as Qhull's, none where there is no volume."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from syrip_gen.sampling.hull import convex_hull


@pytest.mark.parametrize("seed", range(4))
def test_facets_are_those_of_qhull(seed):
    points = np.random.default_rng(seed).normal(size=(200, 3)) * (1.0, 0.5, 0.2)
    normals, offsets, corners = convex_hull(points)
    expected = ConvexHull(points)
    assert {tuple(sorted(c)) for c in corners} == {tuple(sorted(s)) for s in expected.simplices}
    assert (points @ normals.T + offsets).max() < 1e-12
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0)


def test_cube_is_covered_by_twelve_facets():
    points = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
    normals, offsets, corners = convex_hull(points)
    assert len(corners) == 12
    assert (points @ normals.T + offsets).max() < 1e-12


@pytest.mark.parametrize("points", [np.zeros((5, 3)), np.eye(4, 3) * (1, 1, 0)], ids=["one point", "flat"])
def test_points_without_volume_have_no_facets(points):
    assert len(convex_hull(points)[2]) == 0
