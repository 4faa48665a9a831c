"""Motions of datasets, read back."""

import numpy as np
import pytest

from syrip_gen.dataset_files import open_folder
from syrip_gen.motion.readers import read_motion
from syrip_gen.motion.saved_motion import ARRAYS
from syrip_gen.motion.sequence import BodySequence
from syrip_gen.stages.saved_sequence import (
    SavedSequence,
    has_sequence,
    load_sequence,
    save_sequence,
    sequence_file,
)


@pytest.fixture
def sequence():
    rng = np.random.default_rng(0)
    parts = rng.normal(size=(5, 3)), rng.normal(size=(5, 23, 3)), rng.normal(size=(5, 3))
    return BodySequence(rng.normal(size=20), *parts, 25.0, name="wave", notes=("made up",))


def same(a, b):
    return all(
        np.array_equal(getattr(a, n), getattr(b, n))
        for n in ("betas", "global_orient", "body_pose", "transl")
    )


def test_saved_motion_comes_back_with_its_frames_and_figures(sequence, tmp_path):
    folder = open_folder(str(tmp_path))
    save_sequence(SavedSequence(sequence, np.array([0, 3]), {"b": 1.5, "a": None}), 2, folder)
    assert [has_sequence(folder, take) for take in (0, 2)] == [False, True]
    saved = load_sequence(folder, 2)
    assert same(saved.sequence, sequence)
    assert (saved.sequence.fps, saved.sequence.name, saved.sequence.notes) == (25.0, "wave", ("made up",))
    assert saved.frames.tolist() == [0, 3]
    assert saved.figures == {"a": None, "b": 1.5}


def test_equal_motions_give_equal_bytes(sequence, tmp_path):
    folder = open_folder(str(tmp_path))
    for take in (0, 1):
        save_sequence(SavedSequence(sequence, np.array([1]), {}), take, folder)
    assert folder.read_bytes(sequence_file(0)) == folder.read_bytes(sequence_file(1))


def test_saved_motion_is_a_motion_file(sequence, tmp_path):
    save_sequence(SavedSequence(sequence, np.array([1]), {}), 0, open_folder(str(tmp_path)))
    read = read_motion(tmp_path / "sequence.npz")
    assert same(read, sequence)
    assert read.fps == 25.0
    assert read_motion(tmp_path / "sequence.npz", fps=50.0).fps == 50.0


@pytest.mark.parametrize(
    "change, message",
    [
        ({"transl": None}, "lacks transl"),
        ({"transl": np.zeros((4, 3))}, r"transl of motion 'wave' must be \(5, 3\)"),
        ({"body_pose": np.full((5, 23, 3), np.nan)}, "holds NaN"),
        ({"fps": np.float64(-1)}, "frames a second"),
        ({"fps": np.array(["fast"])}, "not a sound saved motion"),
    ],
)
def test_motion_that_is_not_sound_is_refused(change, message, sequence, tmp_path):
    arrays = {name: getattr(sequence, name) for name in (*ARRAYS, "name")}
    arrays |= {"fps": np.float64(25)} | change
    path = tmp_path / "bad.npz"
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    with pytest.raises(ValueError, match=message) as caught:
        read_motion(path)
    assert "bad.npz" in str(caught.value)


def test_motion_of_another_body_is_refused(sequence, tmp_path):
    from syrip_gen.body import load_body

    small = BodySequence(np.zeros(10), sequence.global_orient, sequence.body_pose, sequence.transl, 25.0)
    save_sequence(SavedSequence(small, np.array([1]), {}), 0, open_folder(str(tmp_path)))
    with pytest.raises(ValueError, match="10 shape coefficients, the body has 20"):
        read_motion(tmp_path / "sequence.npz", body=load_body())
