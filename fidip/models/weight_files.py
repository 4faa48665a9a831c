"""Read the tensors of a weights file without running anything that the file may hold."""

import errno
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

__all__ = ["WeightFile", "find_weight_file", "read_weight_file"]

NESTS = ("state_dict", "model_state_dict", "best_state_dict", "network", "model", "model_pos")
"""Where checkpoints keep their tensors beside epochs and optimisers, in order of preference."""
WRAPPERS = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put in front of every name."""

LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How torch checkpoints before 1.6 begin."""


@dataclass(frozen=True, slots=True)
class WeightFile:
    """The tensors of a file and what the file says about them."""

    path: Path
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Of a safetensors file."""


class IgnoredObject:
    """Takes the place of what checkpoints keep of numpy beside their tensors; holds nothing.

    Old ones have numbers, VideoPose3D's the state of a random generator.
    """

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, _: Any) -> None: ...


IGNORED = [
    (IgnoredObject, name)
    for name in (
        *("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype"),
        *("numpy.dtypes.Float64DType", "numpy.dtypes.Float32DType", "numpy.dtypes.Int64DType"),
        *("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "numpy.ndarray"),
        *("numpy.dtypes.UInt32DType", "numpy.random.__RandomState_ctor"),
        *("numpy.random._pickle.__randomstate_ctor", "numpy.random._pickle.__bit_generator_ctor"),
        "numpy.random._mt19937.MT19937",
    )
]


def find_weight_file(path: str | Path) -> Path:
    """Return an existing file, reading an "x" between two numbers as "×" and the other way round.

    FiDIP's configuration says ``w48_384×288.pth`` where its download page says ``w48_384x288.pth``.

    Raises:
        FileNotFoundError: When neither exists.
    """
    path = Path(path)
    for sign in ("x", "×"):
        other = path.with_name(re.sub(r"(?<=\d)[x×](?=\d)", sign, path.name))
        if not path.exists() and other.is_file():
            return other
    if not path.is_file():
        raise FileNotFoundError(f"weights file {path} not found" + (" (it is a folder)" * path.is_dir()))
    return path


def read_weight_file(path: str | Path) -> WeightFile:
    """Return the tensors of a safetensors file or of a torch checkpoint, prefixes of wrappers removed.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it is no weights file, is cut off, or holds objects besides tensors and plain values.
    """
    path = find_weight_file(path)
    with path.open("rb") as file:
        start = file.read(64)
    if start.startswith(b"version https://git-lfs"):
        raise ValueError(
            f"{path} is a pointer of Git LFS, not the weights; fetch the file itself (git lfs pull)"
        )
    if start.lstrip()[:1] == b"<":
        raise ValueError(f"{path} is a web page, not weights; the download did not give the file itself")
    if path.suffix == ".safetensors" or start[8:9] == b"{":
        return read_safetensors(path)
    tensors = unwrap(find_state(load_plain(path), path))
    return WeightFile(path, tensors)


def read_safetensors(path: Path) -> WeightFile:
    """Read a safetensors file with its metadata."""
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            return WeightFile(path, unwrap(tensors), file.metadata() or {})
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file: {error}") from None


def load_plain(path: Path) -> Any:
    """Load a torch checkpoint of tensors and plain values; anything that would run code is refused."""
    try:
        with torch.serialization.safe_globals(IGNORED), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about pickle protocols
            return torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:  # torch's own text advises to run such files
        blocked = re.search(r"(?:GLOBAL|global) ([\w.]+)", str(error))
        if blocked:
            raise ValueError(
                f"{path} is refused: it holds more than tensors and numbers (it names {blocked[1]}). "
                "Nothing of it was run; get the weights from their authors, or as safetensors."
            ) from None
    except (RuntimeError, EOFError, LookupError, ValueError, AttributeError, TypeError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise  # torch seeks before the start of a zip that was cut off; any other is the disk's
    raise ValueError(f"{path} {what_it_is(path)}")


def what_it_is(path: Path) -> str:
    """Say what a file is that torch cannot load, by how it begins."""
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        return "is empty (0 bytes)"
    if path.suffix.lower() == ".onnx" or re.match(rb"\x08[\x01-\x20][\x12\x1a\x22\x3a]", start):
        return "is an ONNX file, which syrip writes but does not read; name the run or weights it was made of"
    if start.startswith(b"PK"):
        return archive_kind(path)
    if start.startswith(LEGACY_MAGIC):
        return "is a torch checkpoint that is cut off or damaged; get it anew"
    if re.match(rb"\x80[\x02-\x05]|[(\]}]?[dl]?p0\n", start):
        return "is a plain pickle, not a torch checkpoint; nothing of it was run"
    return "is not a torch or safetensors file"


def archive_kind(path: Path) -> str:
    """Say what a zip archive is that torch cannot load."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError):
        return "is cut off or damaged, so that it does not open as a torch checkpoint; get it anew"
    if "constants.pkl" in names:
        return "is a TorchScript program, not weights; nothing of it was run"
    if "data.pkl" in names:
        return "is a torch checkpoint that is damaged or holds more than tensors and numbers; nothing was run"
    return "is a zip archive, not a torch checkpoint; unpack it and name the file inside"


def find_state(content: Any, path: Path) -> dict[str, Tensor]:
    """Return the dictionary of tensors inside a checkpoint."""
    if isinstance(content, Mapping):
        for nest in NESTS:
            if isinstance(content.get(nest), Mapping):
                content = content[nest]
                break
    if not isinstance(content, Mapping) or not content:
        raise ValueError(
            f"{path} holds no tensors by name (a {type(content).__name__}); expected a state_dict"
        )
    others = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
    if others:
        raise ValueError(
            f"{path} is no state_dict: not tensors are {', '.join(others[:4])}; "
            f"expected tensors by name, alone or under {', '.join(NESTS)}"
        )
    return dict(content)


def unwrap(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Remove a wrapper's prefix that every name has."""
    for wrapper in WRAPPERS:
        if tensors and all(name.startswith(wrapper) for name in tensors):
            return unwrap({name.removeprefix(wrapper): tensor for name, tensor in tensors.items()})
    return tensors
