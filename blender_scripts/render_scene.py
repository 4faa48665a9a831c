"""Photograph infants with Cycles: a server that runs inside Blender (``blender_process.py`` is its client).

    python blender_scripts/render_scene.py                              # a Python that has bpy
    blender --background --python blender_scripts/render_scene.py --

Requests, one JSON object a line (``server``): ``hello``, ``render`` and ``project`` with a ``scene`` file
(``scene_file``), ``quit``.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from server import serve, take_stdout

if __name__ == "__main__":
    ANSWERS = take_stdout()  # before bpy: it prints

import time
from typing import Any

import bpy
import numpy as np
from camera import project, to_blender
from engine import compute_devices, has_cycles
from outputs import memory_mb, write_result
from scene_file import read_scene
from server import BadRequestError
from studio import Studio

PROTOCOL = 1


class RenderServer:
    """Handlers of the requests; the studio is set up with the first scene."""

    def __init__(self) -> None:
        self._studio: Studio | None = None

    def hello(self, request: dict[str, Any]) -> dict[str, Any]:
        """Say what this Blender is and can."""
        engines = ["CYCLES"] if has_cycles() else []
        devices = [f"{d['kind']} {d['name']}" for d in compute_devices()] if engines else []
        answer = {"blender": bpy.app.version_string, "engine": engines, "devices": [*devices, "CPU"]}
        return {**answer, "protocol": PROTOCOL}

    def render(self, request: dict[str, Any]) -> dict[str, Any]:
        """Render a scene file into its result file."""
        began = time.perf_counter()
        scene = read_scene(_path(request))
        result = self._open_studio().render(scene)
        write_result(scene.result, result.arrays)
        return {
            "result": str(scene.result),
            "seconds": round(time.perf_counter() - began, 3),
            "parts": {name: round(seconds, 3) for name, seconds in result.seconds.items()},
            "device": result.device,
            "memory_mb": memory_mb(),
        }

    def project(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return where Blender's camera sees camera-frame points, px from the top left corner."""
        try:
            points = np.asarray(request.get("points"), dtype=np.float64).reshape(-1, 3)
        except (TypeError, ValueError) as error:
            raise BadRequestError("points is a list of [x, y, z]") from error
        scene = read_scene(_path(request))
        studio = self._open_studio()
        studio.aim(scene)
        seen = project(studio.scene, studio.camera, to_blender(points))
        return {"points": seen[:, :2].tolist(), "depth_m": seen[:, 2].tolist()}

    def _open_studio(self) -> Studio:
        if self._studio is None:
            self._studio = Studio()
        return self._studio


def _path(request: dict[str, Any]) -> str:
    path = request.get("scene")
    if not isinstance(path, str):
        raise BadRequestError(f"scene is {path!r}, expected the path of a scene file")
    return path


def main() -> None:
    """Serve until told to quit."""
    server = RenderServer()
    serve({"hello": server.hello, "render": server.render, "project": server.project}, ANSWERS)


if __name__ == "__main__":
    main()
