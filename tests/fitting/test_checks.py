import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from syrip_gen.fitting import fit_poses
from syrip_gen.fitting.checks import DEFAULT_LIMITS, reason_for
from syrip_gen.fitting.energy import pack, posed_keypoints
from syrip_gen.fitting.postures import POSTURE_LABELS
from syrip_gen.fitting.priors import for_posture
from syrip_gen.keypoints.readers import read_poses

UPRIGHT, ON_THE_HEAD = [np.pi, 0.0, 0.0], [0.0, 0.0, 0.0]
"""Body to camera: facing a level camera, and head down with the back to it."""


def _reason(fitter, posture: str, orient: list[float], label: str = "") -> str:
    mode = int(np.argmax(fitter.prior.postures[:, POSTURE_LABELS.index(posture)]))
    pose, root = fitter.prior.means[mode], Rotation.from_rotvec(orient).as_matrix()
    x = pack(np.zeros(20), root, pose, np.array([0.0, 0.0, 1.5]), 0.0)
    _, joints, rotations, _ = posed_keypoints(fitter.kinematics, x)
    prior = for_posture(fitter.prior, label)
    return reason_for(np.zeros(17), x, joints, rotations, fitter.spheres, prior, DEFAULT_LIMITS)


def test_upright_infants_are_accepted(fitter) -> None:
    assert _reason(fitter, "Standing", UPRIGHT) == ""
    assert _reason(fitter, "Sitting", UPRIGHT) == ""


@pytest.mark.parametrize("posture", ["Standing", "Sitting"])
def test_upright_infants_on_their_heads_are_upside_down(fitter, posture: str) -> None:
    assert _reason(fitter, posture, ON_THE_HEAD, label=posture) == "upside down"


def test_prone_infants_seen_through_the_floor_are_upside_down(fitter) -> None:
    from_above, from_below = [0.0, 0.0, np.pi], UPRIGHT
    assert _reason(fitter, "Prone", from_above, label="Prone") == ""
    assert _reason(fitter, "Prone", from_below, label="Prone") == "upside down"


def test_supine_infants_with_stretched_legs_may_lie_any_way_round(fitter, infant, prior, shared_data) -> None:
    # Their poses are nearest to the standing Gaussians, whose gravity does not hold for them.
    poses = read_poses(shared_data / "infant_2d" / "minirgbd_1200.json")
    names = [f"pz102/{frame:05d}.png" for frame in (50, 320, 860)]
    bank = fit_poses(poses.select([poses.file_name.index(name) for name in names]), infant, prior)
    assert bank.reason.tolist() == ["", "", ""]


def test_distant_keypoints_reject(fitter) -> None:
    x = pack(np.zeros(20), np.eye(3), fitter.prior.means[0], np.array([0.0, 0.0, 1.5]), 0.0)
    _, joints, rotations, _ = posed_keypoints(fitter.kinematics, x)
    for index, distance, is_far in ((9, 0.12, True), (3, 0.12, False), (3, 0.25, True)):
        errors = np.zeros(17)
        errors[index] = distance
        found = reason_for(errors, x, joints, rotations, fitter.spheres, fitter.prior, DEFAULT_LIMITS)
        assert (found == "keypoint far off") == is_far
    everywhere = np.full(17, 0.04)
    found = reason_for(everywhere, x, joints, rotations, fitter.spheres, fitter.prior, DEFAULT_LIMITS)
    assert found == "poor reprojection"
