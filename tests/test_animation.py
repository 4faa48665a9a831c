"""animate(): a clip becomes the same dataset however it is run, and every frame is accounted for."""

import importlib.util
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from syrip_gen.animation import animate, dry_run
from syrip_gen.config import AnimateConfig
from syrip_gen.dataset_files import open_folder
from syrip_gen.quality.checks import SampleChecker
from syrip_gen.stages.run_shards import HopelessRunError
from syrip_gen.stages.run_state import OutputInUseError
from syrip_gen.stages.saved_sequence import load_sequence
from tests.crawling import crawling_points
from tests.folder_digests import digests

ROOT = Path(__file__).resolve().parent.parent
SIZE = "72x96"
NUM_FRAMES, EVERY = 7, 2
CHOSEN = [0, 2, 4, 6]
HAS_FILMS = importlib.util.find_spec("av") is not None


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "crawling.npy"
    np.save(path, crawling_points(NUM_FRAMES))
    return path


def config(clip, textures, output, **more):
    settings = {"motion": str(clip), "textures": str(textures), "output": str(output), "renderer": "raster"}
    return AnimateConfig(**{**settings, "frames": f"every={EVERY}", "size": SIZE, "workers": 1, **more})


@pytest.fixture(scope="module")
def reference(clip, textures, tmp_path_factory):
    """Two takes, made in this process by one worker."""
    folder = tmp_path_factory.mktemp("reference") / "out"
    result = animate(config(clip, textures, folder, takes=2, film=HAS_FILMS))
    assert result.num_failures == 0
    return folder


def annotations(folder):
    return json.loads((folder / "annotations/person_keypoints_train_infant.json").read_text())


def test_dataset_holds_every_file_it_should(reference):
    names = set(digests(reference))
    assert {f"images/train_infant/train{10001 + i}.jpg" for i in range(8)} <= names
    expected = {"manifest.jsonl", "run.json", "contact_sheet.jpg", "report.html", "README.md"}
    assert expected | {"sequence.npz", "sequence_take001.npz"} <= names
    assert "fits.npz" not in names
    assert not (reference / ".syrip").exists()


def test_source_tells_clip_frame_time_and_take(reference):
    sources = [record["source"] for record in annotations(reference)["annotations"]]
    assert [source["take"] for source in sources] == [0] * 4 + [1] * 4
    assert [source["frame"] for source in sources] == CHOSEN * 2
    assert [source["time_s"] for source in sources[:4]] == pytest.approx(
        [frame / 30 for frame in CHOSEN], abs=1e-6
    )
    assert {source["clip"] for source in sources} == {"crawling"}
    assert sources[1]["pose_id"] == "crawling:2"


def test_frames_of_a_take_show_one_infant_from_one_place(reference):
    records = annotations(reference)["annotations"]
    for take in (records[:4], records[4:]):
        assert len({json.dumps(record["body"]["betas"]) for record in take}) == 1
        assert len({json.dumps(record["camera"]) for record in take}) == 1
        assert len({json.dumps(record["body"]["pose"]) for record in take}) == 4
    assert records[0]["body"]["betas"] != records[4]["body"]["betas"]


def test_run_json_tells_what_the_clip_was(reference):
    run = json.loads((reference / "run.json").read_text())
    assert run["command"].startswith("syrip animate --motion ")
    assert run["inputs"]["motion"][0]["name"] == "crawling.npy"
    motion = run["motion"]
    assert (motion["num_frames"], motion["num_chosen"], motion["num_takes"]) == (NUM_FRAMES, 4, 2)
    assert any("adult" in note for note in motion["notes"])
    assert 0 < motion["retarget.bone_error_median_deg"] < 10


def test_saved_motion_is_the_one_that_is_shown(reference):
    saved = load_sequence(open_folder(str(reference)), 1)
    assert saved.frames.tolist() == CHOSEN
    record = annotations(reference)["annotations"][5]
    assert record["body"]["betas"] == pytest.approx(saved.sequence.betas, abs=1e-6)
    assert record["body"]["pose"][3:] == pytest.approx(saved.sequence.body_pose[2].ravel(), abs=1e-6)


@pytest.mark.skipif(not HAS_FILMS, reason="needs the extra 'video'")
def test_films_show_the_pictures_of_a_take_at_their_times(reference):
    import av
    import cv2

    with av.open(str(reference / "take001.mp4")) as film:
        frames = list(film.decode(video=0))
    assert [frame.time for frame in frames] == pytest.approx([n / 30 for n in CHOSEN], abs=1e-4)
    picture = cv2.imread(str(reference / "images/train_infant/train10007.jpg"))[..., ::-1]
    assert np.abs(frames[2].to_ndarray(format="rgb24").astype(int) - picture).mean() < 6


def test_films_without_their_package_are_refused_before_any_work(clip, textures, tmp_path, monkeypatch):
    monkeypatch.setattr("syrip_gen.stages.take_films.importlib.util.find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"pip install 'syrip\[video\]'"):
        animate(config(clip, textures, tmp_path / "out", film=True))
    assert not (tmp_path / "out").exists()


def test_other_frames_of_the_same_clip_show_the_same_take(clip, textures, reference, tmp_path):
    animate(config(clip, textures, tmp_path / "out", frames="every=4", takes=2))
    made, all_made = digests(tmp_path / "out"), digests(reference)
    for number, place in zip((10001, 10002, 10003, 10004), (10001, 10003, 10005, 10007), strict=True):
        name, other = (f"images/train_infant/train{n}.jpg" for n in (number, place))
        assert made[name] == all_made[other]


def test_dry_run_plans_what_is_made(clip, textures, reference, tmp_path):
    specs = list(dry_run(config(clip, textures, tmp_path / "out", takes=2)))
    manifest = [json.loads(line) for line in (reference / "manifest.jsonl").read_text().splitlines()]
    assert [json.loads(json.dumps(spec.to_json())) for spec in specs] == [line["scene"] for line in manifest]
    assert not (tmp_path / "out").exists()


def test_rejected_frames_are_listed_and_not_drawn_again(clip, textures, reference, tmp_path, monkeypatch):
    check = SampleChecker.check
    seen = []

    def strict(self, labels, *rest):
        seen.append(labels.record["index"])
        return "too pretty" if labels.record["index"] == 5 else check(self, labels, *rest)

    monkeypatch.setattr(SampleChecker, "check", strict)
    result = animate(config(clip, textures, tmp_path / "out", takes=2))
    assert seen == list(range(8))
    assert result.run["failures"] == {"5": "frame 2 (0.07 s) of take 1: too pretty"}
    assert result.run["rejections"] == {}
    made, all_made = digests(tmp_path / "out"), digests(reference)
    assert "images/train_infant/train10006.jpg" not in made
    assert made["images/train_infant/train10007.jpg"] == all_made["images/train_infant/train10007.jpg"]


def test_clip_of_which_no_frame_is_good_stops(clip, textures, tmp_path, monkeypatch):
    monkeypatch.setattr(SampleChecker, "check", lambda *_: "too dull")
    with pytest.raises(HopelessRunError, match=r"frame 0 \(0\.00 s\) of take 0: too dull"):
        animate(config(clip, textures, tmp_path / "out"))


def test_motion_blur_and_focus_leave_labels_and_raster_pictures_alone(clip, textures, reference, tmp_path):
    animate(config(clip, textures, tmp_path / "out", takes=2, motion_blur=True, depth_of_field=True))
    made, plain = annotations(tmp_path / "out"), annotations(reference)
    assert made["annotations"] == plain["annotations"]
    name = "images/train_infant/train10002.jpg"
    assert digests(tmp_path / "out")[name] == digests(reference)[name]
    scene = json.loads((tmp_path / "out/manifest.jsonl").read_text().splitlines()[1])["scene"]
    assert scene["motion"]["shutter_open"]["transl"] != scene["motion"]["shutter_close"]["transl"]
    assert scene["focus"]["fstop"] > 0


def test_finished_run_is_kept_and_other_settings_are_refused(clip, textures, reference):
    with pytest.raises(OutputInUseError, match="holds a finished run with these settings"):
        animate(config(clip, textures, reference, takes=2, film=HAS_FILMS))
    with pytest.raises(OutputInUseError, match="takes was 2, now 3"):
        animate(config(clip, textures, reference, takes=3, film=HAS_FILMS, resume=True))
    result = animate(config(clip, textures, reference, takes=2, film=HAS_FILMS, resume=True))
    assert (result.num_rendered, result.run["num_images"]) == (0, 8)


def test_sigkill_in_the_middle_of_a_clip_and_resume_make_the_same_bytes(clip, textures, reference, tmp_path):
    """Two workers make what one made in this process, too."""
    folder = tmp_path / "out"
    words = [sys.executable, "-m", "cli", "animate", "--motion", clip, "--textures", textures, "-o", folder]
    words += ["--frames", f"every={EVERY}", "--takes", 2, "--renderer", "raster", "--size", SIZE]
    words += ["--film"] if HAS_FILMS else []
    command = [str(word) for word in [*words, "--workers", 2, "--resume"]]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 150
    while not any((folder / ".syrip/shards").glob("*.jsonl")):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert process.returncode == -signal.SIGKILL
    motion = (folder / "sequence.npz").stat().st_mtime_ns
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / "sequence.npz").stat().st_mtime_ns == motion
    assert digests(folder) == digests(reference)
