import dataclasses

import numpy as np
import pytest

from syrip_gen.sampling.appearance.anatomy import FIELDS, face_coordinates, garment_fields, measure


def test_eyeballs_are_found_on_their_sides(infant):
    anatomy = measure(infant)
    assert set(anatomy.eyeballs[0]) == set(infant.regions["eyeball_left"])
    assert set(anatomy.eyeballs[1]) == set(infant.regions["eyeball_right"])
    assert 0.008 < anatomy.eye_radius < 0.02


def test_mouth_lies_below_the_eyes_in_the_middle(infant):
    anatomy = measure(infant)
    x, y, _ = face_coordinates(anatomy.mouth, anatomy)
    assert abs(x) < 0.05
    assert -1.3 < y < -0.6


def test_landmarks_without_regions_stay_close(infant):
    full, bare = measure(infant), measure(dataclasses.replace(infant, regions={}))
    assert np.linalg.norm(full.mouth - bare.mouth) < 0.2 * full.eye_gap
    assert np.linalg.norm(full.eyes - bare.eyes) == 0  # found in the mesh, not in the regions


def test_limits_along_the_limbs(infant):
    anatomy = measure(infant)
    fields = dict(zip(FIELDS, garment_fields(anatomy.joints, np.eye(24), anatomy).T, strict=True))
    assert fields["arm"][20] == pytest.approx(anatomy.arm_length, abs=1e-6)
    assert fields["arm"][16] == pytest.approx(0, abs=1e-6)
    assert fields["leg"][8] == pytest.approx(anatomy.leg_length, abs=1e-6)
    assert fields["arm"][3] < 0  # the spine is no arm
    assert fields["leg"][12] < 0
    assert fields["body"][15] < 0 < fields["body"][9]
