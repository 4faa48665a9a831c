"""The wheel holds everything, and generates from any folder without a network."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent

RUN = """
import socket, sys
def refuse(*_):
    raise OSError("no network in this test")
socket.socket.connect = socket.create_connection = refuse
sys.path.insert(0, sys.argv[1])
import cli, syrip_gen
from syrip_gen.asset_files import assets_dir
assert syrip_gen.__file__.startswith(sys.argv[1]), syrip_gen.__file__
assert str(assets_dir()).startswith(sys.argv[1]), assets_dir()
cli.main.main(args=sys.argv[2:])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_wheel_holds_the_command_the_packages_and_the_assets(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"cli.py", "syrip_gen/pipeline.py", "fidip/__init__.py", "blender_scripts/__init__.py"} <= names
    assert {"fidip/labelling/page/index.html", "fidip/labelling/page/main.js"} <= names
    tracked = subprocess.run(
        ["git", "ls-files", "assets"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assets = {f"syrip_gen/{name}" for name in tracked.stdout.splitlines()}
    assert assets <= names
    assert not [name for name in names if name.startswith(("tests/", "docs/", "benchmarks/", "assets/"))]


def test_wheel_generates_from_another_folder_without_a_network(wheel, few_fits, tmp_path):
    site, work = tmp_path / "site", tmp_path / "work"
    zipfile.ZipFile(wheel).extractall(site)
    work.mkdir()
    words = ["generate", "--poses", few_fits, "--n", 2, "--size", "96x128", "--workers", 1, "-o", "out"]
    command = [sys.executable, "-c", RUN, site, *words]
    done = subprocess.run([str(w) for w in command], cwd=work, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list((work / "out/images/train_infant").glob("*.jpg"))) == 2
