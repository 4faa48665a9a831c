"""A user's own rigged scan, opened in Blender and posed like the body model, frame by frame."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from syrip_gen.body.assets import NUM_JOINTS, BodyAssets
from syrip_gen.body.posing import pose_body, rest_body
from syrip_gen.geometry.camera import transform_points
from syrip_gen.rendering.blender_process import BlenderCrashError, BlenderProcess, BlenderRequestError
from syrip_gen.rendering.character_bones import CharacterRig, check_bones
from syrip_gen.rendering.character_map import BoneMap
from syrip_gen.rendering.character_rig import CharacterPose, RigDriver
from syrip_gen.sampling.scene import BodySpec

__all__ = ["Character", "CharacterFrame"]

SCRIPT = "animate.py"
_SUFFIXES = (".blend", ".fbx", ".glb", ".gltf")


@dataclass(frozen=True, slots=True, eq=False)
class CharacterFrame:
    """One posed scan. Camera frame: OpenCV axes, metres."""

    vertices: np.ndarray
    """(V, 3) float32: all its meshes."""
    faces: np.ndarray
    """(F, 3) int32."""
    keypoints_3d: np.ndarray
    """(17, 3) float64 COCO-17."""
    bone_names: tuple[str, ...]
    bone_heads: np.ndarray
    """(B, 3)."""
    bone_tails: np.ndarray
    """(B, 3)."""
    scene_entry: dict[str, Any]
    """``character`` of a scene JSON: file, armature, meshes, quaternions, ``T_cam_file`` (4x4 similarity)."""

    def bones_json(self) -> dict[str, dict[str, list[float]]]:
        """Return head and tail of every bone, metres, camera frame."""
        heads, tails = np.round(self.bone_heads, 6).tolist(), np.round(self.bone_tails, 6).tolist()
        return {
            name: {"head": head, "tail": tail}
            for name, head, tail in zip(self.bone_names, heads, tails, strict=True)
        }


class Character:
    """A scan with its bone map, in a Blender of its own.

    Attributes:
        name: Stem of the file.
        rig: Its bones at rest.
        bones: The bone map.
        face_joint: (F,) SMPL joint whose motion each triangle follows, -1 = none.
    """

    def __init__(self, file: str | Path, bones: BoneMap, process: BlenderProcess) -> None:
        """Open a scan.

        Args:
            file: .blend, .fbx, .glb or .gltf. Scripts and drivers in it are not run.
            bones: Its bone map.
            process: Blender with ``blender_scripts/animate.py``; stays the caller's.

        Raises:
            FileNotFoundError: When there is no such file.
            ValueError: When it holds no armature that fits the map.
        """
        self.file = Path(file).resolve()
        self.name = self.file.stem
        self.bones = bones
        self._process = process
        self._folder = tempfile.TemporaryDirectory(prefix="syrip-character-", ignore_cleanup_errors=True)
        found = self._describe()
        self.rig = CharacterRig.from_json(found["bones"])
        check_bones(self.rig, bones, self.file.name)
        self._named = {"file": str(self.file), "armature": found["name"], "meshes": self._meshes(found)}
        self._drivers: dict[bytes, RigDriver] = {}
        self._rest_vertices, self.faces = self._surface({})
        self._weights = self._read_weights()

    def close(self) -> None:
        """Remove temporary files."""
        self._folder.cleanup()

    def _describe(self) -> Mapping[str, Any]:
        """Return the one armature to drive."""
        if not self.file.is_file():
            raise FileNotFoundError(f"character {self.file} not found; give a {', '.join(_SUFFIXES)} file")
        if self.file.suffix.lower() not in _SUFFIXES:
            raise ValueError(
                f"character {self.file}: unknown type '{self.file.suffix}'; {', '.join(_SUFFIXES)} are read"
            )
        try:
            armatures = self._process.request({"do": "describe", "file": str(self.file)})["armatures"]
        except BlenderRequestError as error:
            raise ValueError(f"character {error}") from error
        except BlenderCrashError as error:
            raise ValueError(f"character {self.file}: reading it crashes Blender. {error}") from error
        wanted = self.bones.armature
        chosen = [rig for rig in armatures if wanted in (None, rig["name"])]
        listed = ", ".join(rig["name"] for rig in armatures)
        if not armatures:
            raise ValueError(f"character {self.file} holds no armature; export the scan with its skeleton")
        if not chosen:
            raise ValueError(f"{self.bones.source}: armature '{wanted}' is not in {self.file.name}: {listed}")
        if len(chosen) > 1:
            raise ValueError(
                f"character {self.file} holds {len(chosen)} armatures: {listed}. Name one in the bone map: "
                f"'armature: {chosen[0]['name']}'"
            )
        if chosen[0]["is_skewed"]:
            raise ValueError(
                f"character {self.file}: armature '{chosen[0]['name']}' is scaled unevenly or mirrored; "
                "apply its scale in Blender (Object > Apply > Scale) and save again"
            )
        return chosen[0]

    def _meshes(self, found: Mapping[str, Any]) -> list[str]:
        """Return the meshes to show."""
        there = [name for name in found["meshes"] if name not in found["hidden"]]
        missing = [name for name in self.bones.meshes if name not in found["meshes"]]
        if missing:
            raise ValueError(
                f"{self.bones.source}: meshes that armature '{found['name']}' does not move: "
                f"{', '.join(missing)}. It moves {', '.join(found['meshes']) or 'none'}"
            )
        names = list(self.bones.meshes) or there
        if not names:
            raise ValueError(f"character {self.file}: armature '{found['name']}' moves no visible mesh")
        return names

    def _surface(self, quaternions: Mapping[str, tuple[float, ...]]) -> tuple[np.ndarray, np.ndarray]:
        """Return the posed (V, 3) float64 vertices in the file's axes and (F, 3) int32 faces."""
        path = str(Path(self._folder.name) / "surface.npz")
        request = {"do": "pose", "character": self._named, "quaternions": quaternions, "result": path}
        with np.load(self._process.request(request)["result"], allow_pickle=False) as data:
            return data["vertices"], data["faces"]

    def _read_weights(self) -> np.ndarray:
        """Return (V, B + 1) float32 weights of the bones; the last column is that of no bone."""
        path = str(Path(self._folder.name) / "weights.npz")
        names = list(self.rig.names)
        request = {"do": "weights", "character": self._named, "names": names, "result": path}
        with np.load(self._process.request(request)["result"], allow_pickle=False) as data:
            bones, values = data["bones"], data["weights"]
        weights = np.zeros((len(bones), len(names) + 1), np.float32)
        for slot in range(bones.shape[1]):
            np.add.at(weights, (np.arange(len(bones)), bones[:, slot]), values[:, slot])
        return weights

    def driver(self, body: BodyAssets, betas: np.ndarray) -> RigDriver:
        """Return what turns the motion of a body of some shape into this scan's; kept for the next frame."""
        betas = np.asarray(betas, np.float64)
        key = body.identity.encode() + betas.tobytes()
        if key not in self._drivers:
            self._drivers.clear()
            self._drivers[key] = RigDriver(self.rig, self.bones, rest_body(body, betas)[1])
        return self._drivers[key]

    def face_joints(self, driver: RigDriver) -> np.ndarray:
        """Return (F,) int16 SMPL joint whose motion each triangle follows, -1 = none."""
        joints = np.zeros((len(self._weights), NUM_JOINTS + 1), np.float32)
        columns = np.append(driver.joint_of_bone, NUM_JOINTS)
        for bone, joint in enumerate(columns):
            joints[:, joint] += self._weights[:, bone]
        part = joints[self.faces].sum(axis=1).argmax(axis=1)
        return np.where(part == NUM_JOINTS, -1, part).astype(np.int16)

    def rest(self, driver: RigDriver) -> tuple[np.ndarray, np.ndarray]:
        """Return the (V, 3) vertices and (17, 3) keypoints at rest in SMPL's axes, metres."""
        turn = driver.scale * driver.axes.T
        return self._rest_vertices @ turn, driver.keypoints @ turn

    def frame(
        self, body: BodyAssets, spec: BodySpec, T_cam_world: np.ndarray, anchor: np.ndarray | None = None
    ) -> CharacterFrame:
        """Pose the scan as the body model and put it where that is, feet (or whatever rests) as high.

        Args:
            body: Body model.
            spec: Its parameters, world frame.
            T_cam_world: (4, 4) rigid transform.
            anchor: (3,) see :meth:`RigDriver.drive`; None = the origin, near which takes are played.
        """
        betas = np.array(spec.betas)
        posed = pose_body(body, betas, spec.global_orient, spec.body_pose, spec.transl)
        anchor = np.zeros(3) if anchor is None else np.asarray(anchor, np.float64)
        driver = self.driver(body, betas)
        pose = driver.drive(posed.joint_transforms[:, :3, :3], posed.joints, anchor)
        surface, faces = self._surface(pose.quaternions)
        if len(surface) != len(self._rest_vertices):
            raise ValueError(
                f"character {self.file}: its meshes have {len(self._rest_vertices)} vertices at rest and "
                f"{len(surface)} when posed; remove the modifier that changes their number"
            )
        lowest = transform_points(pose.T_world_file, surface)[:, 2].min()
        pose = pose.lifted(driver.leg_ratio * float(posed.vertices[:, 2].min()) - lowest)
        return self._in_camera(pose, surface, faces, np.asarray(T_cam_world, np.float64))

    def _in_camera(
        self, pose: CharacterPose, surface: np.ndarray, faces: np.ndarray, T_cam_world: np.ndarray
    ) -> CharacterFrame:
        T = T_cam_world @ pose.T_world_file
        return CharacterFrame(
            vertices=transform_points(T, surface).astype(np.float32),
            faces=faces,
            keypoints_3d=transform_points(T_cam_world, pose.keypoints),
            bone_names=self.rig.names,
            bone_heads=transform_points(T_cam_world, pose.heads),
            bone_tails=transform_points(T_cam_world, pose.tails),
            scene_entry={**self._named, "quaternions": pose.quaternions, "T_cam_file": T.tolist()},
        )
