import json
from dataclasses import replace

import numpy as np
import pytest

from syrip_gen.sampling.coarse_body import CoarseBody
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.sampling.plan import PAPER_TURNS, PlanContext, PoseTable, plan_scene
from syrip_gen.sampling.scene import SceneSpec


@pytest.fixture(scope="module")
def context(resources, bank) -> PlanContext:
    return resources.plan_context(bank)


def test_planning_is_pure(context) -> None:
    first = [plan_scene(context, 5, index) for index in (0, 7, 3)]
    again = [plan_scene(context, 5, index) for index in (3, 0, 7)]
    assert first == [again[1], again[2], again[0]]
    assert plan_scene(context, 6, 0) != first[0]


def test_specs_survive_json(context) -> None:
    for index in range(5):
        spec = plan_scene(context, 0, index)
        assert SceneSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_rejected_fits_are_never_used(context) -> None:
    used = [plan_scene(context, 0, index).pose_index for index in range(12)]
    assert set(used) == {0, 1, 3, 4, 5, 6}
    assert max(np.bincount(used)) == 2


def test_a_bank_without_accepted_fits_is_an_error(resources, bank) -> None:
    bad = replace_namespace(bank, accepted=np.zeros_like(bank.accepted))
    with pytest.raises(ValueError, match="none of the 7 fitted poses was accepted"):
        PoseTable.from_bank(bad, CoarseBody.from_assets(resources.body))


def replace_namespace(namespace, **changes):
    from types import SimpleNamespace

    return SimpleNamespace(**{**vars(namespace), **changes})


def test_postures_come_from_the_input_or_from_the_geometry(context) -> None:
    assert set(context.poses.postures) <= {"Supine", "Prone", "Side", "Sitting", "Standing", "Crawling"}
    assert context.poses.postures[0] == "Supine"
    assert all(context.poses.postures)


def test_bodies_touch_their_support(context, resources) -> None:
    for index in range(12):
        spec = plan_scene(context, 1, index)
        posed = resources.coarse.pose(
            np.array(spec.body.betas),
            np.array(spec.body.global_orient),
            np.reshape(spec.body.body_pose, (23, 3)),
        )
        lowest = (posed.vertices + spec.body.transl)[:, 2].min()
        assert -0.02 < lowest <= 1e-9


def test_cameras_stay_above_the_support(context) -> None:
    for index in range(40):
        T = np.array(plan_scene(context, 2, index).camera.T_cam_world)
        assert (-T[:3, :3].T @ T[:3, 3])[2] > 0.0


def test_most_infants_are_inside_the_picture(context, resources) -> None:
    outside = 0
    for index in range(60):
        spec = plan_scene(context, 3, index)
        posed = resources.coarse.pose(
            np.array(spec.body.betas),
            np.array(spec.body.global_orient),
            np.reshape(spec.body.body_pose, (23, 3)),
        )
        T, c = np.array(spec.camera.T_cam_world), spec.camera
        cam = (posed.vertices + spec.body.transl) @ T[:3, :3].T + T[:3, 3]
        image = cam[:, :2] / cam[:, 2:] * c.fx + (c.cx, c.cy)
        assert (cam[:, 2] > 0.05).all()
        outside += (image < -2).any() or (image > (c.width + 2, c.height + 2)).any()
    assert outside <= 12


def test_paper_rotations_turn_one_body_ten_times(context) -> None:
    """The root's axis-angle in the camera frame grows by (1, -1, -1) pi / 11 from image to image."""
    from scipy.spatial.transform import Rotation

    paper = replace(context, options=replace(context.options, rotations="paper", pose_jitter=0.0))
    specs = [plan_scene(paper, 0, index) for index in range(PAPER_TURNS)]
    assert len({spec.pose_index for spec in specs}) == 1
    assert {spec.background.params["setting"] for spec in specs} == {"plain"}
    fit = context.poses.global_orient[list(context.poses.rows).index(specs[0].pose_index)]
    for turn, spec in enumerate(specs):
        R_cam_world = np.array(spec.camera.T_cam_world)[:3, :3]
        in_camera = R_cam_world @ Rotation.from_rotvec(spec.body.global_orient).as_matrix()
        expected = Rotation.from_rotvec(fit + turn * np.pi / 11 * np.array([1, -1, -1])).as_matrix()
        np.testing.assert_allclose(in_camera, expected, atol=1e-9)


def test_a_smaller_bank_of_betas_is_padded(resources, bank) -> None:
    few = replace_namespace(bank, betas=bank.betas[:, :10])
    assert PoseTable.from_bank(few, resources.coarse).betas.shape == (6, 20)


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("rotations", "all", "gravity, paper"),
        ("width", 8, "at least 32x32"),
        ("mirror_probability", 1.5, "must lie in 0..1"),
    ],
)
def test_options_are_checked(field, value, message) -> None:
    with pytest.raises(ValueError, match=message):
        SamplingOptions(**{field: value})
