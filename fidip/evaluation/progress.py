"""Who is told how far an evaluation is."""

from typing import Protocol

__all__ = ["Progress", "SilentProgress"]


class Progress(Protocol):
    """Who is told about long work."""

    def stage(self, name: str, total: int) -> None:
        """Begin a stage of ``total`` items."""

    def advance(self, count: int = 1) -> None:
        """Count finished items of the stage."""


class SilentProgress:
    """Tells nobody."""

    def stage(self, name: str, total: int) -> None:
        """Do nothing."""

    def advance(self, count: int = 1) -> None:
        """Do nothing."""
