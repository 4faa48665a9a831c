import dataclasses

import numpy as np
import pytest

from syrip_gen.annotation.labels import annotate
from syrip_gen.annotation.surface import BodySurface
from syrip_gen.body import load_body
from syrip_gen.body.posing import pose_body
from syrip_gen.keypoints.catalog import SMPL24
from syrip_gen.quality.checks import REASONS, CheckLimits, SampleChecker
from syrip_gen.sampling.scene import BodySpec
from tests.toy_body import toy_inputs, toy_spec

HALF_TURN = np.array([np.pi, 0, 0])


@pytest.fixture(scope="module")
def body():
    return load_body("infant")


@pytest.fixture(scope="module")
def surface(body):
    return BodySurface.from_body(body)


@pytest.fixture(scope="module")
def checker(body):
    return SampleChecker(body)


def scene(body, surface, *, transl=(0.0, 0.1, 1.6), pose=None, **changes):
    """Labels, inputs and joints of a body that faces the camera."""
    pose = np.zeros((23, 3)) if pose is None else pose
    posed = pose_body(body, None, HALF_TURN, pose, np.array(transl))
    inputs = dataclasses.replace(toy_inputs(posed.vertices, body.faces), **changes)
    keypoints = body.keypoint_regressor @ posed.vertices.astype(np.float64)
    spec = BodySpec((0.0,), tuple(HALF_TURN), tuple(pose.ravel()), tuple(transl))
    return annotate(toy_spec(), inputs, keypoints, spec, surface), inputs, posed.joints


def test_a_plain_scene_is_good(body, surface, checker):
    assert checker.check(*scene(body, surface)) is None


def test_support_just_below_the_body_is_good(body, surface, checker):
    lowest = scene(body, surface)[1].vertices[:, 2].max()
    plane = (0.0, 0.0, -1.0, float(lowest) - 0.01)
    assert checker.check(*scene(body, surface, support_plane=plane)) is None


CROSSED = np.zeros((23, 3))
CROSSED[SMPL24.index("left_shoulder") - 1] = (0, 0, -1.35)
CROSSED[SMPL24.index("left_elbow") - 1] = (0, 0, -2.0)


@pytest.mark.parametrize(
    "options, reason",
    [
        ({"transl": (0.0, 0.0, 0.15)}, "body touches the camera"),
        ({"transl": (0.0, 0.0, 30.0)}, "body is too small in the picture"),
        ({"transl": (0.0, 0.0, 0.9), "fx": 9000.0, "fy": 9000.0}, "body fills the whole picture"),
        ({"transl": (0.55, 0.1, 1.6)}, "body is mostly outside the picture"),
        ({"pose": CROSSED}, "body parts run through each other"),
        ({"support_plane": (0.0, 0.0, -1.0, 1.5)}, "body sinks into its support"),
    ],
)
def test_bad_scenes_say_why(body, surface, checker, options, reason):
    assert checker.check(*scene(body, surface, **options)) == reason
    assert reason in REASONS


def test_geometry_that_is_not_finite_is_rejected(body, surface, checker):
    labels, inputs, joints = scene(body, surface)
    broken = inputs.vertices.copy()
    broken[0] = np.nan
    assert checker.check(labels, dataclasses.replace(inputs, vertices=broken), joints) == REASONS[0]


@pytest.mark.parametrize(
    "limits, reason",
    [
        (CheckLimits(min_keypoints=18), "too few keypoints in the picture"),
        (CheckLimits(min_visible=18), "too few visible keypoints"),
    ],
)
def test_limits_are_obeyed(body, surface, limits, reason):
    assert SampleChecker(body, limits).check(*scene(body, surface)) == reason
