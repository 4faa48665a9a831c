"""The set with a user's own scan in place of the body model's mesh."""

import json
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from camera import OPENCV_TO_BLENDER
from character_file import Character, load_character
from character_pose import pose_character, read_surface, set_placement
from scene_file import SceneFile
from server import BadRequestError
from studio import Studio

__all__ = ["CharacterStudio", "character_entry"]

TRANSMISSION_BOUNCES, TRANSPARENT_BOUNCES = 4, 16
"""Scans bring corneas of glass and hair on transparent cards."""
IDENTITY = np.eye(4).tolist()


class CharacterStudio(Studio):
    """Takes pictures of one scan; a scene's mesh, which is its surface, is not shown."""

    def __init__(self, named: dict[str, Any]) -> None:
        """Set up, and read the scan that ``named`` (file, armature, meshes) tells of."""
        super().__init__()
        for (
            item
        ) in bpy.data.objects:  # so that the scan's objects keep the names that they have in their file
            item.name = f"syrip set: {item.name}"
        super().body_objects()[0].hide_render = True
        cycles = self.scene.cycles
        cycles.transmission_bounces, cycles.transparent_max_bounces = (
            TRANSMISSION_BOUNCES,
            TRANSPARENT_BOUNCES,
        )
        self.character: Character = load_character(named["file"], named["armature"], list(named["meshes"]))
        self._entry: dict[str, Any] = {}

    def pose(self, quaternions: dict[str, list[float]]) -> tuple[np.ndarray, np.ndarray]:
        """Pose the scan where its file puts it; returns its (V, 3) vertices and (F, 3) triangles."""
        set_placement(self.character, IDENTITY)
        pose_character(self.character, quaternions)
        return read_surface(self.character)

    def choose(self, entry: dict[str, Any]) -> None:
        """Say how the scan stands in the next picture: ``character`` of its scene file."""
        self._entry = entry

    def place_body(self, scene: SceneFile) -> np.ndarray:
        """Pose the scan and put it into the camera's frame; returns its vertices, Blender's axes."""
        if scene.shutter is not None:
            raise BadRequestError("scans cannot be blurred by their motion")
        turn = np.eye(4)
        turn[:3, :3] = OPENCV_TO_BLENDER
        pose_character(self.character, self._entry["quaternions"])
        set_placement(self.character, (turn @ np.array(self._entry["T_cam_file"])).tolist())
        return read_surface(self.character)[0]

    def body_objects(self) -> list[bpy.types.Object]:
        """Return the scan's meshes."""
        return self.character.meshes


def character_entry(scene: str) -> dict[str, Any] | None:
    """Return what a scene file says of a scan; None = it shows the body model's mesh."""
    data = json.loads(Path(scene).read_text(encoding="utf-8"))
    entry = data.get("character") if isinstance(data, dict) else None
    if entry is None:
        return None
    missing = {"file", "armature", "meshes", "quaternions", "T_cam_file"} - set(entry)
    if missing:
        raise BadRequestError(f"{scene}: character has no {', '.join(sorted(missing))}")
    return entry
