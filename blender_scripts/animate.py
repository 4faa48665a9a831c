"""Moving infants in Blender: the rigged body model as a .blend, and a user's own rigged scan in its place.

Run by Blender's Python. Requests (one JSON object a line, see ``server.py``) are those of
``render_scene.py``, where a scene file may have a ``character`` with ``quaternions`` and ``T_cam_file`` (4x4,
the file to the camera frame) that is shown in place of its mesh, and:

* ``describe``: ``file`` → ``armatures`` of a scan, with their bones at rest and their meshes.
* ``weights``: ``character``, ``names`` → npz ``result`` with (V, 4) ``bones`` and ``weights``.
* ``pose``: ``character``, ``quaternions`` → npz ``result`` with (V, 3) ``vertices`` and (F, 3) ``faces``.

* ``save_blend``: ``film`` (``film.py``) → .blend ``result`` with everything in it.
* ``film_frames``: ``film``, ``frames`` → npz ``result`` with evaluated ``vertices`` (N, V, 3) and bone
  ``heads`` (N, 24, 3), world.
* ``film_render``: ``film``, ``frames`` → PNG files ``results``, as an artist's F12 would make them.

``character`` is ``{"file", "armature", "meshes"}``. Files are read once and stay open while requests name the
same one.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from server import serve, take_stdout

if __name__ == "__main__":
    ANSWERS = take_stdout()  # before bpy: it prints

import os
from typing import Any

import bpy
import numpy as np
from character_file import describe_file
from character_pose import read_weights
from character_studio import CharacterStudio, character_entry
from film import Film, build_film, read_film
from film_background import look_through_camera, pack_pictures
from render_scene import RenderServer
from studio import Studio


class AnimateServer(RenderServer):
    """Handlers of the requests; one scan, film or set is open, that of the last request."""

    def __init__(self) -> None:
        """Open nothing."""
        super().__init__()
        self._named: tuple[Any, ...] = ()
        self._film: Film | None = None

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        """Tell what armatures a file holds."""
        self._close()
        return {"armatures": describe_file(request["file"])}

    def weights(self, request: dict[str, Any]) -> dict[str, Any]:
        """Write which bones move the vertices of a scan."""
        studio = self._open_character(request["character"])
        bones, values = read_weights(studio.character, request["names"])
        np.savez(request["result"], bones=bones, weights=values.astype(np.float32))
        return {"result": request["result"]}

    def pose(self, request: dict[str, Any]) -> dict[str, Any]:
        """Pose a scan where its file puts it and write its surface."""
        vertices, faces = self._open_character(request["character"]).pose(request["quaternions"])
        np.savez(request["result"], vertices=vertices, faces=faces)
        return {"result": request["result"]}

    def render(self, request: dict[str, Any]) -> dict[str, Any]:
        """Render a scene file that may show a scan."""
        entry = character_entry(request["scene"])
        if entry is not None:
            self._open_character(entry).choose(entry)
        elif self._named:
            self._close()
        return super().render(request)

    def _open_studio(self) -> Studio:
        if self._studio is None:
            self._close()
        return super()._open_studio()

    def save_blend(self, request: dict[str, Any]) -> dict[str, Any]:
        """Save a film with its pictures inside."""
        self._open_film(request["film"])
        pack_pictures()
        look_through_camera()
        bpy.ops.wm.save_as_mainfile(filepath=request["result"], compress=True, copy=True)
        return {"result": request["result"]}

    def film_frames(self, request: dict[str, Any]) -> dict[str, Any]:
        """Write what Blender makes of some frames."""
        film = self._open_film(request["film"])
        vertices, heads = zip(*(film.at(frame) for frame in request["frames"]), strict=True)
        np.savez(request["result"], vertices=np.array(vertices), heads=np.array(heads))
        return {"result": request["result"]}

    def film_render(self, request: dict[str, Any]) -> dict[str, Any]:
        """Render some frames to pictures."""
        film = self._open_film(request["film"])
        render = film.scene.render
        render.image_settings.file_format, render.image_settings.color_mode = "PNG", "RGB"
        for frame, path in zip(request["frames"], request["results"], strict=True):
            film.at(frame)
            render.filepath = path
            bpy.ops.render.render(write_still=True, scene=film.scene.name)
        return {"results": request["results"]}

    def _close(self) -> None:
        """Forget what is open: its scene is about to be replaced."""
        self._named, self._film, self._studio = (), None, None

    def _open_character(self, named: dict[str, Any]) -> CharacterStudio:
        """Return the set with a scan, read anew when another one is open or its file has changed."""
        path = named["file"]
        key = (path, os.stat(path).st_mtime_ns, named["armature"], tuple(named["meshes"]))
        if key != self._named:
            self._close()
            self._studio = CharacterStudio(named)
            self._named = key
        return self._studio

    def _open_film(self, path: str) -> Film:
        """Return the film of a request."""
        key = (path, os.stat(path).st_mtime_ns)
        if key != self._named:
            self._close()
            self._film = build_film(*read_film(path))
            self._named = key
        return self._film


def main() -> None:
    """Serve until told to quit."""
    server = AnimateServer()
    names = ("hello", "render", "project", "describe", "weights", "pose")
    names += ("save_blend", "film_frames", "film_render")
    serve({name: getattr(server, name) for name in names}, ANSWERS)


if __name__ == "__main__":
    main()
