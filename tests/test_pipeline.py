"""generate(): the same bytes however it is run, and nothing lost however it is stopped."""

import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from syrip_gen.config import GenerateConfig
from syrip_gen.dataset_files import WriteError, open_folder
from syrip_gen.pipeline import HopelessRunError, dry_run, generate
from syrip_gen.stages.run_shards import plan_shards
from syrip_gen.stages.run_state import OutputInUseError
from syrip_gen.stages.sample import SampleMaker
from tests.folder_digests import digests

ROOT = Path(__file__).resolve().parent.parent
SIZE = "96x128"
N = 12


def config(fits, output, **more):
    return GenerateConfig(
        **{"poses": (str(fits),), "output": str(output), "n": N, "size": SIZE, "workers": 1, **more}
    )


@pytest.fixture(scope="session")
def reference(few_fits, tmp_path_factory):
    """A dataset made in this process by one worker."""
    folder = tmp_path_factory.mktemp("reference") / "out"
    result = generate(config(few_fits, folder))
    assert result.num_failures == 0
    return folder


@pytest.fixture(scope="session")
def plain_reference(few_fits, textures, tmp_path_factory):
    """A dataset of plainly textured infants, made in this process by one worker."""
    folder = tmp_path_factory.mktemp("plain") / "out"
    generate(config(few_fits, folder, textures=str(textures)))
    return folder


def command_of(fits, textures, folder):
    """The command that makes the same in processes of its own."""
    words = [sys.executable, "-m", "cli", "generate", "--poses", fits, "--textures", textures, "-o", folder]
    return [str(word) for word in [*words, "--n", N, "--size", SIZE, "--workers", 2, "--resume"]]


def annotations(folder):
    return json.loads((folder / "annotations/person_keypoints_train_infant.json").read_text())


def test_dataset_holds_every_file_it_should(reference):
    names = set(digests(reference))
    assert {f"images/train_infant/train{10001 + i}.jpg" for i in range(N)} <= names
    expected = {"manifest.jsonl", "fits.npz", "run.json", "contact_sheet.jpg", "report.html", "README.md"}
    assert expected <= names
    assert not (reference / ".syrip").exists()
    assert len(annotations(reference)["images"]) == len(annotations(reference)["annotations"]) == N


def test_pictures_have_the_size_that_was_asked_for(reference):
    assert cv2.imread(str(reference / "images/train_infant/train10001.jpg")).shape == (96, 128, 3)
    assert {(i["height"], i["width"]) for i in annotations(reference)["images"]} == {(96, 128)}


def test_manifest_has_the_digest_of_every_picture(reference):
    lines = [json.loads(line) for line in (reference / "manifest.jsonl").read_text().splitlines()]
    assert [line["index"] for line in lines] == list(range(N))
    for line in lines:
        assert hashlib.sha256((reference / line["file_name"]).read_bytes()).hexdigest() == line["sha256"]


def test_keypoints_are_the_projected_3d_keypoints(reference):
    for record in annotations(reference)["annotations"]:
        camera = record["camera"]
        points = np.array(record["keypoints_3d_m"])
        labels = np.array(record["keypoints"]).reshape(17, 3)
        x = camera["fx"] * points[:, 0] / points[:, 2] + camera["cx"]
        y = camera["fy"] * points[:, 1] / points[:, 2] + camera["cy"]
        seen = labels[:, 2] > 0
        assert np.abs(np.stack([x, y], 1)[seen] - labels[seen, :2]).max() < 0.01


def test_run_json_tells_no_clock_host_or_place(reference):
    text = (reference / "run.json").read_text()
    assert str(reference) not in text
    assert os.uname().nodename not in text
    run = json.loads(text)
    assert run["num_images"] == N
    assert run["inputs"]["poses"][0]["name"] == "fits.npz"
    assert set(run["versions"]) >= {"syrip", "python", "numpy"}


def test_two_workers_make_the_same_bytes(few_fits, reference, tmp_path):
    generate(config(few_fits, tmp_path / "out", workers=2))
    assert digests(tmp_path / "out") == digests(reference)


def test_another_seed_makes_other_pictures(few_fits, reference, tmp_path):
    generate(config(few_fits, tmp_path / "out", seed=1, n=1))
    name = "images/train_infant/train10001.jpg"
    assert digests(tmp_path / "out")[name] != digests(reference)[name]


def test_fewer_images_are_a_prefix(few_fits, reference, tmp_path):
    generate(config(few_fits, tmp_path / "out", n=3))
    few, many = digests(tmp_path / "out"), digests(reference)
    for i in range(3):
        assert (
            few[f"images/train_infant/train{10001 + i}.jpg"]
            == many[f"images/train_infant/train{10001 + i}.jpg"]
        )


@pytest.mark.parametrize("after", ["start", "first shard", "half", "merge"])
def test_sigkill_and_resume_make_the_same_bytes(few_fits, textures, plain_reference, tmp_path, after):
    folder = tmp_path / "out"
    command = command_of(few_fits, textures, folder)
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    reached = {
        "start": lambda: (folder / ".syrip/run.json").exists(),
        "first shard": lambda: any((folder / ".syrip/shards").glob("*.jsonl")),
        "half": lambda: len(list((folder / "images/train_infant").glob("*.jpg"))) >= N // 2,
        "merge": lambda: (folder / "manifest.jsonl").exists(),
    }[after]
    deadline = time.monotonic() + 60
    while not reached():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert process.returncode == -signal.SIGKILL
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert digests(folder) == digests(plain_reference)


def test_ctrl_c_exits_130_and_can_be_resumed(few_fits, textures, plain_reference, tmp_path):
    folder = tmp_path / "out"
    command = command_of(few_fits, textures, folder)
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not any((folder / ".syrip/shards").glob("*.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in errors
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
    assert digests(folder) == digests(plain_reference)


def test_resume_of_a_finished_run_changes_nothing(few_fits, tmp_path):
    generate(config(few_fits, tmp_path / "out", n=2))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    result = generate(config(few_fits, tmp_path / "out", n=2, resume=True))
    assert result.num_rendered == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before


def test_finished_run_is_not_overwritten(few_fits, reference):
    with pytest.raises(OutputInUseError, match="holds a finished run with these settings"):
        generate(config(few_fits, reference))


def test_other_settings_are_refused_with_the_difference(few_fits, reference):
    with pytest.raises(OutputInUseError, match=r"n was 12, now 13"):
        generate(config(few_fits, reference, n=13, resume=True))


def test_other_input_is_refused(few_poses, reference):
    with pytest.raises(OutputInUseError, match="other files for --poses"):
        generate(config(few_poses, reference, resume=True))


def test_folder_with_other_files_is_refused_and_left_alone(few_fits, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OutputInUseError, match=r"thesis\.txt"):
        generate(config(few_fits, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_failing_items_are_listed_and_the_rest_is_made(few_fits, reference, tmp_path, monkeypatch):
    make = SampleMaker.make

    def sometimes(self, index):
        if index in (3, 7):
            raise ValueError("this texture is broken")
        return make(self, index)

    monkeypatch.setattr(SampleMaker, "make", sometimes)
    result = generate(config(few_fits, tmp_path / "out"))
    assert result.num_failures == 2
    assert result.run["failures"] == {
        "3": "ValueError: this texture is broken",
        "7": "ValueError: this texture is broken",
    }
    made, all_made = digests(tmp_path / "out"), digests(reference)
    assert "images/train_infant/train10004.jpg" not in made
    assert made["images/train_infant/train10005.jpg"] == all_made["images/train_infant/train10005.jpg"]
    assert len(annotations(tmp_path / "out")["images"]) == N - 2


def test_run_in_which_everything_fails_stops(few_fits, tmp_path, monkeypatch):
    def never(self, index):
        raise ValueError("no light")

    monkeypatch.setattr(SampleMaker, "make", never)
    with pytest.raises(HopelessRunError, match="no light"):
        generate(config(few_fits, tmp_path / "out"))


def test_rejected_scenes_are_drawn_again_and_counted(few_fits, reference, tmp_path, monkeypatch):
    from syrip_gen.quality.checks import SampleChecker

    check = SampleChecker.check

    def strict(self, labels, *rest):
        if labels.record["index"] == 5 and not hasattr(self, "seen"):
            self.seen = True
            return "too pretty"
        return check(self, labels, *rest)

    monkeypatch.setattr(SampleChecker, "check", strict)
    result = generate(config(few_fits, tmp_path / "out"))
    assert result.run["rejections"]["too pretty"] == 1
    assert result.run["num_images"] == N
    made, before = digests(tmp_path / "out"), digests(reference)
    assert made["images/train_infant/train10006.jpg"] != before["images/train_infant/train10006.jpg"]
    assert made["images/train_infant/train10007.jpg"] == before["images/train_infant/train10007.jpg"]


def test_full_disk_loses_nothing(few_fits, textures, plain_reference, tmp_path):
    """A limit on the size of files stands in for the full disk: writes fail half-way with an OSError."""
    code = (
        "import resource, sys, cli\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)\n"
        "cli.main.main(args=sys.argv[2:])\n"
    )
    words = command_of(few_fits, textures, tmp_path / "out")[3:]
    run = [sys.executable, "-c", code]
    limited = subprocess.run([*run, "40000", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert limited.returncode == 1
    assert "cannot write" in limited.stderr
    assert "Traceback" not in limited.stderr
    free = subprocess.run([*run, "100000000", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert free.returncode == 0, free.stderr
    assert digests(tmp_path / "out") == digests(plain_reference)


def test_folder_below_a_file_is_an_error(few_fits, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"file/out: .*file is a file; choose another folder"):
        generate(config(few_fits, tmp_path / "file" / "out"))


def test_unwritable_folder_is_an_error(few_fits):
    # /proc takes no folders, not even from root.
    if not Path("/proc/self").is_dir():
        pytest.skip("no /proc on this system")
    with pytest.raises(WriteError, match=r"cannot write lock in /proc/syrip"):
        generate(config(few_fits, "/proc/syrip"))


def test_write_error_survives_the_way_between_processes():
    import pickle

    error = pickle.loads(pickle.dumps(WriteError(28, "cannot write a.jpg in out: No space left on device")))
    assert isinstance(error, WriteError)
    assert error.errno == 28


def test_memory_folder_gets_the_same_files(few_fits, reference):
    folder = open_folder("memory://syrip-test/out")
    generate(config(few_fits, folder.url))
    for name, digest in digests(reference).items():
        assert hashlib.sha256(folder.read_bytes(name)).hexdigest() == digest, name
    folder.remove_tree("")


def test_depth_and_masks(few_fits, reference, tmp_path):
    generate(config(few_fits, tmp_path / "out", n=2, depth=True, masks=True))
    depth = cv2.imread(str(tmp_path / "out/depth/train_infant/train10001.png"), cv2.IMREAD_UNCHANGED)
    mask = cv2.imread(str(tmp_path / "out/masks/train_infant/train10001.png"), cv2.IMREAD_UNCHANGED)
    assert depth.dtype == np.uint16
    assert mask.dtype == np.uint8
    record = annotations(tmp_path / "out")["annotations"][0]
    assert (mask == 255).sum() == record["area"]
    body = mask == 255
    assert (depth[body] > 0).mean() > 0.97
    distances = np.array(record["keypoints_3d_m"])[:, 2] * 1000
    assert distances.min() - 300 < np.median(depth[body]) < distances.max() + 100


def test_dry_run_gives_the_scenes_and_writes_nothing(few_fits, reference, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    specs = list(dry_run(config(few_fits, tmp_path / "out")))
    lines = [json.loads(line) for line in (reference / "manifest.jsonl").read_text().splitlines()]
    first_tries = [i for i, line in enumerate(lines) if not line["rejected"]]
    assert first_tries
    for i in first_tries:
        assert json.loads(json.dumps(specs[i].to_json())) == lines[i]["scene"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("n", [1, 3, 100, 5000, 100_001])
def test_shards_cover_every_item_once(n):
    shards = plan_shards(n)
    assert shards[0].start == 0
    assert shards[-1].stop == n
    assert all(a.stop == b.start for a, b in itertools.pairwise(shards))
    assert [shard.shard_id for shard in shards] == list(range(len(shards)))


def test_second_process_is_kept_out(few_fits, tmp_path):
    from syrip_gen.stages.run_state import lock_folder

    folder = open_folder(tmp_path / "out")
    with lock_folder(folder), pytest.raises(OutputInUseError, match="another syrip process"):
        generate(config(few_fits, tmp_path / "out"))
