"""The embedded infant: a sound mesh, sound regressors, joints and regions where they belong."""

import numpy as np
import pytest
import trimesh

from syrip_gen.body import load_body
from syrip_gen.body.measurements import mesh_volume
from syrip_gen.body.posing import pose_body, rest_body
from syrip_gen.geometry.camera import look_at, transform_points
from syrip_gen.rendering.zbuffer import face_buffer

LEFT_RIGHT_COCO = [(1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16)]
LEFT_RIGHT_JOINTS = [(1, 2), (4, 5), (7, 8), (10, 11), (13, 14), (16, 17), (18, 19), (20, 21), (22, 23)]
MIRROR = np.array([-1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def infant():
    return load_body("infant")


@pytest.fixture(scope="module")
def mesh(infant):
    return trimesh.Trimesh(infant.v_template, infant.faces, process=False)


@pytest.fixture(scope="module")
def skin(infant, mesh):
    """Give the largest component: the skin with the mouth, without eyeballs and tongue."""
    return max(mesh.split(only_watertight=False), key=lambda part: len(part.vertices))


def test_arrays_are_finite_and_of_the_documented_types(infant):
    for name, kind in {
        "v_template": np.float64, "shapedirs": np.float64, "weights": np.float64, "parents": np.int64,
        "faces": np.int32, "uv": np.float32, "uv_faces": np.int32,
    }.items():  # fmt: skip
        array = getattr(infant, name)
        assert array.dtype == kind, name
        assert np.isfinite(array).all(), name
    assert infant.num_betas == 20
    assert infant.posedirs is None
    assert "CC0" in infant.licence


def test_every_component_is_watertight_with_outward_normals(infant, mesh):
    parts = mesh.split(only_watertight=False)
    assert sorted(len(p.vertices) for p in parts)[:3] == [72, 72, 226]  # eyeballs and tongue
    for part in parts:
        assert part.is_watertight
        assert part.is_winding_consistent
        assert part.volume > 0


def test_no_degenerate_or_duplicate_faces(infant, mesh):
    assert mesh.area_faces.min() > 1e-10
    assert len(np.unique(np.sort(infant.faces, axis=1), axis=0)) == len(infant.faces)


def test_uv_layout_is_usable(infant):
    assert infant.uv.min() >= 0
    assert infant.uv.max() <= 1
    a, b, c = (infant.uv[infant.uv_faces[:, k]] for k in range(3))
    signed = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
    assert (np.abs(signed) > 1e-12).mean() > 0.999
    # One vertex of the mesh has one place per chart: a corner's UV index always belongs to the same vertex.
    owner = np.full(len(infant.uv), -1)
    owner[infant.uv_faces.ravel()] = infant.faces.ravel()
    np.testing.assert_array_equal(owner[infant.uv_faces], infant.faces)


def test_mesh_and_weights_are_symmetric(infant):
    tree = trimesh.proximity.cKDTree(infant.v_template)
    distance, twin = tree.query(infant.v_template * MIRROR)
    assert distance.max() < 2e-3
    swap = np.arange(24)
    for left, right in LEFT_RIGHT_JOINTS:
        swap[[left, right]] = right, left
    assert np.abs(infant.weights[twin][:, swap] - infant.weights).max() < 0.03


def test_skinning_weights_are_few_positive_and_sum_to_one(infant):
    assert infant.weights.min() >= 0
    np.testing.assert_allclose(infant.weights.sum(axis=1), 1, atol=1e-12)
    assert (infant.weights > 0).sum(axis=1).max() <= 6


def test_skinning_weights_change_gradually(infant):
    edges = np.unique(np.sort(infant.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    length = np.linalg.norm(infant.v_template[edges[:, 0]] - infant.v_template[edges[:, 1]], axis=1)
    step = np.abs(infant.weights[edges[:, 0]] - infant.weights[edges[:, 1]]).max(axis=1)
    slope = step / np.maximum(length, 2e-3)
    fine = [n for n in infant.regions if n.split("_")[0] in ("head", "hand", "foot", "tongue", "eyeball")]
    detail = np.isin(edges, np.concatenate([infant.regions[n] for n in fine])).any(axis=1)
    assert slope[~detail].max() < 60  # from 0 to 1 in no less than 16 mm
    assert slope.max() < 250


@pytest.mark.parametrize("name,rows", [("J_regressor", 24), ("keypoint_regressor", 17)])
def test_regressor_rows_sum_to_one_and_are_sparse(infant, name, rows):
    matrix = getattr(infant, name)
    assert matrix.shape == (rows, infant.num_vertices)
    np.testing.assert_allclose(np.asarray(matrix.sum(axis=1)).ravel(), 1, atol=1e-12)
    assert matrix.nnz < 0.02 * rows * infant.num_vertices
    assert matrix.data.min() >= 0


@pytest.mark.parametrize("betas", [None, 1, 2])
def test_joints_and_keypoints_are_symmetric(infant, betas):
    b = None if betas is None else 1.5 * np.random.default_rng(betas).standard_normal(20)
    vertices = rest_body(infant, b)[0].astype(np.float64)
    for matrix, pairs in (
        (infant.J_regressor, LEFT_RIGHT_JOINTS),
        (infant.keypoint_regressor, LEFT_RIGHT_COCO),
    ):
        points = matrix @ vertices
        for left, right in pairs:
            np.testing.assert_allclose(points[left] * MIRROR, points[right], atol=2e-3)
            assert points[left, 0] > 0.005


def test_the_pelvis_is_the_origin(infant):
    np.testing.assert_allclose((infant.J_regressor @ infant.v_template)[0], 0, atol=1e-3)


def test_the_rest_pose_is_smpls(infant):
    j = infant.J_regressor @ infant.v_template
    for shoulder, elbow, wrist, side in ((16, 18, 20, 1), (17, 19, 21, -1)):
        for a, b in ((shoulder, elbow), (elbow, wrist)):
            direction = (j[b] - j[a]) / np.linalg.norm(j[b] - j[a])
            assert direction[0] * side > 0.99
    for hip, ankle in ((1, 7), (2, 8)):
        direction = (j[ankle] - j[hip]) / np.linalg.norm(j[ankle] - j[hip])
        assert direction[1] < -0.98
    heights = j[[0, 3, 6, 9, 12, 15], 1]
    assert (np.diff(heights) > 0.01).all()
    nose = (infant.keypoint_regressor @ infant.v_template)[0]
    assert nose[2] > j[15, 2] + 0.03  # faces +z
    for ankle, foot in ((7, 10), (8, 11)):
        assert j[foot, 2] > j[ankle, 2] + 0.02  # toes forward


def test_limb_and_head_keypoints_lie_inside_the_body(infant, skin):
    points = infant.keypoint_regressor @ infant.v_template
    inside = skin.contains(points)
    assert inside[5:].all()
    joints = infant.J_regressor @ infant.v_template
    assert skin.contains(joints).all()


def test_face_keypoints_lie_at_the_surface(infant, skin):
    points = (infant.keypoint_regressor @ infant.v_template)[:5]
    distance = np.abs(trimesh.proximity.signed_distance(skin, points))
    assert distance.max() < 0.012


def test_regions_are_where_they_belong(infant):
    v, r = infant.v_template, infant.regions
    for name, members in r.items():
        assert len(members) > 0, name
        assert members.dtype == np.int32
        assert members.max() < infant.num_vertices
    for name in ("hand", "foot", "ear", "eyebrow", "eyelid", "eyeball", "upper_arm", "lower_leg"):
        assert (v[r[f"{name}_left"], 0] > 0).all(), name
        assert (v[r[f"{name}_right"], 0] < 0).all(), name
        assert len(r[f"{name}_left"]) == len(r[f"{name}_right"])
    eye, lips, nose, brow = (v[r[n]].mean(axis=0) for n in ("eyeball_left", "lips", "nose", "eyebrow_left"))
    assert brow[1] > eye[1] > nose[1] > lips[1]
    assert v[r["scalp"], 1].mean() > eye[1]
    assert v[r["navel"], 2].min() > 0.02
    assert abs(v[r["navel"], 0].mean()) < 1e-3
    assert set(r["fingernails"]) <= set(r["hand_left"]) | set(r["hand_right"])
    assert set(r["toenails"]) <= set(r["foot_left"]) | set(r["foot_right"])
    assert set(r["eye_front_left"]) <= set(r["eyeball_left"])


def test_eyeballs_fill_their_sockets(infant):
    for side in ("left", "right"):
        ball = infant.v_template[infant.regions[f"eyeball_{side}"]]
        socket = infant.v_template[infant.regions[f"eye_socket_{side}"]]
        radius = np.linalg.norm(ball - ball.mean(axis=0), axis=1)
        assert radius.std() < 0.1 * radius.mean()
        assert np.linalg.norm(ball.mean(axis=0)[:2] - socket.mean(axis=0)[:2]) < 0.006


POSES = {
    "knees to the chest": {1: (-2.1, 0, 0.2), 2: (-2.1, 0, -0.2), 4: (2.3, 0, 0), 5: (2.3, 0, 0)},
    "arms raised": {13: (0, 0, 0.3), 14: (0, 0, -0.3), 16: (0, 0, 1.1), 17: (0, 0, -1.1)},
    "W-sit": {1: (-1.3, -1.0, 0.3), 2: (-1.3, 1.0, -0.3), 4: (2.2, 0, 0), 5: (2.2, 0, 0)},
    "frog": {1: (-1.3, 0.9, 1.0), 2: (-1.3, -0.9, -1.0), 4: (1.8, 0, 0), 5: (1.8, 0, 0)},
    "prone, propped": {
        3: (-0.35, 0, 0),
        6: (-0.3, 0, 0),
        12: (-0.5, 0, 0),
        16: (0, -1.2, -0.7),
        17: (0, 1.2, 0.7),
    },
    "elbows bent": {18: (0, -2.0, 0), 19: (0, 2.0, 0)},
    "head turned": {12: (0, 0.6, 0.2), 15: (0.1, 0.6, 0)},
    "head back": {12: (-0.5, 0, 0), 15: (-0.4, 0, 0)},
    "chin to the chest": {12: (0.4, 0, 0), 15: (0.3, 0, 0)},
}


@pytest.mark.parametrize("name", POSES)
def test_posed_mesh_is_not_torn_or_collapsed(infant, name):
    pose = np.zeros((24, 3))
    for joint, turn in POSES[name].items():
        pose[joint] = turn
    posed = pose_body(infant, None, None, pose[1:]).vertices.astype(np.float64)
    edges = np.unique(np.sort(infant.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    rest = np.linalg.norm(infant.v_template[edges[:, 0]] - infant.v_template[edges[:, 1]], axis=1)
    now = np.linalg.norm(posed[edges[:, 0]] - posed[edges[:, 1]], axis=1)
    long_enough = rest > 1.5e-3
    stretch = now[long_enough] / rest[long_enough]
    assert np.quantile(stretch, 0.999) < 3.0  # skin stretches at bent joints, but does not tear
    assert stretch.max() < 5.0  # the groin of the frog pose
    assert (stretch < 0.2).mean() < 0.01  # creases fold, parts do not collapse
    volume = mesh_volume(posed, infant.faces) / mesh_volume(infant.v_template, infant.faces)
    assert 0.85 < volume < 1.15


def _inside_out_share(infant, vertices, direction):
    """Return the share of the silhouette where the first surface on a camera ray is seen from behind."""
    T = look_at(np.array(direction), vertices.mean(axis=0), np.array([0.0, 1.0, 0.1]))
    seen = transform_points(T, vertices)
    _, face = face_buffer(seen.astype(np.float32), infant.faces, 900.0, 900.0, 160.0, 160.0, 320, 320)
    hit = face[face >= 0]
    a, b, c = (seen[infant.faces[hit, k]] for k in range(3))
    facing = np.einsum("fi,fi->f", np.cross(b - a, c - a), a)
    return (facing > 0).mean()


@pytest.mark.parametrize("name", POSES)
@pytest.mark.parametrize("size", [-2.0, 2.0])
def test_the_inside_is_never_seen(infant, name, size):
    pose = np.zeros((24, 3))
    for joint, turn in POSES[name].items():
        pose[joint] = turn
    betas = np.full(20, size) * np.eye(20)[0]
    vertices = pose_body(infant, betas, None, pose[1:]).vertices.astype(np.float64)
    for direction in ((0.3, 0.2, 1.5), (1.4, 0.2, 0.3), (0.4, 0.3, -1.4), (0.2, -1.4, 0.5), (-0.5, 1.4, 0.2)):
        assert _inside_out_share(infant, vertices, direction) < 0.001


@pytest.mark.parametrize("component", range(6))
@pytest.mark.parametrize("sigma", [-2.0, 2.0])
def test_shape_components_do_not_fold_the_mesh(infant, mesh, component, sigma):
    betas = np.zeros(20)
    betas[component] = sigma
    shaped = trimesh.Trimesh(rest_body(infant, betas)[0].astype(np.float64), infant.faces, process=False)
    turned = np.einsum("fi,fi->f", shaped.face_normals, mesh.face_normals) < 0
    assert mesh.area_faces[turned].sum() < 1e-4 * mesh.area
