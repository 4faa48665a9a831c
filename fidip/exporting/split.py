"""Train and validation pictures that share no source: no pose, no clip, no film is on both sides."""

import hashlib
from collections.abc import Collection, Sequence

__all__ = ["hold_out", "source_groups"]


def source_groups(sources: Sequence[Collection[str]]) -> list[list[int]]:
    """Return the pictures that are tied together by their sources, directly or through others.

    Args:
        sources: Of each picture, at least one.

    Returns:
        Numbers of pictures, ascending in each group; groups in the order of their first pictures.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for names in sources:
        first, *others = names
        for other in others:
            parent[root(other)] = root(first)
    groups: dict[str, list[int]] = {}
    for number, names in enumerate(sources):
        groups.setdefault(root(next(iter(names))), []).append(number)
    return list(groups.values())


def hold_out(sources: Sequence[Collection[str]], share: float) -> list[bool]:
    """Choose whole groups for validation, as near to a share of the pictures as groups allow.

    Groups are taken in the order of their names' hashes: no generator, no clock, and the order of the file
    does not matter.

    Args:
        sources: Of each picture.
        share: Part of the pictures to hold out, 0 to less than 1; 0 holds out none. Otherwise each side gets
            one group at least.

    Raises:
        ValueError: If all pictures are of one group.
    """
    chosen = [False] * len(sources)
    if share == 0:
        return chosen
    groups = source_groups(sources)
    if len(groups) < 2:
        raise ValueError(
            "all pictures have one source, so none can be held out without it: give --val-share 0"
        )
    groups.sort(key=lambda group: _hash(min(name for number in group for name in sources[number])))
    target, count, held = share * len(sources), 0, []
    for group in groups:
        if count + len(group) / 2 <= target and len(held) < len(groups) - 1:
            held.append(group)
            count += len(group)
    for group in held or [min(groups, key=len)]:
        for number in group:
            chosen[number] = True
    return chosen


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
