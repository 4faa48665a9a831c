"""Which clip of a file that holds several."""

__all__ = ["choose_clip"]


def choose_clip(names: list[str], wanted: str | None, source: str) -> str:
    """Return the clip to read of a file that holds several.

    Raises:
        ValueError: If none is named, or one that is not there; lists the first of those that are.
    """
    listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    if wanted is None:
        if len(names) == 1:
            return names[0]
        raise ValueError(f"{source}: holds {len(names)} clips, name one of them: {listed}")
    if wanted not in names:
        raise ValueError(f"{source}: has no clip '{wanted}'; it has {listed}")
    return wanted
