import numpy as np
import pytest

from fidip.data.layouts.mpii import read_mpii_json, read_mpii_mat
from tests.fidip.data.layouts.dataset_writers import mpii_person, struct_array, write_json, write_mpii_mat

ALL = {k: (100.0 + k, 200.0 + 2 * k) for k in range(16)}


@pytest.fixture
def mat(tmp_path):
    people = [
        mpii_person(ALL, visible={3: 0, 4: "0", 5: "1", 8: [], 9: []}),
        mpii_person({0: (50.0, 60.0), 6: (70.5, 80.25)}),
    ]
    write_mpii_mat(tmp_path / "mpii.mat", [("a.jpg", people), ("b.jpg", []), ("c.jpg", [mpii_person(ALL)])])
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (folder / name).write_bytes(b"x")
    return tmp_path / "mpii.mat"


def test_mat_persons(mat):
    samples = read_mpii_mat(mat)
    assert samples.schema.name == "mpii16"
    assert samples.image_ids.tolist() == [1, 1, 3]
    assert [path.name for path in samples.image_paths] == ["a.jpg", "a.jpg", "c.jpg"]
    assert samples.keypoints_3d is None
    # Matlab's pixel 1 has its centre at our 0.5.
    np.testing.assert_allclose(samples.keypoints[0, :, 0], 99.5 + np.arange(16))
    np.testing.assert_allclose(samples.keypoints[0, :, 1], 199.5 + 2 * np.arange(16))
    assert samples.keypoints[0, :, 2].tolist() == [2, 2, 2, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]
    np.testing.assert_array_equal(samples.keypoints[1, 6], (70, 79.75, 2))
    np.testing.assert_array_equal(np.delete(samples.keypoints[1], [0, 6], axis=0), 0)


def test_mat_boxes_and_heads(mat):
    samples = read_mpii_mat(mat)
    # 200 x scale around objpos, 15 x scale lower.
    np.testing.assert_allclose(samples.boxes[0], [300 - 0.5 - 200, 200 - 0.5 + 30 - 200, 400, 400])
    assert samples.head_px[0] == pytest.approx(0.6 * 50)


def test_mat_of_one_picture_and_one_person_with_one_point(tmp_path):
    write_mpii_mat(tmp_path / "one.mat", [("a.jpg", [mpii_person({2: (10.0, 20.0)})])])
    samples = read_mpii_mat(tmp_path / "one.mat", with_images=False)
    assert len(samples) == 1
    np.testing.assert_array_equal(samples.keypoints[0, 2], (9.5, 19.5, 2))


def test_mat_people_without_joints_are_left_out(tmp_path):
    nobody = mpii_person({})
    write_mpii_mat(tmp_path / "m.mat", [("a.jpg", [nobody, mpii_person(ALL)])])
    assert len(read_mpii_mat(tmp_path / "m.mat", with_images=False)) == 1


def test_mat_lists_missing_pictures(mat):
    (mat.parent / "images" / "c.jpg").unlink()
    samples = read_mpii_mat(mat)
    assert len(samples) == 2
    assert samples.failures == (f"1 pictures are not in {mat.parent / 'images'}: c.jpg",)


def test_mat_without_picture_folder(tmp_path):
    write_mpii_mat(tmp_path / "m.mat", [("a.jpg", [mpii_person(ALL)])])
    with pytest.raises(FileNotFoundError, match=r"pictures of .*m.mat not found"):
        read_mpii_mat(tmp_path / "m.mat")


def test_mat_names_cannot_leave_the_folder(mat):
    write_mpii_mat(mat, [("../mpii.mat", [mpii_person(ALL)]), ("c.jpg", [mpii_person(ALL)])])
    samples = read_mpii_mat(mat)
    assert [path.name for path in samples.image_paths] == ["c.jpg"]
    assert "../mpii.mat" in samples.failures[0]


def test_mat_person_with_a_strange_joint_is_told(tmp_path):
    write_mpii_mat(tmp_path / "m.mat", [("a.jpg", [mpii_person({16: (1.0, 2.0)}), mpii_person(ALL)])])
    samples = read_mpii_mat(tmp_path / "m.mat", with_images=False)
    assert len(samples) == 1
    assert "a person left out: joint 16; expected 0..15" in samples.failures[0]


@pytest.mark.parametrize("joint", [np.inf, np.nan, "a", (1, 2)])
def test_mat_joint_numbers_that_are_none_cost_their_person_only(tmp_path, joint):
    strange = mpii_person({joint: (1.0, 2.0)})
    write_mpii_mat(tmp_path / "m.mat", [("a.jpg", [strange, mpii_person(ALL)])])
    samples = read_mpii_mat(tmp_path / "m.mat", with_images=False)
    assert len(samples) == 1
    assert "a person left out" in samples.failures[0]


@pytest.mark.parametrize("scale", [np.nan, np.inf, 0.0, -1.0])
def test_mat_without_a_usable_scale_takes_the_keypoints_extent(tmp_path, scale):
    write_mpii_mat(tmp_path / "m.mat", [("a.jpg", [mpii_person(ALL, scale=scale)])])
    box = read_mpii_mat(tmp_path / "m.mat", with_images=False).boxes[0]
    np.testing.assert_allclose(box, [99.5 - 1.5, 199.5 - 3, 15 + 3, 30 + 6])  # a tenth wider on every side


def test_mat_nan_is_unlabelled(tmp_path):
    write_mpii_mat(tmp_path / "m.mat", [("a.jpg", [mpii_person({**ALL, 4: (float("nan"), 3.0)})])])
    samples = read_mpii_mat(tmp_path / "m.mat", with_images=False)
    np.testing.assert_array_equal(samples.keypoints[0, 4], 0)
    assert "1 keypoints that are not finite numbers" in samples.notes[0]


def test_another_mat_is_refused(tmp_path):
    from scipy.io import savemat

    savemat(tmp_path / "m.mat", {"annot2": np.zeros(3)})
    with pytest.raises(ValueError, match="expected the struct RELEASE with annolist"):
        read_mpii_mat(tmp_path / "m.mat")
    savemat(tmp_path / "m.mat", {"RELEASE": struct_array([{"x": 1}])})
    with pytest.raises(ValueError, match="expected the struct RELEASE with annolist"):
        read_mpii_mat(tmp_path / "m.mat")


@pytest.mark.parametrize("content", [b"", b"MATLAB 5.0 MAT-file but no more", b"\x00" * 200])
def test_broken_mat_is_refused(tmp_path, content):
    (tmp_path / "m.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"m\.mat"):
        read_mpii_mat(tmp_path / "m.mat")


def test_cut_mat_is_refused(mat):
    mat.write_bytes(mat.read_bytes()[:-400])
    with pytest.raises(ValueError, match=r"mpii\.mat"):
        read_mpii_mat(mat)


def entry(**more):
    return {
        "image": "a.jpg",
        "joints": [[100 + k, 200 + 2 * k] for k in range(15)] + [[-1, -1]],
        "joints_vis": [1] * 14 + [0, 0],
        "center": [300.0, 200.0],
        "scale": 2.0,
        **more,
    }


def test_json_persons(tmp_path):
    path = write_json(tmp_path / "train.json", [entry(), entry(image="b.jpg"), entry()])
    samples = read_mpii_json(path, with_images=False)
    assert samples.image_ids.tolist() == [1, 2, 1]
    np.testing.assert_allclose(samples.keypoints[0, :15, 0], 99.5 + np.arange(15))
    assert samples.keypoints[0, :, 2].tolist() == [2] * 14 + [1, 0]
    np.testing.assert_array_equal(samples.keypoints[0, 15], 0)
    np.testing.assert_allclose(samples.boxes[0], [99.5, 29.5, 400, 400])


def test_json_pictures(tmp_path):
    path = write_json(tmp_path / "annot" / "valid.json", [entry(), entry(image="b.jpg")])
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(b"x")
    samples = read_mpii_json(path)
    assert samples.image_paths == (tmp_path / "images" / "a.jpg",)
    assert "b.jpg" in samples.failures[0]


@pytest.mark.parametrize(
    "change, words",
    [
        ({"joints": [[1, 2]] * 17}, "17 joints; expected MPII's 16"),
        ({"joints": [[1, 2, 3]] * 16}, "expected 16 joints of 2 numbers"),
        ({"joints_vis": [1]}, "expected 16 joints of 2 numbers, 16 joints_vis"),
        ({"center": None}, "center: expected a list of numbers"),
        ({"scale": "2"}, "scale: entry 0 must be a number"),
    ],
)
def test_json_broken_entries_are_told(tmp_path, change, words):
    path = write_json(tmp_path / "train.json", [entry(), entry(**change)])
    samples = read_mpii_json(path, with_images=False)
    assert len(samples) == 1
    assert words in samples.failures[0]
    assert "entry 1" in samples.failures[0]


@pytest.mark.parametrize("value", [[], {}, [1], [{"image_id": 1}]])
def test_other_json_is_refused(tmp_path, value):
    with pytest.raises(ValueError, match="expected Pose-ResNet's list"):
        read_mpii_json(write_json(tmp_path / "x.json", value))


def test_test_set_is_refused(tmp_path):
    path = write_json(tmp_path / "test.json", [{"image": "a.jpg", "center": [1, 2], "scale": 1}])
    with pytest.raises(ValueError, match="holds no joints"):
        read_mpii_json(path)
