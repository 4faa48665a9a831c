"""Files of a run: written whole or not at all, read without running anything that they hold."""

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

__all__ = ["load_checkpoint", "save_checkpoint", "save_weights", "write_atomically"]


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a temporary file, then move it into place.

    Raises:
        OSError: If the disk is full or not writable; what was at ``path`` before is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:  # torch.save reports a full disk as a RuntimeError
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OSError(
            f"{path} cannot be written ({_reason(error)}); the last complete one is kept. "
            "Free space, then run the same command with --resume."
        ) from error


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return text.splitlines()[0] if text else type(error).__name__


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a checkpoint of tensors, numbers, strings, lists and dicts."""
    write_atomically(path, lambda temporary: torch.save(dict(state), temporary))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint; a file that holds anything but plain data is refused.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is no checkpoint, is cut off, or holds objects.
    """
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint {path} not found; nothing to resume")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, AttributeError) as error:
        hostile = isinstance(error, UnpicklingError)  # torch's own text advises to run such files
        reason = (
            "it holds more than plain data, or is cut off; nothing of it was run"
            if hostile
            else _reason(error)
        )
        raise ValueError(f"{path} is not a checkpoint of syrip train: {reason}") from None
    if not isinstance(state, dict) or "network" not in state:
        raise ValueError(f"{path} is not a checkpoint of syrip train: it holds no network")
    return state


def save_weights(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write weights as safetensors."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = save(plain, metadata=dict(metadata))
    write_atomically(path, lambda temporary: temporary.write_bytes(content) and None)
