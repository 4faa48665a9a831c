import numpy as np
import pytest
import trimesh

from syrip_gen.annotation.rays import first_hits

CAMERA = (700.0, 650.0, 320.0, 240.0)


def rays(pixels):
    fx, fy, cx, cy = CAMERA
    return np.column_stack([(pixels - (cx, cy)) / (fx, fy), np.ones(len(pixels))])


def scene(rng):
    parts = [trimesh.creation.icosphere(subdivisions=3, radius=r) for r in rng.uniform(0.03, 0.2, 6)]
    for part in parts:
        part.apply_translation(rng.uniform((-0.3, -0.2, 0.8), (0.3, 0.2, 1.4)))
    return trimesh.util.concatenate(parts)


def test_first_hits_are_trimeshs():
    rng = np.random.default_rng(0)
    mesh = scene(rng)
    vertices = mesh.vertices.astype(np.float32)
    oracle = trimesh.Trimesh(vertices.astype(np.float64), mesh.faces, process=False)
    pixels = rng.uniform((0, 0), (640, 480), (400, 2))
    face, depth = first_hits(pixels, vertices, mesh.faces, *CAMERA)
    points, ray, triangle = oracle.ray.intersects_location(
        np.zeros((400, 3)), rays(pixels), multiple_hits=True
    )
    expected = np.full(400, np.inf)
    np.minimum.at(expected, ray, points[:, 2])
    np.testing.assert_allclose(depth, expected, rtol=1e-9)
    assert 50 < np.isfinite(depth).sum() < 350
    nearest = {r: t for p, r, t in zip(points, ray, triangle, strict=True) if p[2] == expected[r]}
    assert np.mean([face[r] == t for r, t in nearest.items()]) > 0.99
    assert (face[np.isinf(depth)] == -1).all()


def test_both_sides_of_a_triangle_count():
    triangle = np.array([[-1, -1, 2], [1, -1, 2], [0, 1, 2]], np.float32)
    for corners in ([0, 1, 2], [0, 2, 1]):
        face, depth = first_hits(np.array([[320.0, 240.0]]), triangle, np.array([corners]), *CAMERA)
        assert (face[0], depth[0]) == (0, pytest.approx(2.0))


def test_triangles_behind_the_camera_or_not_finite_are_left_out():
    vertices = np.array(
        [[-1, -1, -2], [1, -1, -2], [0, 1, -2], [np.nan, 0, 1], [1, 0, 1], [0, 1, 1]], np.float32
    )
    face, depth = first_hits(np.array([[320.0, 240.0]]), vertices, np.array([[0, 1, 2], [3, 4, 5]]), *CAMERA)
    assert (face[0], depth[0]) == (-1, np.inf)
