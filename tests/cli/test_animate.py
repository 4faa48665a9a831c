"""``syrip animate`` at the command line: summary, figures, exit codes, and what bad input gets."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import cli
from tests.crawling import crawling_points

SMALL = ["--renderer", "raster", "--size", "72x96", "--workers", 1]


def run(*words):
    """Run a command in this process."""
    runner = CliRunner(env={"COLUMNS": "100", "TERM": "dumb"})
    return runner.invoke(cli.main, [str(word) for word in words], prog_name="syrip")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "crawling.npy"
    np.save(path, crawling_points(10))
    return path


def test_summary_and_figures(clip, textures, tmp_path):
    out, figures = tmp_path / "out", tmp_path / "figures.json"
    words = ["--motion", clip, "--textures", textures, "--frames", "every=5", "-o", out, "--json", figures]
    result = run("animate", *words, *SMALL)
    assert result.exit_code == 0, result.output
    assert "2 images of 1 take from 2 of 10 frames of 'crawling' (30 a second)" in result.output
    assert "adult-sized body, about 1.7" in result.output
    assert "bones follow the clip within" in result.output
    assert f"{out}/sequence.npz" in result.output
    numbers = json.loads(figures.read_text())
    assert numbers["num_images"] == 2
    assert numbers["motion.num_frames"] == 10
    assert numbers["retarget.num_frames"] == 10
    assert all(not isinstance(value, dict | list) for value in numbers.values())
    report = run("report", out)
    assert report.exit_code == 0, report.output


def test_dry_run_prints_scenes_and_writes_nothing(clip, textures, tmp_path):
    out = tmp_path / "out"
    result = run("animate", "--motion", clip, "--textures", textures, "-o", out, "--dry-run", *SMALL)
    assert result.exit_code == 0, result.output
    scenes = [json.loads(line) for line in result.stdout.splitlines()]
    assert [scene["motion"]["frame"] for scene in scenes] == [0]
    assert not out.exists()


def test_rejected_frames_exit_3_with_the_frame_and_the_reason(clip, textures, tmp_path, monkeypatch):
    from syrip_gen.quality.checks import SampleChecker

    check = SampleChecker.check

    def strict(self, labels, *rest):
        return "too pretty" if labels.record["index"] == 1 else check(self, labels, *rest)

    monkeypatch.setattr(SampleChecker, "check", strict)
    words = ["--motion", clip, "--textures", textures, "--frames", "every=5", "-o", tmp_path / "out"]
    result = run("animate", *words, *SMALL)
    assert result.exit_code == 3, result.output
    assert "item 1: frame 5 (0.17 s) of take 0: too pretty" in result.output


def saved(array):
    return lambda path: np.save(path, array)


def with_gaps(frames):
    points = crawling_points(10)
    points[frames] = np.nan
    return points


BAD_CLIPS = {
    "flat.npy": (saved(crawling_points(10)[..., :2]), "expected (T, 17, 3)"),
    "five.npy": (saved(crawling_points(10)[:, :5]), "expected 17 points"),
    "single.npy": (saved(crawling_points(1)), "one frame only is no motion"),
    "pose.npy": (saved(crawling_points(1)[0]), "found shape (17, 3)"),
    "gaps.npy": (saved(with_gaps(slice(3, 6))), "at most 20% are interpolated"),
    "objects.npy": (saved(np.array([{}], dtype=object)), "an array of type object"),
    "empty.npy": (lambda path: path.write_bytes(b""), "the file is empty"),
    "notes.txt": (lambda path: path.write_text("hello"), "not a motion file"),
    "archive.npz": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(80)), "archive.npz"),
    "nowhere.npy": (lambda path: None, "no such file"),
}


@pytest.mark.parametrize("name", BAD_CLIPS)
def test_motion_that_cannot_be_used_exits_2_and_names_the_file(name, textures, tmp_path):
    make, message = BAD_CLIPS[name]
    path = tmp_path / name
    make(path)
    words = ["--motion", path, "--textures", textures, "-o", tmp_path / "out", *SMALL]
    result = run("animate", *words)
    assert result.exit_code == 2, result.output
    assert name in result.output
    assert message in result.output
    assert "Traceback" not in result.output
    assert len(result.output.strip().splitlines()) <= 3
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words, message",
    [
        (["--frames", "some"], "--frames 'some': expected every=N, most=N or all"),
        (["--frames", "every=0"], "--frames 'every=0': expected every=N, most=N or all"),
        (["--fps", "0"], "--fps '0': expected a value greater than or equal to 0.1"),
        (["--fps", "fast"], "--fps 'fast': expected a valid number"),
        (["--takes", "0"], "--takes 0: expected a value greater than or equal to 1"),
        (["--size", "large"], "--size 'large': expected HEIGHTxWIDTH"),
        (["--workers", "0"], "--workers 0: expected auto or a number from 1 to 512"),
        (["--up", "sideways"], "'sideways' is not one of"),
        (["--keypoint-schema", "h36m99"], "h36m99"),
        (["--body", "nowhere.pkl"], "nowhere.pkl"),
        (["--pose-prior", "nowhere.npz"], "nowhere.npz"),
        (["--textures", "nowhere"], "nowhere"),
        (["--backgrounds", "nowhere"], "nowhere"),
        (["--renderer", "cycles", "--blender", "nowhere/blender"], "nowhere/blender"),
    ],
)
def test_wrong_usage_exits_2_with_the_reason(words, message, clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("animate", "--motion", clip, *SMALL, *words)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert len(result.output.splitlines()) <= 4
    assert not (tmp_path / "out").exists()


def test_few_gaps_are_filled_and_millimetres_recognised_and_both_are_said(textures, tmp_path):
    points = with_gaps([5]) * 1000.0
    np.save(tmp_path / "clip.npy", points)
    words = ["--motion", tmp_path / "clip.npy", "--textures", textures, "-o", tmp_path / "out", *SMALL]
    result = run("animate", *words)
    assert result.exit_code == 0, result.output
    assert "1 of 10 frames interpolated" in result.output
    assert "millimetres recognised" in result.output


def test_points_that_are_no_body_exit_2_and_leave_no_folder(textures, tmp_path):
    np.save(tmp_path / "clip.npy", np.zeros((10, 17, 3), np.float32))
    words = ["--motion", tmp_path / "clip.npy", "--textures", textures, "-o", tmp_path / "out", *SMALL]
    result = run("animate", *words)
    assert result.exit_code == 2, result.output
    assert not (tmp_path / "out").exists()
