import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.quality.drawing import SIDE_COLORS
from syrip_gen.quality.pose_plot import draw_pose_distribution, normalise_by_torso
from tests.toy_body import make_toy_body, view

_, POINTS = view(make_toy_body())
POSE = np.column_stack([POINTS[:, :2] * 300, np.full(17, 2)])


def test_normalisation_undoes_turns_shifts_and_sizes():
    reference, kept = normalise_by_torso(POSE[None])
    assert kept.all()
    turn = Rotation.from_euler("z", 130, degrees=True).as_matrix()[:2, :2]
    moved = POSE.copy()
    moved[:, :2] = 2.5 * POSE[:, :2] @ turn.T + (900, -70)
    np.testing.assert_allclose(normalise_by_torso(moved[None])[0], reference, atol=1e-9)


def test_torso_is_upright_and_of_length_one():
    pose = normalise_by_torso(POSE[None])[0][0]
    top, bottom = pose[[5, 6], :2].mean(axis=0), pose[[11, 12], :2].mean(axis=0)
    np.testing.assert_allclose(top, (0, -0.5), atol=1e-9)
    np.testing.assert_allclose(bottom, (0, 0.5), atol=1e-9)


def test_torsos_seen_end_on_or_not_labelled_are_left_out():
    end_on = POSE.copy()
    end_on[[5, 6], 1] = end_on[[11, 12], 1]
    unlabelled = POSE.copy()
    unlabelled[5] = 0
    poses, kept = normalise_by_torso(np.stack([end_on, POSE, unlabelled]))
    assert kept.tolist() == [False, True, False]
    assert len(poses) == 1


def test_plot_is_transparent_beyond_the_limbs_and_coloured_by_side():
    poses, _ = normalise_by_torso(np.repeat(POSE[None], 60, axis=0))
    picture = draw_pose_distribution(poses, side=200, opacity=0.2)
    assert picture.shape == (200, 200, 4)
    assert (picture[[0, -1], :, 3] == 0).all()
    for side in ("left", "right"):
        upper = poses[0, [COCO17.index(f"{side}_shoulder"), COCO17.index(f"{side}_elbow")], :2].mean(axis=0)
        column, row = np.round((upper / 5 + 0.5) * 200).astype(int)
        assert picture[row, column, 3] > 200
        np.testing.assert_allclose(picture[row, column, :3], SIDE_COLORS[side], atol=3)


def test_more_poses_are_more_opaque():
    poses, _ = normalise_by_torso(np.repeat(POSE[None], 20, axis=0))
    few, many = (draw_pose_distribution(poses[:n], side=100, opacity=0.1)[..., 3].max() for n in (1, 20))
    assert few < many


def test_no_pose_gives_an_empty_plot():
    assert not draw_pose_distribution(np.zeros((0, 17, 3)), side=50).any()
