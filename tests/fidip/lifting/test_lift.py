"""A trained lifter in use: gaps, queues, wrong input."""

import numpy as np
import pytest
import torch

from fidip.evaluation.pose_metrics import ajpe, joint_distances
from fidip.lifting.build_shipped import halve
from fidip.lifting.config import LiftNetworkSettings
from fidip.lifting.lift import Lifter, LiftQueue
from fidip.lifting.network import build_lifter
from fidip.lifting.shipped import shipped_lifter
from fidip.lifting.state import open_lifter_weights, save_lifter
from fidip.lifting.temporal import TemporalLifter
from syrip_gen.keypoints.catalog import COCO17, H36M17
from tests.fidip.lifting.skeletons import project, random_poses

SIZE = (320, 240)


def lifter(kind="residual", **settings):
    torch.manual_seed(0)
    settings = LiftNetworkSettings(kind=kind, width=16, refiner_width=8, blocks=1, frames=9, **settings)
    return Lifter(build_lifter(settings, COCO17), "test")


@pytest.mark.parametrize("kind", ["residual", "temporal", "refined"])
def test_gaps_stay_gaps(kind):
    keypoints = project(random_poses(12))
    keypoints[4, :, 2] = 0.0
    keypoints[7] = np.nan
    keypoints[9, :12] = np.nan  # five keypoints are too few
    lifted = lifter(kind).lift(keypoints, SIZE)
    assert lifted.shape == (12, 17, 3)
    assert np.flatnonzero(np.isnan(lifted).all((1, 2))).tolist() == [4, 7, 9]
    assert np.isfinite(np.delete(lifted, [4, 7, 9], axis=0)).all()


def test_what_missing_keypoints_hold_does_not_matter():
    keypoints = project(random_poses(3))
    keypoints[:, 9, 2] = 0.0
    other = keypoints.copy()
    other[:, 9, :2] = 9999.0
    np.testing.assert_array_equal(lifter().lift(keypoints, SIZE), lifter().lift(other, SIZE))


@pytest.mark.parametrize("kind, fps", [("residual", 30), ("temporal", 30), ("refined", 60)])
@pytest.mark.parametrize("count", [1, 3, 25])
def test_a_queue_gives_what_the_whole_video_gives(kind, fps, count):
    keypoints = project(random_poses(count))
    keypoints[count // 2, :, 2] = 0.0
    whole = lifter(kind).lift(keypoints, SIZE, fps=fps)
    queue = LiftQueue(lifter(kind), SIZE, fps=fps)
    came = [pair for i, points in enumerate(keypoints) for pair in queue.push(i, points)]
    came += queue.flush()
    assert [i for i, _ in came] == list(range(count))
    np.testing.assert_allclose(np.stack([pose for _, pose in came]), whole, atol=1e-5)


def test_a_queue_holds_back_no_more_than_it_must():
    queue = LiftQueue(lifter("temporal"), SIZE)
    held = [len(list(queue.push(i, project(random_poses(1))[0]))) for i in range(30)]
    assert held == [0] * 4 + [1] * 26


def test_a_mirrored_picture_gives_the_mirrored_pose():
    keypoints = project(random_poses(4))
    flip = COCO17.flip_index
    mirrored = keypoints[:, flip] * [-1, 1, 1] + [SIZE[0], 0, 0]
    straight = lifter().lift(keypoints, SIZE, (300, 300, 150, 120))
    other = lifter().lift(mirrored, SIZE, (300, 300, SIZE[0] - 150, 120))
    np.testing.assert_allclose(other, straight[:, flip] * [-1, 1, 1], atol=1e-5)


def test_a_lifter_is_the_same_from_its_file_in_16_bits_too(tmp_path):
    settings = LiftNetworkSettings(width=16, blocks=1)
    network = build_lifter(settings, COCO17)
    save_lifter(tmp_path / "a.safetensors", network, settings, network.state_dict())
    size = halve(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    assert size < 0.7 * (tmp_path / "a.safetensors").stat().st_size
    keypoints = project(random_poses(3))
    first, second = (Lifter.open(tmp_path / f"{n}.safetensors").lift(keypoints, SIZE) for n in "ab")
    np.testing.assert_array_equal(first, Lifter(network, "x").lift(keypoints, SIZE))
    np.testing.assert_allclose(first, second, atol=2e-3)


@pytest.mark.parametrize("kind", ["residual", "refined"])
def test_many_at_once_is_the_same_as_one_by_one(kind):
    keypoints = project(random_poses(9))
    sizes = np.array([SIZE] * 4 + [(640, 480)] * 5)
    cameras = np.array([[300, 300, 160, 120.0]] * 4 + [[np.nan] * 4] * 5)
    own = lifter(kind)
    together = own.lift(keypoints, sizes, cameras, clip=[2] * 4 + [7] * 5)
    first = own.lift(keypoints[:4], SIZE, (300, 300, 160, 120))
    second = own.lift(keypoints[4:], (640, 480))
    np.testing.assert_allclose(together, np.concatenate([first, second]), atol=1e-5)
    some = own.lift(keypoints, sizes, cameras, clip=[2] * 4 + [7] * 5, rows=[8, 1])
    np.testing.assert_allclose(some, together[[8, 1]], atol=1e-5)


def test_a_lifter_over_time_knows_the_one_of_frames_that_it_refines():
    own = lifter("refined")
    keypoints = project(random_poses(3))
    still = own.of_frames
    assert (own.delay, still.delay) == (4, 0)
    np.testing.assert_array_equal(still.lift(keypoints, SIZE), lifter("residual").lift(keypoints, SIZE))
    assert still.of_frames is still


def test_a_checkpoint_of_videopose3d_lifts(tmp_path):
    """Its authors' training keeps a random generator beside the weights; poses are COCO's to Human3.6M's."""
    torch.manual_seed(0)
    core = TemporalLifter(34, 51, frames=9, width=16)
    content = {"epoch": 80, "lr": np.float64(1e-3), "random_state": np.random.RandomState(1234)}
    torch.save({**content, "optimizer": {}, "model_pos": core.state_dict()}, tmp_path / "vp3d.bin")
    own = Lifter.open(tmp_path / "vp3d.bin")
    assert (own.schema, own.output_schema, own.delay) == (COCO17, H36M17, 4)
    keypoints = project(random_poses(1))
    points = torch.tensor(keypoints[0, :, :2]).float() / 320 * 2 - torch.tensor([1, 240 / 320])
    mirrored = points[list(COCO17.flip_index)] * torch.tensor([-1, 1])
    with torch.no_grad():
        straight, other = (
            core.eval()(p.reshape(1, 1, 34).repeat(1, 9, 1)).reshape(17, 3) for p in (points, mirrored)
        )
    wanted = 0.5 * (straight + other[list(H36M17.flip_index)] * torch.tensor([-1, 1, 1]))
    np.testing.assert_allclose(own.lift(keypoints, (320, 240))[0], wanted.numpy(), atol=1e-5)


def test_wrong_input_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"expected cameras \(4,\) or \(2, 4\), got \(3, 4\)"):
        lifter().lift(np.zeros((2, 17, 3)), SIZE, np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"expected \(2,\) numbers of movements, got \(1,\)"):
        lifter().lift(np.zeros((2, 17, 3)), SIZE, clip=[0])
    with pytest.raises(ValueError, match=r"expected \(T, 17, 3\) keypoints of coco17, got \(2, 16, 3\)"):
        lifter().lift(np.zeros((2, 16, 3)), SIZE)
    with pytest.raises(FileNotFoundError, match=r"lifter .*nowhere not found"):
        Lifter.open(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no lifter"):
        Lifter.open(tmp_path / "empty")
    (tmp_path / "x.safetensors").write_bytes(b"no")
    with pytest.raises(ValueError, match="is not a safetensors file"):
        open_lifter_weights(tmp_path / "x.safetensors")
    torch.save({"model_pos": {"a": torch.zeros(2)}}, tmp_path / "x.bin")
    with pytest.raises(ValueError, match="neither a lifter of syrip nor VideoPose3D's"):
        Lifter.open(tmp_path / "x.bin")


def test_weights_of_a_2d_network_are_no_lifter(tmp_path):
    from fidip.checkpoint import save_weights

    save_weights(tmp_path / "best.safetensors", {"a": torch.zeros(1)}, {"name": "movenet"})
    with pytest.raises(ValueError, match="is not a lifter: give the run folder"):
        Lifter.open(tmp_path)


def test_the_shipped_lifter_over_time_is_small_and_steadies_noisy_movements():
    assert shipped_lifter(over_time=True).stat().st_size < 6e6
    own = Lifter.open(None, over_time=True)
    assert own.network.frames == 27
    poses = np.repeat(random_poses(1, spread=0.0), 40, 0)
    poses[:, 9, 1] -= 0.002 * np.arange(40)  # a wrist that rises
    keypoints = project(poses)
    exact = own.lift(keypoints, SIZE, (300, 300, 160, 120))
    keypoints[..., :2] += np.random.default_rng(0).normal(0, 1.5, keypoints[..., :2].shape)
    noisy = own.lift(keypoints, SIZE, (300, 300, 160, 120))
    still = own.of_frames.lift(keypoints, SIZE, (300, 300, 160, 120))

    def jitter(points):
        return np.linalg.norm(np.diff(points, 2, axis=0), axis=-1).mean()

    assert jitter(noisy) < 0.4 * jitter(still)
    assert np.linalg.norm(noisy - exact, axis=-1).mean() < np.linalg.norm(still - exact, axis=-1).mean()
    assert exact[-1, 9, 1] - exact[0, 9, 1] < -0.05


def test_the_shipped_lifter_is_small_and_lifts_fitted_poses(few_fits):
    assert shipped_lifter().stat().st_size < 5e6
    with np.load(few_fits) as bank:
        keep = bank["accepted"]
        poses, focals, sizes = (bank[n][keep] for n in ("keypoints_3d_m", "focal_px", "image_size"))
    errors = []
    for pose, focal, (width, height) in zip(poses, focals, sizes.tolist(), strict=True):
        seen = pose[:, :2] / pose[:, 2:] * focal + np.array([width / 2, height / 2])
        keypoints = np.concatenate([seen, np.ones((17, 1))], 1)[None]
        camera = (focal, focal, width / 2, height / 2)
        lifted = Lifter.open(None).lift(keypoints, (width, height), camera)
        truth = pose[None] - pose[None, [11, 12]].mean(1, keepdims=True)
        errors.append(1000 * ajpe(joint_distances(lifted, truth)))
    assert np.mean(errors) < 45
