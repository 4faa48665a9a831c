"""Read the tensors of a weights file without running anything that the file may hold."""

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor

__all__ = ["read_tensors"]


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file by name."""
    return load_file(path)
