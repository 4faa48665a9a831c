"""``syrip predict --detector``: every person of a photo, one of a video, gaps where nobody is found."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import cli
from fidip.detection import detectors
from fidip.detection.boxes import FoundBoxes
from fidip.inference import predict as predict_module
from fidip.inference.detected import DetectedFollower, locator
from fidip.inference.estimator import PoseEstimator
from tests.fidip.inference.clips import SIZE, dot_clip, moving_pose, read_clip
from tests.fidip.inference.dot_network import SUPINE, DotNetwork, dot_picture

SHIFT = np.array([38, 30])


class Scripted:
    """A detector that finds what it is told, picture by picture, then repeats the last."""

    name, min_score = "scripted", 0.5

    def __init__(self, *pictures):
        self.pictures, self.calls = list(pictures), 0

    def detect(self, images):
        own = []
        for _ in images:
            rows = np.array(self.pictures[min(self.calls, len(self.pictures) - 1)], float).reshape(-1, 5)
            own.append(FoundBoxes(rows[:, :4], rows[:, 4]))
            self.calls += 1
        return own


@pytest.fixture(autouse=True)
def dots(monkeypatch):
    monkeypatch.setattr(predict_module, "open_network", lambda source, **_: DotNetwork((144, 192)))


@pytest.fixture
def script(monkeypatch):
    """Return a function that sets what the detector finds."""

    def set_up(*pictures):
        detector = Scripted(*pictures)
        monkeypatch.setattr(detectors, "open_detector", lambda name, device="cpu": detector)
        return detector

    return set_up


def run(*words, exit_code=0):
    done = CliRunner().invoke(cli.main, ["predict", *map(str, words)])
    assert done.exit_code == exit_code, done.output
    return done.output


def box_of(points):
    low, high = points.min(0) - 15, points.max(0) + 15
    return [*low, *(high - low)]


def test_each_box_of_a_photo_gets_a_pose_and_doubtful_ones_do_not(script, tmp_path):
    pose = SUPINE + SHIFT
    Image.fromarray(dot_picture(pose, SIZE, radius=3)).save(tmp_path / "a.png")
    box = box_of(pose)
    script([[*box, 0.9], [*box, 0.6], [*box, 0.4]])
    run(tmp_path / "a.png", "--detector", "any", "-o", tmp_path / "out", "--overlay")
    found = json.loads((tmp_path / "out/predictions.json").read_text())
    assert len(found) == 2
    assert np.abs(np.array(found[0]["keypoints"]).reshape(17, 3)[:, :2] - pose).max() < 1.5
    assert np.abs(np.array(found[0]["bbox"]) - box).max() < 0.01
    script([[*box, 0.9], [*box, 0.6], [*box, 0.4]])
    run(tmp_path / "a.png", "--detector", "any", "--detector-score", 0.3, "-o", tmp_path / "all")
    assert len(json.loads((tmp_path / "all/predictions.json").read_text())) == 3


def test_a_photo_without_a_person_has_no_pose_and_its_number_stays_free(script, tmp_path):
    pose = SUPINE + SHIFT
    for name in ("a.png", "b.png"):
        Image.fromarray(dot_picture(pose, SIZE, radius=3)).save(tmp_path / name)
    script([], [[*box_of(pose), 0.9]])
    words = (tmp_path / "a.png", tmp_path / "b.png", "--detector", "any", "-o", tmp_path / "out")
    output = run(*words, "--overlay")
    (found,) = json.loads((tmp_path / "out/predictions.json").read_text())
    assert (found["file_name"], found["image_id"]) == ("b.png", 2)
    assert "nobody found in 1" in output
    assert json.loads((tmp_path / "out/run.json").read_text())["num_gaps"] == 1
    assert (tmp_path / "out/overlays/a.png").is_file()


def test_frames_of_a_video_without_a_detection_stay_gaps(script, tmp_path):
    dot_clip(tmp_path / "clip.mp4", frames=8)
    boxes = [[[*box_of(moving_pose(i)), 0.9]] for i in range(8)]
    boxes[3] = boxes[4] = []
    script(*boxes)
    run(
        tmp_path / "clip.mp4",
        "--detector",
        "any",
        "-o",
        tmp_path / "out",
        "--overlay",
        "--smooth",
        "one-euro",
    )
    with open(tmp_path / "out/predictions.csv", newline="") as file:
        assert [int(row["frame"]) for row in csv.DictReader(file)] == [0, 1, 2, 5, 6, 7]
    assert len(read_clip(tmp_path / "out/overlays/clip.mp4")) == 8
    assert json.loads((tmp_path / "out/run.json").read_text())["num_gaps"] == 2


def test_the_same_person_is_followed_among_several():
    near, far = [10, 10, 60, 90, 0.7], [100, 80, 60, 90, 0.9]
    script = Scripted([near], [near, far], [], [near, far])
    follower = DetectedFollower(PoseEstimator(DotNetwork((144, 192))), locator(script, None))
    picture = dot_picture(SUPINE, SIZE, radius=3)
    seen = []
    for frame in range(4):
        poses = follower(picture, frame / 30)
        seen.append((poses is not None, follower.is_new, None if follower.box is None else follower.box[0]))
    assert seen == [(True, True, 10), (True, False, 10), (False, True, None), (True, True, 100)]


def test_wrong_usage_exits_2(script, tmp_path):
    pose = SUPINE + SHIFT
    Image.fromarray(dot_picture(pose, SIZE, radius=3)).save(tmp_path / "a.png")
    photo = tmp_path / "a.png"
    assert "needs --detector" in run(photo, "--detector-score", 0.5, exit_code=2)
    assert "give one of them" in run(photo, "--detector", "x", "--boxes", "y.json", exit_code=2)


def test_a_detector_that_is_not_there_exits_2(tmp_path):
    Image.fromarray(dot_picture(SUPINE + SHIFT, SIZE, radius=3)).save(tmp_path / "a.png")
    output = run(tmp_path / "a.png", "--detector", tmp_path / "none", "-o", tmp_path / "out", exit_code=2)
    assert "movenet_multipose" in output
    assert not (tmp_path / "out").exists()
