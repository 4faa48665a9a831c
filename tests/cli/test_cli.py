"""The command line: help, exit codes, and what bad input gets."""

import json
import os
import pickle
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli

GOLDEN = Path(__file__).parent / "golden"
VERBS = ["generate", "fit", "animate", "train", "eval", "predict", "label", "export", "report", "doctor"]


def run(*words):
    """Run a command in this process."""
    runner = CliRunner(env={"COLUMNS": "100", "TERM": "dumb"})
    return runner.invoke(cli.main, [str(word) for word in words], prog_name="syrip")


@pytest.mark.parametrize(
    "words", [[], *[[verb] for verb in VERBS]], ids=lambda words: " ".join(words) or "syrip"
)
def test_help_is_the_golden_one(words):
    path = GOLDEN / f"{'_'.join(['syrip', *words])}.txt"
    text = run(*words, "--help").output
    if os.environ.get("SYRIP_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_has_a_default_in_its_help(verb):
    text = run(verb, "--help").output
    options = [block for block in text.split("\n  -")[1:] if not block.startswith("h, --help")]
    assert all("[default: " in " ".join(block.split()) for block in options), text


def test_there_are_these_verbs_and_no_others():
    assert list(cli.main.commands) == VERBS
    assert run("paint").exit_code == 2


def test_version():
    result = run("--version")
    assert result.exit_code == 0
    assert result.output.startswith("syrip 0.")


@pytest.mark.parametrize(
    "words, message",
    [
        (["--n", "0"], "--n 0: expected a value greater than or equal to 1"),
        (["--n", "many"], "'many' is not a valid integer"),
        (["--size", "10x10"], "--size '10x10': both sides must be 64 to 4096 pixels"),
        (["--size", "large"], "--size 'large': expected HEIGHTxWIDTH"),
        (["--seed", "-1"], "--seed -1: expected a value greater than or equal to 0"),
        (["--workers", "0"], "--workers 0: expected auto or a number from 1 to 512"),
        (["--workers", "some"], "'some': expected auto or a whole number"),
        (["--renderer", "crayon"], "'crayon' is not one of"),
        (["--colour"], "No such option"),
        (["--poses", "nowhere.json"], "nowhere.json"),
        (["--body", "nowhere.pkl"], "nowhere.pkl"),
        (["--backgrounds", "nowhere"], "nowhere"),
        (["--config", "nowhere.yaml"], "--config nowhere.yaml: cannot be read"),
        (["--pose-prior", "nowhere.npz", "--poses", "bundled"], "pose prior not found: nowhere.npz"),
        (["--output", ""], "--output '': expected a path or a word, got nothing"),
        (["--poses", ""], "expected a path or a word, got nothing"),
        (["--output", "what://out"], "what://out: not a folder or an fsspec URL"),
        (
            ["--json", "nowhere/figures.json"],
            "'nowhere/figures.json': expected a file in a folder that exists",
        ),
    ],
)
def test_wrong_usage_exits_2_with_the_reason(words, message, tmp_path, few_fits, monkeypatch):
    monkeypatch.chdir(tmp_path)
    poses = [] if "--poses" in words else ["--poses", few_fits]
    if "bundled" in words:  # a prior is only read where poses are still to be fitted
        words = [word for word in words if word not in ("--poses", "bundled")]
    result = run("generate", *poses, *words)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert len(result.output.splitlines()) <= 4
    assert not (tmp_path / "out").exists()


def hostile(path):
    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch {path.parent / 'executed'}",)

    path.write_bytes(pickle.dumps(Bomb()))


BAD_POSES = {
    "empty.json": lambda path: path.write_text(""),
    "broken.json": lambda path: path.write_text('{"images": ['),
    "other.json": lambda path: path.write_text('{"hello": 1}'),
    "list.json": lambda path: path.write_text("[]"),
    "picture.jpg": lambda path: path.write_bytes(b"\xff\xd8\xff\xe0" + bytes(100)),
    "zip.npz": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)),
    "hostile.pkl": hostile,
    "nan.json": lambda path: path.write_text(json.dumps(coco([float("nan")] * 51))),
    "unlabelled.json": lambda path: path.write_text(json.dumps(coco([-45, -45, 0] * 17))),
    "short.json": lambda path: path.write_text(json.dumps(coco([1, 2, 2]))),
}


def coco(keypoints):
    image = {"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "keypoints": keypoints, "bbox": [0, 0, 9, 9]}
    return {"images": [image], "annotations": [annotation], "categories": [{"id": 1, "name": "person"}]}


@pytest.mark.parametrize("name", BAD_POSES)
@pytest.mark.parametrize("verb", ["generate", "fit"])
def test_poses_that_cannot_be_used_exit_2_and_name_the_file(verb, name, tmp_path):
    path = tmp_path / name
    BAD_POSES[name](path)
    result = run(verb, "--poses", path, "-o", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert name in result.output
    assert "Traceback" not in result.output
    assert len(result.output.strip().splitlines()) <= 3
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "executed").exists()


BAD_BODIES = {
    "hostile.pkl": hostile,
    "empty.npz": lambda path: path.write_bytes(b""),
    "dict.pkl": lambda path: path.write_bytes(pickle.dumps({"hello": 1})),
    "text.pkl": lambda path: path.write_text("SMIL"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_body_files_that_cannot_be_used_exit_2_and_name_the_file(name, few_poses, tmp_path):
    path = tmp_path / name
    BAD_BODIES[name](path)
    result = run("generate", "--poses", few_poses, "--body", path, "--n", 1, "-o", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert name in result.output
    assert not (tmp_path / "executed").exists()
    assert not (tmp_path / "out").exists()


def test_backgrounds_without_a_picture_exit_2(few_fits, tmp_path):
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms/readme.txt").write_text("no pictures")
    words = ["--poses", few_fits, "--backgrounds", tmp_path / "rooms", "--n", 1, "-o", tmp_path / "out"]
    result = run("generate", *words)
    assert result.exit_code == 2, result.output
    assert "rooms" in result.output


def test_generate_prints_a_summary_and_writes_its_figures(few_fits, tmp_path):
    out, figures = tmp_path / "out", tmp_path / "figures.json"
    words = ["--poses", few_fits, "--n", 2, "--size", "96x128", "--workers", 1, "-o", out, "--json", figures]
    result = run("generate", *words)
    assert result.exit_code == 0, result.output
    assert "2 images from" in result.output
    assert f"Next: open {out}/report.html" in result.output
    numbers = json.loads(figures.read_text())
    assert numbers["num_images"] == 2
    assert all(not isinstance(value, dict | list) for value in numbers.values())


def test_failed_items_exit_3_and_are_listed(few_fits, tmp_path, monkeypatch):
    from syrip_gen.stages.sample import SampleMaker

    make = SampleMaker.make

    def sometimes(self, index):
        if index == 1:
            raise ValueError("this texture is broken")
        return make(self, index)

    monkeypatch.setattr(SampleMaker, "make", sometimes)
    words = ["--poses", few_fits, "--n", 3, "--size", "96x128", "--workers", 1, "-o", tmp_path / "out"]
    result = run("generate", *words)
    assert result.exit_code == 3, result.output
    assert "item 1: ValueError: this texture is broken" in result.output


def test_fault_exits_1_and_shows_the_traceback_only_with_debug(few_fits, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise KeyError("inner")

    monkeypatch.setattr("syrip_gen.pipeline.claim_folder", broken)
    words = ["generate", "--poses", few_fits, "-o", tmp_path / "out"]
    plain = run(*words)
    assert plain.exit_code == 1
    assert "KeyError" in plain.output
    assert "Traceback" not in plain.output
    assert "Traceback" in run("--debug", *words).output


def test_config_file_sets_options_and_the_command_line_wins(few_fits, tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(f"poses: {few_fits}\nn: 5\nsize: 96x128\nworkers: 1\n")
    result = run("generate", "--config", path, "--n", 1, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    run_json = json.loads((tmp_path / "out/run.json").read_text())
    assert run_json["num_images"] == 1
    assert run_json["settings"]["size"] == "96x128"


@pytest.mark.parametrize(
    "text, message",
    [
        ("n: [1\n", "not valid YAML"),
        ("- n\n", "expected 'name: value' lines"),
        ("images: 5\n", "unknown key 'images'"),
        ("n: lots\n", "--n 'lots': expected a valid integer"),
        ("renderer: !!python/object/apply:os.system ['true']\n", "not valid YAML"),
    ],
)
def test_config_file_that_is_wrong_exits_2(text, message, tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    result = run("generate", "--config", path, "-o", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert message in result.output


def test_dry_run_prints_scenes_as_json_lines_and_writes_nothing(few_fits, tmp_path):
    result = run("generate", "--poses", few_fits, "--n", 2, "--dry-run", "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    scenes = [json.loads(line) for line in result.stdout.splitlines()]
    assert [scene["index"] for scene in scenes] == [0, 1]
    assert not (tmp_path / "out").exists()


def test_fit_writes_a_bank_and_overlays(few_poses, tmp_path):
    words = ["--poses", few_poses, "-o", tmp_path / "fits.npz", "--overlays", tmp_path / "overlays"]
    result = run("fit", *words)
    assert result.exit_code == 0, result.output
    assert "of 6 poses accepted" in result.output
    assert len(list((tmp_path / "overlays").glob("*.jpg"))) == 6
    assert (tmp_path / "fits.npz").exists()


def coinciding(path):
    path.write_text(json.dumps(coco([50, 60, 2] * 17)))
    return path


def test_fit_that_accepts_nothing_says_so_and_exits_3(tmp_path):
    poses = coinciding(tmp_path / "poses.json")
    result = run("fit", "--poses", poses, "-o", tmp_path / "fits.npz")
    assert result.exit_code == 3, result.output
    assert "0 of 1 poses accepted" in result.output
    assert "keypoints coincide" in result.output
    assert (tmp_path / "fits.npz").exists()


@pytest.mark.parametrize(
    "words, message",
    [
        (["-o", "folder"], "--output folder is a folder"),
        (["-o", "file/fits.npz"], "--output: the folder file cannot be made"),
        (["--overlays", "file"], "--overlays: the folder file cannot be made"),
        (["--images", "nowhere", "--overlays", "overlays"], "--images nowhere: no such folder"),
    ],
)
def test_fit_checks_where_it_writes_before_it_works(words, message, few_poses, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    result = run("fit", "--poses", few_poses, *words)
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert not (tmp_path / "fits.npz").exists()


def test_run_without_a_plausible_pose_leaves_the_folder_free(few_fits, tmp_path):
    words = ["--n", 1, "--size", "96x128", "--workers", 1, "-o", tmp_path / "out"]
    result = run("generate", "--poses", coinciding(tmp_path / "poses.json"), *words)
    assert result.exit_code == 2, result.output
    assert "none of the 1 poses gave a plausible body: keypoints coincide (1)" in result.output
    assert not (tmp_path / "out").exists()
    assert run("generate", "--poses", few_fits, *words).exit_code == 0


@pytest.mark.parametrize("inside", ["", "below/"])
def test_file_in_the_way_of_the_output_exits_2(inside, few_fits, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    result = run("generate", "--poses", few_fits, "-o", tmp_path / "thesis.txt" / inside)
    assert result.exit_code == 2, result.output
    assert "thesis.txt is a file" in result.output
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_smpl_textures_on_the_shipped_body_are_warned_about(few_fits, textures, tmp_path):
    words = ["--n", 1, "--size", "96x128", "--workers", 1, "-o", tmp_path / "out"]
    result = run("generate", "--poses", few_fits, "--textures", textures, *words)
    assert result.exit_code == 0, result.output
    assert "SURREAL and MINI-RGBD textures look torn" in result.output
    notes = json.loads((tmp_path / "out/run.json").read_text())["input_notes"]
    assert any("UV layout of its own" in note for note in notes)


def test_report_writes_the_report_anew(few_fits, tmp_path):
    out = tmp_path / "out"
    words = ["--poses", few_fits, "--n", 2, "--size", "96x128", "--workers", 1, "-o", out]
    assert run("generate", *words).exit_code == 0
    (out / "report.html").unlink()
    result = run("report", out)
    assert result.exit_code == 0, result.output
    assert (out / "report.html").exists()


def test_report_prints_the_figures_of_the_dataset(few_fits, tmp_path):
    out, figures = tmp_path / "out", tmp_path / "figures.json"
    words = ["--poses", few_fits, "--n", 3, "--size", "96x128", "--workers", 1, "-o", out]
    assert run("generate", *words).exit_code == 0
    result = run("report", out, "--json", figures)
    assert result.exit_code == 0, result.output
    numbers = json.loads(figures.read_text())
    annotations = json.loads((out / "annotations/person_keypoints_train_infant.json").read_text())
    flags = [v for entry in annotations["annotations"] for v in entry["keypoints"][2::3]]
    assert numbers["num_images"] == 3
    assert numbers["visible_percent"] == round(100 * flags.count(2) / len(flags), 1)
    noses = [entry["keypoints"][2] for entry in annotations["annotations"]]
    assert numbers["visible_percent.nose"] == round(100 * noses.count(2) / 3, 1)
    assert sum(value for name, value in numbers.items() if name.startswith("posture.")) == 3
    assert f"{numbers['visible_percent']} % visible" in result.output
    for words in ("3 images of", "posture", "left_wrist", str(out / "report.html")):
        assert words in result.output


def test_report_of_something_else_exits_2(tmp_path):
    assert run("report", tmp_path).exit_code == 2


def test_doctor_finds_this_machine_fit():
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert "ok    assets" in result.output


def test_list_of_missing_backgrounds_is_named(few_fits, tmp_path):
    path = tmp_path / "rooms.txt"
    path.write_text("missing.jpg\n")
    result = run("generate", "--poses", few_fits, "--backgrounds", path, "-o", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert f"backgrounds {path}: no usable photo (1 missing)" in result.output
