"""Checks of this machine: what works, what does not, and what to do about it."""

import importlib
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Check", "checks"]

MIN_PYTHON = (3, 11)
MIN_FREE_GB = 2.0
EXTRAS = {"label": "fastapi", "ray": "ray", "lsun": "lmdb", "onnx": "onnxruntime", "body-build": "anny"}


@dataclass(frozen=True, slots=True)
class Check:
    """One finding."""

    name: str
    ok: bool
    text: str
    optional: bool = False
    """Whether syrip does its main work without it."""


def checks() -> list[Check]:
    """Run every check; a check that breaks is a finding, not an error."""
    return [
        _guarded("python", _python),
        _guarded("processor", _processor),
        _guarded("numba", _numba),
        _guarded("opencv", _opencv),
        _guarded("torch", _torch),
        _guarded("assets", _assets),
        _guarded("disk", _disk),
        _guarded("pyrender", _pyrender, optional=True),
        _guarded("blender", _blender, optional=True),
        *(_extra(extra, module) for extra, module in EXTRAS.items()),
    ]


def _guarded(name: str, check: Callable[[], tuple[bool, str]], *, optional: bool = False) -> Check:
    try:
        ok, text = check()
    except Exception as error:  # whatever is wrong with the machine is what the user wants to read
        ok, text = False, f"{type(error).__name__}: {error}"
    return Check(name, ok, text, optional)


def _python() -> tuple[bool, str]:
    wanted = ".".join(map(str, MIN_PYTHON))
    return sys.version_info >= MIN_PYTHON, f"{platform.python_version()} (needs {wanted} or newer)"


def _processor() -> tuple[bool, str]:
    from syrip_gen.execution import resolve_workers

    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
        memory = f", {gigabytes:.0f} GB of memory"
    return True, f"{resolve_workers('auto')} cores for --workers auto{memory}"


def _numba() -> tuple[bool, str]:
    import numba
    import numpy as np

    from syrip_gen.rendering.zbuffer import face_buffer

    triangle = np.array([[-1, -1, 2], [1, -1, 2], [0, 1, 2]], np.float32)
    depth, _ = face_buffer(triangle, np.array([[0, 1, 2]], np.int32), 20.0, 20.0, 16.0, 16.0, 32, 32)
    covered = int(np.isfinite(depth).sum())
    return covered > 50, f"{numba.__version__}, a triangle covers {covered} pixels"


def _opencv() -> tuple[bool, str]:
    import cv2
    import numpy as np

    ok, data = cv2.imencode(".jpg", np.full((8, 8, 3), 128, np.uint8))
    return bool(ok) and cv2.imdecode(data, cv2.IMREAD_COLOR) is not None, cv2.__version__


def _torch() -> tuple[bool, str]:
    import torch

    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU only (enough for generate)"
    return True, f"{torch.__version__}, {device}"


def _assets() -> tuple[bool, str]:
    from syrip_gen.asset_files import assets_dir, changed_assets

    problems = changed_assets()
    where = assets_dir()
    if problems:
        return (
            False,
            f"{len(problems)} of the files in {where} are missing or changed, first {problems[0]}; reinstall",
        )
    return True, f"complete in {where}"


def _disk() -> tuple[bool, str]:
    free = shutil.disk_usage(os.getcwd()).free / 1e9
    return free >= MIN_FREE_GB, f"{free:.1f} GB free here (1,000 images take about 0.1 GB)"


def _pyrender() -> tuple[bool, str]:
    if importlib.util.find_spec("pyrender") is None:
        return False, "not installed (pip install 'syrip[pyrender]')"
    from syrip_gen.rendering.catalog import make_renderer

    make_renderer("pyrender").close()
    return True, "an OpenGL context can be made"


def _blender() -> tuple[bool, str]:
    from syrip_gen.rendering.blender_process import BlenderProcess, find_blender

    try:
        program = find_blender()
    except FileNotFoundError as error:
        return False, str(error)
    with BlenderProcess("render_scene.py", program) as process:
        hello = process.start()
    return True, f"{hello['blender']} at {program.path}, Cycles on {', '.join(hello['devices'])}"


def _extra(extra: str, module: str) -> Check:
    is_there = importlib.util.find_spec(module) is not None
    return Check(
        extra, is_there, "installed" if is_there else f"not installed (pip install 'syrip[{extra}]')", True
    )
