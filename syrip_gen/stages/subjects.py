"""Who is photographed: the body model, or a user's own scan that moves like it."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from syrip_gen.annotation.character import annotate_character, character_surface
from syrip_gen.annotation.labels import Labels, annotate
from syrip_gen.annotation.surface import BodySurface
from syrip_gen.quality.checks import SampleChecker
from syrip_gen.rendering.catalog import RendererChoice
from syrip_gen.rendering.character import Character, CharacterFrame
from syrip_gen.rendering.character_map import read_bone_map
from syrip_gen.rendering.depth_buffer import DepthBuffer
from syrip_gen.rendering.resolve import ResolvedScene, Resources, resolve_scene
from syrip_gen.rendering.types import RenderInputs
from syrip_gen.sampling.scene import SceneSpec

if TYPE_CHECKING:
    from syrip_gen.rendering.blender_process import BlenderProcess

__all__ = ["BodySubject", "CharacterChoice", "CharacterSubject", "Subject", "check_character"]

BLENDER_SCRIPT = "animate.py"


class Subject(Protocol):
    """Turns scenes into what is rendered, labelled and checked."""

    def resolve(self, spec: SceneSpec) -> Any:
        """Return the scene's arrays: ``inputs`` for the renderer, ``notes``, and what the rest needs."""
        ...

    def label(self, spec: SceneSpec, scene: Any, buffer: DepthBuffer) -> Labels:
        """Label a scene of :meth:`resolve`; ``buffer`` is its depth buffer."""
        ...

    def check(self, labels: Labels, scene: Any) -> str | None:
        """Return why the scene is no good, None if it is."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class BodySubject:
    """The body model, dressed and painted."""

    resources: Resources
    surface: BodySurface
    checker: SampleChecker

    def resolve(self, spec: SceneSpec) -> ResolvedScene:
        """Pose, dress and place the body."""
        return resolve_scene(spec, self.resources)

    def label(self, spec: SceneSpec, scene: ResolvedScene, buffer: DepthBuffer) -> Labels:
        """Label the body."""
        return annotate(spec, scene.inputs, scene.keypoints_3d, scene.body, self.surface, buffer)

    def check(self, labels: Labels, scene: ResolvedScene) -> str | None:
        """Look at framing and pose."""
        return self.checker.check(labels, scene.inputs, scene.joints_3d)


@dataclass(frozen=True, slots=True)
class CharacterChoice:
    """A scan and its bone map, by path: small and picklable, so that every worker can open its own."""

    file: str
    bone_map: str

    def renderer(self, choice: RendererChoice) -> RendererChoice:
        """Return the renderer that can show it.

        Raises:
            ValueError: When that is not Cycles, which alone shows a scan's own materials.
        """
        if choice.name != "cycles":
            raise ValueError(f"--character needs --renderer cycles, got {choice.name}")
        return RendererChoice(choice.name, {**choice.options, "script": BLENDER_SCRIPT})

    def open(
        self, resources: Resources, checker: SampleChecker, process: "BlenderProcess"
    ) -> "CharacterSubject":
        """Open it in a Blender; raises ValueError or FileNotFoundError when it cannot be used."""
        character = Character(self.file, read_bone_map(self.bone_map), process)
        return CharacterSubject(resources, character, checker)


def check_character(choice: CharacterChoice, renderer: RendererChoice) -> None:
    """Open a scan once, before any work.

    Raises:
        FileNotFoundError: When the file or its bone map is not there.
        ValueError: When they do not fit together, or cannot be used.
    """
    bones = read_bone_map(choice.bone_map)
    camera = choice.renderer(renderer).open()
    try:
        Character(choice.file, bones, camera.process).close()
    finally:
        camera.close()


@dataclass(frozen=True, slots=True, eq=False)
class CharacterScene:
    """A scene that shows a scan."""

    inputs: RenderInputs
    frame: CharacterFrame
    notes: tuple[str, ...]


class CharacterSubject:
    """A user's own scan in the body model's place. Its own clothes and skin stay as they are."""

    def __init__(self, resources: Resources, character: Character, checker: SampleChecker) -> None:
        self.resources, self.character, self.checker = resources, character, checker
        self._surfaces: dict[tuple[float, ...], BodySurface] = {}

    def resolve(self, spec: SceneSpec) -> CharacterScene:
        """Pose the scan like the body of the scene and put it in that one's place."""
        scene = resolve_scene(spec, self.resources)
        frame = self.character.frame(self.resources.body, spec.body, np.array(spec.camera.T_cam_world))
        inputs = dataclasses.replace(
            scene.inputs,
            vertices=frame.vertices,
            normals=np.zeros_like(frame.vertices),
            faces=frame.faces,
            uv=np.zeros((1, 2), np.float32),
            uv_faces=np.zeros_like(frame.faces),
            texture=np.full((2, 2, 3), 200, np.uint8),
            gloss=None,
            vertices_open=None,
            vertices_close=None,
            rest_vertices=None,
            head_weights=None,
            character=frame.scene_entry,
        )
        return CharacterScene(inputs, frame, scene.notes)

    def label(self, spec: SceneSpec, scene: CharacterScene, buffer: DepthBuffer) -> Labels:
        """Label the scan by its bones."""
        if spec.body.betas not in self._surfaces:  # one infant moves through a whole take
            driver = self.character.driver(self.resources.body, np.array(spec.body.betas))
            self._surfaces = {spec.body.betas: character_surface(self.character, driver)}
        surface = self._surfaces[spec.body.betas]
        labels = annotate_character(spec, scene.inputs, scene.frame, surface, self.character.name, buffer)
        labels.record["annotation"]["bones_m"] = scene.frame.bones_json()
        return labels

    def check(self, labels: Labels, scene: CharacterScene) -> str | None:
        """Look at the framing; the pose has been checked when the motion was made."""
        return self.checker.check(labels, scene.inputs, None)
