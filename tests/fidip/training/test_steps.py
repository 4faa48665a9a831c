"""Steps: who learns what, by mechanism."""

import pytest
import torch
from torch import nn

from fidip.config import DomainSettings, Recipe, TargetSettings
from fidip.data.dataset import CropBatch
from fidip.training.preparation import RunData
from fidip.training.processes import open_fabric
from fidip.training.state import make_state
from fidip.training.steps import classifier_step, network_step
from tests.fidip.tiny_training import TinyPose

MECHANISMS = ("reversal", "per_batch", "per_epoch")


def make_batch(is_synthetic=(0.0, 1.0, 0.0, 1.0)):
    torch.manual_seed(1)
    n = len(is_synthetic)
    return CropBatch(
        images=torch.randint(0, 256, (n, 3, 32, 32), dtype=torch.uint8),
        points=torch.rand(n, 17, 2) * 32,
        labelled=torch.ones(n, 17),
        is_synthetic=torch.tensor(is_synthetic),
        matrices=torch.zeros(n, 2, 3),
        indices=torch.arange(n),
    )


def state_with(mechanism, lambda_domain=0.3, **domain):
    torch.manual_seed(0)
    settings = DomainSettings(mechanism=mechanism, lambda_domain=lambda_domain, **domain)
    recipe = Recipe(domain=settings, targets=TargetSettings(sigma=1))
    data = RunData((), (), (), (), None)
    return make_state(recipe, open_fabric("cpu", "32"), TinyPose(), data, is_control=False)


def gradients(module: nn.Module) -> list[torch.Tensor]:
    return [p.grad.clone() for p in module.parameters() if p.grad is not None]


def freeze_steps(state):
    """Let gradients be computed but nothing move."""
    for optimizer in (state.optimizer, state.domain_optimizer):
        if optimizer is not None:
            for group in optimizer.param_groups:
                group["lr"] = 0.0
    return state


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_all_mechanisms_give_the_network_the_same_gradient(mechanism):
    """Of L_P - lambda L_D, if the classifier stands still."""
    results = {}
    for name in (mechanism, "per_epoch"):
        state = freeze_steps(state_with(name))
        network_step(state, make_batch())
        results[name] = gradients(state.network)
    for a, b in zip(*(results[name] for name in (mechanism, "per_epoch")), strict=True):
        torch.testing.assert_close(a, b)


def test_the_push_is_lambda_times_the_classifiers_gradient():
    plain, pushed, doubled = (
        freeze_steps(state_with("reversal", lambda_domain)) for lambda_domain in (0.0, 0.3, 0.6)
    )
    for state in (plain, pushed, doubled):
        network_step(state, make_batch())
    a, b, c = (gradients(s.network)[0] for s in (plain, pushed, doubled))
    assert (b - a).abs().max() > 0
    torch.testing.assert_close(c - a, 2 * (b - a), rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_beaten_classifier_is_left_alone_if_asked(mechanism):
    results = []
    for rests in (False, True):
        state = freeze_steps(state_with(mechanism, rest_at_chance=rests))
        nn.init.constant_(state.classifier.layer[-1].bias, 30.0)  # sure that all is synthetic
        network_step(state, make_batch())
        results.append(gradients(state.network)[0])
    plain = freeze_steps(state_with("none"))
    network_step(plain, make_batch())
    torch.testing.assert_close(results[1], gradients(plain.network)[0])
    assert not torch.allclose(results[0], results[1])


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_classifier_learns_in_the_steps_that_are_its(mechanism):
    state = state_with(mechanism)
    before = [p.detach().clone() for p in state.classifier.parameters()]
    numbers = network_step(state, make_batch())
    moved = any(not torch.equal(a, b) for a, b in zip(before, state.classifier.parameters(), strict=True))
    assert moved == (mechanism != "per_epoch")
    assert 0 <= numbers["domain_accuracy"] <= 1
    assert all(p.requires_grad for p in state.classifier.parameters())


def test_stage_one_moves_the_classifier_only():
    state = state_with("per_epoch")
    network = {k: v.clone() for k, v in state.network.state_dict().items()}
    before = [p.detach().clone() for p in state.classifier.parameters()]
    classifier_step(state, make_batch())
    assert all(torch.equal(v, network[k]) for k, v in state.network.state_dict().items())
    assert any(not torch.equal(a, b) for a, b in zip(before, state.classifier.parameters(), strict=True))


def test_weights_of_domains_count():
    state = freeze_steps(state_with("none"))
    state.domain_weights = (0.0, 2.0)
    loss = network_step(state, make_batch())["loss_pose"]
    state.domain_weights = (1.0, 1.0)
    batch = make_batch()
    synthetic = CropBatch(*(part[1::2] for part in batch))
    torch.testing.assert_close(loss, network_step(state, synthetic)["loss_pose"])


def test_gradients_are_cut_to_their_norm():
    state = state_with("none")
    clipped = state.recipe.optimizer.model_copy(update={"clip_norm": 1e-3})
    state.recipe = state.recipe.model_copy(update={"optimizer": clipped})
    network_step(freeze_steps(state), make_batch())
    norm = torch.stack([g.square().sum() for g in gradients(state.network)]).sum().sqrt()
    assert norm.item() == pytest.approx(1e-3, rel=1e-3)
