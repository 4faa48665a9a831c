"""SMPL-format files for tests: written here, since no licensed body may be in the repository."""

import numpy as np
from scipy import sparse

from syrip_gen.body.kinematics import SMPL_PARENTS
from tests.fake_pickles import dump, fake_classes, instance

__all__ = ["kintree", "smil_like_pickle", "synthetic_smpl"]

_JOINTS = {
    0: (0, 0, 0), 1: (0.04, -0.02, 0), 3: (0, 0.05, 0), 4: (0.05, -0.14, 0), 6: (0, 0.1, 0), 7: (0.05, -0.26,
    0), 9: (0, 0.13, 0), 10: (0.05, -0.28, 0.05), 12: (0, 0.2, 0), 13: (0.03, 0.18, 0), 15: (0, 0.24, 0),
    16: (0.08, 0.18, 0), 18: (0.18, 0.18, 0), 20: (0.27, 0.18, 0), 22: (0.3, 0.18, 0),
}  # fmt: skip
_MIRROR = {1: 2, 4: 5, 7: 8, 10: 11, 13: 14, 16: 17, 18: 19, 20: 21, 22: 23}


def joints() -> np.ndarray:
    """Return (24, 3) T-pose joints of a 60 cm infant."""
    places = np.zeros((24, 3))
    for joint, place in _JOINTS.items():
        places[joint] = place
        if joint in _MIRROR:
            places[_MIRROR[joint]] = np.array(place) * [-1, 1, 1]
    return places


def kintree() -> np.ndarray:
    """Return SMPL's (2, 24) table as its files hold it: unsigned, the root's parent 2^32 - 1."""
    parents = SMPL_PARENTS.copy()
    parents[0] = 2**32 - 1
    return np.stack([parents, np.arange(24)]).astype(np.uint32)


def synthetic_smpl(
    num_vertices: int = 480, num_betas: int = 20, seed: int = 0, posedirs: bool = True
) -> dict:
    """Return the plain arrays of a 24-joint body: a small ball of vertices about each joint."""
    rng = np.random.default_rng(seed)
    centre = joints()
    owner = np.arange(num_vertices) % 24
    direction = rng.normal(size=(num_vertices, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    template = centre[owner] + 0.03 * direction
    weights = np.zeros((num_vertices, 24))
    weights[np.arange(num_vertices), owner] = 0.7
    weights[np.arange(num_vertices), np.maximum(SMPL_PARENTS[owner], 0)] += 0.3
    regressor = np.zeros((24, num_vertices))
    for joint in range(24):
        members = np.flatnonzero(owner == joint)
        regressor[joint, members] = rng.dirichlet(np.ones(len(members)))
    faces = rng.permuted(np.tile(np.arange(num_vertices), (2, 1)), axis=1)[:, : num_vertices // 3 * 3]
    return {
        "v_template": template,
        "shapedirs": 0.004 * rng.normal(size=(num_vertices, 3, num_betas)),
        "posedirs": 0.002 * rng.normal(size=(num_vertices, 3, 207)) * posedirs,
        "weights": weights,
        "J_regressor": regressor,
        "kintree_table": kintree(),
        "f": faces.reshape(-1, 3).astype(np.uint32),
    }


def smil_like_pickle(arrays: dict, protocol: int) -> bytes:
    """Write arrays as SMIL's file does: chumpy arrays, a chumpy selection and a scipy matrix in a dict."""
    regressor = sparse.csc_matrix(arrays["J_regressor"])
    with fake_classes() as fake:
        shapedirs = arrays["shapedirs"]
        base = instance(
            fake.Ch, x=np.concatenate([shapedirs, shapedirs[:, :, :1]], axis=2), _dirty_vars=set()
        )
        index = np.arange(base.x.size).reshape(base.x.shape)[:, :, : shapedirs.shape[2]].ravel()
        content = {
            **arrays,
            "v_template": instance(fake.Ch, x=arrays["v_template"], _dirty_vars=set()),
            "shapedirs": instance(fake.Select, a=base, idxs=index, preferred_shape=shapedirs.shape),
            "J_regressor": instance(
                fake.csc_matrix, format="csc", _shape=regressor.shape, maxprint=50, data=regressor.data,
                indices=regressor.indices, indptr=regressor.indptr,
            ),
            "bs_type": "lrotmin",
            "bs_style": "lbs",
        }  # fmt: skip
        return dump(content, protocol)
