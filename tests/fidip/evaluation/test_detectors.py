"""``syrip eval --detector`` and ``--boxes detected``."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import cli
from fidip.detection.boxes import FoundBoxes
from fidip.evaluation import detectors as detectors_module
from syrip_gen.annotation.coco import ANNOTATION_FILE
from tests.fidip.detection.tiny_detection import write_dataset


class Shifted:
    """Finds every labelled person, so many px too far to the right, and a doubtful stranger."""

    name, min_score = "shifted", 0.5

    def __init__(self, dataset, shift):
        data = json.loads((dataset / ANNOTATION_FILE).read_text())
        self.boxes, self.shift, self.calls = [a["bbox"] for a in data["annotations"]], shift, 0

    def detect(self, images):
        (_,) = images
        left, top, width, height = self.boxes[self.calls]
        self.calls += 1
        own = [[left + self.shift * width, top, width, height], [0, 0, 5, 5]]
        return [FoundBoxes(np.array(own, float), np.array([0.9, 0.2]))]


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / "data", 6)


def run(dataset, *words, exit_code=0):
    command = ["eval", "--gt", str(dataset), "-o", str(dataset / "eval"), "--device", "cpu", *map(str, words)]
    done = CliRunner().invoke(cli.main, command)
    assert done.exit_code == exit_code, done.output
    return done.output


def test_figures_of_known_boxes(dataset, monkeypatch):
    """A third of the width to the right overlaps by (2/3) / (4/3) = 0.5."""
    for shift, iou, recall in ((0, 1, 1), (0.3, 0.7 / 1.3, 1), (0.4, 0.6 / 1.4, 0)):
        monkeypatch.setattr(
            detectors_module, "open_detector", lambda name, device, shift=shift: Shifted(dataset, shift)
        )
        output = run(dataset, "--detector", "some/run")
        assert "| run" in output
        figures = json.loads((dataset / "eval/figures.json").read_text())
        assert figures["num_runs"] == 0
        assert figures["detector.run.Box IoU"] == pytest.approx(iou)
        assert figures["detector.run.Recall@0.5"] == recall
        assert figures["detector.run.Precision@0.5"] == recall
        assert (figures["detector.run.num_persons"], figures["detector.run.num_boxes"]) == (6, 6)
        assert figures["detector.run.Box AP50"] == pytest.approx(recall)


def test_a_lower_score_lets_strangers_in(dataset, monkeypatch):
    monkeypatch.setattr(detectors_module, "open_detector", lambda name, device: Shifted(dataset, 0))
    run(dataset, "--detector", "run", "--detector-score", 0.1)
    figures = json.loads((dataset / "eval/figures.json").read_text())
    assert figures["detector.run.num_boxes"] == 12
    assert figures["detector.run.Precision@0.5"] == 0.5
    assert figures["detector.run.Recall@0.5"] == 1


def test_poses_in_detected_boxes(dataset, monkeypatch):
    monkeypatch.setattr(detectors_module, "open_detector", lambda name, device: Shifted(dataset, 0.3))
    words = ("--boxes", "detected", "--detector", "run", "--metrics", "iou", "--no-flip-test")
    run(dataset, "movenet_thunder", *words)
    figures = json.loads((dataset / "eval/figures.json").read_text())
    assert figures["num_predictions"] == 6
    assert figures["Box IoU"] == pytest.approx(0.7 / 1.3, abs=1e-3)
    found = json.loads((dataset / "eval/predictions_movenet_thunder.json").read_text())
    assert all(0 <= record["score"] <= 0.9 for record in found)
    assert (dataset / "eval/detectors.csv").is_file()


@pytest.mark.parametrize(
    "words, message",
    [
        (("--boxes", "detected"), "needs --detector"),
        (("--detector-score", "0.5"), "needs --detector"),
        (("--detector", "nowhere"), "give movenet_multipose"),
        (("--detector", "nowhere", "--detector", "nowhere"), "named twice"),
    ],
)
def test_wrong_usage_exits_2(dataset, words, message):
    assert message in run(dataset, *words, exit_code=2)


def test_a_detector_is_no_pose_network_nor_the_other_way_round(dataset, tmp_path):
    from fidip.models.weights import default_weights

    assert "no detector of syrip" in run(
        dataset, "--detector", default_weights("movenet_thunder"), exit_code=2
    )
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.yaml").write_text("task: detect\nnetwork: {backbone: tiny}\n")
    (folder / "best.safetensors").write_bytes(b"")
    assert "is a detector; use it as --detector" in run(dataset, folder, exit_code=2)
