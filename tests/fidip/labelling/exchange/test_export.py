"""syrip export for other tools: projects and files in, each tool's files out; the command and its errors."""

import json
import pickle
import shutil

import pytest
from click.testing import CliRunner

import cli
from fidip.labelling.coco_export import write_coco
from fidip.labelling.exchange.export import export_labels, outgoing_images
from fidip.labelling.exchange.readers import read_labels
from fidip.labelling.records import NewImage
from fidip.labelling.store import LabelStore
from tests.fidip.labelling.exchange.examples import SIZE, assert_same_label, label, person


def run(*arguments):
    return CliRunner().invoke(cli.main, [str(a) for a in arguments])


@pytest.fixture
def project(tmp_path):
    """Make a project of one photo that was reviewed, one rejected, one untouched and one unreadable."""
    with LabelStore.create(
        tmp_path / "real.json.project", kind="label", root=tmp_path / "photos", output=tmp_path / "real.json"
    ) as store:
        first = label(person(visibility=2, score=0.9), status="unreviewed")
        store.add_images(NewImage(f"{n}.jpg", *SIZE, first, "ai:net") for n in range(3))
        store.add_images([NewImage("broken.jpg", 0, 0, state="unreadable")])
        points = ((0.0, 0.0, 0), *first.people[0].keypoints[1:])
        moved = first.people[0].model_copy(update={"keypoints": points})
        store.save(1, 0, label(moved), action="delete", who="anna")
        store.save(
            2, 0, label(person(), status="rejected", reasons=("blurred",)), action="reject", who="anna"
        )
        write_coco(store)
    return tmp_path / "real.json.project"


def test_a_project_gives_the_networks_word_too(project):
    images, name, notes = outgoing_images(project)
    assert [image.label.status for image in images] == ["reviewed", "rejected", "unreviewed"]
    assert images[0].first.people[0].keypoints[0][2] == 2
    assert name == "photos"
    assert notes == ["1 images without a readable picture are left out"]


@pytest.mark.parametrize("tool, option", [("cvat", "--cvat"), ("label_studio", "--label-studio")])
def test_command_writes_what_read_labels_reads(project, tmp_path, tool, option):
    target, figures = tmp_path / "new" / "labels.dat", tmp_path / "f.json"
    result = run("export", project, option, target, "--json", figures)
    assert result.exit_code == 0, result.output
    assert "3 people on 3 images" in result.output
    assert str(target) in result.output
    found = read_labels(target)
    assert found.format == tool.replace("_", "-")
    assert [image.label.status for image in found.images] == ["reviewed", "rejected", "unreviewed"]
    assert found.images[1].label.reasons == ("blurred",)
    assert json.loads(figures.read_text())["num_people"] == 3
    assert len(list(target.parent.iterdir())) == 2


def test_command_writes_ah_colts_three_files(project, tmp_path):
    result = run("export", project, "--ah-colt", tmp_path / "colt")
    assert result.exit_code == 0, result.output
    assert "Note: left out, as they were rejected: 1.jpg" in result.output
    names = sorted(p.name for p in (tmp_path / "colt").iterdir())
    assert names == ["photos_fRCNN.pkl", "photos_flag.pkl", "photos_gt.pkl"]
    with open(tmp_path / "colt" / "photos_flag.pkl", "rb") as file:
        assert pickle.load(file) == {"0": [[-1] + [1] * 16], "1": [[1] * 17]}


def test_one_tools_file_becomes_anothers(project, tmp_path):
    export_labels(project.with_name("real.json"), "cvat", tmp_path / "a.xml")
    export_labels(tmp_path / "a.xml", "label_studio", tmp_path / "a.json", image_url="https://x.org/")
    task = json.loads((tmp_path / "a.json").read_text())[0]
    assert task["data"]["image"] == "https://x.org/0.jpg"
    there, back = (read_labels(tmp_path / name).images for name in ("a.xml", "a.json"))
    for a, b in zip(there, back, strict=True):
        assert_same_label(a.label, b.label, atol=1e-9)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--cvat", "a.xml"], "--cvat needs a file of LABELS"),
        (["real.json", "--cvat", "a.xml", "--label-studio", "b.json"], "name what to write: either"),
        (["none.json", "--cvat", "a.xml"], "none.json: no such file; expected a COCO keypoint file"),
        (["real.json", "--cvat", "."], "--cvat .: cannot be written (it is a folder)"),
        (["real.json", "--ah-colt", "real.json"], "--ah-colt real.json: cannot be written (it is a file)"),
    ],
)
def test_wrong_usage_exits_2(project, monkeypatch, arguments, message):
    monkeypatch.chdir(project.parent)
    result = run("export", *arguments)
    assert result.exit_code == 2
    assert message in result.output


def test_report_compares_labels(project, tmp_path):
    page, figures = tmp_path / "agreement.html", tmp_path / "f.json"
    result = run("report", project, "--between", "ai:net", "anna", "-o", page, "--json", figures)
    assert result.exit_code == 0, result.output
    assert "only anna rejected 1 image: 1.jpg" in result.output
    assert json.loads(figures.read_text())["oks"] == 1
    assert page.read_text().startswith("<!doctype html>")
    result = run("report", project.with_name("real.json"), "--against", project)
    assert result.exit_code == 0, result.output
    assert "both rejected 1 image" in result.output


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["real.json"], "name a DATASET folder, or compare LABELS"),
        (["real.json", "--against", "none.json"], "none.json: no such file"),
        (
            ["real.json", "--against", "real.json", "--between", "a", "b"],
            "either --against FILE or --between",
        ),
        (["real.json.project", "--between", "anna", "carl"], "'carl' saved nothing in it"),
        ([".", "-o", "a.html"], "name a DATASET folder, or compare LABELS"),
    ],
)
def test_wrong_comparisons_exit_2(project, monkeypatch, arguments, message):
    monkeypatch.chdir(project.parent)
    result = run("report", *arguments)
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize("option", ["--cvat", "--label-studio"])
@pytest.mark.parametrize("target", ["real.json", "real.json.project", "copy.json", "link.json"])
def test_labels_are_not_overwritten_by_a_copy_that_holds_less(project, tmp_path, option, target):
    shutil.copy(tmp_path / "real.json", tmp_path / "copy.json")
    (tmp_path / "link.json").symlink_to(tmp_path / "copy.json")
    source = tmp_path / "copy.json" if target in ("copy.json", "link.json") else project
    before = (tmp_path / target).read_bytes()
    result = run("export", source, option, tmp_path / target)
    assert result.exit_code == 2
    assert f"{target}: would overwrite the labels; choose another file" in result.output
    assert (tmp_path / target).read_bytes() == before


def test_files_beside_the_target_are_not_the_source_either(project, tmp_path):
    source = tmp_path / "real.labels.json"
    shutil.copy(tmp_path / "real.json", source)
    before = source.read_bytes()
    result = run("export", source, "--cvat", tmp_path / "real.xml")
    assert "real.labels.json: would overwrite" in result.output
    assert source.read_bytes() == before
