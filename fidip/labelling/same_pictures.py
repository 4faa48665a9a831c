"""Whether two labellers labelled the same pictures: equal names alone do not say so."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fidip.labelling.agreement_sources import LabelSource, Pairing
from fidip.labelling.frames import RECORD
from fidip.labelling.pictures import inside

__all__ = ["check_same_pictures"]

ENDS_BYTES = 2**16
"""Two files are the same picture if their lengths and so many bytes at either end are equal."""
DECLARE = "if they are the same pictures, say --same-pictures"


def check_same_pictures(
    sources: tuple[LabelSource, LabelSource],
    pairing: Pairing,
    names: tuple[str, str],
    *,
    is_declared: bool = False,
) -> str:
    """Refuse to compare labels of different pictures that happen to have the same names.

    Sizes must agree wherever both are known. Where both folders of pictures are known and there, the files
    are compared: frames by the video that they were taken from, others by length and ends. Where they cannot
    be compared, names in different folders are not enough.

    Args:
        sources: Labels, sizes and folders of both.
        pairing: Which images are taken for the same.
        names: What to call the labellers.
        is_declared: The user says that the pictures are the same; only sizes are checked.

    Returns:
        A note on what the comparison rests on; empty if the pictures were seen to be the same.

    Raises:
        ValueError: Which images differ, and what to do.
    """
    pairs = pairing.pairs()
    differ = f"{names[0]} and {names[1]} are of different pictures:"
    other_size = [
        pair
        for pair in pairs
        if (sizes := _sizes(sources, pair)) and sizes[0] != sizes[1] and all(map(all, sizes))
    ]
    if other_size:
        (wide, high), (wide_2, high_2) = _sizes(sources, other_size[0])
        raise ValueError(
            f"{differ} {_shown(other_size[0])} has {wide} x {high} px in one and {wide_2} x {high_2} px in "
            f"the other{_more(other_size)}"
        )
    if is_declared or not pairs:
        return ""
    seen, differing = _compared(sources, pairs)
    if differing:
        raise ValueError(
            f"{differ} the files of {_shown(differing[0])} are not the same{_more(differing)}; {DECLARE}"
        )
    if seen == len(pairs):
        return ""
    if pairing.is_by_file_name and not seen and not _is_below(pairs):
        raise ValueError(
            f"{names[0]} and {names[1]}: only the files' names agree, as in {_shown(pairs[0])}, and the "
            f"pictures are not there to compare; {DECLARE}"
        )
    left = (
        "the pictures themselves were not there to compare" if not seen else f"{seen} pictures were compared"
    )
    return f"images were paired by name; {left}"


def _sizes(
    sources: tuple[LabelSource, LabelSource], pair: tuple[str, str]
) -> tuple[tuple[int, int], tuple[int, int]]:
    return sources[0].sizes.get(pair[0], (0, 0)), sources[1].sizes.get(pair[1], (0, 0))


def _compared(
    sources: tuple[LabelSource, LabelSource], pairs: Sequence[tuple[str, str]]
) -> tuple[int, list[tuple[str, str]]]:
    """Return of how many pairs both files are there, and the pairs whose files differ."""
    roots = sources[0].root, sources[1].root
    if roots[0] is None or roots[1] is None:
        return 0, []
    seen, differing = 0, []
    for pair in pairs:
        try:
            files = inside(roots[0], pair[0]), inside(roots[1], pair[1])
            is_same = (
                files[0].samefile(files[1]) or _are_same_frame(*files) or _mark(files[0]) == _mark(files[1])
            )
        except (OSError, ValueError):  # one of them is gone
            continue
        seen += 1
        if not is_same:
            differing.append(pair)
    return seen, differing


def _are_same_frame(a: Path, b: Path) -> bool:
    """Whether two files are one frame of one video, perhaps decoded by different versions of a decoder."""
    videos = _video_of(a), _video_of(b)
    return a.name == b.name and videos[0] is not None and videos[0] == videos[1]


def _video_of(frame: Path) -> Any:
    """Return the identity of the video that a frame was taken from; None where nothing says it."""
    try:
        return json.loads((frame.parent / RECORD).read_bytes())["video"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _mark(path: Path) -> tuple[int, str]:
    """Return length and digest of the ends of a file."""
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(ENDS_BYTES))
        length = file.seek(0, 2)
        file.seek(max(length - ENDS_BYTES, 0))
        digest.update(file.read(ENDS_BYTES))
    return length, digest.hexdigest()


def _is_below(pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether one labeller's names are the other's below one more folder."""
    for longer, shorter in ((0, 1), (1, 0)):
        heads = {pair[longer].removesuffix(pair[shorter]) for pair in pairs}
        if len(heads) == 1 and heads.pop().endswith("/"):
            return True
    return False


def _shown(pair: tuple[str, str]) -> str:
    return ascii(pair[0]) if pair[0] == pair[1] else f"{pair[0]!a} and {pair[1]!a}"


def _more(pairs: Sequence[object]) -> str:
    return f" (and {len(pairs) - 1} more)" if len(pairs) > 1 else ""
