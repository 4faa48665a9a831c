import numpy as np
import pytest
import trimesh

from syrip_gen.rendering.screen import NEAR_M
from syrip_gen.rendering.zbuffer import face_buffer
from tests.rendering.simple_scenes import sphere

CAMERA = (70.0, 72.0, 33.3, 23.8)
SIZE = (64, 48)


def pixel_rays(size: tuple[int, int] = SIZE) -> np.ndarray:
    """Return the (h·w, 3) rays with z = 1 through pixel centres."""
    fx, fy, cx, cy = CAMERA
    v, u = np.mgrid[0 : size[1], 0 : size[0]] + 0.5
    return np.stack([(u - cx) / fx, (v - cy) / fy, np.ones_like(u)], axis=-1).reshape(-1, 3)


def naive_buffer(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intersect every ray with every triangle, in float64."""
    rays = pixel_rays()
    depth, index = np.full(len(rays), np.inf), np.full(len(rays), -1)
    for f, (a, b, c) in enumerate(np.asarray(vertices, np.float64)[faces]):
        matrix = np.stack([b - a, c - a, np.zeros(3)], axis=1)
        for r, ray in enumerate(rays):
            matrix[:, 2] = -ray
            if abs(np.linalg.det(matrix)) < 1e-12:
                continue
            s, t, z = np.linalg.solve(matrix, -a)
            if s >= 0 and t >= 0 and s + t <= 1 and NEAR_M <= z < depth[r]:
                depth[r], index[r] = z, f
    return depth.reshape(SIZE[::-1]), index.reshape(SIZE[::-1])


def random_soup(seed: int, count: int = 25) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centers = rng.uniform([-0.5, -0.4, 0.8], [0.5, 0.4, 2.0], (count, 1, 3))
    return (centers + rng.normal(0, 0.15, (count, 3, 3))).reshape(-1, 3), np.arange(3 * count).reshape(-1, 3)


@pytest.mark.parametrize("seed", [0, 1])
def test_matches_a_naive_ray_caster(seed: int) -> None:
    vertices, faces = random_soup(seed)
    depth, index = face_buffer(vertices, faces, *CAMERA, *SIZE)
    expected_depth, expected_index = naive_buffer(vertices, faces)
    same = index == expected_index
    assert same.mean() > 0.995  # only rays within 1/512 px of an edge may differ
    assert (index >= 0).mean() > 0.2
    hit = same & (index >= 0)
    np.testing.assert_allclose(
        depth[hit], expected_depth[hit], rtol=1e-3
    )  # snapping moves steep triangles by a little


def test_matches_trimesh_rays_on_a_closed_mesh() -> None:
    vertices, faces = sphere((0.05, -0.02, 1.0), 0.25)
    depth, _ = face_buffer(vertices, faces, *CAMERA, *SIZE)
    rays = pixel_rays()
    points, ray, _ = trimesh.Trimesh(vertices, faces, process=False).ray.intersects_location(
        np.zeros_like(rays), rays, multiple_hits=False
    )
    expected = np.full(len(rays), np.inf)
    expected[ray] = points[:, 2]
    expected = expected.reshape(depth.shape)
    both = np.isfinite(depth) & np.isfinite(expected)
    assert (np.isfinite(depth) != np.isfinite(expected)).sum() <= 3
    np.testing.assert_allclose(depth[both], expected[both], atol=5e-4)


def test_empty_samples_are_inf_and_minus_one() -> None:
    depth, index = face_buffer(np.zeros((0, 3)), np.zeros((0, 3), int), *CAMERA, *SIZE)
    assert depth.dtype == np.float32
    assert index.dtype == np.int32
    assert np.isinf(depth).all()
    assert (index == -1).all()


def test_triangles_of_a_flat_patch_share_no_sample_and_leave_no_crack() -> None:
    rng = np.random.default_rng(3)
    grid = np.stack(np.meshgrid(np.linspace(-0.4, 0.4, 13), np.linspace(-0.3, 0.3, 11)), axis=-1)
    grid[1:-1, 1:-1] += rng.uniform(-0.02, 0.02, grid[1:-1, 1:-1].shape)
    vertices = np.concatenate([grid.reshape(-1, 2), np.ones((grid.shape[0] * grid.shape[1], 1))], axis=1)
    faces = [
        t
        for r in range(10)
        for c in range(12)
        for t in (
            [r * 13 + c, r * 13 + c + 1, r * 13 + c + 13],
            [r * 13 + c + 1, r * 13 + c + 14, r * 13 + c + 13],
        )
    ]
    covered = np.zeros((96, 128), int)
    for face in faces:
        _, index = face_buffer(vertices, np.array([face]), *CAMERA, *SIZE, supersample=2)
        covered += index >= 0
    inside = face_buffer(np.array([[-0.4, -0.3, 1], [0.4, -0.3, 1], [0.4, 0.3, 1], [-0.4, 0.3, 1.0]]),
                         np.array([[0, 1, 2], [0, 2, 3]]), *CAMERA, *SIZE, supersample=2)[1] >= 0  # fmt: skip
    np.testing.assert_array_equal(covered, inside.astype(int))


def test_samples_exactly_on_a_shared_edge_belong_to_one_triangle() -> None:
    # The diagonal and the vertical edge pass exactly through pixel centres.
    vertices = np.array([[0.5, 0.5, 1], [8.5, 0.5, 1], [8.5, 8.5, 1], [0.5, 8.5, 1]], float)
    counts = sum(
        (face_buffer(vertices, np.array([f]), 1.0, 1.0, 0.0, 0.0, 10, 10)[1] >= 0).astype(int)
        for f in ([0, 1, 2], [0, 2, 3])
    )
    assert counts.max() == 1
    assert counts.sum() == 64  # top and left edges are in, bottom and right edges are out


def test_the_first_of_two_equal_triangles_wins() -> None:
    vertices = np.array([[-1, -1, 2], [1, -1, 2], [0, 1, 2.0]])
    _, index = face_buffer(vertices, np.array([[2, 1, 0], [0, 1, 2]]), *CAMERA, *SIZE)
    assert set(np.unique(index)) == {-1, 0}


def test_an_edge_is_placed_to_a_fraction_of_a_pixel() -> None:
    for edge in (20.0, 20.3, 20.71):
        x = (edge - CAMERA[2]) / CAMERA[0]
        vertices = np.array([[-9, -9, 1], [x, -9, 1], [x, 9, 1], [-9, 9, 1.0]])
        _, index = face_buffer(vertices, np.array([[0, 1, 2], [0, 2, 3]]), *CAMERA, *SIZE, supersample=16)
        assert (index[5] >= 0).sum() / 16 == pytest.approx(edge, abs=1 / 16)


def test_triangles_that_cross_the_near_plane_are_cut() -> None:
    vertices = np.array(
        [[-0.3, 0.2, -1.0], [0.3, 0.2, -1.0], [0.0, 0.2, 4.0]]
    )  # a floor that passes below the camera
    depth, index = face_buffer(vertices, np.array([[0, 1, 2]]), *CAMERA, *SIZE)
    expected_depth, expected_index = naive_buffer(vertices, np.array([[0, 1, 2]]))
    assert (index == expected_index).mean() > 0.99
    both = (index >= 0) & (expected_index >= 0)
    assert both.sum() > 300
    np.testing.assert_allclose(depth[both], expected_depth[both], rtol=2e-3)


def test_neighbours_cut_at_the_near_plane_leave_no_crack() -> None:
    x = np.linspace(-0.5, 0.5, 15)
    vertices = np.concatenate(
        [np.stack([x, x * 0 + 0.3, x * 0 - 0.5], 1), np.stack([x, x * 0 + 0.3, x * 0 + 2], 1)]
    )
    faces = np.array([t for i in range(14) for t in ([i, i + 1, i + 15], [i + 1, i + 16, i + 15])])
    _, index = face_buffer(vertices, faces, *CAMERA, *SIZE, supersample=4)
    lowest = index[-1] >= 0
    first, last = np.flatnonzero(lowest)[[0, -1]]
    assert lowest[first : last + 1].all()
    assert lowest.sum() > 100


def test_a_body_behind_the_camera_is_not_drawn() -> None:
    vertices, faces = sphere((0, 0, -1.0), 0.3, 2)
    assert (face_buffer(vertices, faces, *CAMERA, *SIZE)[1] == -1).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_vertices_that_are_not_finite_lose_only_their_triangles(bad: float) -> None:
    vertices, faces = random_soup(5)
    _, expected = face_buffer(vertices, faces[1:], *CAMERA, *SIZE)
    vertices[faces[0, 1]] = bad
    _, index = face_buffer(vertices, faces, *CAMERA, *SIZE)
    np.testing.assert_array_equal(np.where(index >= 0, index - 1, -1), expected)


def test_degenerate_triangles_draw_nothing() -> None:
    vertices = np.array([[0, 0, 1], [0.2, 0.2, 1], [0.4, 0.4, 1], [0.0, 0.0, 1.0]])
    _, index = face_buffer(vertices, np.array([[0, 1, 2], [0, 0, 0], [0, 3, 1]]), *CAMERA, *SIZE)
    assert (index == -1).all()


def test_huge_coordinates_do_not_overflow() -> None:
    vertices = np.array([[-1e7, -1e7, 1], [1e7, -1e7, 1], [0, 1e7, 1.0]])
    depth, index = face_buffer(vertices, np.array([[0, 1, 2]]), *CAMERA, *SIZE)
    assert (index == 0).all()
    np.testing.assert_allclose(depth, 1.0, rtol=1e-5)


def test_supersampling_is_the_same_as_a_larger_picture() -> None:
    vertices, faces = random_soup(2)
    small = face_buffer(vertices, faces, *CAMERA, *SIZE, supersample=3)
    large = face_buffer(vertices, faces, *(3 * value for value in CAMERA), 3 * SIZE[0], 3 * SIZE[1])
    np.testing.assert_array_equal(small[1], large[1])
