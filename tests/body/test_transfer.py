"""A mesh of the infant's own shape, without layout, must get the infant's layout back."""

import numpy as np
import pytest

from syrip_gen.body import load_body
from syrip_gen.body.transfer import SurfaceMap, transfer_face_keypoints, transfer_regions, transfer_uv
from syrip_gen.body.validation import CoreArrays

HIDDEN = ("mouth_interior", "tongue", "eye_socket_left", "eye_socket_right")
STRETCH = np.array([1.15, 1.3, 1.2])


@pytest.fixture(scope="module")
def stretched():
    """Give the infant stretched along each axis, its faces' corners turned."""
    infant = load_body("infant")
    core = CoreArrays(
        v_template=infant.v_template * STRETCH,
        shapedirs=infant.shapedirs,
        posedirs=None,
        J_regressor=infant.J_regressor,
        weights=infant.weights,
        parents=infant.parents,
        faces=np.roll(infant.faces, 1, axis=1),
    )
    return infant, SurfaceMap(infant, core)


def _visible(infant):
    hidden = np.concatenate([infant.regions[name] for name in HIDDEN])
    return ~np.isin(infant.faces, hidden).any(axis=1)


def test_layout_is_recovered(stretched):
    infant, surface = stretched
    uv, uv_faces = transfer_uv(surface, surface.core.faces)
    assert uv.min() >= 0
    assert uv.max() <= 1
    expected = np.roll(infant.uv[infant.uv_faces], 1, axis=1)
    visible = _visible(infant)
    error = np.linalg.norm(uv[uv_faces] - expected, axis=2).max(axis=1)[visible]
    assert np.median(error) < 0.002
    assert (error < 0.02).mean() > 0.98


def test_no_triangle_straddles_a_cut(stretched):
    infant, surface = stretched
    uv, uv_faces = transfer_uv(surface, surface.core.faces)
    sides = np.linalg.norm(uv[uv_faces] - np.roll(uv[uv_faces], 1, axis=1), axis=2).max(axis=1)
    longest = np.linalg.norm(
        infant.uv[infant.uv_faces] - np.roll(infant.uv[infant.uv_faces], 1, axis=1), axis=2
    ).max()
    assert sides.max() < 2 * longest


def test_regions_are_recovered(stretched):
    infant, surface = stretched
    regions = transfer_regions(surface)
    inside = {int(v) for name in HIDDEN for v in infant.regions[name]}
    for name in ("lips", "hand_left", "torso", "scalp", "upper_leg_right"):
        found, expected = set(regions[name]), set(infant.regions[name])
        assert len(found & expected) > 0.85 * len(expected), name
        assert len(found - expected - inside) < 0.25 * len(expected), name
    assert "tongue" not in regions


def test_face_keypoints_land_on_the_face(stretched):
    infant, surface = stretched
    regressor = transfer_face_keypoints(surface)
    np.testing.assert_allclose(np.asarray(regressor.sum(axis=1)).ravel(), 1.0)
    found = regressor @ surface.core.v_template
    expected = (infant.keypoint_regressor @ infant.v_template)[:5] * STRETCH
    assert np.linalg.norm(found - expected, axis=1).max() < 0.012
