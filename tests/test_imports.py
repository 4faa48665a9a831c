"""Imports run one way, and the command starts without anything heavy."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = [
    {
        "keypoints",
        "geometry",
        "randomness",
        "asset_files",
        "numba_cache",
        "safe_pickle",
        "pickle_machine",
        "pickled_classes",
    },
    {"body"},
    {"fitting", "motion", "sampling"},
    {"rendering"},
    {"annotation", "quality"},
    {"config", "config_options", "dataset_files", "execution", "execution_ray", "progress", "summaries"},
    {"stages", "doctor"},
    {"pipeline", "animation"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
FIDIP_MAY_USE = ("syrip_gen.keypoints", "syrip_gen.geometry", "syrip_gen.annotation.coco")


def imported_modules(path):
    """Names of the modules that a file imports, type-checking-only imports left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(node)
        for guard in ast.walk(tree)
        if isinstance(guard, ast.If) and "TYPE_CHECKING" in ast.unparse(guard.test)
        for node in ast.walk(guard)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


def python_files(folder):
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", python_files("syrip_gen"), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path):
    parts = path.relative_to(ROOT / "syrip_gen").with_suffix("").parts
    if parts == ("__init__",):
        return
    level = LEVEL[parts[0]]
    for name in imported_modules(path):
        words = name.split(".")
        assert words[0] not in ("fidip", "cli", "blender_scripts"), f"{name} in {path}"
        if words[0] == "syrip_gen" and len(words) > 1:
            assert LEVEL[words[1]] <= level, f"{name} is above {'.'.join(parts)}"


@pytest.mark.parametrize("path", python_files("fidip"), ids=lambda p: str(p.relative_to(ROOT)))
def test_fidip_uses_only_the_shared_parts(path):
    for name in imported_modules(path):
        if name.split(".")[0] == "syrip_gen":
            assert name.startswith(FIDIP_MAY_USE), f"{name} in {path}"


@pytest.mark.parametrize("path", python_files("blender_scripts"), ids=lambda p: str(p.relative_to(ROOT)))
def test_blender_scripts_use_neither_package(path):
    assert not {name.split(".")[0] for name in imported_modules(path)} & {"syrip_gen", "fidip"}


def test_help_imports_nothing_heavy():
    code = (
        "import sys, cli\n"
        "cli.main.main(args=['--help'], standalone_mode=False)\n"
        "heavy = {'torch', 'cv2', 'numba', 'scipy', 'numpy', 'pydantic', 'ray'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"syrip --help imports {done.stderr}"


def test_help_is_fast():
    """Processor time, so that a busy machine does not matter."""
    seconds = []
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, "-m", "cli", "--help"], cwd=ROOT, capture_output=True, check=True)
        after = os.times()
        seconds.append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
    assert min(seconds) < 0.3
