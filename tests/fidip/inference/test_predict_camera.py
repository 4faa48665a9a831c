"""``syrip predict --lift --camera``: what it changes, what is written, what is refused; and run.json."""

import hashlib
import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import cli
from fidip.inference import predict as predict_module
from fidip.inference.gap_list import GapList
from fidip.inference.given_camera import read_camera
from fidip.inference.picture_name import PictureName
from fidip.lifting.lift import Lifter
from fidip.lifting.shipped import shipped_lifter
from tests.fidip.inference.clips import SIZE, dot_clip
from tests.fidip.inference.dot_network import SUPINE, DotNetwork, dot_picture

PHOTO = (320, 360)
LENS = (500.0, 510.0, 150.0, 190.0)
TEXT = "500,510,150,190"


@pytest.fixture(autouse=True)
def dots(monkeypatch):
    monkeypatch.setattr(predict_module, "open_network", lambda source, **_: DotNetwork((144, 192)))


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(dot_picture(SUPINE * 2 + 60, PHOTO, radius=5)).save(path)
    return path


def run(*words, exit_code=0):
    result = CliRunner().invoke(cli.main, ["predict", *[str(word) for word in words]], prog_name="syrip")
    assert result.exit_code == exit_code, result.output
    return result.output


def records_of(out):
    return json.loads((out / "predictions.json").read_text())


@pytest.mark.parametrize("text, lens", [(TEXT, LENS), ("500", (500.0, 500.0, 160.0, 180.0))])
def test_the_camera_of_a_photo_reaches_the_lifter_and_the_files(tmp_path, photo, text, lens):
    out = tmp_path / "out"
    run(photo, "--lift", "infant", "--camera", text, "-o", out)
    (record,) = records_of(out)
    assert record["camera"] == dict(zip(("fx", "fy", "cx", "cy"), lens, strict=True))
    keypoints = np.array(record["keypoints"]).reshape(1, 17, 3)
    lifter = Lifter.open(None, over_time=True).of_frames
    found = np.array(record["keypoints_3d_mm"]).reshape(17, 3)
    np.testing.assert_allclose(found, 1000 * lifter.lift(keypoints, PHOTO, lens)[0], atol=2.0)
    assert np.abs(found - 1000 * lifter.lift(keypoints, PHOTO)[0]).max() > 5.0  # it does change something
    with np.load(out / "predictions_3d.npz") as arrays:
        assert arrays["camera"].tolist() == [list(lens)]


def test_the_camera_of_a_video_reaches_the_lifter(tmp_path):
    out = tmp_path / "out"
    run(dot_clip(tmp_path / "v.mp4", 4), "--lift", "infant", "--camera", "300", "-o", out)
    records = records_of(out)
    keypoints = np.array([record["keypoints"] for record in records]).reshape(-1, 17, 3)
    lens = (300.0, 300.0, SIZE[0] / 2, SIZE[1] / 2)
    expected = Lifter.open(None, over_time=True).lift(keypoints, SIZE, lens)
    found = np.array([record["keypoints_3d_mm"] for record in records]).reshape(-1, 17, 3)
    np.testing.assert_allclose(found, 1000 * expected, atol=2.0)


@pytest.mark.parametrize(
    "text, message",
    [
        ("500,500", "'500,500': expected fx,fy,cx,cy or the focal length fx alone, in pixels"),
        ("wide", "'wide': expected fx,fy,cx,cy"),
        ("nan", "'nan': expected fx,fy,cx,cy"),
        ("500,0,160,180", "focal lengths must be above 0"),
        ("26", "a focal length of 26 px would see 163.6 degrees in photo.png (320x360 px). Pixels are exp"),
        ("500,500,1600,180", "the principal point 1600, 180 lies outside photo.png (320x360 px)"),
    ],
)
def test_numbers_that_are_no_camera_are_refused_before_any_work(tmp_path, photo, text, message):
    said = run(photo, "--lift", "infant", "--camera", text, "-o", tmp_path / "out", exit_code=2)
    assert message in said
    assert not (tmp_path / "out").exists()


def test_a_camera_without_a_lifter_or_of_other_sizes_is_refused(tmp_path, photo):
    assert "give --lift, too" in run(photo, "--camera", "500", "-o", tmp_path / "out", exit_code=2)
    clip = dot_clip(tmp_path / "v.mp4", 2)
    said = run(photo, clip, "--lift", "infant", "--camera", TEXT, "-o", tmp_path / "out", exit_code=2)
    assert f"photo.png has 320x360 of them and v.mp4 {SIZE[0]}x{SIZE[1]}: predict pictures of each" in said
    assert not (tmp_path / "out").exists()


def test_a_focal_length_alone_goes_with_pictures_taken_upright():
    camera = read_camera("700")
    assert camera.of("a", (640, 480)) == (700, 700, 320, 240)
    assert camera.of("b", (480, 640)) == (700, 700, 240, 320)
    with pytest.raises(ValueError, match="a has 640x480 of them and c 320x240"):
        camera.of("c", (320, 240))
    whole = read_camera("700,710,300,250")
    assert whole.of("a", (640, 480)) == (700, 710, 300, 250)
    with pytest.raises(ValueError, match="a has 640x480 of them and b 480x640"):
        whole.of("b", (480, 640))


def test_photos_turned_by_exif_count_as_they_are_shown(tmp_path, photo):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(photo).convert("RGB").resize((360, 320)).save(tmp_path / "turned.jpg", exif=exif)
    out = tmp_path / "out"
    run(photo, tmp_path / "turned.jpg", "--lift", "infant", "--camera", TEXT, "-o", out)
    assert [(r["width"], r["height"]) for r in records_of(out)] == [PHOTO, PHOTO]


def test_run_json_says_who_lifted_with_which_camera(tmp_path, photo):
    run(photo, "--lift", "infant", "-o", tmp_path / "a")
    run(photo, "--lift", "infant", "--camera", TEXT, "-o", tmp_path / "b")
    unknown, given = (json.loads((tmp_path / name / "run.json").read_text()) for name in "ab")
    weights = shipped_lifter(over_time=True)
    assert unknown["lifter"]["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert (unknown["lifter"]["file"], unknown["lifter"]["frames_seen"]) == (weights.name, 27)
    assert unknown["lifter"]["camera"].startswith("unknown; assumed 1.3 x the longer side")
    assert given["lifter"]["camera"] == {"fx": 500, "fy": 510, "cx": 150, "cy": 190}
    assert (given["without_pose"], given["not_lifted"]) == ({}, {})
    with np.load(tmp_path / "a" / "predictions_3d.npz") as arrays:
        assert np.isnan(arrays["camera"]).all()


def test_gaps_are_told_in_runs_of_frames():
    gaps = GapList()
    for frame in (0, 1, 2, 2, 7, 9, 10):
        gaps.add(PictureName(frame + 1, "v.mp4", (8, 8), frame, 0.0))
    gaps.add(PictureName(20, "a.png", (8, 8)))
    assert gaps.as_dict() == {"v.mp4": "0-2, 7, 9-10", "a.png": "photo"}
