"""Output that cannot be written is refused before any work, with exit code 2 and nothing left behind."""

import json

import pytest
from click.testing import CliRunner

import cli
from fidip.output_check import check_output_file, check_output_folder
from tests.fidip.evaluation.random_people import noisy_results, random_people


def test_what_can_be_written_passes_and_nothing_is_made(tmp_path):
    check_output_folder(tmp_path, "-o")
    check_output_folder(tmp_path / "a" / "b", "-o")
    check_output_file(tmp_path / "a" / "b.onnx", "--onnx")
    (tmp_path / "old.onnx").write_text("")
    check_output_file(tmp_path / "old.onnx", "--onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["old.onnx"]


@pytest.mark.parametrize("where", ["file", "file/below", "/proc/nowhere/x", "n" * 300, "dangling"])
def test_folders_that_cannot_be_written_are_refused(tmp_path, where):
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(ValueError, match=r"-o .*cannot be written \(.*\); choose another folder"):
        check_output_folder(tmp_path / where, "-o")


def test_verbs_exit_2_before_any_work(tmp_path):
    people = random_people()
    truth, found, file = tmp_path / "truth.json", tmp_path / "found.json", tmp_path / "file"
    truth.write_text(json.dumps(people))
    found.write_text(json.dumps(noisy_results(people)))
    file.write_text("")
    before = sorted(tmp_path.iterdir())
    for words in (
        ["eval", found, "--gt", truth, "-o", file],
        ["eval", found, "--gt", truth, "-o", "/proc/x"],
        ["predict", tmp_path, "-o", file],
        ["predict", tmp_path, "-o", "/proc/x"],
        ["export", "--onnx", tmp_path],
        ["export", "--onnx", "/proc/x/y.onnx"],
    ):
        result = CliRunner().invoke(cli.main, [str(word) for word in words], prog_name="syrip")
        assert result.exit_code == 2, result.output
        assert "cannot be written (" in result.output
        assert "Errno" not in result.output
    assert sorted(tmp_path.iterdir()) == before
