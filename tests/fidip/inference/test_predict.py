"""``syrip predict`` from the command line to the files, with a network that finds coloured dots."""

import csv
import json
import os
import signal

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from pycocotools.coco import COCO

import cli
from fidip.inference import predict as predict_module
from fidip.inference import video_run
from fidip.inference.options import PredictConfig
from fidip.inference.overlay import confidence_colors, draw_poses
from fidip.interruption import interruption_flag
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.readers import read_poses
from tests.fidip.inference.clips import SIZE, dot_clip, moving_pose, read_clip, write_clip
from tests.fidip.inference.dot_network import SUPINE, DotNetwork, box_around, dot_picture

PHOTO = SUPINE * 2 + 60


@pytest.fixture(autouse=True)
def dots(monkeypatch):
    monkeypatch.setattr(predict_module, "open_network", lambda source, **_: DotNetwork((144, 192)))


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "in" / "photo.png"
    path.parent.mkdir()
    Image.fromarray(dot_picture(PHOTO, (321, 363), radius=5)).save(path)
    return path


def run(*words, exit_code=0):
    result = CliRunner().invoke(cli.main, ["predict", *[str(word) for word in words]], prog_name="syrip")
    assert result.exit_code == exit_code, result.output
    assert "Traceback" not in result.output
    return result.output


def keypoints_of(path):
    return np.array([r["keypoints"] for r in json.loads(path.read_text())]).reshape(-1, 17, 3)


def test_photo_gives_coco_results_csv_and_overlay(photo, tmp_path):
    out = tmp_path / "out"
    output = run(photo, "-o", out, "--overlay", "--json", tmp_path / "figures.json")
    (record,) = json.loads((out / "predictions.json").read_text())
    assert (record["image_id"], record["category_id"], record["file_name"]) == (1, 1, "photo.png")
    assert record["keypoint_schema"] == "coco17"
    np.testing.assert_allclose(keypoints_of(out / "predictions.json")[0, :, :2], PHOTO, atol=1.0)
    (row,) = csv.DictReader((out / "predictions.csv").open())
    assert float(row["left_wrist_x"]) == record["keypoints"][27]
    assert float(row["bbox_width"]) == record["bbox"][2]
    assert (row["file_name"], row["frame"]) == ("photo.png", "")
    with Image.open(out / "overlays" / "photo.png") as overlay:
        assert overlay.size == (321, 363), "the original resolution"
        assert np.abs(np.asarray(overlay).astype(int) - np.asarray(Image.open(photo))).max() > 100
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert (figures["num_photos"], figures["num_persons"], figures["num_failures"]) == (1, 1, 0)
    assert "1 photo, 0 frames of 0 videos: 1 pose with" in output
    assert sorted(p.name for p in out.iterdir()) == [
        "overlays",
        "predictions.csv",
        "predictions.json",
        "run.json",
    ]


def test_results_open_in_pycocotools_and_feed_generate(photo, tmp_path):
    run(photo, "-o", tmp_path / "out")
    truth = {
        "images": [{"id": 1, "file_name": "photo.png", "width": 321, "height": 363}],
        "annotations": [],
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO17.keypoints)}],
    }
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    found = COCO(str(tmp_path / "gt.json")).loadRes(str(tmp_path / "out/predictions.json"))
    assert len(found.anns) == 1
    poses = read_poses(tmp_path / "out/predictions.json")
    assert len(poses) == 1
    assert poses.image_size.tolist() == [[321, 363]]
    assert not any("size" in note for note in poses.notes)


def test_boxes_of_a_file_give_one_pose_each_under_its_image_id(tmp_path):
    people = [SUPINE * 1.5 + (10, 10), SUPINE * 1.2 + (200, 60)]
    picture = dot_picture(people[0], (360, 240), radius=4)
    picture[:, 180:] = dot_picture(people[1], (360, 240), radius=4)[:, 180:]
    Image.fromarray(picture).save(tmp_path / "two.png")
    Image.fromarray(dot_picture(PHOTO, (321, 363), radius=5)).save(tmp_path / "unknown.png")
    boxes = {
        "images": [{"id": 77, "file_name": "images/two.png", "width": 360, "height": 240}],
        "annotations": [
            {"id": i, "image_id": 77, "bbox": list(map(float, box_around(p)))} for i, p in enumerate(people)
        ],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    output = run(tmp_path, "--boxes", tmp_path / "boxes.json", "-o", tmp_path / "out")
    assert "1 photo not in the box file" in output
    records = json.loads((tmp_path / "out/predictions.json").read_text())
    assert [r["image_id"] for r in records] == [77, 77, 78]
    found = keypoints_of(tmp_path / "out/predictions.json")
    for points, truth in zip(found, [*people, PHOTO], strict=True):
        np.testing.assert_allclose(points[:, :2], truth, atol=1.0)


def test_video_gives_a_result_a_frame_and_an_overlay_that_plays(tmp_path):
    dot_clip(tmp_path / "clip.mov", frames=24)
    out = tmp_path / "out"
    run(tmp_path / "clip.mov", "-o", out, "--overlay")
    records = json.loads((out / "predictions.json").read_text())
    assert [r["frame"] for r in records] == list(range(24))
    assert [r["image_id"] for r in records] == list(range(1, 25))
    np.testing.assert_allclose([r["time_s"] for r in records], np.arange(24) / 30, atol=1e-3)
    truth = np.stack([moving_pose(i) for i in range(24)])
    np.testing.assert_allclose(keypoints_of(out / "predictions.json")[..., :2], truth, atol=1.5)
    frames = read_clip(out / "overlays" / "clip.mov.mp4")
    originals = read_clip(tmp_path / "clip.mov")
    assert len(frames) == 24
    for (time_s, drawn), (original_s, original) in zip(frames, originals, strict=True):
        assert time_s == pytest.approx(original_s, abs=1e-3)
        assert drawn.shape == original.shape
        changed = np.abs(drawn.astype(int) - original).max(axis=2) > 60
        assert 0.01 < changed.mean() < 0.5


def test_smoothing_calms_a_still_infant_of_a_noisy_video(tmp_path):
    rng = np.random.default_rng(0)
    still = [dot_picture(moving_pose(0) + rng.normal(0, 1, (17, 2)), SIZE, radius=3) for _ in range(30)]
    write_clip(tmp_path / "still.mp4", still)
    jitters = {}
    for smooth in ("none", "one-euro"):
        run(tmp_path / "still.mp4", "-o", tmp_path / smooth, "--smooth", smooth, "--no-flip-test")
        points = keypoints_of(tmp_path / smooth / "predictions.json")[10:, :, :2]
        jitters[smooth] = np.linalg.norm(np.diff(points, axis=0), axis=2).mean()
    assert jitters["none"] > 1
    assert jitters["one-euro"] < 0.5 * jitters["none"]


def test_smoothing_keeps_up_with_a_moving_infant_of_a_video(tmp_path):
    dot_clip(tmp_path / "move.mp4", frames=45)
    run(tmp_path / "move.mp4", "-o", tmp_path / "out", "--smooth", "one-euro", "--no-flip-test")
    track = keypoints_of(tmp_path / "out/predictions.json")[..., :2]

    def misfit(delay):
        clean = np.stack([moving_pose(i - delay) for i in range(45)])
        return ((track - clean)[15:] ** 2).mean()

    assert min(np.arange(-1, 6, 0.1), key=misfit) < 2


def test_bad_items_are_told_and_the_others_done(photo, tmp_path):
    folder = photo.parent
    (folder / "zero.jpg").write_bytes(b"")
    (folder / "text.mp4").write_text("this is no video")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    dot_clip(folder / "clip.mp4", frames=5)
    output = run(folder, "-o", tmp_path / "out", "--json", tmp_path / "f.json", exit_code=3)
    for name in ("zero.jpg is empty", "text.mp4 does not open as a video", "broken.jpg does not decode"):
        assert name in output
    assert len(json.loads((tmp_path / "out/predictions.json").read_text())) == 6
    assert json.loads((tmp_path / "f.json").read_text())["num_failures"] == 3
    assert len(json.loads((tmp_path / "out/run.json").read_text())["failures"]) == 3


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.mp4", b"", "a.mp4 is empty (0 bytes)"),
        ("a.mp4", b"text " * 99, "a.mp4 does not open as a video"),
        ("a.jpg", b"text " * 99, "a.jpg does not decode as a picture"),
        ("a", b"text " * 99, "does not open as a video"),
    ],
)
def test_nothing_that_can_be_read_exits_2_and_leaves_nothing(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    assert message in run(tmp_path / name, "-o", tmp_path / "out", exit_code=2)
    assert not (tmp_path / "out").exists()


def test_wrong_usage_exits_2_before_anything_is_written(photo, tmp_path):
    out = tmp_path / "out"
    assert "nowhere.jpg: no such file" in run("nowhere.jpg", "-o", out, exit_code=2)
    assert "Missing argument" in run("-o", out, exit_code=2)
    assert "'warp' is not available" in run(photo, "-o", out, "--device", "warp", exit_code=2)
    assert "no.json" in run(photo, "-o", out, "--boxes", tmp_path / "no.json", exit_code=2)
    (tmp_path / "list.json").write_text("[]")
    assert "expected a COCO annotation file" in run(
        photo, "-o", out, "--boxes", tmp_path / "list.json", exit_code=2
    )
    assert "is also an input" in run(photo.parent, "-o", photo.parent, exit_code=2)
    assert not out.exists()


def test_files_of_another_kind_and_boxes_for_videos_are_refused(tmp_path):
    (tmp_path / "some.json").write_text("{}")
    out = tmp_path / "a" / "out"
    assert "some.json is no photo, folder or video" in run(tmp_path / "some.json", "-o", out, exit_code=2)
    dot_clip(tmp_path / "clip.mp4", frames=2)
    words = ["--boxes", tmp_path / "some.json", "-o", out]
    assert "clip.mp4 is none" in run(tmp_path / "clip.mp4", *words, exit_code=2)
    (tmp_path / "bad.mp4").write_text("text")
    run(tmp_path / "bad.mp4", "-o", out, exit_code=2)
    assert not (tmp_path / "a").exists()


def test_camera_that_is_absent_exits_2(tmp_path):
    assert "camera 97 is not there" in run("97", "-o", tmp_path / "out", exit_code=2)


def test_camera_is_read_until_the_frames_asked_for(tmp_path, monkeypatch):
    """A camera is a device; here its frames come from a list."""

    class Camera:
        fps, num_frames, problem = 15.0, 0, ""

        def __iter__(self):
            i = 0
            while True:
                picture = dot_picture(moving_pose(i), SIZE, radius=3)
                yield video_run.Frame(i, i / 15, picture)
                i += 1

        def close(self):
            pass

    monkeypatch.setattr(video_run, "open_camera", lambda _index: Camera())
    run("0", "-o", tmp_path / "out", "--max-frames", "7", "--overlay")
    records = json.loads((tmp_path / "out/predictions.json").read_text())
    assert [r["file_name"] for r in records] == ["camera0"] * 7
    assert len(read_clip(tmp_path / "out/overlays/camera0.mp4")) == 7


def test_predictions_are_not_overwritten_unasked(photo, tmp_path):
    out = tmp_path / "out"
    run(photo, "-o", out)
    before = (out / "predictions.json").read_bytes()
    assert "already holds predictions.json" in run(photo, "-o", out, exit_code=2)
    run(photo, "-o", out, "--overwrite")
    assert (out / "predictions.json").read_bytes() == before


def test_output_that_cannot_be_written_exits_2(photo, tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot be written (" in run(photo, "-o", tmp_path / "file" / "out", exit_code=2)


def test_interruption_completes_what_was_written(tmp_path):
    dot_clip(tmp_path / "clip.mp4", frames=24)
    calls = iter(range(100))

    class Silent:
        stage = advance = note = lambda *_: None

    result = predict_module.predict(
        PredictConfig(output=str(tmp_path / "out"), overlay=True),
        [str(tmp_path / "clip.mp4")],
        Silent(),
        should_stop=lambda: next(calls) >= 5,
    )
    assert result.was_interrupted
    count = len(json.loads((tmp_path / "out/predictions.json").read_text()))
    assert 3 <= count <= 6
    assert len(read_clip(tmp_path / "out/overlays/clip.mp4")) == count
    assert len((tmp_path / "out/predictions.csv").read_text().splitlines()) == count + 1
    assert "everything up to there is kept" in result.summary()


def test_error_in_the_middle_keeps_what_was_predicted(tmp_path, monkeypatch):
    dot_clip(tmp_path / "clip.mp4", frames=12)
    drawn = video_run._drawn

    def full_disk(frame, *more):
        if frame.index == 6:
            raise OSError("No space left on device")
        return drawn(frame, *more)

    monkeypatch.setattr(video_run, "_drawn", full_disk)
    out = tmp_path / "out"
    assert "No space left" in run(tmp_path / "clip.mp4", "-o", out, "--overlay", exit_code=1)
    assert len(json.loads((out / "predictions.json").read_text())) == 7
    assert len(read_clip(out / "overlays" / "clip.mp4")) == 6


def test_first_ctrl_c_asks_and_the_second_stops():
    with interruption_flag() as is_interrupted:
        assert not is_interrupted()
        os.kill(os.getpid(), signal.SIGINT)
        assert is_interrupted()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_confidence_colours_rise_in_brightness():
    colors = confidence_colors(np.array([-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0])).astype(float)
    luma = colors @ (0.299, 0.587, 0.114)
    assert (np.diff(luma[1:-1]) > 5).all()
    assert (colors[0] == colors[1]).all()
    assert (colors[-1] == colors[-2]).all()


def test_drawing_marks_the_keypoints_and_survives_far_ones():
    image = np.zeros((200, 160, 3), np.uint8)
    points = np.concatenate([SUPINE + 30, np.full((17, 1), 0.95)], axis=1)
    points[0] = (1e9, -1e9, 0.9)
    points[1] = (np.nan, 5, 0.9)
    points[2, 2] = 0.0
    draw_poses(image, points[None])
    for x, y in points[5:, :2].astype(int):
        assert image[y, x].sum() > 150
    assert not image[:20].any()
    assert cv2.countNonZero(image[..., 0]) > 300
