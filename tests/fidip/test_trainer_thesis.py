"""What the thesis's 2D recipes need of the trainer: MPII-16 labels, early stopping, whole pictures."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from fidip.checkpoint import load_checkpoint
from fidip.data.sample_records import sample_records, whole_pictures
from fidip.evaluation.evaluate import evaluate_runs
from fidip.evaluation.options import EvalConfig
from fidip.models.weights import open_network
from fidip.recipes import load_recipe, recipes_folder
from fidip.trainer import train
from fidip.training import epoch_end
from fidip.training.label_files import file_digests
from syrip_gen.keypoints.catalog import COCO17, MINIRGBD25, MPI_INF_3DHP28, MPII16
from syrip_gen.keypoints.mapping import mapping_weights

RECIPE = """
description: a test of the thesis's settings on a tiny network
extends: thesis-2d-adult
network: {name: tiny_norm, weights: none, input_size: [32, 32]}
targets: {sigma: 1}
optimizer: {learning_rate: 0.01}
training: {epochs: 9, batch_size: 4}
"""


@pytest.fixture
def thesis_options(tiny_options, tmp_path, tiny_data):
    """Return a function that makes options of a tiny run by the thesis's recipe."""
    path = tmp_path / "thesis.yaml"
    path.write_text(RECIPE)

    def make(**changes):
        values = {"recipe": str(path), "real": None, "real_images": None, "epochs": 1, **changes}
        return tiny_options(**values)

    return make


def epochs_of(run: Path) -> list[dict]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] == "epoch"]


def test_the_recipes_are_the_theses():
    adult = load_recipe("thesis-2d-adult")
    assert adult.network.name == "pose_resnet50_plain"
    assert adult.network.input_size == (256, 256)
    assert (adult.targets.sigma, adult.targets.encoding, adult.targets.loss) == (2, "rounded", "visible_mse")
    assert (adult.optimizer.learning_rate, adult.training.batch_size) == (1e-4, 16)
    assert (adult.training.patience, adult.training.min_improvement) == (3, 0.001)
    assert adult.domain.mechanism == "none"
    changed = {"thesis-2d-no-adult": "network", "thesis-2d-no-mapping": "data", "thesis-2d-no-crop": "data"}
    infant = load_recipe("thesis-2d-infant").model_dump()
    for name, section in changed.items():
        values = yaml.safe_load((recipes_folder() / f"{name}.yaml").read_text())
        assert set(values) == {"extends", "description", section}
        ablated = load_recipe(name).model_dump()
        assert {key for key in infant if infant[key] != ablated[key]} == {"description", section}


def test_the_maps_to_mpii_are_the_published_index_lists():
    minirgbd = [8, 5, 2, 1, 4, 7, 0, 9, 12, 24, 21, 19, 17, 16, 18, 20]
    mpi_inf = [25, 24, 23, 18, 19, 20, 4, 1, 5, 6, 16, 15, 14, 9, 10, 11]
    for schema, wanted in ((MINIRGBD25, minirgbd), (MPI_INF_3DHP28, mpi_inf)):
        weights = mapping_weights(schema, MPII16)
        assert weights.argmax(1).tolist() == wanted
        assert (weights.max(1) == 1).all()


def test_mpii_keypoints_from_coco_labels_to_pckh(thesis_options, tmp_path, tiny_data):
    train(thesis_options())
    run = tmp_path / "run"
    network = open_network(run)
    assert network.schema is MPII16
    assert all(np.isfinite(row["val_loss"]) for row in epochs_of(run)[1:])
    config = EvalConfig(
        gt=str(tiny_data / "val"),
        output=str(tmp_path / "eval"),
        metrics="oks,ajpe,pckh1",
        keypoint_schema="mpii16",
        device="cpu",
    )
    first = evaluate_runs(config, [str(run)])
    written = next((tmp_path / "eval").glob("predictions_*.json"))
    records = json.loads(written.read_text())
    assert {record["keypoint_schema"] for record in records} == {"mpii16"}
    assert {len(record["keypoints"]) for record in records} == {48}
    kept = shutil.copy(written, tmp_path / "p.json")  # the file says the same as the network
    second = evaluate_runs(config.model_copy(update={"output": str(tmp_path / "again")}), [str(kept)])
    assert first.runs[0].pck == pytest.approx(second.runs[0].pck, nan_ok=True)
    found, read = first.runs[0].poses.overall, second.runs[0].poses.overall
    assert dict(found) == pytest.approx(dict(read), nan_ok=True)
    assert any(np.isfinite(value) for value in found.values())


def test_a_run_stops_when_the_loss_no_longer_falls_and_stays_stopped(thesis_options, tmp_path, monkeypatch):
    losses = iter([9, 1.0, 0.9995, 0.9993, 0.9991, 0.5, 0.4])
    monkeypatch.setattr(epoch_end, "validate", lambda *a, **k: _result(next(losses)))
    result = train(thesis_options(epochs=9))
    assert (result.epochs, result.best_epoch) == (4, 1)  # 0.1 % counts from the best: 1.0 to 0.999
    assert result.was_stopped_early
    assert load_checkpoint(tmp_path / "run/checkpoints/last.pt")["stale"] == 3
    again = train(thesis_options(epochs=9, resume=True))
    assert again.was_finished
    assert again.epochs == 4


def test_patience_goes_on_where_a_resumed_run_was(thesis_options, tmp_path, monkeypatch):
    losses = iter([9, 1.0, 1.1])
    monkeypatch.setattr(epoch_end, "validate", lambda *a, **k: _result(next(losses)))
    assert not train(thesis_options(epochs=2)).was_stopped_early
    losses = iter([1.2, 1.3, 0.1])
    result = train(thesis_options(epochs=9, resume=True))
    assert (result.epochs, result.best_epoch, result.was_stopped_early) == (4, 1, True)


def _result(loss):
    from fidip.training.validation import ValidationResult

    return ValidationResult(0.1, 0.1, (), loss)


def test_keypoints_by_name_and_by_order(tiny_data):
    named = sample_records(tiny_data / "val", MPII16, is_synthetic=True).records[0]
    raw = sample_records(tiny_data / "val", COCO17, is_synthetic=True).records[0]
    ordered = sample_records(tiny_data / "val", MPII16, is_synthetic=True, by_order=True).records[0]
    at = raw.keypoints[COCO17.index("left_wrist")]
    np.testing.assert_allclose(named.keypoints[MPII16.index("left_wrist")], at)
    hips = raw.keypoints[
        [
            COCO17.index("left_hip"),
            COCO17.index("right_hip"),
        ],
        :2,
    ].mean(0)
    np.testing.assert_allclose(named.keypoints[MPII16.index("pelvis"), :2], hips, rtol=1e-5)
    assert named.keypoints[MPII16.index("head_top"), 2] == 0
    np.testing.assert_allclose(ordered.keypoints, raw.keypoints[:16])
    assert whole_pictures([raw])[0].box == (0, 0, 96, 96)
    with pytest.raises(ValueError, match=r"has 17 keypoints \(coco17\); taken as they come .* 25"):
        sample_records(tiny_data / "val", MINIRGBD25, is_synthetic=True, by_order=True)


def test_without_crop_whole_pictures_go_in(thesis_options, tmp_path):
    from fidip.training.preparation import load_data

    options = thesis_options(set=("data.crop=picture",))
    recipe = load_recipe(options.recipe, options.set)
    data = load_data(options, recipe, tmp_path)
    assert {r.box for r in (*data.train, *data.val)} == {(0.0, 0.0, 96.0, 96.0)}


def test_folders_of_other_layouts_have_digests(tmp_path, thesis_options):
    folder = tmp_path / "mini" / "01"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("1")
    options = thesis_options(synthetic=str(tmp_path / "mini"))
    before = file_digests(options)["synthetic"]
    (folder / "a.txt").write_text("12")
    assert file_digests(options)["synthetic"] != before
