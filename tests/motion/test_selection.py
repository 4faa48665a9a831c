"""Frames to photograph."""

import numpy as np
import pytest

from syrip_gen.motion.selection import select_frames
from syrip_gen.motion.sequence import BodySequence


def moving(angles, orient=None):
    """Return a motion that bends the left knee (joint 4) by these angles."""
    count = len(angles)
    pose = np.zeros((count, 23, 3))
    pose[:, 3, 0] = angles
    orient = np.zeros((count, 3)) if orient is None else orient
    return BodySequence(np.zeros(20), orient, pose, np.zeros((count, 3)), 30.0, "clip")


def test_every_kth_frame():
    assert select_frames(moving(np.zeros(11)), "every=5").tolist() == [0, 5, 10]


def test_all_frames():
    assert select_frames(moving(np.zeros(3)), " ALL ").tolist() == [0, 1, 2]


def test_the_most_different_are_the_extremes_and_the_mean():
    angles = np.array([0.0, 0.01, 0.5, 0.51, 1.0, 0.99])
    assert select_frames(moving(angles), "most=3").tolist() == [0, 2, 4]


def test_more_than_there_are_gives_all():
    assert select_frames(moving(np.zeros(3)), "most=50").tolist() == [0, 1, 2]


def test_equal_frames_are_chosen_once_each():
    assert select_frames(moving(np.zeros(4)), "most=3").tolist() == [0, 1, 2]


def test_lying_down_differs_but_facing_elsewhere_does_not():
    orient = np.zeros((3, 3))
    orient[1, 2], orient[2, 0] = 1.5, 1.5
    assert select_frames(moving(np.zeros(3), orient), "most=2").tolist() == [0, 2]


@pytest.mark.parametrize("rule", ["", "every", "every=0", "most=-1", "most=2.5", "each=3", "every=5;all"])
def test_bad_rules_are_named_with_those_that_exist(rule):
    with pytest.raises(ValueError, match=r"is not a rule; expected every=K .* most=N .* or all"):
        select_frames(moving(np.zeros(3)), rule)
