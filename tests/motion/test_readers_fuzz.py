"""Whatever a file holds, reading it gives a clip or a one-line error that names the file."""

import io
import json
import zipfile

import numpy as np
import pytest

from syrip_gen.asset_files import asset_path
from syrip_gen.motion.clip import MotionClip
from syrip_gen.motion.readers import read_motion
from tests.motion.bvh_files import NAMES, random_angles, write_bvh
from tests.motion.test_deepmimic import UPRIGHT
from tests.motion.test_points_2d import person, save_custom, save_detectron, walk

TEXT = b'{}[]0-9eE.,n"'


def stored(path):
    """The archive without compression and with its own checksums, so that damage reaches the arrays."""
    target = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name))
    return target.getvalue()


def sound(kind, folder):
    if kind == "bvh":
        angles = random_angles(np.random.default_rng(0), 3)
        return write_bvh(folder / "a", NAMES["cmu"], angles, np.full((3, 3), 90.0)).read_bytes()
    if kind == "deepmimic":
        return json.dumps({"Loop": "wrap", "Frames": [[0.1, *UPRIGHT]] * 3}).encode()
    if kind == "npy":
        return asset_path("motions/walk.npy").read_bytes()
    if kind == "custom":
        return stored(save_custom(folder / "a.npz", {"v": walk()}))
    return stored(save_detectron(folder / "a.npz", [[person(points)] for points in walk()]))


def damaged(data, rng):
    data = bytearray(data)
    if rng.random() < 0.2:
        data = data[: rng.integers(1, len(data))]
    if rng.random() < 0.2:
        at = rng.integers(len(data))
        data[at : at + rng.integers(20)] = b""
    for at in rng.integers(0, max(len(data), 1), rng.integers(1, 6)):
        if at < len(data):
            data[at] = rng.integers(256) if rng.random() < 0.5 else rng.choice(list(TEXT))
    return bytes(data)


@pytest.mark.parametrize("kind", ["bvh", "deepmimic", "npy", "custom", "detectron"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_damaged_files(tmp_path, kind):
    good = sound(kind, tmp_path)
    path = tmp_path / "clip"
    path.write_bytes(good)
    assert isinstance(read_motion(path), MotionClip)
    rng = np.random.default_rng(1)
    for _ in range(150):
        path.write_bytes(damaged(good, rng))
        try:
            assert isinstance(read_motion(path), MotionClip)
        except ValueError as error:
            message = str(error)
            assert message.startswith(f"{path}"), message
            assert "\n" not in message
