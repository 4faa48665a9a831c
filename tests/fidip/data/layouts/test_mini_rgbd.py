import numpy as np
import pytest

from fidip.data.layouts.mini_rgbd import read_mini_rgbd
from syrip_gen.keypoints.catalog import COCO17, MPII16
from tests.fidip.data.layouts.dataset_writers import MINI_CAMERA, mini_points, write_mini_rgbd


@pytest.fixture
def folder(tmp_path):
    write_mini_rgbd(tmp_path / "data", {1: [0, 1, 2], 9: [0], 11: [0, 1], 12: [0]})
    return tmp_path / "data"


def test_reads_every_field(folder):
    samples = read_mini_rgbd(folder)
    pixels, points = mini_points(1001)
    np.testing.assert_allclose(samples.keypoints[1, :, :2], pixels, atol=1e-6)
    assert (samples.keypoints[..., 2] == 2).all()
    np.testing.assert_allclose(samples.keypoints_3d[1], points, atol=1e-8)
    np.testing.assert_array_equal(samples.boxes, np.tile([100, 50, 200, 300], (7, 1)))
    np.testing.assert_array_equal(samples.intrinsics[0], MINI_CAMERA)
    np.testing.assert_array_equal(samples.image_sizes, np.tile([640, 480], (7, 1)))
    assert samples.image_paths[1] == folder / "01" / "rgb" / "syn_00001.png"
    assert samples.sequences == ("01", "01", "01", "09", "11", "11", "12")
    assert samples.frames.tolist() == [0, 1, 2, 0, 0, 1, 0]
    assert samples.image_ids.tolist() == [100000, 100001, 100002, 900000, 1100000, 1100001, 1200000]
    assert samples.schema.name == "minirgbd25"
    assert not samples.failures
    assert not samples.notes


def test_projection_of_3d_is_2d(folder):
    samples = read_mini_rgbd(folder)
    fx, fy, cx, cy = samples.intrinsics.T[:, :, None]
    x, y, z = np.moveaxis(samples.keypoints_3d, -1, 0)
    np.testing.assert_allclose(samples.keypoints[..., 0], fx * x / z + cx, atol=1e-4)
    np.testing.assert_allclose(samples.keypoints[..., 1], fy * y / z + cy, atol=1e-4)


def test_head_lengths_are_the_published_ones(folder):
    samples = read_mini_rgbd(folder, split="test")
    assert samples.head_px.tolist() == [12.17, 12.17, 13.93]
    assert samples.head_mm.tolist() == [28.6, 28.6, 30.1]


@pytest.mark.parametrize("split, sequences", [("train", {"01"}), ("val", {"09"}), ("test", {"11", "12"})])
def test_splits(folder, split, sequences):
    assert set(read_mini_rgbd(folder, split=split).sequences) == sequences


def test_unzipped_folder_may_have_another_level(tmp_path):
    write_mini_rgbd(tmp_path / "MINI-RGBD_web", {1: [0]})
    assert len(read_mini_rgbd(tmp_path)) == 1


def test_maps_to_mpii_by_the_published_index_list(folder):
    samples = read_mini_rgbd(folder)
    index = [8, 5, 2, 1, 4, 7, 0, 9, 12, 24, 21, 19, 17, 16, 18, 20]
    mapped = samples.in_schema(MPII16)
    np.testing.assert_array_equal(mapped.keypoints, samples.keypoints[:, index])
    np.testing.assert_array_equal(mapped.keypoints_3d, samples.keypoints_3d[:, index])
    assert mapped.sequences == samples.sequences


def test_maps_to_coco_without_eyes_and_ears(folder):
    samples = read_mini_rgbd(folder)
    mapped = samples.in_schema(COCO17)
    known = [0, *range(5, 17)]
    index = [24, 16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8]
    np.testing.assert_array_equal(mapped.keypoints[:, known], samples.keypoints[:, index])
    assert (mapped.keypoints[:, 1:5] == 0).all()
    assert np.isnan(mapped.keypoints_3d[:, 1:5]).all()


def test_without_images_pictures_are_not_needed(folder):
    for path in folder.glob("*/rgb/*.png"):
        path.unlink()
    samples = read_mini_rgbd(folder, with_images=False)
    assert len(samples) == 7
    assert samples.image_paths == (None,) * 7
    assert not samples.failures
    low, high = samples.keypoints[0, :, :2].min(axis=0), samples.keypoints[0, :, :2].max(axis=0)
    np.testing.assert_allclose(samples.boxes[0, :2], low - 0.1 * (high - low))
    np.testing.assert_allclose(samples.boxes[0, 2:], 1.2 * (high - low))


def test_missing_files_are_listed_and_their_frames_left_out(folder):
    (folder / "01" / "joints_3D" / "syn_joints_3D_00001.txt").unlink()
    (folder / "11" / "rgb" / "syn_00000.png").unlink()
    samples = read_mini_rgbd(folder)
    assert samples.failures == (
        "01: 1 of 3 frames left out, no joints_3D: 1",
        "11: 1 of 2 frames left out, no rgb: 0",
    )
    assert list(zip(samples.sequences, samples.frames.tolist(), strict=True)) == [
        ("01", 0), ("01", 2), ("09", 0), ("11", 1), ("12", 0),
    ]  # fmt: skip


def test_a_frame_without_any_file_is_a_note(folder):
    for path in folder.glob("01/*/*00001*"):
        path.unlink()
    samples = read_mini_rgbd(folder)
    assert samples.notes == ("01: frame numbers are not consecutive; without 1",)
    assert len(samples) == 6


def test_absent_and_nan_joints_are_unlabelled(folder):
    for kind, name in (("joints_2Ddep", "syn_joints_2Ddep"), ("joints_3D", "syn_joints_3D")):
        path = folder / "09" / kind / f"{name}_00000.txt"
        rows = path.read_text().splitlines()
        rows[3] = "nan nan nan 3"
        del rows[7]
        path.write_text("\n".join(rows))
    samples = read_mini_rgbd(folder, split="val")
    np.testing.assert_array_equal(samples.keypoints[0, [3, 7]], 0)
    assert np.isnan(samples.keypoints_3d[0, [3, 7]]).all()
    assert (np.delete(samples.keypoints[0, :, 2], [3, 7]) == 2).all()


def test_rows_may_stand_in_any_order(folder):
    before = read_mini_rgbd(folder, split="val")
    path = folder / "09" / "joints_3D" / "syn_joints_3D_00000.txt"
    path.write_text("\n".join(reversed(path.read_text().splitlines())))
    np.testing.assert_array_equal(read_mini_rgbd(folder, split="val").keypoints_3d, before.keypoints_3d)


@pytest.mark.parametrize(
    "row, words",
    [
        ("1 2 3", "expected three numbers and a joint number 0..24, got '1 2 3'"),
        ("1 2 3 25", "joint number 0..24"),
        ("1 2 x 4", "joint number 0..24"),
        ("1 2 3 1.5", "joint number 0..24"),
        ("1 2 3 24", "joint 24 has two rows"),
    ],
)
def test_broken_rows_are_told_and_cost_their_frame_only(folder, row, words):
    path = folder / "11" / "joints_2Ddep" / "syn_joints_2Ddep_00001.txt"
    path.write_text(path.read_text() + row + "\n")
    samples = read_mini_rgbd(folder, split="test")
    assert len(samples) == 2
    assert len(samples.failures) == 1
    assert "syn_joints_2Ddep_00001.txt line 26" in samples.failures[0]
    assert words in samples.failures[0]


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_a_broken_mask_costs_its_frame_only(folder, content):
    (folder / "09" / "fg_mask" / "mask_00000.png").write_bytes(content)
    samples = read_mini_rgbd(folder)
    assert "09" not in samples.sequences
    assert "does not decode as a picture" in samples.failures[0]


def test_a_missing_or_empty_mask_gives_the_keypoints_extent(folder):
    (folder / "09" / "fg_mask" / "mask_00000.png").unlink()
    box = read_mini_rgbd(folder, split="val").boxes[0]
    assert box.tolist() != [100, 50, 200, 300]
    assert (box[2:] > 0).all()


def test_own_head_lengths_and_cameras_come_first(folder):
    (folder / "head_lengths.csv").write_text("sequence,px,mm\n9,20.5,31\n")
    (folder / "09" / "cameras.csv").write_text("frame,fx,fy,cx,cy,width,height\n0,700,701,319,239,640,480\n")
    samples = read_mini_rgbd(folder)
    at = samples.sequences.index("09")
    assert (samples.head_px[at], samples.head_mm[at]) == (20.5, 31)
    assert np.isnan(np.delete(samples.head_px, at)).all()
    assert samples.intrinsics[at].tolist() == [700, 701, 319, 239]


@pytest.mark.parametrize("text", ["sequence,px,mm\n9,20.5\n", "sequence,px,mm\n9,nan,3\n", "a\nb,c,d\n"])
def test_broken_head_lengths_are_refused(folder, text):
    (folder / "head_lengths.csv").write_text(text)
    with pytest.raises(ValueError, match="line 2: expected 3 numbers"):
        read_mini_rgbd(folder)


@pytest.mark.parametrize(
    "row", ["0,0,701,319,239,640,480", "0,700,701,319,239,1e30,480", "0,700,701,1,1,0,0"]
)
def test_cameras_that_are_none_are_refused(folder, row):
    (folder / "09" / "cameras.csv").write_text(f"frame,fx,fy,cx,cy,width,height\n{row}\n")
    with pytest.raises(
        ValueError, match=r"cameras\.csv: frame 0: focal lengths and sizes must be above 0 px"
    ):
        read_mini_rgbd(folder)


def test_another_layout_says_what_was_found_and_expected(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels.csv").write_text("")
    with pytest.raises(ValueError, match="expected folders 01 to 12 with joints_2Ddep") as error:
        read_mini_rgbd(tmp_path)
    assert "found images, labels.csv" in str(error.value)


def test_a_missing_split_says_what_was_found(tmp_path):
    write_mini_rgbd(tmp_path, {1: [0]})
    with pytest.raises(ValueError, match="split test is sequences 11, 12; found 01"):
        read_mini_rgbd(tmp_path, split="test")
    with pytest.raises(ValueError, match="unknown split 'tset'"):
        read_mini_rgbd(tmp_path, split="tset")


def test_a_missing_folder_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        read_mini_rgbd(tmp_path / "no")


def test_nothing_readable_is_an_error(tmp_path):
    write_mini_rgbd(tmp_path, {1: [0]})
    (tmp_path / "01" / "rgb" / "syn_00000.png").unlink()
    with pytest.raises(ValueError, match="nothing to read: 01: 1 of 1 frames left out, no rgb: 0"):
        read_mini_rgbd(tmp_path)
