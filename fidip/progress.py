"""Where long work shows how far it is; ``syrip_gen.progress.ConsoleProgress`` is one such place."""

from typing import Protocol

__all__ = ["Progress", "SilentProgress"]


class Progress(Protocol):
    """Told about stages and their items."""

    def stage(self, name: str, total: int) -> None:
        """Begin a stage of ``total`` items."""

    def advance(self, count: int = 1) -> None:
        """Count finished items of the stage."""

    def note(self, text: str) -> None:
        """Say one line."""


class SilentProgress:
    """Says nothing."""

    def stage(self, name: str, total: int) -> None:
        """Do nothing."""

    def advance(self, count: int = 1) -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""
