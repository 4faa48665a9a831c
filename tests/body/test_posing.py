import numpy as np
import pytest
import torch
from smplx.lbs import lbs

from syrip_gen.body import load_body
from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.keypoint_path import KeypointPath
from syrip_gen.body.kinematics import SMPL_PARENTS, forward_kinematics, forward_kinematics_torch
from syrip_gen.body.posing import BodyModel, pose_body, rest_body
from syrip_gen.body.validation import check_core
from syrip_gen.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from tests.body.smpl_files import synthetic_smpl

torch.set_num_threads(1)


def _toy(posedirs: bool, num_vertices: int = 96, num_betas: int = 3) -> BodyAssets:
    """Give a body of few vertices, with or without pose blend shapes."""
    core = check_core(synthetic_smpl(num_vertices, num_betas, posedirs=posedirs), "toy")
    rng = np.random.default_rng(9)
    return BodyAssets(
        name="toy", licence="", v_template=core.v_template, shapedirs=core.shapedirs, posedirs=core.posedirs,
        J_regressor=core.J_regressor, weights=core.weights, parents=core.parents, faces=core.faces,
        keypoint_regressor=rng.dirichlet(np.ones(num_vertices), size=17), uv=np.zeros((1, 2), np.float32),
        uv_faces=np.zeros_like(core.faces),
    )  # fmt: skip


@pytest.fixture(scope="module")
def infant():
    return load_body("infant")


@pytest.fixture(params=["infant", "toy", "toy with pose blend shapes"])
def body(request, infant):
    return infant if request.param == "infant" else _toy(posedirs="pose" in request.param)


def _draw(body, batch, seed=0):
    rng = np.random.default_rng(seed)
    draw = lambda *shape: torch.as_tensor(rng.normal(size=(*batch, *shape)))  # noqa: E731
    return draw(body.num_betas), draw(3), 0.5 * draw(69), draw(3)


def _oracle(body, betas, orient, pose, transl):
    """Pose with smplx's own skinning, in float64."""
    posedirs = np.zeros((body.num_vertices, 3, 207)) if body.posedirs is None else body.posedirs
    tensor = lambda a: torch.as_tensor(np.asarray(a, np.float64))  # noqa: E731
    vertices, joints = lbs(
        betas, torch.cat([orient, pose], dim=-1), tensor(body.v_template), tensor(body.shapedirs),
        tensor(posedirs).reshape(-1, 207).T, tensor(body.J_regressor.toarray()), 
        torch.as_tensor(body.parents), tensor(body.weights),
    )  # fmt: skip
    return vertices + transl[:, None], joints + transl[:, None]


def test_torch_model_equals_smplx(body):
    parameters = _draw(body, (2,))
    expected_vertices, expected_joints = _oracle(body, *parameters)
    output = BodyModel(body, torch.float64)(*parameters)
    np.testing.assert_allclose(output.vertices.numpy(), expected_vertices.numpy(), atol=1e-6)
    np.testing.assert_allclose(output.joints.numpy(), expected_joints.numpy(), atol=1e-6)


def test_float32_model_equals_smplx_to_a_hundredth_of_a_millimetre(infant):
    parameters = _draw(infant, (2,))
    expected, _ = _oracle(infant, *parameters)
    output = BodyModel(infant)(*(p.float() for p in parameters))
    assert output.vertices.dtype == torch.float32
    np.testing.assert_allclose(output.vertices.numpy(), expected.numpy(), atol=1e-5)


def test_fast_numpy_path_equals_smplx(body):
    parameters = _draw(body, (1,), seed=4)
    expected_vertices, expected_joints = _oracle(body, *parameters)
    posed = pose_body(body, *(p[0].numpy() for p in parameters))
    np.testing.assert_allclose(posed.vertices, expected_vertices[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(posed.joints, expected_joints[0].numpy(), atol=1e-6)
    np.testing.assert_array_equal(posed.joint_transforms[:, :3, 3], posed.joints)


def test_keypoint_path_equals_full_skinning(body):
    parameters = _draw(body, (3,), seed=5)
    skinned = BodyModel(body, torch.float64)(*parameters)
    regressor = body.keypoint_regressor
    dense = regressor.toarray() if hasattr(regressor, "toarray") else regressor
    expected = torch.einsum("kv,bvc->bkc", torch.as_tensor(np.asarray(dense)), skinned.vertices)
    found = KeypointPath(body)(*parameters)
    np.testing.assert_allclose(found.keypoints.numpy(), expected.numpy(), atol=1e-9)
    np.testing.assert_allclose(found.joints.numpy(), skinned.joints.numpy(), atol=1e-9)
    np.testing.assert_allclose(found.rotations.numpy(), skinned.rotations.numpy(), atol=1e-9)


def test_keypoint_path_takes_another_regressor(infant):
    regressor = infant.J_regressor[[15, 20]].toarray()
    found = KeypointPath(infant, regressor)(*_draw(infant, ()))
    assert found.keypoints.shape == (2, 3)


@pytest.mark.parametrize("batch", [(), (1,), (2, 3)])
def test_any_leading_batch_shape(infant, batch):
    parameters = _draw(infant, batch)
    keypoints = KeypointPath(infant)(*parameters)
    assert keypoints.keypoints.shape == (*batch, 17, 3)
    assert keypoints.joints.shape == (*batch, 24, 3)
    flat = [p.reshape(-1, p.shape[-1]) for p in parameters]
    one_by_one = torch.cat(
        [KeypointPath(infant)(*(p[i : i + 1] for p in flat)).keypoints for i in range(len(flat[0]))]
    )
    np.testing.assert_allclose(keypoints.keypoints.reshape(-1, 17, 3).numpy(), one_by_one.numpy(), atol=1e-12)


def test_model_batches_too():
    body = _toy(posedirs=True)
    output = BodyModel(body, torch.float64)(*_draw(body, (2, 3)))
    assert output.vertices.shape == (2, 3, 96, 3)
    assert output.joints.shape == (2, 3, 24, 3)


def test_fewer_betas_mean_zeros(infant):
    betas, orient, pose, transl = _draw(infant, (2,))
    path = KeypointPath(infant)
    short = path(betas[:, :4], orient, pose, transl).keypoints
    padded = path(torch.cat([betas[:, :4], torch.zeros(2, 16, dtype=torch.float64)], 1), orient, pose, transl)
    np.testing.assert_allclose(short.numpy(), padded.keypoints.numpy(), atol=1e-12)


@pytest.mark.parametrize("posedirs", [False, True])
@pytest.mark.parametrize("scale", [0.0, 0.6])
def test_keypoint_path_gradients(posedirs, scale):
    path = KeypointPath(_toy(posedirs, num_vertices=48, num_betas=2))
    rng = np.random.default_rng(0)
    inputs = [torch.tensor(scale * rng.normal(size=(1, n)), requires_grad=True) for n in (2, 3, 69, 3)]
    assert torch.autograd.gradcheck(lambda *x: path(*x).keypoints, inputs)


def test_model_gradients():
    model = BodyModel(_toy(True, num_vertices=24, num_betas=2), torch.float64)
    rng = np.random.default_rng(0)
    inputs = [torch.tensor(0.5 * rng.normal(size=(1, n)), requires_grad=True) for n in (2, 3, 69, 3)]
    assert torch.autograd.gradcheck(lambda *x: model(*x).vertices, inputs)


def test_rest_pose_is_the_template(infant):
    posed = pose_body(infant)
    np.testing.assert_allclose(posed.vertices, infant.v_template, atol=1e-6)
    np.testing.assert_allclose(posed.joints, infant.J_regressor @ infant.v_template, atol=1e-12)


def test_rigid_motion_of_the_root_moves_everything_rigidly(infant):
    rng = np.random.default_rng(2)
    betas, pose, turn, shift = (
        rng.normal(size=20),
        0.4 * rng.normal(size=69),
        rng.normal(size=3),
        rng.normal(size=3),
    )
    still = pose_body(infant, betas, None, pose)
    moved = pose_body(infant, betas, turn, pose, shift)
    rotation, root = axis_angle_to_matrix(turn), rest_body(infant, betas)[1][0]
    expected = (still.vertices - root) @ rotation.T + root + shift
    np.testing.assert_allclose(moved.vertices, expected, atol=2e-6)


def test_kinematics_agree_and_compose():
    rng = np.random.default_rng(3)
    rotations = axis_angle_to_matrix(rng.normal(size=(24, 3)))
    joints = rng.normal(size=(24, 3))
    world, posed = forward_kinematics(rotations, joints, SMPL_PARENTS)
    torch_world, torch_posed = forward_kinematics_torch(
        torch.as_tensor(rotations), torch.as_tensor(joints), SMPL_PARENTS
    )
    np.testing.assert_allclose(torch_world.numpy(), world, atol=1e-12)
    np.testing.assert_allclose(torch_posed.numpy(), posed, atol=1e-12)
    chain = rotations[0] @ rotations[3] @ rotations[6] @ rotations[9] @ rotations[14] @ rotations[17]
    np.testing.assert_allclose(matrix_to_axis_angle(world[17].T @ chain), 0, atol=1e-9)
    lengths = np.linalg.norm(posed[1:] - posed[SMPL_PARENTS[1:]], axis=1)
    np.testing.assert_allclose(lengths, np.linalg.norm(joints[1:] - joints[SMPL_PARENTS[1:]], axis=1))


@pytest.mark.parametrize(
    "arguments,message",
    [
        ({"betas": np.zeros(21)}, "betas hold 21 numbers but body 'infant' has 20"),
        ({"body_pose": np.zeros(63)}, r"body_pose must hold 69 numbers, got shape \(63,\)"),
        ({"global_orient": np.zeros(4)}, "global_orient must hold 3 numbers"),
        ({"transl": np.zeros((2, 3))}, "transl must hold 3 numbers"),
    ],
)
def test_wrong_sizes_are_named(infant, arguments, message):
    with pytest.raises(ValueError, match=message):
        pose_body(infant, **arguments)
