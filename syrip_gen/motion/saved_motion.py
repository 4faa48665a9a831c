"""The arrays of a ``sequence.npz``, as datasets of ``syrip animate`` hold them: a motion of bodies again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from syrip_gen.motion.sequence import BodySequence

__all__ = ["ARRAYS", "sequence_from_arrays"]

ARRAYS = ("betas", "global_orient", "body_pose", "transl")


def sequence_from_arrays(
    arrays: Mapping[str, np.ndarray], source: str, *, fps: float | None = None, num_betas: int | None = None
) -> BodySequence:
    """Return a motion from its arrays.

    Args:
        arrays: ``betas``, ``global_orient``, ``body_pose``, ``transl``, ``fps``; perhaps ``name``, ``notes``.
        source: What to call the file in errors.
        fps: Frames a second at which it is to be played; None = as saved.
        num_betas: Shape coefficients of the body that is to move so; None = any.

    Raises:
        ValueError: When an array is missing or not as it should be.
    """
    missing = [name for name in (*ARRAYS, "fps") if name not in arrays]
    if missing:
        raise ValueError(f"{source}: not a saved motion, it lacks {', '.join(missing)}")
    try:
        sequence = BodySequence(
            **{name: np.asarray(arrays[name], dtype=np.float64) for name in ARRAYS},
            fps=float(arrays["fps"]),
            name=str(arrays.get("name", "")),
            notes=tuple(str(note) for note in np.ravel(arrays.get("notes", ()))),
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"{source}: not a sound saved motion: {error}") from error
    if num_betas is not None and len(sequence.betas) != num_betas:
        raise ValueError(
            f"{source}: {len(sequence.betas)} shape coefficients, the body has {num_betas}; give the body "
            "that it was made for"
        )
    return sequence if fps is None else replace(sequence, fps=fps)
