import numpy as np
import pytest

from syrip_gen.sampling.appearance.fabric import fabric_names, fabric_tile
from syrip_gen.sampling.appearance.patterns import PATTERNS, pattern_masks

COLORS = np.array([[0.9, 0.9, 0.9], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])


@pytest.mark.parametrize("name", fabric_names())
def test_every_fabric_makes_a_tile(name):
    tile = fabric_tile(name, COLORS, 0.06, 0.001, 0.5)
    assert tile.dtype == np.uint8
    assert tile.shape[1] == 60
    assert name == "plain" or tile.reshape(-1, 3).std(axis=0).max() > 0.5


@pytest.mark.parametrize("name", PATTERNS[1:])
def test_patterns_repeat_without_a_seam(name):
    masks = pattern_masks(name)
    inner = np.abs(np.diff(masks, axis=0)).mean()
    wrap = np.abs(masks[0] - masks[-1]).mean()
    assert wrap < 4 * inner + 0.25  # no edge that the pattern itself does not have
    assert masks.sum(axis=-1).max() <= 1.0001


def test_dyeing_moves_a_swatch_to_the_ground_colour():
    name = fabric_names()[-1]
    dyed = fabric_tile(name, COLORS[[1, 1, 1]], 0.06, 0.001, 1.0).reshape(-1, 3).mean(axis=0)
    assert dyed[0] > 2 * dyed[1]


def test_unknown_fabric_names_the_known_ones():
    with pytest.raises((ValueError, FileNotFoundError), match="chiffon"):
        fabric_tile("chiffon", COLORS, 0.06, 0.001, 0.0)
