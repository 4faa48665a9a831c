"""Lifting runs: overfit, resume, files, errors."""

import json

import numpy as np
import pytest
import torch

from fidip.config import TrainOptions
from fidip.interruption import interruption_flag
from fidip.lifting import trainer
from fidip.lifting.batches import Batches, LiftBatch
from fidip.lifting.lift import Lifter
from fidip.lifting.network import build_lifter
from fidip.lifting.sources import load_lift_data
from fidip.lifting.state import make_lift_state
from fidip.lifting.steps import lift_step
from fidip.lifting.trainer import train_lifter
from fidip.lifting.views import Keypoints2D
from fidip.recipes import load_any_recipe
from fidip.training.tasks import run_training, task_of
from syrip_gen.keypoints.catalog import COCO17, get_schema
from tests.fidip.lifting.skeletons import RECIPE, project, random_poses, write_dataset, write_npz


@pytest.fixture
def options(tmp_path):
    """Return a function that makes the options of a tiny run; keyword arguments change them."""
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(RECIPE)
    poses = write_npz(tmp_path / "poses.npz", 20)

    def make(**changes) -> TrainOptions:
        values = {
            "recipe": str(recipe),
            "poses_3d": (str(poses),),
            "output": str(tmp_path / "run"),
            "device": "cpu",
        }
        return TrainOptions(**{k: v for k, v in {**values, **changes}.items() if v is not None})

    return make


def metrics(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(folder):
    return torch.load(folder / "checkpoints" / "last.pt", weights_only=True)


def test_sixteen_poses_are_learnt_by_heart(options):
    poses = random_poses(16)
    target = torch.from_numpy(poses - poses[:, [11, 12]].mean(1, keepdims=True))
    seen = torch.from_numpy(project(poses)).float()[:, None]
    size, camera = torch.tensor([[320.0, 240.0]] * 16), torch.tensor([[300.0, 300, 160, 120]] * 16)
    batch = LiftBatch(Keypoints2D(seen[..., :2], seen[..., 2], camera, size), target, None)
    changes = ("network.width=64", "network.dropout=0", "optimizer.learning_rate=0.01", "training.epochs=40")
    recipe = load_any_recipe(options().recipe, changes)[1]
    torch.manual_seed(0)
    state = make_lift_state(recipe, build_lifter(recipe.network, COCO17), torch.device("cpu"), 0)
    errors = [lift_step(state, batch)["train_mm"].item() for _ in range(160)]
    assert errors[0] > 40
    assert errors[-1] < 8


def test_a_run_holds_exactly_these_files(options, tmp_path):
    result = train_lifter(options())
    names = {p.relative_to(tmp_path / "run").as_posix() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    wanted = {"config.yaml", "run.json", "metrics.jsonl", "best.safetensors"}
    wanted |= {"checkpoints/last.pt", "checkpoints/best.pt"}
    assert {name for name in names if not name.startswith("tb/")} == wanted
    lines = metrics(tmp_path / "run")
    assert [line["epoch"] for line in lines] == [0, 1, 2, 3]
    assert result.best_mm == pytest.approx(min(line["val_ajpe_mm"] for line in lines[1:]), rel=1e-6)
    assert "syrip predict" in result.summary()
    assert result.figures()["epochs"] == 3


def test_a_resumed_run_is_the_same_bit_for_bit(options, tmp_path):
    train_lifter(options(output=str(tmp_path / "whole")))
    train_lifter(options(output=str(tmp_path / "parts"), set=("training.epochs=3",), epochs=3))

    # a run that was stopped after its first epoch
    class Stop(Exception):
        pass

    original, calls = trainer._Run._finish, []

    def finish(self, numbers):
        original(self, numbers)
        calls.append(1)
        if len(calls) == 1:
            raise Stop

    trainer._Run._finish = finish
    try:
        with pytest.raises(Stop):
            train_lifter(options(output=str(tmp_path / "stopped")))
    finally:
        trainer._Run._finish = original
    result = train_lifter(TrainOptions(output=str(tmp_path / "stopped"), resume=True))
    assert result.epochs == 3
    one, two = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert all(torch.equal(one["network"][k], two["network"][k]) for k in one["network"])
    assert all(torch.equal(one["average"][k], two["average"][k]) for k in one["average"])
    timing = {"seconds", "poses_per_s"}
    strip = [{k: v for k, v in line.items() if k not in timing} for line in metrics(tmp_path / "whole")]
    assert strip == [
        {k: v for k, v in line.items() if k not in timing} for line in metrics(tmp_path / "stopped")
    ]
    again = train_lifter(TrainOptions(output=str(tmp_path / "stopped"), resume=True))
    assert again.was_finished
    assert "already finished" in again.summary()


def test_a_temporal_lifter_learns_from_movements(options, tmp_path):
    path = write_npz(tmp_path / "moves.npz", 40, clips=4)
    changes = ("network.kind=temporal", "network.frames=9", "training.steps_per_epoch=3")
    result = train_lifter(options(poses_3d=(str(path),), set=changes, epochs=1))
    assert result.epochs == 1
    lifted = Lifter.open(tmp_path / "run").lift(project(random_poses(12)), (320, 240))
    assert lifted.shape == (12, 17, 3)
    assert np.isfinite(lifted).all()


REFINED = ("network.kind=refined", "network.refiner_width=8", "network.frames=9", "training.windows=4")


def test_a_lifter_over_time_refines_one_of_frames(options, tmp_path):
    train_lifter(options(output=str(tmp_path / "base"), epochs=1))
    path = write_npz(tmp_path / "moves.npz", 40, clips=4)
    refined = options(
        poses_3d=(str(path),),
        set=REFINED,
        weights=str(tmp_path / "base"),
        epochs=2,
        output=str(tmp_path / "r"),
    )
    result = train_lifter(refined)
    assert result.best_mm < metrics(tmp_path / "r")[0]["val_ajpe_mm"]
    own, base = Lifter.open(tmp_path / "r"), Lifter.open(tmp_path / "base")
    keypoints = project(random_poses(12))
    assert np.abs(own.lift(keypoints, (320, 240)) - base.lift(keypoints, (320, 240))).max() > 1e-3
    np.testing.assert_array_equal(own.of_frames.lift(keypoints, (320, 240)), base.lift(keypoints, (320, 240)))
    with pytest.raises(
        ValueError, match="is a lifter over time; this recipe begins from one of single frames"
    ):
        train_lifter(options(weights=str(tmp_path / "r")))


@pytest.mark.parametrize(
    "weights, changes, message",
    [
        ("none", REFINED, "pass --weights RUN .* or --weights shipped"),
        ("base", (*REFINED, "network.width=24"), r"does not fit the network: .* core\.w1\.weight"),
        ("base", (*REFINED, "network.output_m=1"), "units of 0.2 m; this run .* units of 1.0 m"),
        ("base", (*REFINED, "training.windows=3"), "batch_size 16 must be a multiple of windows 3"),
        ("base", (*REFINED, "network.inputs=box", "network.output=joints"), "kind refined needs inputs view"),
    ],
)
def test_what_cannot_be_refined_is_told(options, tmp_path, weights, changes, message):
    train_lifter(options(output=str(tmp_path / "base"), epochs=0))
    weights = str(tmp_path / "base") if weights == "base" else weights
    with pytest.raises(ValueError, match=message):
        train_lifter(options(weights=weights, set=changes))


def test_predictions_of_a_2d_network_are_learnt_from(options, tmp_path):
    folder = write_dataset(tmp_path / "d", 12)
    truth = project(random_poses(12, 3))
    truth[..., 2] = 0.9
    records = [
        {"image_id": i, "category_id": 1, "score": 0.9, "keypoints": pose.ravel().tolist()}
        for i, pose in enumerate(truth, start=1)
    ]
    (tmp_path / "p.json").write_text(json.dumps(records))
    result = train_lifter(
        options(poses_3d=None, synthetic=str(folder), predictions=str(tmp_path / "p.json"), epochs=1)
    )
    last = metrics(tmp_path / "run")[-1]
    assert last["val_predicted_ajpe_mm"] == pytest.approx(result.best_mm, rel=1e-6)
    assert "val_ajpe_mm" in last


@pytest.fixture
def predictions(tmp_path):
    """Return a dataset and a 2D network's predictions of its pictures, the worse the less sure."""
    folder, rng = write_dataset(tmp_path / "d", 12), np.random.default_rng(0)
    found = project(random_poses(12, 3))
    found[..., 2] = rng.uniform(0.2, 1, (12, 17))
    found[..., :2] += 20 * (1 - found[..., 2:]) * rng.standard_normal((12, 17, 2))
    records = [
        {"image_id": i, "category_id": 1, "score": 0.9, "keypoints": pose.ravel().tolist()}
        for i, pose in enumerate(found, start=1)
    ]
    (tmp_path / "p.json").write_text(json.dumps(records))
    return {"synthetic": str(folder), "predictions": str(tmp_path / "p.json")}


def test_views_are_spoilt_as_predictions_are(options, predictions):
    changes = ("views.predicted_errors=1", "training.predictions_share=0", "views.mirror=0")
    recipe = load_any_recipe(options().recipe, changes)[1]
    data = load_lift_data(options(**predictions), recipe)
    batch = next(iter(Batches(recipe, data, 1, 0).epoch(0)))
    scores = torch.from_numpy(data.predicted.labels[..., 2]).unique()
    assert torch.isin(batch.keypoints.mask, scores).all()
    plain = load_any_recipe(options().recipe, ("training.predictions_share=0",))[1]
    batch = next(iter(Batches(plain, data, 1, 0).epoch(0)))
    assert ((batch.keypoints.mask == 0) | (batch.keypoints.mask == 1)).all()


@pytest.mark.parametrize("kind", ["residual", "temporal", "refined"])
def test_a_lifter_that_is_told_doubts_begins_from_one_that_is_not(options, predictions, tmp_path, kind):
    changes = (f"network.kind={kind}", "network.frames=9", "network.refiner_width=16")
    beginning = tmp_path / "base"
    train_lifter(options(output=str(beginning), epochs=1))
    if kind == "temporal":
        train_lifter(options(output=str(tmp_path / "time"), set=changes, epochs=1))
        beginning = tmp_path / "time"
    told = (*changes, "network.confidence=true", "views.predicted_errors=0.5")
    weights = str(beginning)
    train_lifter(options(**predictions, set=told, weights=weights, output=str(tmp_path / "a"), epochs=0))
    keypoints = project(random_poses(20, 1))
    keypoints[..., 2] = 0.7
    before = Lifter.open(beginning).lift(keypoints, (320, 240))
    begun = Lifter.open(tmp_path / "a").lift(keypoints, (320, 240))
    if kind != "refined":  # a refiner begins by smoothing
        np.testing.assert_allclose(begun, before, atol=1e-5)
    train_lifter(options(**predictions, set=told, weights=weights, output=str(tmp_path / "b"), epochs=2))
    lifter = Lifter.open(tmp_path / "b")
    sure = lifter.lift(keypoints * [1, 1, 1 / 0.7], (320, 240))
    assert np.abs(sure - lifter.lift(keypoints, (320, 240))).max() > 1e-3
    with pytest.raises(ValueError, match=r"pass --set network\.confidence=true"):
        train_lifter(options(set=changes, weights=str(tmp_path / "b"), output=str(tmp_path / "c")))


def test_self_supervision_learns_from_2d_poses_alone(options, tmp_path, few_poses):
    changes = ("selfsup.share=0.5", "training.keep=last", "network.dropout=0")
    train_lifter(options(real_2d=str(few_poses), set=changes, epochs=2))
    first, last = metrics(tmp_path / "run")[1:]
    assert last["cycle_2d"] < first["cycle_2d"]
    assert "discriminator" in weights(tmp_path / "run")


def test_self_supervision_keeps_the_statistics_of_the_lifter_that_it_begins_from(
    options, tmp_path, few_poses
):
    train_lifter(options(output=str(tmp_path / "first")))
    changes = ("selfsup.share=0.5", "training.keep=last", "network.dropout=0")
    second = options(real_2d=str(few_poses), weights=str(tmp_path / "first"), set=changes, epochs=1)
    train_lifter(second)
    name = "core.batch_norm1.running_mean"
    kept = [weights(tmp_path / run)["network"] for run in ("first", "run")]
    begun = torch.load(tmp_path / "first/checkpoints/best.pt", weights_only=True)["average"]
    torch.testing.assert_close(kept[1][name], begun[name])
    assert not torch.equal(kept[1]["core.w1.weight"], begun["core.w1.weight"])


def test_recordings_teach_that_bones_keep_their_lengths(options, tmp_path):
    poses = project(random_poses(40))
    path = tmp_path / "recordings.npz"
    arrays = {"keypoints_2d_px": poses, "image_size": np.array([320, 240]), "camera": [300.0, 300, 160, 120]}
    np.savez(path, clip=np.arange(40) // 20, **arrays)
    changes = ("selfsup.share=0.5", "selfsup.weight_bones=3", "training.keep=last", "network.dropout=0")
    train_lifter(options(real_2d=str(path), set=changes, epochs=4))
    lines = metrics(tmp_path / "run")[1:]
    assert lines[-1]["bone_change"] < lines[0]["bone_change"]
    np.savez(path, clip=np.arange(40), **arrays)
    with pytest.raises(ValueError, match=r"no recording of 8 frames or more: set selfsup.weight_bones to 0"):
        train_lifter(options(real_2d=str(path), set=changes, output=str(tmp_path / "other")))


def test_a_lifter_begins_where_another_ended(options, tmp_path):
    train_lifter(options(output=str(tmp_path / "adult")))
    result = train_lifter(options(weights=str(tmp_path / "adult"), epochs=0))
    assert result.initial_mm == pytest.approx(metrics(tmp_path / "adult")[-1]["val_ajpe_mm"], rel=0.2)
    note = json.loads((tmp_path / "run" / "run.json").read_text())["notes"][-1]
    assert "begins from" in note


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"poses_3d": None}, "nothing to learn from: give --synthetic DATASET or --poses-3d FILE"),
        ({"set": ("selfsup.share=0.5",)}, "give --real-2d FILE"),
        ({"real_2d": "x.json"}, "x.json: no such file"),
        ({"weights": "required"}, "pass --weights RUN"),
        ({"real": "x.json"}, "--real is for 2D networks"),
        ({"set": ("network.frames=30", "network.kind=temporal")}, "9, 27, 81 or 243, got 30"),
        ({"set": ("network.inputs=pixels",)}, "output rays needs inputs view"),
        ({"set": ("data.schema_name=lego",)}, "unknown keypoint schema"),
        ({"predictions": "p.json"}, "give it by --synthetic"),
        ({"set": ("network.confidence=true",)}, r"network\.confidence is learnt .* --predictions FILE"),
        ({"set": ("views.predicted_errors=1",)}, r"views\.predicted_errors is learnt .* --predictions FILE"),
        ({"val": "poses.npz"}, "is also learnt from"),
        ({"set": ("selfsup.share=0.5", "network.kind=temporal")}, "needs network.kind residual"),
    ],
)
def test_what_cannot_work_is_refused_before_any_work(options, tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        train_lifter(options(**changes))
    assert not (tmp_path / "run").exists()


def test_keypoints_that_were_never_learnt_are_not_made_up(options, tmp_path):
    """Our data have no head top and no upper neck of MPII's; a lifter that learns them later gives them."""
    mpii = get_schema("mpii16")
    unlearnt = [mpii.index(name) for name in ("upper_neck", "head_top")]
    seen = np.concatenate([50 + 200 * np.random.default_rng(0).random((5, 16, 2)), np.ones((5, 16, 1))], -1)
    train_lifter(options(set=("data.schema_name=mpii16",)))
    lifted = Lifter.open(tmp_path / "run").lift(seen, (320, 240))
    assert np.isnan(lifted[:, unlearnt]).all()
    assert np.isfinite(np.delete(lifted, unlearnt, axis=1)).all()
    points = np.random.default_rng(1).normal(0, 0.2, (20, 16, 3)).astype(np.float32)
    whole = write_npz(tmp_path / "mpii.npz", 20, keypoints_3d_m=points, schema=np.array("mpii16"))
    again = options(
        set=("data.schema_name=mpii16",),
        weights=str(tmp_path / "run"),
        poses_3d=(str(whole),),
        output=str(tmp_path / "more"),
    )
    train_lifter(again)
    assert np.isfinite(Lifter.open(tmp_path / "more").lift(seen, (320, 240))).all()


def test_weights_for_other_keypoints_are_refused(options, tmp_path):
    train_lifter(options(output=str(tmp_path / "other"), set=("data.schema_name=spin14",), epochs=0))
    with pytest.raises(ValueError, match=r"takes spin14 keypoints as view, units of 0.2 m; this run coco17"):
        train_lifter(options(weights=str(tmp_path / "other")))


def test_recipes_lead_to_their_trainers(options, tmp_path):
    assert task_of(options()) == "lift"
    assert task_of(TrainOptions()) == "pose"
    assert run_training(options(epochs=0), _Quiet()).figures["epochs"] == 0
    assert task_of(TrainOptions(output=str(tmp_path / "run"), resume=True)) == "lift"
    with pytest.raises(ValueError, match="--real-2d is for lifters"):
        run_training(TrainOptions(real_2d="x"), _Quiet())


def test_a_run_of_a_pose_network_is_not_taken_for_a_lifter(options, tmp_path):
    train_lifter(options(epochs=0))
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("task: lift\n", ""))
    with pytest.raises(ValueError, match="it is no run of the task lift"):
        train_lifter(TrainOptions(output=str(tmp_path / "run"), resume=True))


class _Quiet:
    def stage(self, name, total): ...
    def advance(self, count=1): ...
    def note(self, text): ...


def test_an_interrupt_ends_a_run_at_the_next_step(options, tmp_path, monkeypatch):
    from contextlib import contextmanager

    steps = []

    class Counting(_Quiet):
        def advance(self, count=1):
            steps.append(count)

    @contextmanager
    def interrupted_after_eight():
        yield lambda: len(steps) >= 8

    monkeypatch.setattr(trainer, "interruption_flag", interrupted_after_eight)
    with pytest.raises(KeyboardInterrupt):
        train_lifter(options(), Counting())
    assert len(steps) == 8
    assert weights(tmp_path / "run")["epoch"] == 1
    assert interruption_flag is not interrupted_after_eight
