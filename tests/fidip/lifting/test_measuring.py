"""benchmarks/lifting.py: pictures of one clip are a movement."""

import json

import numpy as np
import pytest

from benchmarks.lifting import jitter_mm, mean_of_sets, named_sets, pictures, relative
from fidip.lifting.pose_files import read_poses_3d
from syrip_gen.annotation.coco import ANNOTATION_FILE
from tests.fidip.lifting.skeletons import write_dataset


class RightButShaking:
    """A lifter that knows the truth and moves it to and fro from frame to frame."""

    def __init__(self, truth: np.ndarray, shake_m: float) -> None:
        self.truth, self.shake_m = truth, shake_m
        self.clips: list[list[int]] = []

    def lift(self, keypoints, image_size, camera, *, clip):
        self.clips.append(np.bincount(clip).tolist())
        sign = np.where(np.arange(len(keypoints)) % 2, 1, -1)[:, None, None]
        return self.truth + self.shake_m * sign * np.array([1.0, 0, 0])


@pytest.fixture
def dataset(tmp_path):
    """Return a dataset of a clip of four frames and two single pictures."""
    folder = write_dataset(tmp_path / "d", 6)
    data = json.loads((folder / ANNOTATION_FILE).read_text())
    for person in data["annotations"][:4]:
        person["keypoints_3d_m"] = data["annotations"][0]["keypoints_3d_m"]
        person["source"]["clip"] = "a"
    (folder / ANNOTATION_FILE).write_text(json.dumps(data))
    return folder


def test_frames_of_a_clip_are_lifted_and_measured_as_a_movement(dataset):
    lifter = RightButShaking(relative(read_poses_3d(dataset).points), 0.001)
    figures = pictures(lifter, dataset, None, "moves ")
    assert sorted(lifter.clips[0]) == [1, 1, 4]
    assert figures["moves true 2D AJPE"] == pytest.approx(1, rel=1e-4)
    assert figures["moves jitter of truth"] == pytest.approx(0, abs=1e-4)
    assert figures["moves true 2D jitter"] == pytest.approx(4, rel=1e-4)


def test_single_pictures_have_no_jitter(tmp_path):
    folder = write_dataset(tmp_path / "d", 5)
    figures = pictures(RightButShaking(relative(read_poses_3d(folder).points), 0.001), folder, None)
    assert set(figures) == {"true 2D AJPE", "true 2D PA"}
    assert np.isnan(jitter_mm(np.zeros((2, 17, 3))))


def test_sets_of_one_name_are_averaged(dataset, tmp_path):
    single = write_dataset(tmp_path / "s", 6)
    truth = relative(read_poses_3d(dataset).points)
    sets = named_sets([f"a={dataset}", f"a={single}", "b=x"], ["b=p.json"])
    assert [str(path) for path, _ in sets["a"]] == [str(dataset), str(single)]
    figures = mean_of_sets(RightButShaking(truth, 0.001), sets["a"], "a ")
    each = [pictures(RightButShaking(truth, 0.001), path, None) for path, _ in sets["a"]]
    assert figures["a true 2D AJPE"] == pytest.approx(np.mean([e["true 2D AJPE"] for e in each]))
    assert figures["a true 2D jitter"] == each[0]["true 2D jitter"]  # the other has none


@pytest.mark.parametrize("tests, predictions", [(["a=x"], ["b=p"]), (["a=x", "a=y"], ["a=p"])])
def test_predictions_must_go_with_datasets(tests, predictions):
    with pytest.raises(ValueError, match="--test and"):
        named_sets(tests, predictions)
