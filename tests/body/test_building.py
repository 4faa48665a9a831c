"""The parts of the asset's builder that need no anny."""

import numpy as np
import pytest
import trimesh
from scipy import sparse

from syrip_gen.body.building.growth import WHO_RANGE, sample_targets
from syrip_gen.body.building.population import fit_shape_space
from syrip_gen.body.building.proportions import build_softener, scale_parts
from syrip_gen.body.building.regression import fit_joint_regressor, mirror_vertices, prune_rows
from syrip_gen.body.building.skeleton import merge_weights, prune_weights, smpl_joints
from syrip_gen.body.kinematics import SMPL_PARENTS
from syrip_gen.body.measurements import body_length, head_circumference, mesh_volume
from tests.body.smpl_files import synthetic_smpl


def test_growth_targets_stay_in_the_who_range_and_centre_on_six_months():
    targets = sample_targets(np.random.default_rng(0), 4000)
    for values, (low, high) in (
        (targets.length_m, WHO_RANGE["length_m"]),
        (targets.weight_kg, WHO_RANGE["weight_kg"]),
        (targets.head_m, WHO_RANGE["head_m"]),
    ):
        assert low <= values.min()
        assert values.max() <= high
    assert targets.length_m.mean() == pytest.approx(0.666, abs=0.002)
    assert np.median(targets.weight_kg) == pytest.approx(7.6, abs=0.2)
    assert np.corrcoef(targets.length_m, targets.weight_kg)[0, 1] > 0.85


def test_scaling_parts_by_one_number_scales_the_body():
    arrays = synthetic_smpl()
    joints = arrays["J_regressor"] @ arrays["v_template"]
    shape, skeleton = scale_parts(arrays["v_template"], joints, arrays["weights"], np.full((24, 3), 1.3))
    np.testing.assert_allclose(shape - skeleton[0], 1.3 * (arrays["v_template"] - joints[0]), atol=1e-12)
    np.testing.assert_allclose(skeleton - skeleton[0], 1.3 * (joints - joints[0]), atol=1e-12)


def test_a_longer_thigh_carries_the_leg_below_it_along():
    arrays = synthetic_smpl()
    joints = arrays["J_regressor"] @ arrays["v_template"]
    scales = np.ones((24, 3))
    scales[1, 1] = 1.5
    shape, skeleton = scale_parts(arrays["v_template"], joints, arrays["weights"], scales)
    thigh = joints[4, 1] - joints[1, 1]
    for joint in (4, 7, 10):
        np.testing.assert_allclose(skeleton[joint] - joints[joint], [0, 0.5 * thigh, 0], atol=1e-12)
    others = arrays["weights"][:, [1, 4, 7, 10]].sum(axis=1) == 0
    np.testing.assert_allclose(shape[others], arrays["v_template"][others], atol=1e-12)


def test_the_softener_removes_bumps_and_leaves_masked_places_alone():
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.05)
    rng = np.random.default_rng(0)
    noise = 1 + 0.02 * rng.normal(size=(len(ball.vertices), 1))
    bumpy = ball.vertices * noise
    amount = (ball.vertices[:, 0] > 0).astype(float)
    soft = build_softener(ball.vertices, ball.faces, amount, 0.008)(bumpy)
    radius = np.linalg.norm(soft, axis=1)
    np.testing.assert_array_equal(soft[amount == 0], bumpy[amount == 0])
    assert radius[amount > 0].std() < 0.3 * np.linalg.norm(bumpy[amount > 0], axis=1).std()


def test_shape_space_recovers_directions_of_unit_variance():
    rng = np.random.default_rng(1)
    mean, directions = rng.normal(size=(50, 3)), rng.normal(size=(50, 3, 2)) * [0.3, 0.1]
    scores = rng.normal(size=(600, 2))
    bodies = mean + np.einsum("ns,vcs->nvc", scores, directions)
    space = fit_shape_space(bodies, 2)
    assert space.explained == pytest.approx(1)
    np.testing.assert_allclose(space.mean, mean + directions @ scores.mean(axis=0), atol=1e-12)
    # The components span the same displacements with the same covariance.
    found = space.components.reshape(-1, 2)
    expected = directions.reshape(-1, 2)
    covariance = expected @ np.cov(scores.T) @ expected.T
    np.testing.assert_allclose(found @ found.T, covariance, atol=1e-9)
    np.testing.assert_array_equal(fit_shape_space(bodies, 2).components, space.components)


def test_joint_regressor_reproduces_linear_joints():
    arrays = synthetic_smpl(num_vertices=960)
    template = arrays["v_template"]
    mirrored = template * [-1, 1, 1]
    template = np.concatenate([template, mirrored])
    mirror = np.concatenate([np.arange(960, 1920), np.arange(960)])
    swap = [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22]
    weights = np.concatenate([arrays["weights"], arrays["weights"][:, swap]])
    rows = np.concatenate([arrays["J_regressor"], arrays["J_regressor"][swap]], axis=1) / 2
    rng = np.random.default_rng(0)
    vertices = template * rng.uniform(0.9, 1.1, size=(12, 1, 3))
    joints = np.einsum("jv,nvc->njc", rows, vertices)
    found = fit_joint_regressor(vertices, joints, weights, SMPL_PARENTS, mirror)
    np.testing.assert_allclose(np.asarray(found.sum(axis=1)).ravel(), 1)
    error = np.linalg.norm(np.einsum("jv,nvc->njc", found.toarray(), vertices) - joints, axis=-1)
    assert error.mean() < 1e-3


def test_mirror_vertices_finds_twins_and_refuses_lopsided_meshes():
    half = np.random.default_rng(0).normal(size=(20, 3))
    both = np.concatenate([half, half * [-1, 1, 1]])
    np.testing.assert_array_equal(mirror_vertices(both), np.concatenate([np.arange(20, 40), np.arange(20)]))
    both[3, 1] += 0.01
    with pytest.raises(ValueError, match="not symmetric"):
        mirror_vertices(both)


def test_merging_refuses_bones_it_does_not_know():
    with pytest.raises(ValueError, match=r"bone tail01 has no SMPL joint"):
        merge_weights(np.ones((3, 2)), ("root", "tail01"))


def test_pruned_weights_and_rows_sum_to_one():
    rng = np.random.default_rng(0)
    weights = prune_weights(rng.dirichlet(np.ones(24), size=30), keep=4)
    assert ((weights > 0).sum(axis=1) <= 4).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    rows = prune_rows(rng.dirichlet(np.full(100, 0.05), size=5), 0.01)
    assert sparse.issparse(rows)
    assert rows.nnz < 250
    np.testing.assert_allclose(np.asarray(rows.sum(axis=1)).ravel(), 1)


def test_measurements_of_a_ball():
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.07)
    assert mesh_volume(ball.vertices, ball.faces) == pytest.approx(4 / 3 * np.pi * 0.07**3, rel=0.01)
    assert body_length(ball.vertices) == pytest.approx(0.14, rel=0.01)
    everything = np.arange(len(ball.vertices))
    assert head_circumference(ball.vertices, everything, tilt=0.0) == pytest.approx(
        2 * np.pi * 0.07, rel=0.02
    )


def test_smpl_joints_are_symmetric_and_ordered_up_the_spine():
    names = ["root", "neck01", "head"]
    names += [
        f"{bone}.{side}"
        for bone in ("upperleg01", "upperleg02", "lowerleg01", "foot", "upperarm01", "lowerarm01", "wrist",
                     "finger2-1", "finger3-1", "finger4-1", "toe2-1", "toe3-1")
        for side in "LR"
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    heads = rng.normal(size=(1, len(names), 3))
    heads[0, 4::2] = heads[0, 3::2] * [-1, 1, 1]
    heads[0, :3] = [[0, 0, 0], [0, 0.3, 0], [0, 0.35, 0]]
    joints = smpl_joints(heads, tuple(names))[0]
    for left, right in ((1, 2), (4, 5), (13, 14), (16, 17), (22, 23)):
        np.testing.assert_allclose(joints[left] * [-1, 1, 1], joints[right])
    assert (np.diff(joints[[0, 3, 6, 9, 12, 15], 1]) > 0).all()
