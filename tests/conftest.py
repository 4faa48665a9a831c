"""Fixtures shared by every test."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real inputs that may not ship, or skip."""
    folder = Path(os.environ.get("SYRIP_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real inputs not found at {folder}; set SYRIP_SHARED_DATA to the folder that holds them")
    return folder
