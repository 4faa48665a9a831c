"""Moving infants in Blender: the rigged body model as a .blend, and a user's own rigged scan in its place.

Run by Blender's Python. Requests (one JSON object a line, see ``server.py``):

* ``describe``: ``file`` → ``armatures`` of a scan, with their bones at rest and their meshes.
* ``weights``: ``character``, ``names`` → npz ``result`` with (V, 4) ``bones`` and ``weights``.
* ``pose``: ``character``, ``quaternions`` → npz ``result`` with (V, 3) ``vertices`` and (F, 3) ``faces``.

``character`` is ``{"file", "armature", "meshes"}``. Files are read once and stay open while requests name the
same one.
"""

import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from server import serve, take_stdout

ANSWERS = take_stdout()  # before bpy, which prints when it is imported

import bpy
import numpy as np
from character_file import Character, describe_file, load_character
from character_pose import pose_character, read_surface, read_weights, set_placement

PROTOCOL = 1
IDENTITY = np.eye(4).tolist()


class CharacterStage:
    """Keeps the scan that the last request named open."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._character: Character | None = None

    def open(self, named: dict[str, Any]) -> Character:
        """Return the scan of a request, read anew when another one is open or its file has changed."""
        path = named["file"]
        key = (path, os.stat(path).st_mtime_ns, named["armature"], tuple(named["meshes"]))
        if self._character is None or key != self._key:
            self._key = ()
            self._character = load_character(path, named["armature"], list(named["meshes"]))
            self._key = key
        return self._character

    def forget(self) -> None:
        """Note that the open scene is another one now."""
        self._character = None


STAGE = CharacterStage()


def say_hello(_: dict[str, Any]) -> dict[str, Any]:
    """Tell what this Blender is."""
    engines = ["CYCLES"] if hasattr(bpy.types.Scene, "cycles") else []
    return {"blender": bpy.app.version_string, "engine": engines, "devices": ["CPU"], "protocol": PROTOCOL}


def describe(request: dict[str, Any]) -> dict[str, Any]:
    """Tell what armatures a file holds."""
    STAGE.forget()
    return {"armatures": describe_file(request["file"])}


def weights(request: dict[str, Any]) -> dict[str, Any]:
    """Write which bones move the vertices of a scan."""
    bones, values = read_weights(STAGE.open(request["character"]), request["names"])
    np.savez(request["result"], bones=bones, weights=values.astype(np.float32))
    return {"result": request["result"]}


def pose(request: dict[str, Any]) -> dict[str, Any]:
    """Pose a scan where its file puts it and write its surface."""
    character = STAGE.open(request["character"])
    set_placement(character, IDENTITY)
    pose_character(character, request["quaternions"])
    vertices, faces = read_surface(character)
    np.savez(request["result"], vertices=vertices, faces=faces)
    return {"result": request["result"]}


if __name__ == "__main__":
    serve({"hello": say_hello, "describe": describe, "weights": weights, "pose": pose}, ANSWERS)
