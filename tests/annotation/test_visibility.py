import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from syrip_gen.annotation.surface import NO_PART, BodySurface, adjoining_parts
from syrip_gen.annotation.visibility import OCCLUDED, OUTSIDE, VISIBLE, keypoint_visibility
from syrip_gen.keypoints.catalog import COCO17, SMPL24
from tests.toy_body import make_toy_body, view

BODY = make_toy_body()
SURFACE = BodySurface.from_body(BODY)
CAMERA, SIZE = (600.0, 600.0, 160.0, 120.0), (320, 240)


def flags(vertices, keypoints, faces=BODY.faces, surface=SURFACE, size=SIZE):
    _, visibility = keypoint_visibility(keypoints, vertices, faces, surface, CAMERA, size)
    return dict(zip(COCO17.keypoints, visibility.tolist(), strict=True))


def test_adjoining_parts_mirror():
    table = adjoining_parts()
    np.testing.assert_array_equal(table[COCO17.flip_index][:, SMPL24.flip_index], table)
    left_elbow = np.flatnonzero(table[COCO17.index("left_elbow")])
    assert [SMPL24.keypoints[j] for j in left_elbow] == ["left_shoulder", "left_elbow"]


def test_limbs_and_face_are_visible_from_the_front():
    assert set(flags(*view(BODY)).values()) == {VISIBLE}


def test_face_is_hidden_from_behind_but_limbs_are_not():
    seen = flags(*view(BODY, yaw_deg=180))
    hidden = {name for name, v in seen.items() if v == OCCLUDED}
    assert hidden == {"nose", "left_eye", "right_eye"}


@pytest.mark.parametrize("yaw, near, far", [(-90, "left", "right"), (90, "right", "left")])
def test_far_side_is_hidden_in_profile(yaw, near, far):
    seen = flags(*view(BODY, yaw_deg=yaw))
    assert (seen[f"{near}_ear"], seen[f"{far}_ear"]) == (VISIBLE, OCCLUDED)
    for kind in ("eye", "shoulder", "wrist"):
        assert seen[f"{far}_{kind}"] == OCCLUDED


def test_a_hand_before_the_face_hides_it():
    pose = np.zeros((23, 3))
    pose[SMPL24.index("left_shoulder") - 1] = (0, -np.pi / 2, 0)  # arm straight forwards
    pose[SMPL24.index("left_elbow") - 1] = (0, 0, np.pi / 2)  # forearm upwards
    vertices, keypoints = view(BODY, pose)
    keypoints[COCO17.index("nose")] = keypoints[COCO17.index("left_wrist")] + (0, 0, 0.1)
    assert flags(vertices, keypoints)["nose"] == OCCLUDED


def test_keypoints_outside_the_picture_are_zero():
    vertices, keypoints = view(BODY)
    seen = flags(vertices, keypoints, size=(160, 240))
    assert seen["left_wrist"] == OUTSIDE
    assert seen["right_wrist"] == VISIBLE


def test_keypoints_behind_the_camera_are_outside():
    vertices, keypoints = view(BODY)
    keypoints[0] = (0, 0, -1)
    pixels, visibility = keypoint_visibility(keypoints, vertices, BODY.faces, SURFACE, CAMERA, SIZE)
    assert visibility[0] == OUTSIDE
    assert np.isnan(pixels[0]).all()


@pytest.mark.parametrize(
    "keypoint, part, depth, expected",
    [
        ("left_wrist", "left_elbow", 0.02, VISIBLE),  # the forearm's own skin
        ("left_wrist", "left_elbow", 0.2, VISIBLE),  # a forearm that points at the camera
        ("left_wrist", "right_elbow", 0.02, OCCLUDED),  # the other arm
        ("left_wrist", "head", 0.02, OCCLUDED),
        ("left_wrist", None, 0.02, OCCLUDED),  # a prop
        ("left_hip", "pelvis", 0.05, VISIBLE),
        ("left_hip", "pelvis", 0.5, OCCLUDED),  # the far side of the trunk
        ("left_ear", "head", 0.01, VISIBLE),
        ("left_ear", "head", 0.08, OCCLUDED),  # the far side of the head
    ],
)
def test_surface_in_front_of_a_keypoint(keypoint, part, depth, expected):
    front = 2.0 - depth
    vertices = np.array([[-1, -1, front], [1, -1, front], [0, 1, front]], np.float32)
    number = NO_PART if part is None else SMPL24.index(part)
    surface = BodySurface(np.array([number], np.int16), SURFACE.adjoins, SURFACE.reach)
    keypoints = np.tile((9.0, 9.0, 2.0), (17, 1))
    keypoints[COCO17.index(keypoint)] = (0, 0, 2)
    assert flags(vertices, keypoints, np.array([[0, 1, 2]]), surface)[keypoint] == expected


def test_annotators_of_real_infants_mostly_agree(shared_data):
    """Flags of bodies fitted to a few poses against those that people gave the same keypoints."""
    from syrip_gen.body import load_body
    from syrip_gen.body.posing import pose_body
    from syrip_gen.fitting import fit_poses
    from syrip_gen.fitting.priors import load_prior
    from syrip_gen.keypoints.readers import read_poses

    body = load_body("infant")
    poses = read_poses(shared_data / "infant_2d" / "syrip_real_383.json").select(slice(0, 383, 32))
    bank = fit_poses(poses, body, load_prior("infant"))
    surface = BodySurface.from_body(body)
    agreed = []
    for i in np.flatnonzero(bank.accepted):
        parameters = bank.betas[i], bank.global_orient[i], bank.body_pose[i].ravel(), bank.transl[i]
        vertices = pose_body(body, *parameters).vertices
        points = body.keypoint_regressor @ vertices.astype(np.float64)
        width, height = bank.image_size[i].tolist()
        camera = (bank.focal_px[i], bank.focal_px[i], width / 2, height / 2)
        _, seen = keypoint_visibility(points, vertices, body.faces, surface, camera, (width, height))
        agreed.append((seen == poses.keypoints[i, :, 2])[poses.keypoints[i, :, 2] > 0])
    assert np.concatenate(agreed).mean() > 0.75


def test_triangles_beyond_the_bodys_own_hide():
    vertices, keypoints = view(BODY)
    screen = np.array([[-9, -9, 0.5], [9, -9, 0.5], [0, 9, 0.5]], np.float32)
    faces = np.vstack([BODY.faces, len(vertices) + np.array([[0, 1, 2]])])
    assert set(flags(np.vstack([vertices, screen]), keypoints, faces).values()) == {OCCLUDED}


def _oracle_visibility(vertices, keypoints, faces, surface):
    """The same rule on hits found by trimesh."""
    mesh = trimesh.Trimesh(vertices.astype(np.float64), faces, process=False)
    length = np.linalg.norm(keypoints, axis=1)
    points, ray, triangle = mesh.ray.intersects_location(
        np.zeros_like(keypoints), keypoints / length[:, None], multiple_hits=True
    )
    result = np.full(17, VISIBLE)
    for k in range(17):
        mine = ray == k
        if not mine.any():
            continue
        distance = np.linalg.norm(points[mine], axis=1)
        first = distance.argmin()
        gap = length[k] - distance[first]
        part = surface.face_part[triangle[mine][first]]
        if gap > 0 and not (surface.adjoins[k, part] and gap <= surface.reach[k]):
            result[k] = OCCLUDED
    return result


def _agreement(body, surface, poses, rng):
    agreed = total = 0
    for pose in poses:
        vertices, _ = view(body, pose, distance=1.5)
        centre = vertices.mean(axis=0)
        vertices = Rotation.random(random_state=int(rng.integers(1 << 31))).apply(vertices - centre) + centre
        keypoints = np.asarray(body.keypoint_regressor @ vertices)
        vertices = vertices.astype(np.float32)
        pixels, seen = keypoint_visibility(keypoints, vertices, body.faces, surface, CAMERA, (10**6, 10**6))
        inside = (pixels >= 0).all(axis=1)
        expected = _oracle_visibility(vertices, keypoints, body.faces, surface)
        agreed += (seen == expected)[inside].sum()
        total += inside.sum()
    return agreed / total


def test_trimesh_agrees_on_the_toy_body():
    rng = np.random.default_rng(1)
    poses = [rng.normal(scale=0.5, size=(23, 3)) for _ in range(12)]
    assert _agreement(BODY, SURFACE, poses, rng) >= 0.99


def test_trimesh_agrees_on_the_infant():
    from syrip_gen.body import load_body

    body = load_body("infant")
    rng = np.random.default_rng(2)
    poses = [rng.normal(scale=0.4, size=(23, 3)) for _ in range(6)]
    assert _agreement(body, BodySurface.from_body(body), poses, rng) >= 0.99
