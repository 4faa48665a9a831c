import numpy as np

from syrip_gen.fitting.kinematics import forward
from syrip_gen.fitting.proxies import SLACK, penetration, posed_centers, sphere_kinematics


def test_spheres_fit_the_body(fitter, infant) -> None:
    spheres = fitter.spheres
    assert 0.05 < spheres.radius[spheres.names.index("head")] < 0.09
    assert 0.03 < spheres.radius[spheres.names.index("chest_left")] < 0.09
    joints = infant.J_regressor @ infant.v_template
    centers = posed_centers(spheres, joints, np.tile(np.eye(3), (24, 1, 1)))
    nearest = np.linalg.norm(infant.v_template[None] - centers[:, None], axis=-1).min(1)
    assert (nearest < spheres.radius + 0.02).all(), "no sphere floats away from the skin"
    assert penetration(spheres, centers).max() == 0.0, "nothing collides in the T-pose"


def test_penetration_is_the_overlap_of_two_spheres(fitter) -> None:
    spheres = fitter.spheres
    centers = 10.0 * np.arange(len(spheres.radius))[:, None] * np.array([1.0, 0.0, 0.0])
    a, b = spheres.pairs[5]
    centers[a] = centers[b] + [0.0, 0.03, 0.0]
    expected = spheres.radius[a] + spheres.radius[b] - SLACK - 0.03
    depths = penetration(spheres, centers)
    np.testing.assert_allclose(depths[5], expected)
    assert np.count_nonzero(depths) == 1


def test_no_pair_counts_twice(fitter) -> None:
    pairs = {tuple(sorted(pair)) for pair in fitter.spheres.pairs.tolist()}
    assert len(pairs) == len(fitter.spheres.pairs)


def test_centres_move_with_joints(fitter, random_body) -> None:
    parts = random_body[:20] * 0, random_body[20:29].reshape(3, 3), random_body[29:98], random_body[98:101]
    _, joints, rotations, _ = forward(fitter.kinematics, *parts)
    centers = forward(sphere_kinematics(fitter.kinematics, fitter.spheres), *parts)[0]
    np.testing.assert_allclose(centers, posed_centers(fitter.spheres, joints, rotations), atol=1e-9)
