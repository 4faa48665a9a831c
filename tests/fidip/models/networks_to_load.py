"""Small networks that the tests of weights load into and from."""

from collections import OrderedDict

import torch

from fidip.models.catalog import build_network
from fidip.models.interface import PoseNetwork

SMALL = (64, 64)


def resnet(depth=18, seed=0, **options):
    torch.manual_seed(seed)
    return build_network(f"pose_resnet{depth}", input_size=SMALL, **options)


class Tiny(PoseNetwork):
    """Three layers under a Pose-ResNet's names: how files are read does not depend on the network."""

    imagenet_parts = ("conv1", "bn1")
    freeze_groups = ("conv1", "bn1", "final_layer")

    def __init__(self):
        super().__init__()
        with torch.device("meta"):
            self.spec = build_network("pose_resnet18", input_size=SMALL).spec
        self.conv1, self.bn1 = torch.nn.Conv2d(3, 16, 7, bias=False), torch.nn.BatchNorm2d(16)
        self.final_layer = torch.nn.Conv2d(16, 17, 1)


def tiny(seed=0):
    torch.manual_seed(seed)
    return Tiny()


def state_of(network):
    return OrderedDict((name, value.clone()) for name, value in network.state_dict().items())


def same(network, other):
    """Whether two networks hold the same tensors."""
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in network.state_dict().items())


def wrapped(state):
    return OrderedDict((f"module.{name}", value) for name, value in state.items())


def small_file(tensors):
    """Tensors of the same names and shapes that need little room in a file: one stored zero each."""
    return {name: torch.zeros(()).expand(value.shape) for name, value in tensors.items()}
