"""read_motion on arrays and fits: what is recognised, mended, said, and refused."""

import pickle
import struct

import numpy as np
import pytest

from syrip_gen.asset_files import asset_path
from syrip_gen.keypoints.catalog import COCO17, H36M17
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.readers import read_motion
from syrip_gen.motion.sequence import BodySequence


@pytest.fixture(scope="module")
def crawl():
    """(88, 17, 3) float64 metres, camera axes."""
    return np.load(asset_path("motions/crawl.npy"), allow_pickle=False).astype(np.float64)


def as_coco(points):
    """The same body in COCO's order, with a plausible face."""
    at = {name: points[:, i] for i, name in enumerate(H36M17.keypoints)}
    side = at["left_shoulder"] - at["right_shoulder"]
    nose = at["neck_nose"]
    face = {"nose": nose, "left_eye": nose + 0.1 * side, "right_eye": nose - 0.1 * side}
    face |= {"left_ear": nose + 0.2 * side, "right_ear": nose - 0.2 * side}
    return np.stack([(at | face)[name] for name in COCO17.keypoints], axis=1)


def save(path, array):
    np.save(path, array)
    return path


def test_crawl_comes_back_as_it_is(tmp_path, crawl):
    clip = read_motion(save(tmp_path / "clip.npy", crawl.astype(np.float32)))
    assert isinstance(clip, MotionClip)
    assert (clip.schema, clip.frame, clip.is_absolute, clip.fps, clip.name) == (
        H36M17, "camera", True, 30.0, "clip",
    )  # fmt: skip
    np.testing.assert_allclose(clip.points, crawl, atol=1e-6)
    assert any("adult-sized body, about 1.6" in note for note in clip.notes)
    assert any("30 frames a second assumed" in note for note in clip.notes)


def test_content_decides_not_the_name(tmp_path, crawl):
    save(tmp_path / "clip.npy", crawl)
    (tmp_path / "clip.npy").rename(tmp_path / "clip.bvh")
    assert len(read_motion(tmp_path / "clip.bvh")) == len(crawl)


@pytest.mark.parametrize("slip", [0.0, 0.01])
def test_root_relative_is_recognised(tmp_path, crawl, slip):
    """A network's root is a few millimetres off zero."""
    noise = slip * np.random.default_rng(0).uniform(-1, 1, (len(crawl), 1, 3))
    clip = read_motion(save(tmp_path / "a.npy", crawl - crawl[:, :1] + noise))
    assert not clip.is_absolute
    np.testing.assert_array_equal(clip.points[:, 0], 0.0)
    assert any(note.startswith("root-relative") for note in clip.notes)


@pytest.mark.parametrize(
    "scale, note",
    [
        (1000.0, "millimetres recognised: adult"),
        (100.0, "centimetres recognised: adult"),
        (0.4, "infant-sized body, about 0.66 m tall"),
        (450.0, "millimetres recognised: infant"),
        (12.0, "unit of length not recognised"),
    ],
)
def test_units_are_recognised_by_bone_lengths(tmp_path, crawl, scale, note):
    clip = read_motion(save(tmp_path / "a.npy", crawl * scale))
    assert any(note in n for n in clip.notes), clip.notes
    thigh = np.linalg.norm(clip.points[:, 5] - clip.points[:, 4], axis=1)
    expected = {0.4: 0.4, 450.0: 0.45}.get(scale, 1.0) * 0.4215
    np.testing.assert_allclose(thigh, expected, rtol=0.05)


def test_coco_order_is_told_from_human36m(tmp_path, crawl):
    assert read_motion(save(tmp_path / "a.npy", as_coco(crawl))).schema is COCO17
    assert read_motion(save(tmp_path / "b.npy", as_coco(crawl)[:1])).schema is COCO17
    assert read_motion(save(tmp_path / "c.npy", crawl[:1])).schema is H36M17
    noisy = as_coco(crawl) + np.random.default_rng(0).normal(0, 0.01, crawl.shape)
    assert read_motion(save(tmp_path / "d.npy", noisy)).schema is COCO17


def test_coco_without_a_face(tmp_path, crawl):
    points = as_coco(crawl)
    points[:, :5] = np.nan
    clip = read_motion(save(tmp_path / "a.npy", points))
    assert clip.schema is COCO17
    assert np.isnan(clip.points[:, :5]).all()
    assert np.isfinite(clip.points[:, 5:]).all()
    assert any("nose, left_eye, right_eye, left_ear, right_ear are in no frame" in n for n in clip.notes)


def test_both_orders_of_every_real_clip(shared_data):
    from syrip_gen.motion.proportions import choose_schema

    with np.load(shared_data / "mocap/bandai_namco/bandai_17j_sample.npz") as data:
        for name in data.files:
            if name != "joint_names":
                assert choose_schema(data[name], None, name) is H36M17
                assert choose_schema(as_coco(data[name]), None, name) is COCO17


def test_schema_can_be_given(tmp_path, crawl):
    path = save(tmp_path / "a.npy", crawl)
    assert read_motion(path, schema="coco17").schema is COCO17
    with pytest.raises(ValueError, match="expected 24 smpl24 points, found 17"):
        read_motion(path, schema="smpl24")


def test_no_body_is_refused(tmp_path):
    noise = np.random.default_rng(0).normal(size=(20, 17, 3))
    with pytest.raises(ValueError, match=r"neither Human3\.6M's nor COCO's order"):
        read_motion(save(tmp_path / "a.npy", noise))


def test_gaps_are_interpolated_and_counted(tmp_path, crawl):
    points = crawl.copy()
    points[10:13] = np.nan
    points[40, 3] = np.inf
    clip = read_motion(save(tmp_path / "a.npy", points))
    np.testing.assert_allclose(clip.points[11], (crawl[9] + crawl[13]) / 2, atol=1e-12)
    np.testing.assert_allclose(clip.points[40, 3], (crawl[39, 3] + crawl[41, 3]) / 2, atol=1e-12)
    assert any("4 of 88 frames interpolated (longest gap 3)" in note for note in clip.notes)


def test_gaps_at_the_ends_repeat_the_nearest_frame(tmp_path, crawl):
    points = crawl.copy()
    points[:2] = np.nan
    clip = read_motion(save(tmp_path / "a.npy", points))
    np.testing.assert_array_equal(clip.points[0], crawl[2])


@pytest.mark.parametrize("bad, refused", [(17, False), (18, True)])
def test_at_most_a_fifth_is_interpolated(tmp_path, crawl, bad, refused):
    points = crawl.copy()
    points[5 : 5 + bad, 2] = np.nan
    path = save(tmp_path / "a.npy", points)
    if refused:
        with pytest.raises(
            ValueError, match=r"18 of 88 frames \(20%\) lack points \(first: right_knee of frame 5"
        ):
            read_motion(path)
    else:
        assert len(read_motion(path)) == 88


def test_one_frame_is_a_still_pose(tmp_path, crawl):
    clip = read_motion(save(tmp_path / "a.npy", crawl[:1]))
    assert len(clip) == 1
    assert clip.duration_s == 0
    assert any(note.startswith("one frame only: a still pose") for note in clip.notes)


def test_constant_clip_is_said(tmp_path, crawl):
    clip = read_motion(save(tmp_path / "a.npy", np.repeat(crawl[:1], 5, axis=0)))
    assert any("all 5 frames are the same" in note for note in clip.notes)


BAD_ARRAYS = {
    "flat": (np.zeros((5, 51)), r"expected \(T, 17, 3\).*found shape \(5, 51\)"),
    "single pose": (np.zeros((17, 3)), "needs a first axis of length 1"),
    "batch": (np.zeros((1, 5, 17, 3)), "drop the first axis"),
    "2D": (np.zeros((5, 17, 2)), "data_2d_custom"),
    "no frames": (np.zeros((0, 17, 3)), "no frames"),
    "no points": (np.zeros((5, 0, 3)), "found shape"),
    "sixteen points": (np.zeros((5, 15, 3)), "expected 17 points .* found 15"),
    "text": (np.array([["a"]]), "found an array of type <U1"),
    "complex": (np.zeros((5, 17, 3), complex), "complex128"),
    "all NaN": (np.full((5, 17, 3), np.nan), "no frame has a single finite point"),
    "all zeros": (np.zeros((5, 17, 3)), "neither Human3.6M"),
    "endless": (np.zeros((200_001, 1, 3), np.float16), "200001 frames, at most 200000"),
    "objects": (np.array([None, {}], dtype=object), "type object"),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_bad_arrays_are_one_line_errors(tmp_path, name):
    array, message = BAD_ARRAYS[name]
    path = save(tmp_path / "a.npy", array)
    with pytest.raises(ValueError, match=message) as error:
        read_motion(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_all_points_of_a_frame_in_one_place(tmp_path):
    with pytest.raises(ValueError, match="coincide"):
        read_motion(save(tmp_path / "a.npy", np.ones((5, 17, 3))), schema="h36m17")


def test_shoulders_and_hips_are_needed(tmp_path, crawl):
    points = crawl.copy()
    points[:, H36M17.index("left_hip")] = np.nan
    with pytest.raises(ValueError, match="left_hip is in no frame; shoulders and hips are needed"):
        read_motion(save(tmp_path / "a.npy", points), schema="h36m17")


class Hostile:
    """Creates a file when a pickle is loaded carelessly."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_pickles_do_nothing(tmp_path):
    marker = tmp_path / "marker"
    np.save(tmp_path / "a.npy", np.array([Hostile(marker)], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "b.npz", positions_2d=np.array(Hostile(marker), dtype=object))
    (tmp_path / "c.npy").write_bytes(pickle.dumps(Hostile(marker)))
    for name in ("a.npy", "b.npz", "c.npy"):
        with pytest.raises(ValueError, match=r"refused|a pickle"):
            read_motion(tmp_path / name)
    assert not marker.exists()


def header(shape):
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


BROKEN = {
    "empty": (b"", "empty"),
    "cut": (header((88, 17, 3)) + bytes(100), "the file ends early"),
    "cut in the header": (header((88, 17, 3))[:30], "not a sound .npy array"),
    "astronomic": (header((10**15, 17, 3)), "the file ends early"),
    "negative": (header((-5, 17, 3)), "not a sound .npy array"),
    "code in the header": (header("__import__('os').getcwd()"), "not a sound .npy array"),
    "zip": (b"PK\x03\x04 nonsense", "not a readable .npz"),
    "video": (b"\x00\x00\x00\x18ftypmp42", "a video; run a pose estimator"),
    "text": (b"x y z\n1 2 3\n", "not a motion file"),
    "json": (b'{"Frames": [', "starts like JSON, but is not"),
    "other json": (b'{"annotations": []}', "not a DeepMimic clip"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_one_line_errors(tmp_path, name):
    content, message = BROKEN[name]
    path = tmp_path / "clip.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        read_motion(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file; expected VideoPose3D"):
        read_motion(tmp_path / "none.npy")
    with pytest.raises(ValueError, match="a folder; expected VideoPose3D"):
        read_motion(tmp_path)


def test_npz_of_one_or_several_clips(tmp_path, crawl):
    np.savez(tmp_path / "one.npz", poses=crawl, fps=50.0)
    clip = read_motion(tmp_path / "one.npz")
    assert (clip.fps, clip.name) == (50.0, "one")
    np.savez(tmp_path / "two.npz", a=crawl, b=crawl[:9])
    with pytest.raises(ValueError, match="holds 2 clips, name one of them: a, b"):
        read_motion(tmp_path / "two.npz")
    assert len(read_motion(tmp_path / "two.npz", clip="b")) == 9
    with pytest.raises(ValueError, match="has no clip 'c'; it has a, b"):
        read_motion(tmp_path / "two.npz", clip="c")


def test_a_clip_is_not_named_where_there_is_one_without_a_name(tmp_path, crawl):
    path = save(tmp_path / "a.npy", crawl)
    with pytest.raises(ValueError, match=r"a\.npy: holds one clip, .* leave out the clip 'b'"):
        read_motion(path, clip="b")
    np.savez(tmp_path / "d.npz", boxes=np.zeros(1), keypoints=np.zeros(1))
    (tmp_path / "b.bvh").write_text("HIERARCHY")
    for name in ("d.npz", "b.bvh"):
        with pytest.raises(ValueError, match="leave out the clip 'b'"):
            read_motion(tmp_path / name, clip="b")


def test_damaged_archives(tmp_path, crawl):
    np.savez_compressed(tmp_path / "a.npz", poses=crawl)
    data = (tmp_path / "a.npz").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(data[: rng.integers(1, len(data))] if rng.random() < 0.3 else data)
        for at in rng.integers(0, len(damaged), 5):
            damaged[at] = rng.integers(256)
        (tmp_path / "b.npz").write_bytes(damaged)
        try:
            assert isinstance(read_motion(tmp_path / "b.npz"), MotionClip)
        except ValueError as error:
            assert str(tmp_path / "b.npz") in str(error)  # noqa: PT017


def test_fit_bank_becomes_bodies_on_a_floor(few_fits):
    from syrip_gen.body.load import load_body
    from syrip_gen.body.posing import pose_body
    from syrip_gen.fitting.bank import FitBank

    bank = FitBank.load(few_fits)
    motion = read_motion(few_fits)
    assert isinstance(motion, BodySequence)
    assert len(motion) == bank.accepted.sum()
    body = load_body()
    kept = np.flatnonzero(bank.accepted)
    turns = []
    for t, row in enumerate(kept):
        world = pose_body(body, motion.betas, motion.global_orient[t], motion.body_pose[t], motion.transl[t])
        assert abs(world.vertices[:, 2].min()) < 0.02
        camera = pose_body(body, motion.betas, bank.global_orient[row], bank.body_pose[row])
        turns.append(world.joint_transforms[0, :3, :3] @ camera.joint_transforms[0, :3, :3].T)
    np.testing.assert_allclose(turns, np.broadcast_to(turns[0], (len(turns), 3, 3)), atol=1e-6)


def test_fit_bank_without_an_accepted_fit(tmp_path, few_fits):
    from dataclasses import replace

    from syrip_gen.fitting.bank import FitBank

    bank = FitBank.load(few_fits)
    replace(bank, accepted=np.zeros(len(bank), bool)).save(tmp_path / "fits.npz")
    with pytest.raises(ValueError, match=f"none of the {len(bank)} fits is accepted"):
        read_motion(tmp_path / "fits.npz")


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), 1e9])
def test_impossible_frame_rates(tmp_path, crawl, fps):
    with pytest.raises(ValueError, match=r"frames a second must lie between 0\.1 and 1000"):
        read_motion(save(tmp_path / "a.npy", crawl), fps=fps)


def test_a_schema_is_not_named_where_the_layout_has_one(tmp_path):
    np.savez(tmp_path / "d.npz", boxes=np.zeros(1), keypoints=np.zeros(1))
    (tmp_path / "b.bvh").write_text("HIERARCHY")
    for name in ("d.npz", "b.bvh"):
        with pytest.raises(ValueError, match="what its points are; leave out the keypoint schema"):
            read_motion(tmp_path / name, schema="h36m17")
