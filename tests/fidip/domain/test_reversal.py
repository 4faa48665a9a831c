"""The gradient reversal layer."""

import torch

from fidip.domain.reversal import reverse_gradient


def test_values_pass_unchanged():
    x = torch.randn(3, 4)
    assert torch.equal(reverse_gradient(x, 0.3), x)


def test_gradient_is_turned_round_and_scaled():
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    (reverse_gradient(x, 0.3) ** 2).sum().backward()
    torch.testing.assert_close(x.grad, -0.3 * 2 * x.detach())


def test_strength_may_be_set_before_the_way_back():
    x, strength = torch.randn(3, requires_grad=True), torch.zeros(())
    y = reverse_gradient(x, strength).sum()
    strength.fill_(0.5)
    y.backward()
    torch.testing.assert_close(x.grad, torch.full((3,), -0.5))


def test_one_pass_equals_two_opposed_ones():
    """Network gradient = that of -lambda L_D, classifier gradient = that of L_D."""
    torch.manual_seed(0)
    network, classifier = torch.nn.Linear(5, 3), torch.nn.Linear(3, 1)
    x = torch.randn(7, 5)
    classifier(reverse_gradient(network(x), 0.2)).square().mean().backward()
    ours = network.weight.grad.clone(), classifier.weight.grad.clone()
    network.zero_grad()
    classifier.zero_grad()
    classifier(network(x)).square().mean().backward()
    torch.testing.assert_close(ours[0], -0.2 * network.weight.grad)
    torch.testing.assert_close(ours[1], classifier.weight.grad)
