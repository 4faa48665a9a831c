"""``syrip train`` from the command line: words in, exit codes and lines out."""

import json

import pytest
from click.testing import CliRunner

import cli
from fidip.recipes import recipe_names
from tests.fidip.tiny_training import RECIPE, draw_dataset, register

FILE, IMAGES = "annotations/person_keypoints_train_infant.json", "images/train_infant"


def run(*words):
    return CliRunner().invoke(cli.main, ["train", *map(str, words)], prog_name="syrip")


@pytest.fixture
def words(tmp_path, monkeypatch):
    """Return the options of a tiny run."""
    from fidip.models import catalog

    monkeypatch.setattr(catalog, "CATALOG", catalog.CATALOG)
    register(catalog)
    (tmp_path / "tiny.yaml").write_text(RECIPE)
    draw_dataset(tmp_path / "real", 4, seed=0, is_synthetic=False)
    draw_dataset(tmp_path / "synthetic", 6, seed=1, is_synthetic=True)
    return [
        *("--recipe", tmp_path / "tiny.yaml", "--real", tmp_path / "real" / FILE),
        *("--real-images", tmp_path / "real" / IMAGES, "--synthetic", tmp_path / "synthetic"),
        *("-o", tmp_path / "run", "--workers", 0, "--device", "cpu"),
    ]


def test_a_run_ends_with_its_figures_and_the_next_command(words, tmp_path):
    done = run(*words, "--epochs", 1, "--json", tmp_path / "t.json")
    assert done.exit_code == 0, done.output
    assert "validation AP" in done.output
    assert "\n1 epoch in 0 min" in done.output
    assert f"Next: syrip eval {tmp_path / 'run'}" in done.output
    figures = json.loads((tmp_path / "t.json").read_text())
    assert figures["epochs"] == 1
    assert 0 <= figures["domain_accuracy"] <= 1


def test_resume_needs_only_the_folder(words, tmp_path):
    assert run(*words, "--epochs", 1).exit_code == 0
    done = run("-o", tmp_path / "run", "--resume", "--epochs", 2)
    assert done.exit_code == 0, done.output
    assert "going on after epoch 1" in done.output


def test_resume_of_a_finished_run_says_so_and_changes_nothing(words, tmp_path):
    assert run(*words, "--epochs", 1).exit_code == 0
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("*")}
    done = run("-o", tmp_path / "run", "--resume")
    assert done.exit_code == 0, done.output
    assert "run is already finished (1 epoch); --resume --epochs 2 trains longer" in done.output
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("*")} == before


def test_resume_of_nothing_and_a_bare_command_say_what_is_missing(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    done = run("-o", tmp_path / "empty", "--resume")
    assert done.exit_code == 2
    assert f"{tmp_path / 'empty'} holds no run to resume" in done.output
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    done = run()
    assert done.exit_code == 2
    assert "nothing to train on: give --synthetic DATASET" in done.output


@pytest.mark.parametrize(
    "more, text",
    [
        (["--recipe", "fidip-vgg"], "unknown recipe 'fidip-vgg'"),
        (["--set", "domain.lambda_domain=0"], "lambda_domain is 0"),
        (["--real", "nowhere.json"], "nowhere.json not found"),
        (["--epochs", "-1"], "epochs"),
        (["--workers", "many"], "workers"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_why(words, more, text):
    done = run(*words, *more)
    assert done.exit_code == 2, done.output
    assert text in done.output


def test_recipes_are_listed():
    done = run("--list-recipes")
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.output.splitlines()] == list(recipe_names())
