"""Fixtures shared by every test."""

import json
import os
import signal
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Heed Ctrl-C also where a script started the tests in the background, which makes them ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real inputs that may not ship, or skip."""
    folder = Path(os.environ.get("SYRIP_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real inputs not found at {folder}; set SYRIP_SHARED_DATA to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def blender():
    """Return a Blender that was found (``syrip_gen.rendering.blender_program.BlenderProgram``), or skip."""
    from syrip_gen.rendering.blender_program import find_blender

    try:
        return find_blender()
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def few_poses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a COCO file with six of the bundled example poses."""
    from syrip_gen.asset_files import asset_path

    data = json.loads(asset_path("poses/example_poses.json").read_text())
    data["images"], data["annotations"] = data["images"][:6], data["annotations"][:6]
    path = tmp_path_factory.mktemp("poses") / "few.json"
    path.write_text(json.dumps(data))
    return path


@pytest.fixture(scope="session")
def few_fits(few_poses: Path) -> Path:
    """Return the fit bank of those poses."""
    from syrip_gen.config import FitConfig
    from syrip_gen.stages.fit import fit_files
    from syrip_gen.stages.run_shards import SilentProgress

    path = few_poses.parent / "fits.npz"
    bank, _ = fit_files(FitConfig(poses=(str(few_poses),), output=str(path)), SilentProgress())
    assert bank.accepted.sum() >= 3
    return path


@pytest.fixture(scope="session")
def textures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one plain texture: workers that need not prepare the painter start sooner."""
    import cv2
    import numpy as np

    folder = tmp_path_factory.mktemp("textures")
    cv2.imwrite(str(folder / "plain.png"), np.full((64, 64, 3), (120, 150, 200), np.uint8))
    return folder
