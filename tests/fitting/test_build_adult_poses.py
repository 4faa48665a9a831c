"""Adult poses to pretrain lifters on."""

import numpy as np
import pytest

from syrip_gen.fitting.build_adult_poses import adult_skeleton, build_adult_poses, main
from syrip_gen.keypoints.catalog import COCO17, H36M17, MPI_INF_3DHP28


@pytest.fixture(scope="module")
def made():
    return build_adult_poses(240, 3, H36M17)


def at(points, name, schema=H36M17):
    return points[:, schema.index(name)]


def test_segments_have_adult_lengths(made):
    points = made["keypoints_3d_m"]
    thigh = np.linalg.norm(at(points, "left_hip") - at(points, "left_knee"), axis=1)
    shank = np.linalg.norm(at(points, "left_knee") - at(points, "left_ankle"), axis=1)
    forearm = np.linalg.norm(at(points, "right_elbow") - at(points, "right_wrist"), axis=1)
    assert thigh.mean() == pytest.approx(0.245 * 1.7, rel=0.02)
    assert shank.mean() == pytest.approx(0.246 * 1.7, rel=0.02)
    assert forearm.mean() == pytest.approx(0.146 * 1.7, rel=0.02)
    assert 0.03 < thigh.std() / thigh.mean() < 0.12


def test_an_upright_adult_has_the_tables_heights(infant):
    rest, face = adult_skeleton(infant, np.ones(8))
    shoulders, hips = rest[[16, 17], 1].mean(), rest[[1, 2], 1].mean()
    eyes, crown = rest[15, 1] + face[1:3, 1].mean(), rest[15, 1] + face[5, 1]
    assert shoulders - hips == pytest.approx(0.288, abs=1e-6)
    assert crown - eyes == pytest.approx(0.064, abs=1e-6)
    assert eyes - shoulders == pytest.approx(0.118, abs=0.02)
    stature = crown - rest[[7, 8], 1].mean() + 0.039
    assert stature == pytest.approx(1.0, abs=0.06)


def test_most_stand_upright_before_the_camera(made):
    points, gravity = made["keypoints_3d_m"], made["gravity"]
    np.testing.assert_allclose(np.linalg.norm(gravity, axis=1), 1, atol=1e-6)
    assert (gravity[:, 1] > 0.8).all()  # y down in the picture
    up = at(points, "thorax") - at(points, "pelvis")
    cosine = -(up * gravity).sum(1) / np.linalg.norm(up, axis=1)
    assert np.mean(cosine > 0.9) > 0.7
    feet_below_hips = ((at(points, "left_ankle") - at(points, "pelvis")) * gravity).sum(1)
    assert np.mean(feet_below_hips > 0.3) > 0.9
    assert points[..., 2].min() > 1


def test_knees_bend_backwards_and_faces_look_forwards(made):
    points = made["keypoints_3d_m"].astype(float)
    up = at(points, "thorax") - at(points, "pelvis")
    forward = np.cross(at(points, "left_hip") - at(points, "right_hip"), up)
    straight = 0.5 * (at(points, "left_hip") + at(points, "left_ankle"))
    knee_forward = ((at(points, "left_knee") - straight) * forward).sum(1)
    assert np.mean(knee_forward > -1e-3) > 0.9
    nose_forward = ((at(points, "neck_nose") - at(points, "head_top")) * forward).sum(1)
    assert np.mean(nose_forward > 0) > 0.9


def test_the_same_seed_gives_the_same_poses_and_schemas_are_named(made, tmp_path, monkeypatch):
    again = build_adult_poses(240, 3, H36M17)
    assert all(np.array_equal(made[name], again[name]) for name in made)
    assert str(made["schema"]) == "h36m17"
    with pytest.raises(ValueError, match=r"mpi_inf_3dhp28 has .*, which this skeleton has not"):
        build_adult_poses(2, 0, MPI_INF_3DHP28)
    monkeypatch.setattr("sys.argv", ["x", "--poses", "3", "-o", str(tmp_path / "a.npz")])
    main()
    from fidip.lifting.pose_files import read_poses_3d

    assert read_poses_3d(tmp_path / "a.npz", COCO17).points.shape == (3, 17, 3)
