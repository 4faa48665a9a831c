"""Moving infants in Blender: the rigged body model as a .blend, and a user's own rigged scan in its place.

Run by Blender's Python. Requests (one JSON object a line, see ``server.py``):

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
from character_file import Character, describe_file, load_character
from character_pose import pose_character, read_surface, read_weights, set_placement
from film import Film, build_film, read_film
from film_background import look_through_camera, pack_pictures
from render_scene import RenderServer

IDENTITY = np.eye(4).tolist()


class AnimateServer(RenderServer):
    """Handlers of the requests; holds the scan or the film that the last request named."""

    def __init__(self) -> None:
        """Open nothing."""
        super().__init__()
        self._named: tuple[Any, ...] = ()
        self._character: Character | None = None
        self._film: Film | None = None

    def describe(self, request: dict[str, Any]) -> dict[str, Any]:
        """Tell what armatures a file holds."""
        self._named = ()
        return {"armatures": describe_file(request["file"])}

    def weights(self, request: dict[str, Any]) -> dict[str, Any]:
        """Write which bones move the vertices of a scan."""
        bones, values = read_weights(self._open(request["character"]), request["names"])
        np.savez(request["result"], bones=bones, weights=values.astype(np.float32))
        return {"result": request["result"]}

    def pose(self, request: dict[str, Any]) -> dict[str, Any]:
        """Pose a scan where its file puts it and write its surface."""
        character = self._open(request["character"])
        set_placement(character, IDENTITY)
        pose_character(character, request["quaternions"])
        vertices, faces = read_surface(character)
        np.savez(request["result"], vertices=vertices, faces=faces)
        return {"result": request["result"]}

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

    def _open(self, named: dict[str, Any]) -> Character:
        """Return the scan of a request, read anew when another one is open or its file has changed."""
        path = named["file"]
        key = (path, os.stat(path).st_mtime_ns, named["armature"], tuple(named["meshes"]))
        if key != self._named:
            self._named = ()
            self._character = load_character(path, named["armature"], list(named["meshes"]))
            self._named = key
        return self._character

    def _open_film(self, path: str) -> Film:
        """Return the film of a request."""
        key = (path, os.stat(path).st_mtime_ns)
        if key != self._named:
            self._named = ()
            self._film = build_film(*read_film(path))
            self._named = key
        return self._film


def main() -> None:
    """Serve until told to quit."""
    server = AnimateServer()
    names = ("hello", "describe", "weights", "pose", "save_blend", "film_frames", "film_render")
    serve({name: getattr(server, name) for name in names}, ANSWERS)


if __name__ == "__main__":
    main()
