"""A program that is taken for Blender (see fake_blender.py), and whether a process runs."""

import os
import sys
from pathlib import Path

__all__ = ["FAKE", "is_running", "write_blender"]

FAKE = Path(__file__).parent / "fake_blender.py"


def write_blender(path: Path) -> Path:
    """Write an executable that behaves like Blender with one of our scripts."""
    path.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{FAKE}' \"$@\"\n")
    path.chmod(0o755)
    return path


def is_running(pid: int) -> bool:
    """Say whether a process is there and not a zombie."""
    try:
        os.kill(pid, 0)
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
