"""The motion of a dataset folder, one file a take, from where resumed runs and workers read it."""

import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from syrip_gen.dataset_files import OutputFolder
from syrip_gen.fitting.npz_files import write_npz
from syrip_gen.motion.saved_motion import ARRAYS, sequence_from_arrays

if TYPE_CHECKING:
    from syrip_gen.motion.sequence import BodySequence

__all__ = ["SavedSequence", "has_sequence", "load_sequence", "save_sequence", "sequence_file"]


@dataclass(frozen=True, slots=True, eq=False)
class SavedSequence:
    """The motion of one take and which of its frames are photographed."""

    sequence: "BodySequence"
    frames: np.ndarray
    """(n,) frame numbers, ascending."""
    figures: dict[str, Any]
    """How well the motion follows its source; flat and JSON-able."""


def sequence_file(take: int) -> str:
    """Return the name of a take's file within the dataset."""
    return "sequence.npz" if take == 0 else f"sequence_take{take:03d}.npz"


def has_sequence(folder: OutputFolder, take: int) -> bool:
    """Say whether the motion of a take is there."""
    return folder.exists(sequence_file(take))


def save_sequence(saved: SavedSequence, take: int, folder: OutputFolder) -> None:
    """Write the motion of a take; equal motions give equal bytes."""
    sequence = saved.sequence
    arrays = {name: getattr(sequence, name) for name in ARRAYS}
    arrays |= {"fps": np.float64(sequence.fps), "name": np.array(sequence.name)}
    arrays |= {"notes": np.array(sequence.notes, dtype=np.str_), "frames": saved.frames.astype(np.int64)}
    arrays["figures"] = np.array(json.dumps(saved.figures, sort_keys=True))
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "sequence.npz"
        write_npz(path, arrays)
        folder.write_bytes(sequence_file(take), path.read_bytes())


def load_sequence(folder: OutputFolder, take: int) -> SavedSequence:
    """Read the motion of a take."""
    name = sequence_file(take)
    with np.load(io.BytesIO(folder.read_bytes(name)), allow_pickle=False) as data:
        arrays = {key: data[key] for key in data.files}
    sequence = sequence_from_arrays(arrays, f"{name} of {folder.url}")
    return SavedSequence(sequence, arrays["frames"], json.loads(str(arrays["figures"])))
