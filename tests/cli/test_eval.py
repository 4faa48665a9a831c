"""``syrip eval``: tables, files, exit codes."""

import contextlib
import csv
import io
import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

import cli
from tests.fidip.evaluation.random_people import noisy_results, random_people


def run(*words):
    runner = CliRunner(env={"COLUMNS": "100", "TERM": "dumb"})
    return runner.invoke(cli.main, ["eval", *map(str, words)], prog_name="syrip")


@pytest.fixture
def files(tmp_path):
    """A ground truth and the predictions of two estimators, the second the worse."""
    people = random_people()
    contents = {"truth": people, "good": noisy_results(people), "bad": noisy_results(people, 2, 0.2)}
    paths = {name: tmp_path / f"{name}.json" for name in contents}
    for name, path in paths.items():
        path.write_text(json.dumps(contents[name]))
    return {**paths, "out": tmp_path / "out", "figures": tmp_path / "e.json"}


def test_published_predictions_get_pycocotools_ap_and_a_posture_table(shared_data, tmp_path):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    stem = shared_data / "infant_2d" / "syrip_real_383"
    predictions = f"{stem}_fidip_predictions.json"
    result = run(
        "--gt", f"{stem}.json", "--predictions", predictions, "--json", tmp_path / "e.json", "-o", tmp_path
    )
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "e.json").read_text())
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(f"{stem}.json")
        evaluation = COCOeval(truth, truth.loadRes(predictions), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert figures["AP"] == pytest.approx(evaluation.stats[0], abs=1e-6)
    assert figures["AR"] == pytest.approx(evaluation.stats[5], abs=1e-6)
    counts = {
        name: figures[f"posture.{name}.num_persons"] for name in ("Prone", "Sitting", "Standing", "Supine")
    }
    assert counts == {"Prone": 103, "Sitting": 149, "Standing": 41, "Supine": 90}
    assert all(0.85 < figures[f"posture.{name}.AP"] < 1 for name in counts)
    assert "| Prone    |" in result.output


def test_several_runs_stand_side_by_side_in_three_formats(files):
    words = [
        "--gt",
        files["truth"],
        "-o",
        files["out"],
        "--json",
        files["figures"],
        "--metrics",
        "pckh,pck@0.1",
    ]
    result = run(files["good"], files["bad"], *words)
    assert result.exit_code == 0, result.output
    figures = json.loads(files["figures"].read_text())
    assert figures["good.AP"] > figures["bad.AP"] + 0.1
    assert figures["good.PCK@0.1"] > figures["bad.PCK@0.1"]
    assert all(not isinstance(value, dict | list) for value in figures.values())
    rows = list(csv.DictReader((files["out"] / "table.csv").open()))
    assert [row["Run"] for row in rows] == ["good", "bad"]
    assert [float(row["AP"]) for row in rows] == [figures["good.AP"], figures["bad.AP"]]
    assert float(rows[0]["PCKh@0.5"]) == figures["good.PCKh@0.5"]
    page = (files["out"] / "table.md").read_text()
    for line in (line for line in result.output.splitlines() if line.startswith("|")):
        assert line in page
    assert f"{figures['good.AP']:.3f}" in result.output
    assert json.loads((files["out"] / "figures.json").read_text())["good.AP"] == figures["good.AP"]
    names = {path.name for path in files["out"].iterdir()}
    assert names == {"table.md", "table.csv", "postures.csv", "keypoints.csv", "figures.json"}


def test_second_evaluation_leaves_nothing_of_the_first(files):
    out = files["out"]
    words = ["--gt", files["truth"], "-o", out]
    assert run(files["good"], *words).exit_code == 0
    figures = json.loads((out / "figures.json").read_text())
    (out / "figures.json").write_text(json.dumps({**figures, "run": "net", "network": "hrnet_w32"}))
    for name in ("predictions_net.json", "predictions_mine.json", "tsne_net.png", "gap.csv", "notes.txt"):
        (out / name).write_bytes(files["good"].read_bytes())
    again = run(out / "predictions_mine.json", *words)
    assert again.exit_code == 0, again.output
    names = {path.name for path in out.iterdir()}
    written = {"table.md", "table.csv", "postures.csv", "keypoints.csv", "figures.json"}
    assert names == written | {"predictions_mine.json", "notes.txt"}


def test_predictions_named_as_input_stay(files):
    out = files["out"]
    run(files["good"], "--gt", files["truth"], "-o", out)
    figures = json.loads((out / "figures.json").read_text())
    (out / "figures.json").write_text(json.dumps({**figures, "run": "net", "network": "hrnet_w32"}))
    (out / "predictions_net.json").write_bytes(files["good"].read_bytes())
    assert run(out / "predictions_net.json", "--gt", files["truth"], "-o", out).exit_code == 0
    assert (out / "predictions_net.json").exists()


def test_posture_and_keypoint_figures_are_flat(files):
    run(files["good"], "--gt", files["truth"], "-o", files["out"], "--json", files["figures"])
    figures = json.loads(files["figures"].read_text())
    assert figures["num_persons"] == sum(
        figures[f"posture.{p}.num_persons"] for p in ("Prone", "Sitting", "Supine")
    )
    assert 0 < figures["keypoint.left_wrist.OKS"] < 1
    assert figures["area"] == "file"


def test_areas_that_cannot_be_are_told_and_both_figures_shown(files):
    people = json.loads(files["truth"].read_text())
    for annotation in people["annotations"]:
        annotation["area"] = 2443298.48
    files["truth"].write_text(json.dumps(people))
    result = run(files["good"], "--gt", files["truth"], "-o", files["out"], "--json", files["figures"])
    assert result.exit_code == 0, result.output
    figures = json.loads(files["figures"].read_text())
    assert figures["area"] == "bbox"
    assert figures["file_area.AP"] > 0.9 > figures["AP"]
    assert "the same area 2.4433e+06 px²" in result.output
    assert "with the file's area" in result.output
    assert f"{figures['file_area.AP']:.3f}" in result.output
    asked = run(files["good"], "--gt", files["truth"], "-o", files["out"], "--area", "file")
    assert "means nothing" in asked.output


def test_records_that_cannot_be_used_exit_3_and_are_listed(files):
    results = json.loads(files["good"].read_text())
    results[0]["score"] = float("nan")
    results[1]["image_id"] = 999
    files["good"].write_text(json.dumps(results))
    result = run(files["good"], "--gt", files["truth"], "-o", files["out"], "--json", files["figures"])
    assert result.exit_code == 3, result.output
    assert "2 items could not be used" in result.output
    assert "record 0: the score is nan" in result.output
    assert "1 predictions for images that truth.json does not have: 999" in result.output
    assert json.loads(files["figures"].read_text())["num_failures"] == 2


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "--gt is missing"),
        (["--gt", "nowhere.json"], "nowhere.json: no such file"),
        (["--gt", "TRUTH", "nowhere.json"], "nowhere.json: no such run folder"),
        (["--gt", "TRUTH", "GOOD", "GOOD"], "named more than once"),
        (["--gt", "TRUTH", "GOOD", "--metrics", "mpjp"], "'mpjp' is not oks, pckh"),
        (["--gt", "TRUTH", "GOOD", "--area", "mask"], "'mask' is not one of"),
        (["--gt", "TRUTH", "GOOD", "--oks-nms", "2"], "--oks-nms"),
        (["--gt", "TRUTH", "GOOD", "--gap", "TRUTH"], "name a run or weights"),
        (["--gt", "GOOD", "GOOD"], '"images" and "annotations"'),
        (["--gt", "TRUTH"], "Name their folder with --images"),
        (["--gt", "TRUTH", "--images", "nowhere"], "--images nowhere: no such folder"),
        (["--gt", "TRUTH", "--images", ".", "--device", "tpu"], "--device 'tpu'"),
        (["--gt", "TRUTH", "--images", "."], "11 of 11 images of truth.json are not in .:\n1.png, 2.png"),
    ],
)
def test_wrong_input_exits_2_with_the_reason_and_writes_nothing(files, words, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    names = {"TRUTH": files["truth"], "GOOD": files["good"]}
    result = run(*[names.get(word, word) for word in words], "-o", files["out"])
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "Traceback" not in result.output
    assert not files["out"].exists()


def test_every_network_is_opened_before_the_first_runs(files, tmp_path):
    """A file that is no network's, named second, costs nothing; nor does an unfinished run folder."""
    for image in json.loads(files["truth"].read_text())["images"]:
        cv2.imwrite(str(tmp_path / image["file_name"]), np.zeros((480, 640, 3), np.uint8))
    (tmp_path / "run").mkdir()
    (tmp_path / "weights.pth").write_bytes(b"\x80\x04\x95")
    for second, message in (("run", "not a finished run of syrip train"), ("weights.pth", "weights.pth")):
        result = run(
            "movenet_thunder",
            tmp_path / second,
            "--gt",
            files["truth"],
            "--images",
            tmp_path,
            "-o",
            files["out"],
        )
        assert result.exit_code == 2, result.output
        assert message in result.output
        assert not files["out"].exists()


BAD_PREDICTIONS = {
    "empty list": b"[]",
    "empty file": b"",
    "no JSON": b"[{",
    "deep": b"[" * 100_000,
    "pickle": b"\x80\x04\x95",
    "another picture set": b'[{"image_id": 5000, "category_id": 1, "keypoints": ['
    + b"1," * 50
    + b'1], "score": 1}]',
    "12 keypoints": b'[{"image_id": 1, "category_id": 1, "keypoints": [' + b"1," * 35 + b'1], "score": 1}]',
}


@pytest.mark.parametrize("name", BAD_PREDICTIONS)
def test_predictions_that_cannot_be_used_exit_2_and_name_the_file(files, name):
    files["good"].write_bytes(BAD_PREDICTIONS[name])
    result = run(files["good"], "--gt", files["truth"], "-o", files["out"])
    assert result.exit_code == 2, result.output
    assert "good.json" in result.output
    assert len(result.output.strip().splitlines()) <= 2


def test_shipped_network_is_measured_when_nothing_is_named(tmp_path):
    """Two plain pictures: nobody in them, but everything from pictures to files runs."""
    people = random_people(num_images=2, most=2)
    people["annotations"][-1]["iscrowd"] = 0
    (tmp_path / "annotations").mkdir()
    (tmp_path / "images").mkdir()
    truth = tmp_path / "annotations" / "person_keypoints_few.json"
    truth.write_text(json.dumps(people))
    for image in people["images"]:
        cv2.imwrite(str(tmp_path / "images" / image["file_name"]), np.full((480, 640, 3), 90, np.uint8))
    result = run("--gt", truth, "--images", tmp_path / "images", "-o", tmp_path / "out", "--no-flip-test")
    assert result.exit_code == 0, result.output
    assert "| movenet_thunder | movenet_thunder | 256x256 |" in result.output
    predictions = json.loads((tmp_path / "out" / "predictions_movenet_thunder.json").read_text())
    assert len(predictions) == len(people["annotations"])


def test_gap_between_two_sets_is_measured_and_drawn(tmp_path):
    """Flat bright against flat dark pictures: any network tells them apart."""
    files = {}
    for name, shade in (("bright", 220), ("dark", 25)):
        people = random_people(num_images=10, most=1)
        people["annotations"][-1]["iscrowd"] = 0
        (tmp_path / name / "images").mkdir(parents=True)
        files[name] = tmp_path / name / "truth.json"
        files[name].write_text(json.dumps(people))
        for image in people["images"]:
            picture = np.random.default_rng(image["id"]).integers(
                shade - 20, shade + 20, (480, 640, 3), np.uint8
            )
            cv2.imwrite(str(tmp_path / name / "images" / image["file_name"]), picture)
    words = ["--gap", files["dark"], "-o", tmp_path / "out", "--json", tmp_path / "e.json", "--no-flip-test"]
    result = run("--gt", files["bright"], *words)
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "e.json").read_text())
    assert figures["gap.num_first"] == figures["gap.num_second"] == 10
    assert figures["gap.probe_accuracy"] > 0.7
    assert figures["gap.kid"] > 0.1
    assert figures["gap.classifier_accuracy"] is None
    assert "KID (ImageNet)" not in result.output
    assert "**Domain gap between 10 persons of truth and 10 of truth**" in result.output
    assert {"gap.csv", "tsne_movenet_thunder.png"} <= {path.name for path in (tmp_path / "out").iterdir()}
