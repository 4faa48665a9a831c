import numpy as np
import pytest

from syrip_gen.fitting.kinematics import build_kinematics, forward
from syrip_gen.fitting.objective import mixture_energies, pose_prior
from syrip_gen.fitting.priors import for_posture, load_prior, mixture_from_gaussians
from syrip_gen.safe_pickle import UnsafePickleError
from tests.fake_pickles import dump, fake_classes, instance


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    roots = 0.3 * np.eye(69) + 0.02 * rng.standard_normal((8, 69, 69))
    return {
        "means": 0.2 * rng.standard_normal((8, 69)),
        "covars": roots @ roots.transpose(0, 2, 1),
        "weights": np.full(8, 1 / 8),
    }


def test_shipped_prior_is_an_infants(prior, infant) -> None:
    assert len(prior.means) >= 8
    np.testing.assert_allclose(np.linalg.norm(prior.gravity, axis=1), 1.0, atol=1e-5)
    flexion = prior.means[:, [0, 3]].mean()
    assert flexion < -0.5, "infants' hips are flexed: rotation about -x"
    assert prior.means[:, [9, 12]].mean() > 0.5, "and their knees: rotation about +x"
    kin = build_kinematics(infant)
    lying = [m for m in range(len(prior.means)) if prior.postures[m, 0] > 0.9]
    for m in lying:
        points = forward(kin, np.zeros(20), np.eye(3), prior.means[m], np.zeros(3))[0]
        assert points[[13, 14], 2].mean() > points[[11, 12], 2].mean(), (
            "on the back, knees are above the hips"
        )


def test_smplifys_pickle(tmp_path, arrays) -> None:
    path = tmp_path / "gmm_08.pkl"
    path.write_bytes(dump(arrays, protocol=0))
    mixture, pose = load_prior(path), np.random.default_rng(1).standard_normal(69)
    # FACTS B.5: min_m [ (x - mu)' inv(cov) (x - mu) / 2 - log(w / ((2 pi)^(69/2) sqrtdet / min sqrtdet)) ]
    roots = np.sqrt(np.linalg.det(arrays["covars"]))
    nll = -np.log(arrays["weights"] / ((2 * np.pi) ** 34.5 * roots / roots.min()))
    offset = pose - arrays["means"]
    smplify = np.min(0.5 * np.einsum("mi,mij,mj->m", offset, np.linalg.inv(arrays["covars"]), offset) + nll)
    ours = pose_prior(mixture_energies(pose, mixture), True)
    assert ours + 34.5 * np.log(2 * np.pi) - np.log(roots.min()) == pytest.approx(smplify, rel=1e-9)


@pytest.mark.parametrize("wrapped", [False, True])
def test_smils_pickle(tmp_path, wrapped: bool) -> None:
    rng = np.random.default_rng(0)
    factor = np.tril(0.3 * rng.standard_normal((69, 69)), -1) + np.diag(rng.uniform(2, 50, 69))
    mean, path = 0.1 * rng.standard_normal(69), tmp_path / "smil_pose_prior.pkl"
    with fake_classes() as classes:
        prec = instance(classes.Ch, x=factor) if wrapped else factor
        path.write_bytes(dump(instance(classes.Mahalanobis, mean=mean, prec=prec, prefix=3), protocol=2))
    mixture, pose = load_prior(path), rng.standard_normal(69)
    # FACTS B.6: the residual is (pose - mean) . prec, so the energy's change is half its squared norm.
    change = mixture_energies(pose, mixture)[0] - mixture_energies(mean, mixture)[0]
    assert change == pytest.approx(0.5 * np.sum(((pose - mean) @ factor) ** 2), rel=1e-6)


def test_hostile_pickle_is_refused(tmp_path) -> None:
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "owned").encode() + b"'\ntR.")
    with pytest.raises(UnsafePickleError):
        load_prior(path)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"garbage"])
def test_broken_pickles_are_refused(tmp_path, content: bytes) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        load_prior(path)


def test_pickles_of_other_things_are_refused(tmp_path) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(dump({"means": [1]}, protocol=2))
    with pytest.raises(ValueError, match="not a pose prior"):
        load_prior(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"garbage"])
def test_broken_archives_are_refused(tmp_path, content: bytes) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a pose prior"):
        load_prior(path)


def test_missing_prior() -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.npz.*infant"):
        load_prior("nowhere.npz")


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("means", np.zeros((8, 63)), r"means has shape \(8, 63\), expected \(8, 69\)"),
        ("covars", np.zeros((8, 69, 69)), "not positive definite"),
        ("weights", np.zeros(8), "weights must be positive"),
        ("means", np.full((8, 69), np.nan), "not finite"),
        ("weights", np.zeros(0), "M > 0"),
    ],
)
def test_unsound_mixtures_are_refused(arrays, name: str, value, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mixture_from_gaussians(**(arrays | {name: value}))


def test_posture_labels_move_the_weights(prior) -> None:
    sitting = for_posture(prior, "Sitting")
    change = sitting.log_weights - prior.log_weights
    assert change[prior.postures[:, 3] > 0.9].min() > change[prior.postures[:, 0] > 0.9].max() + 1
    assert for_posture(prior, "") is prior
    assert for_posture(prior, "flying") is prior


def test_priors_without_postures_ignore_labels(arrays) -> None:
    mixture = mixture_from_gaussians(**arrays)
    assert for_posture(mixture, "Sitting") is mixture
