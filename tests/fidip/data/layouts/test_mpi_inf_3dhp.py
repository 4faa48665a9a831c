import numpy as np
import pytest
from scipy.io import loadmat, savemat

from fidip.data.layouts.mpi_inf_3dhp import read_mpi_inf_3dhp
from syrip_gen.keypoints.catalog import MINIRGBD25, MPII16
from tests.fidip.data.layouts.dataset_writers import cell, write_3dhp


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "mpi_inf_3dhp"


def test_reads_cameras_one_to_eight_in_metres(folder):
    written = write_3dhp(folder, {"S1": 3})
    samples = read_mpi_inf_3dhp(folder)
    assert len(samples) == 8 * 3
    pixels, points = written["S1"]
    np.testing.assert_allclose(samples.keypoints[:3, :, :2], pixels[1].reshape(3, 28, 2))
    np.testing.assert_allclose(samples.keypoints_3d[:3], points[1].reshape(3, 28, 3) / 1000)
    np.testing.assert_allclose(samples.keypoints_3d[-3:], points[8].reshape(3, 28, 3) / 1000)
    assert samples.sequences[0] == "S1/Seq1/camera1"
    assert samples.sequences[-1] == "S1/Seq1/camera8"
    assert set(samples.subjects) == {"S1"}
    assert samples.frames.tolist() == [0, 1, 2] * 8
    assert len(set(samples.image_ids.tolist())) == 24
    np.testing.assert_array_equal(samples.intrinsics[0], [1501, 1497.1, 1024.7, 1051.3])
    np.testing.assert_array_equal(samples.image_sizes[0], [2048, 2048])


def test_maps_by_the_published_index_lists(folder):
    write_3dhp(folder, {"S1": 2}, cameras=2)
    samples = read_mpi_inf_3dhp(folder)
    mpii = [25, 24, 23, 18, 19, 20, 4, 1, 5, 6, 16, 15, 14, 9, 10, 11]
    hesse = [4, 18, 23, 3, 19, 24, 2, 20, 25, 0, 22, 27, 5, 8, 13, 6, 9, 14, 10, 15, 11, 16, 12, 17, 7]
    np.testing.assert_array_equal(samples.in_schema(MPII16).keypoints_3d, samples.keypoints_3d[:, mpii])
    np.testing.assert_array_equal(samples.in_schema(MINIRGBD25).keypoints, samples.keypoints[:, hesse])


def test_splits_are_by_subject(folder):
    write_3dhp(folder, {"S1": 1, "S6": 1, "S7": 1, "S8": 1}, cameras=2)
    assert set(read_mpi_inf_3dhp(folder, split="train").subjects) == {"S1", "S6"}
    assert set(read_mpi_inf_3dhp(folder, split="val").subjects) == {"S7", "S8"}
    with pytest.raises(ValueError, match="unknown split 'test'"):
        read_mpi_inf_3dhp(folder, split="test")


def test_thinning_keeps_frame_numbers(folder):
    written = write_3dhp(folder, {"S1": 7}, cameras=2)
    samples = read_mpi_inf_3dhp(folder, every=3)
    assert samples.frames.tolist() == [0, 3, 6]
    np.testing.assert_allclose(samples.keypoints[1, :, :2], written["S1"][0][1][3].reshape(28, 2))


def test_one_camera_of_one_frame(folder):
    write_3dhp(folder, {"S2": 1}, cameras=1)
    assert len(read_mpi_inf_3dhp(folder, cameras=[0])) == 1


def test_missing_pictures_are_listed(folder):
    write_3dhp(folder, {"S1": 3}, cameras=3)
    pictures = folder / "S1" / "Seq1" / "imageSequence" / "video_1"
    pictures.mkdir(parents=True)
    for number in (1, 3):
        (pictures / f"frame_{number:06d}.jpg").write_bytes(b"x")
    samples = read_mpi_inf_3dhp(folder)
    assert samples.failures == ("S1/Seq1/camera1: 1 of 3 frames left out, no picture: 1",)
    assert samples.image_paths[:2] == (pictures / "frame_000001.jpg", pictures / "frame_000003.jpg")
    assert samples.frames.tolist() == [0, 2, 0, 1, 2]
    assert samples.image_paths[2:] == (None,) * 3
    assert "extract the video's frames" in samples.notes[0]


def test_without_calibration_intrinsics_are_unknown(folder):
    write_3dhp(folder, {"S1": 2}, cameras=2)
    (folder / "S1" / "Seq1" / "camera.calibration").unlink()
    samples = read_mpi_inf_3dhp(folder)
    assert samples.intrinsics is None
    assert "intrinsics unknown" in samples.notes[0]


def test_nan_is_unlabelled(folder):
    write_3dhp(folder, {"S1": 2}, cameras=2)
    path = folder / "S1" / "Seq1" / "annot.mat"
    data = {k: v for k, v in loadmat(path).items() if not k.startswith("__")}
    data["annot2"][1, 0][0, 4] = np.nan  # x of joint 2
    data["annot3"][1, 0][1, 5] = np.nan  # z of joint 1
    savemat(path, data)
    samples = read_mpi_inf_3dhp(folder)
    np.testing.assert_array_equal(samples.keypoints[0, 2], 0)
    assert np.isnan(samples.keypoints_3d[1, 1]).all()
    assert np.isfinite(samples.boxes).all()


def test_another_layout_says_what_was_found(folder):
    folder.mkdir()
    (folder / "TS1").mkdir()
    with pytest.raises(ValueError, match=r"expected S1/Seq1/annot.mat and so on, found TS1"):
        read_mpi_inf_3dhp(folder)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"annot3": None}, "no annot3; expected annot2, annot3, frames, cameras"),
        (
            {"annot2": cell([np.zeros((2, 34))] * 2)},
            r"annot2 of camera 1 is \(2, 34\); expected \(frames, 56\)",
        ),
        ({"annot2": cell([np.zeros((5, 56))] * 2)}, "camera 1 has 5 frames in 2D, 2 in 3D"),
        ({"annot2": cell(["abc"] * 2)}, r"annot2 of camera 1 is \(1,\); expected \(frames, 56\)"),
        ({"annot2": "abc"}, "annot2 of camera 1 is no array"),
        ({"annot3": cell([np.zeros((2, 84))])}, "annot3 of camera 1 is no array"),
        ({"annot2": cell([np.zeros((2, 56)) + 1j] * 2)}, r"annot2 of camera 1 is \(2, 56\)"),
        ({"cameras": "ab"}, "cameras are no numbers"),
        ({"cameras": np.array([0, np.nan])}, "cameras are no numbers"),
    ],
)
def test_broken_annotations_are_refused(folder, change, words):
    write_3dhp(folder, {"S1": 2}, cameras=2)
    path = folder / "S1" / "Seq1" / "annot.mat"
    data = {k: v for k, v in loadmat(path).items() if not k.startswith("__")}
    savemat(path, {k: v for k, v in {**data, **change}.items() if v is not None})
    with pytest.raises(ValueError, match=words):
        read_mpi_inf_3dhp(folder)


def test_broken_calibration_is_refused(folder):
    write_3dhp(folder, {"S1": 1}, cameras=2)
    (folder / "S1" / "Seq1" / "camera.calibration").write_text("name 0\n intrinsic 1 2 3\n")
    with pytest.raises(ValueError, match=r"not a camera\.calibration"):
        read_mpi_inf_3dhp(folder)
