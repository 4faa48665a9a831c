"""The networks: published names, the norm limit, windows."""

import pytest
import torch

from fidip.lifting.begin import begin_from
from fidip.lifting.config import LiftNetworkSettings
from fidip.lifting.lift import Lifter
from fidip.lifting.martinez import ResidualLifter, limit_norms
from fidip.lifting.network import build_lifter
from fidip.lifting.temporal import TemporalLifter
from syrip_gen.keypoints.catalog import COCO17, MPII16
from tests.fidip.lifting.skeletons import project, random_poses

THESIS = LiftNetworkSettings(inputs="pixels", width=24, blocks=2, dropout=0.5, output_m=0.001)


def thesis_tensors(width=24, ends=(32, 48)):
    """Return tensors with the names and shapes of Ellershaw's lifter, as FACTS list them."""
    shapes = {"w1.weight": (width, ends[0]), "w1.bias": (width,)}
    norms = ["batch_norm1"]
    for stage in (0, 1):
        for layer in ("w1", "w2"):
            shapes[f"linear_stages.{stage}.{layer}.weight"] = (width, width)
            shapes[f"linear_stages.{stage}.{layer}.bias"] = (width,)
        norms += [f"linear_stages.{stage}.batch_norm{n}" for n in (1, 2)]
    for norm in norms:
        shapes |= {f"{norm}.{n}": (width,) for n in ("weight", "bias", "running_mean", "running_var")}
        shapes[f"{norm}.num_batches_tracked"] = ()
    shapes |= {"w2.weight": (ends[1], width), "w2.bias": (ends[1],)}
    return {
        name: torch.zeros(shape, dtype=torch.long) if not shape else torch.rand(shape)
        for name, shape in shapes.items()
    }


def test_a_checkpoint_of_the_thesis_loads(tmp_path):
    tensors = thesis_tensors()
    path = tmp_path / "model.tar"
    torch.save({"epoch": 7, "model_state_dict": tensors, "optimizer_state_dict": {}, "loss": 1.0}, path)
    network = build_lifter(THESIS, MPII16)
    begin_from(network, str(path))
    assert torch.equal(network.core.linear_stages[1].w2.weight, tensors["linear_stages.1.w2.weight"])
    assert set(network.core.state_dict()) == set(tensors)


def test_a_checkpoint_for_other_keypoints_is_refused(tmp_path):
    path = tmp_path / "model.tar"
    torch.save({"model_state_dict": thesis_tensors()}, path)
    with pytest.raises(ValueError, match=r"does not fit the network: .*w1\.weight"):
        begin_from(build_lifter(THESIS, COCO17), str(path))


def test_a_file_with_objects_is_refused_unread(tmp_path):
    path = tmp_path / "model.bin"
    torch.save({"model_pos": print}, path)
    with pytest.raises(ValueError, match="is refused: it holds more than tensors and numbers"):
        begin_from(build_lifter(THESIS, COCO17), str(path))


@pytest.mark.parametrize("change", [{"width": 10**7}, {"blocks": 10**7}, {"frames": 3**30}])
def test_networks_larger_than_any_are_not_even_built(change):
    with pytest.raises(ValueError, match="less than or equal to"):
        LiftNetworkSettings.model_validate(change)


def test_norms_stay_within_their_limit():
    network = ResidualLifter(8, 6, width=16)
    optimizer = torch.optim.SGD(network.parameters(), lr=10.0)
    for _ in range(3):
        network(torch.randn(4, 8)).square().sum().backward()
        optimizer.step()
        limit_norms(network, 1.0)
    norms = [m.weight.norm().item() for m in network.modules() if isinstance(m, torch.nn.Linear)]
    assert len(norms) == 6
    assert max(norms) <= 1 + 1e-6
    small = torch.nn.Linear(2, 2)
    small.weight.data.fill_(0.1)
    limit_norms(small, 1.0)
    assert torch.all(small.weight == 0.1)


@pytest.mark.parametrize("frames", [9, 27])
def test_one_window_gives_what_the_whole_movement_gives(frames):
    torch.manual_seed(0)
    network = TemporalLifter(10, 6, frames=frames, width=16).eval()
    features = torch.randn(2, frames + 5, 10)
    whole = network(features)
    assert whole.shape == (2, 6, 6)
    torch.testing.assert_close(network(features[:, 3 : 3 + frames])[:, 0], whole[:, 3])


def test_a_window_that_is_no_power_of_three_is_refused():
    with pytest.raises(ValueError, match="9, 27, 81 or 243, got 28"):
        TemporalLifter(10, 6, frames=28)


def test_weights_named_as_videopose3ds_lift_coco_to_h36m(tmp_path):
    core = TemporalLifter(34, 51, frames=27, width=8)
    path = tmp_path / "pretrained.bin"
    torch.save({"epoch": 1, "lr": 0.1, "model_pos": core.state_dict()}, path)
    lifter = Lifter.open(path)
    assert (lifter.network.frames, lifter.output_schema.name) == (27, "h36m17")
    names = {"expand_conv.weight", "layers_conv.3.weight", "layers_bn.0.running_mean", "shrink.bias"}
    assert names <= set(core.state_dict())
    assert lifter.lift(project(random_poses(5)), (320, 240)).shape == (5, 17, 3)


def test_rays_put_joints_where_they_were_seen():
    """Without a correction the pose of the network projects to its input."""
    network = build_lifter(LiftNetworkSettings(width=16, blocks=0, output="rays"), COCO17).eval()
    with torch.no_grad():
        network.core.w2.weight.zero_()
        depth = network.core.w2.bias[1:].view(17, 3)[:, 2]
        depth.copy_(torch.linspace(-0.3, 0.3, 17))
        depth[[11, 12]] = 0
    truth = random_poses(1)
    lifted = Lifter(network, "x").network(_keypoints(project(truth)))[0].detach().numpy()
    hips = project(truth)[0, [11, 12], :2].mean(0)
    ray = [*(hips - [160, 120]) / 300, 1.0]
    scale = _best_distance(lifted, ray, project(truth)[0, :, :2])
    assert scale < 0.6  # px


def _keypoints(points):
    from fidip.lifting.views import Keypoints2D

    points = torch.tensor(points, dtype=torch.float32)[:, None]
    camera = torch.tensor([[300.0, 300.0, 160.0, 120.0]])
    return Keypoints2D(points[..., :2], points[..., 2], camera, torch.tensor([[320.0, 240.0]]))


def _best_distance(pose, ray, pixels):
    """Return the mean distance (px) of a pose's projection at the distance that suits it best."""
    errors = []
    for depth in [0.3 + 0.002 * i for i in range(1500)]:
        placed = pose + [depth * v for v in ray]
        seen = placed[:, :2] / placed[:, 2:] * 300 + [160, 120]
        errors.append(abs(seen - pixels).mean())
    return min(errors)
