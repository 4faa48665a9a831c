import pickle

import numpy as np
import pytest
import torch
from smplx.lbs import lbs

from syrip_gen.body import load_body
from syrip_gen.body.load import SMPL_FACE_VERTICES
from syrip_gen.body.npz_body import write_npz_body
from syrip_gen.body.posing import pose_body
from syrip_gen.body.validation import MAX_BETAS
from syrip_gen.safe_pickle import UnsafePickleError
from tests.body.smpl_files import kintree, smil_like_pickle, synthetic_smpl


def _write(tmp_path, arrays, protocol=2, name="smil_web.pkl"):
    path = tmp_path / name
    path.write_bytes(smil_like_pickle(arrays, protocol))
    return path


@pytest.mark.parametrize("protocol", [0, 2])
def test_smil_like_pickle_loads_with_all_betas(tmp_path, protocol):
    arrays = synthetic_smpl()
    path = _write(tmp_path, arrays, protocol)
    assert b"chumpy.reordering" in path.read_bytes()
    body = load_body(path)
    assert body.name == "smil_web"
    assert body.num_betas == 20
    np.testing.assert_array_equal(body.v_template, arrays["v_template"])
    np.testing.assert_array_equal(body.shapedirs, arrays["shapedirs"])
    np.testing.assert_array_equal(body.posedirs, arrays["posedirs"])
    np.testing.assert_allclose(body.J_regressor.toarray(), arrays["J_regressor"], atol=1e-12)
    assert body.parents[0] == -1
    assert body.sha256 != ""


def test_loaded_pickle_poses_like_smplx(tmp_path):
    arrays = synthetic_smpl()
    body = load_body(_write(tmp_path, arrays))
    rng = np.random.default_rng(3)
    betas, pose = rng.normal(size=20), 0.4 * rng.normal(size=72)
    tensors = [
        torch.as_tensor(np.asarray(a)) for a in (betas[None], pose[None], body.v_template, body.shapedirs)
    ]
    posedirs = torch.as_tensor(arrays["posedirs"].reshape(-1, 207).T.copy())
    rest = [torch.as_tensor(a) for a in (body.J_regressor.toarray(), body.parents, body.weights)]
    vertices, joints = lbs(*tensors, posedirs, *rest)
    posed = pose_body(body, betas, pose[:3], pose[3:])
    np.testing.assert_allclose(posed.vertices, vertices[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(posed.joints, joints[0].numpy(), atol=1e-9)


def test_betas_beyond_twenty_are_cut(tmp_path):
    arrays = synthetic_smpl(num_betas=30)
    assert load_body(_write(tmp_path, arrays)).num_betas == MAX_BETAS


@pytest.fixture(scope="module")
def smpl_sized(tmp_path_factory):
    arrays = synthetic_smpl(num_vertices=6890)
    folder = tmp_path_factory.mktemp("smpl")
    return arrays, load_body(_write(folder, arrays))


def test_smpl_topology_gets_coco_keypoints_from_joints_and_face_vertices(smpl_sized):
    arrays, body = smpl_sized
    keypoints = body.keypoint_regressor @ body.v_template
    face = [SMPL_FACE_VERTICES[n] for n in ("nose", "left_eye", "right_eye", "left_ear", "right_ear")]
    np.testing.assert_allclose(keypoints[:5], arrays["v_template"][face])
    joints = arrays["J_regressor"] @ arrays["v_template"]
    np.testing.assert_allclose(keypoints[5:], joints[[16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8]], atol=1e-12)


def test_bodies_without_layout_get_the_infants(smpl_sized):
    _, body = smpl_sized
    assert body.uv.min() >= 0
    assert body.uv.max() <= 1
    assert body.uv_faces.shape == body.faces.shape
    assert {"head", "torso", "hand_left"} <= set(body.regions)


def test_sibling_template_obj_gives_the_layout(tmp_path):
    arrays = synthetic_smpl()
    path = _write(tmp_path, arrays)
    lines = [f"v {x} {y} {z}" for x, y, z in arrays["v_template"]]
    uv = np.random.default_rng(0).random((7, 2))
    lines += [f"vt {u} {v}" for u, v in uv]
    # The obj lists every face with its corners turned.
    lines += [f"f {c + 1}/{c % 7 + 1} {a + 1}/{a % 7 + 1} {b + 1}/{b % 7 + 1}" for a, b, c in arrays["f"]]
    (tmp_path / "template.obj").write_text("\n".join(lines))
    body = load_body(path)
    np.testing.assert_allclose(body.uv, uv, atol=1e-6)
    np.testing.assert_array_equal(body.uv_faces, arrays["f"] % 7)


def test_template_obj_of_another_mesh_is_refused(tmp_path):
    path = _write(tmp_path, synthetic_smpl())
    (tmp_path / "template.obj").write_text("v 0 0 0\nvt 0 0\nf 1/1 1/1 1/1\n")
    with pytest.raises(ValueError, match="is of another mesh"):
        load_body(path)


def test_npz_round_trip_keeps_the_body(tmp_path):
    infant = load_body("infant")
    write_npz_body(infant, tmp_path / "copy.npz")
    copy = load_body(tmp_path / "copy.npz")
    assert (copy.name, copy.licence) == (infant.name, infant.licence)
    np.testing.assert_array_equal(copy.v_template, infant.v_template)
    np.testing.assert_array_equal(copy.uv_faces, infant.uv_faces)
    np.testing.assert_allclose(copy.weights, infant.weights, atol=1e-7)
    assert sorted(copy.regions) == sorted(infant.regions)
    np.testing.assert_allclose(copy.J_regressor.toarray(), infant.J_regressor.toarray(), atol=1e-7)


def test_the_same_body_gives_the_same_bytes(tmp_path):
    infant = load_body("infant")
    write_npz_body(infant, tmp_path / "a.npz")
    write_npz_body(infant, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert list(tmp_path.glob(".*")) == []


def test_npz_of_a_plain_smpl_body_loads(tmp_path):
    arrays = synthetic_smpl(posedirs=False)
    np.savez(tmp_path / "plain.npz", **arrays)
    body = load_body(tmp_path / "plain.npz")
    assert body.posedirs is None
    assert body.keypoint_regressor.shape == (17, 480)
    head = body.weights[:, 15] > 0.5
    assert set(np.unique(body.keypoint_regressor[:5].indices)) <= set(
        np.flatnonzero(head | (body.weights[:, 12] > 0.5))
    )


def _changed(**changes):
    arrays = synthetic_smpl()
    arrays.update(changes)
    return arrays


def _set(array, index, value):
    copy = np.array(array, np.float64)
    copy[index] = value
    return copy


_GOOD = synthetic_smpl()
BROKEN = {
    "v_template, weights missing": {k: v for k, v in _GOOD.items() if k not in ("v_template", "weights")},
    r"holds a list, not named arrays": [1, 2],
    r"v_template has shape \(480, 2\)": _changed(v_template=_GOOD["v_template"][:, :2]),
    "v_template holds NaN": _changed(v_template=_set(_GOOD["v_template"], (3, 1), np.nan)),
    "shapedirs holds NaN": _changed(shapedirs=_set(_GOOD["shapedirs"], (3, 1, 2), np.inf)),
    r"shapedirs have shape \(480, 60\)": _changed(shapedirs=np.zeros((480, 60))),
    r"posedirs have shape \(480, 3, 9\)": _changed(posedirs=np.zeros((480, 3, 9))),
    r"weights have shape \(480, 23\)": _changed(weights=_GOOD["weights"][:, :23]),
    "sum to 1 at each vertex": _changed(weights=0.5 * _GOOD["weights"]),
    "the body has 52 joints": _changed(kintree_table=np.zeros((2, 52))),
    r"kintree_table has shape \(24,\)": _changed(kintree_table=np.zeros(24)),
    "number the joints": _changed(kintree_table=_set(kintree(), (1, 5), 9)),
    "joint 0 must be the root": _changed(kintree_table=_set(kintree(), (0, 0), 3)),
    "joint tree is not SMPL's: joint 20 hangs on 5": _changed(kintree_table=_set(kintree(), (0, 20), 5)),
    r"J_regressor has shape \(24, 12\)": _changed(J_regressor=np.full((24, 12), 1 / 12)),
    "rows of J_regressor must sum to 1; row 7": _changed(J_regressor=_set(_GOOD["J_regressor"], 7, 0.0)),
    "f must hold indices 0..479": _changed(f=_set(_GOOD["f"], (0, 0), 480)),
    r"f has shape \(0, 3\)": _changed(f=np.zeros((0, 3))),
    "bodies are in metres": _changed(v_template=1000 * _GOOD["v_template"]),
    "v_template is not an array of numbers but a list": _changed(v_template=["a"]),
}


@pytest.mark.parametrize("message", BROKEN)
def test_files_that_are_no_body_get_a_clear_error(tmp_path, message):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(BROKEN[message]))
    with pytest.raises(ValueError, match=message) as caught:
        load_body(path)
    assert "model.pkl" in str(caught.value)


def test_hostile_model_file_is_refused(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "executed").encode() + b"'\ntR.")
    with pytest.raises(UnsafePickleError, match=r"os\.system"):
        load_body(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken"])
def test_broken_npz_gets_a_clear_error(tmp_path, content):
    path = tmp_path / "body.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"body\.npz is not a readable npz"):
        load_body(path)


def test_npz_with_pickled_objects_is_refused(tmp_path):
    np.savez(tmp_path / "body.npz", v_template=np.array([{}, []], dtype=object))
    with pytest.raises(ValueError, match="not a readable npz"):
        load_body(tmp_path / "body.npz")


def test_missing_files_and_unknown_types_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"smil\.pkl not found"):
        load_body(tmp_path / "smil.pkl")
    (tmp_path / "body.fbx").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"unknown file type '\.fbx'"):
        load_body(tmp_path / "body.fbx")
