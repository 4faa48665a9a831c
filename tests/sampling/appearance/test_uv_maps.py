import numpy as np

from syrip_gen.sampling.appearance.uv_maps import map_texels

UV = np.array([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.9]])
FACES = np.array([[0, 1, 2], [1, 3, 2]])


def test_texels_get_the_uv_of_their_centres():
    texels = map_texels(UV, FACES, 64, gutter=0)
    rows, columns = np.divmod(texels.flat, 64)
    found = texels.interpolate(UV, FACES)
    np.testing.assert_allclose(found[:, 0], (columns + 0.5) / 64, atol=1e-5)
    np.testing.assert_allclose(found[:, 1], 1 - (rows + 0.5) / 64, atol=1e-5)


def test_texels_cover_the_island():
    assert abs(len(map_texels(UV, FACES, 128, gutter=0).flat) - (0.8 * 128) ** 2) < 0.02 * 128**2


def test_gutter_repeats_the_edge():
    texels = map_texels(UV, FACES, 64, gutter=3)
    image = texels.image(texels.interpolate(UV[:, 0], FACES), fill=-1)
    row = image[32]
    inside = np.flatnonzero(row >= 0)
    assert inside[0] == 3  # the island starts at texel 6
    np.testing.assert_allclose(row[3:6], 0.1, atol=0.01)
    assert row[2] == -1


def test_interpolation_matches_numpy():
    texels = map_texels(UV, FACES, 32)
    values = np.random.default_rng(0).normal(size=(4, 3))
    expected = (values[FACES[texels.face]] * texels.barycentric[..., None]).sum(axis=1)
    np.testing.assert_allclose(texels.interpolate(values, FACES), expected, atol=1e-5)


def test_overlapping_triangles_are_settled_by_priority():
    twice = np.concatenate([FACES, FACES])
    assert (map_texels(UV, twice, 32).face < 2).all()
    assert (map_texels(UV, twice, 32, priority=np.array([0.0, 0.0, 1.0, 1.0])).face >= 2).all()
