"""``syrip predict --lift``: 3D beside 2D in every file, gaps, a turning skeleton beside the picture."""

import csv
import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import cli
from fidip.inference import predict as predict_module
from fidip.inference.overlay_3d import COLORS, draw_skeleton_3d
from fidip.lifting.config import LiftNetworkSettings
from fidip.lifting.lift import Lifter
from fidip.lifting.network import build_lifter
from fidip.lifting.state import save_lifter
from syrip_gen.keypoints.catalog import COCO17, SPIN14
from tests.fidip.inference.clips import SIZE, dot_clip, read_clip
from tests.fidip.inference.dot_network import SUPINE, DotNetwork, dot_picture
from tests.fidip.lifting.skeletons import random_poses


@pytest.fixture(autouse=True)
def dots(monkeypatch):
    monkeypatch.setattr(predict_module, "open_network", lambda source, **_: DotNetwork((144, 192)))


@pytest.fixture
def lifter(tmp_path):
    """Return a function that writes an untrained lifter and returns its run folder."""

    def make(kind="residual", schema=COCO17, unlearnt=()):
        torch.manual_seed(0)
        settings = LiftNetworkSettings(kind=kind, width=16, blocks=1, frames=9)
        network = build_lifter(settings, schema)
        network.unlearnt = frozenset(unlearnt)
        folder = tmp_path / f"run_{kind}"
        folder.mkdir()
        save_lifter(folder / "best.safetensors", network, settings, network.state_dict())
        return folder

    return make


def run(*words, exit_code=0):
    result = CliRunner().invoke(cli.main, ["predict", *[str(word) for word in words]], prog_name="syrip")
    assert result.exit_code == exit_code, result.output
    return result.output


@pytest.mark.parametrize("kind", ["residual", "temporal"])
def test_a_video_gives_2d_and_3d(tmp_path, lifter, kind):
    folder, out = lifter(kind), tmp_path / "out"
    clip = dot_clip(tmp_path / "v.mp4", 12)
    output = run(clip, "--lift", folder, "-o", out, "--overlay")
    assert "predictions_3d.npz, predictions_3d.csv" in output
    records = json.loads((out / "predictions.json").read_text())
    keypoints = np.array([record["keypoints"] for record in records]).reshape(-1, 17, 3)
    expected = Lifter.open(folder).lift(keypoints, SIZE)
    points = np.array([record["keypoints_3d_mm"] for record in records]).reshape(-1, 17, 3)
    np.testing.assert_allclose(points, 1000 * expected, atol=2.0)  # 2D is rounded to 0.01 px
    with np.load(out / "predictions_3d.npz") as arrays:
        np.testing.assert_allclose(arrays["keypoints_3d_m"], points / 1000, atol=1e-4)
        assert arrays["frame"].tolist() == list(range(12))
        assert arrays["schema"] == "coco17"
    rows = list(csv.DictReader((out / "predictions_3d.csv").open()))
    assert float(rows[5]["left_wrist_z_mm"]) == pytest.approx(points[5, 9, 2], abs=0.06)
    frames = read_clip(out / "overlays" / "v.mp4")
    assert len(frames) == 12
    assert frames[0][1].shape[:2] == (SIZE[1], SIZE[0] + SIZE[1])


def test_a_frame_without_a_pose_is_a_gap(tmp_path, lifter, monkeypatch):
    original = predict_module.VideoRun._pose

    def blind(frame, follower, smoother):
        keypoints, scores = original(frame, follower, smoother)
        if frame.index == 3:
            keypoints[..., 2] = 0.01
        return keypoints, scores

    monkeypatch.setattr(predict_module.VideoRun, "_pose", staticmethod(blind))
    out = tmp_path / "out"
    said = run(dot_clip(tmp_path / "v.mp4", 6), "--lift", lifter("temporal"), "-o", out, "--overlay")
    assert "too few keypoints for 3D in 1 of the poses" in said
    about = json.loads((out / "run.json").read_text())
    assert (about["num_not_lifted"], about["not_lifted"]) == (1, {"v.mp4": "3"})
    records = json.loads((out / "predictions.json").read_text())
    assert ["keypoints_3d_mm" in record for record in records] == [True, True, True, False, True, True]
    with np.load(out / "predictions_3d.npz") as arrays:
        assert np.isnan(arrays["keypoints_3d_m"]).all((1, 2)).tolist() == [False] * 3 + [True] + [False] * 2
    rows = list(csv.DictReader((out / "predictions_3d.csv").open()))
    assert rows[3]["nose_x_mm"] == ""
    assert rows[2]["nose_x_mm"] != ""


def test_a_photo_is_lifted_by_itself(tmp_path, lifter):
    path = tmp_path / "photo.png"
    Image.fromarray(dot_picture(SUPINE * 2 + 60, (321, 363), radius=5)).save(path)
    out = tmp_path / "out"
    run(path, "--lift", lifter("temporal"), "-o", out, "--overlay")
    (record,) = json.loads((out / "predictions.json").read_text())
    assert len(record["keypoints_3d_mm"]) == 51
    hips = np.array(record["keypoints_3d_mm"]).reshape(17, 3)
    assert np.isfinite(hips).all()
    assert Image.open(out / "overlays" / "photo.png").size == (321 + 363, 363)


def test_photos_of_a_folder_are_no_movement(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    turned = (SUPINE - (80, 90)) @ np.array([[0, 1], [-1, 0]]) + (80, 90)  # unlike its neighbours
    for number, dots in enumerate((SUPINE, turned, SUPINE)):
        picture = dot_picture(dots * 1.5 + 60, (321, 363), radius=5)
        Image.fromarray(picture).save(folder / f"syn_{number:05d}.png")
    run(folder, "--lift", "infant", "-o", tmp_path / "together")
    run(folder / "syn_00001.png", "--lift", "infant", "-o", tmp_path / "alone")
    together, alone = (
        json.loads((tmp_path / name / "predictions.json").read_text()) for name in ("together", "alone")
    )
    assert together[1]["keypoints_3d_mm"] == alone[0]["keypoints_3d_mm"]
    assert together[1]["keypoints_3d_mm"] != together[0]["keypoints_3d_mm"]


def test_a_keypoint_that_the_lifter_never_learnt_is_null(tmp_path, lifter):
    path = tmp_path / "photo.png"
    Image.fromarray(dot_picture(SUPINE * 2 + 60, (321, 363), radius=5)).save(path)
    out = tmp_path / "out"
    run(path, "--lift", lifter(unlearnt=["nose"]), "-o", out, "--overlay")
    (record,) = json.loads((out / "predictions.json").read_text())
    assert record["keypoints_3d_mm"][:3] == [None] * 3
    assert np.isfinite(record["keypoints_3d_mm"][3:]).all()
    overlay = np.array(Image.open(out / "overlays" / "photo.png"))[:, 321:]
    assert (np.abs(overlay.astype(int) - COLORS["left"]) < 40).all(-1).any()


def test_a_lifter_for_other_keypoints_is_refused_before_any_work(tmp_path, lifter):
    folder = lifter(schema=SPIN14)
    clip = dot_clip(tmp_path / "v.mp4", 2)
    output = run(clip, "--lift", folder, "-o", tmp_path / "out", exit_code=2)
    assert "takes spin14 keypoints, but dots gives coco17" in output
    assert not (tmp_path / "out").exists()
    output = run(clip, "--lift", tmp_path / "nowhere", "-o", tmp_path / "out", exit_code=2)
    assert "not found: give a run folder" in output


def test_without_a_lifter_nothing_is_three_dimensional(tmp_path):
    out = tmp_path / "out"
    run(dot_clip(tmp_path / "v.mp4", 2), "-o", out)
    assert not (out / "predictions_3d.npz").exists()
    assert "keypoints_3d_mm" not in (out / "predictions.json").read_text()


def test_the_skeleton_turns_and_a_gap_is_said():
    pose = random_poses(1)[0]
    pose -= pose[[11, 12]].mean(0)
    front, back = draw_skeleton_3d(200, pose, 0.0), draw_skeleton_3d(200, pose, np.pi)

    def middle(panel, side):
        return np.argwhere((np.abs(panel.astype(int) - COLORS[side]) < 40).all(-1))[:, 1].mean()

    assert middle(front, "left") > middle(front, "right")
    assert middle(back, "left") < middle(back, "right")
    gap = draw_skeleton_3d(200, np.full((17, 3), np.nan), 0.0)
    assert not (np.abs(gap.astype(int) - COLORS["left"]) < 40).all(-1).any()
    assert (gap < 150).any()
