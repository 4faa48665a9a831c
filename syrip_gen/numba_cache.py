"""Where Numba keeps compiled code; other things that are worked out once per machine may lie beside it."""

from pathlib import Path

from numba import njit

__all__ = ["numba_cache_folder"]


@njit(cache=True)
def _nothing() -> None:
    """Stand for all compiled functions: where Numba would cache this one, it caches the others."""


def numba_cache_folder() -> Path | None:
    """Return the folder, which may not exist yet; None where compiling is switched off."""
    stats = getattr(_nothing, "stats", None)
    return Path(stats.cache_path) if stats else None
