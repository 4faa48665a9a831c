"""What shines on the body: a world of soft light from harmonics, and round lamps.

Units (``light_maths``): irradiance 1 makes a surface of albedo 1 show as linear 1.
"""

import math

import bpy
import numpy as np
from mathutils import Matrix, Vector
from node_graph import NodeGraph

__all__ = ["World", "add_lamp", "lamp_irradiance", "place_lamp"]


class World:
    """The scene's world: soft light for diffuse surfaces; if there is a panorama, that for reflections."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        self.world = bpy.data.worlds.new("surroundings")
        scene.world = self.world
        self.world.use_nodes = True
        # The map is small and smooth: a small table to sample it by is as good and quickly made.
        self.world.cycles.sampling_method, self.world.cycles.sample_map_resolution = "MANUAL", 64
        self._graph = NodeGraph(self.world.node_tree)
        self._soft = self._graph.node("TexEnvironment")
        self._background = self._graph.node("Background")
        output = self._graph.node("OutputWorld")
        self._graph.set(output.inputs["Surface"], self._background.outputs["Background"])
        self._graph.set(self._background.inputs["Color"], self._soft.outputs["Color"])
        self._panorama: bpy.types.Node | None = None

    def update(
        self,
        soft: bpy.types.Image,
        panorama: bpy.types.Image | None = None,
        turn: np.ndarray | None = None,
        gain: np.ndarray | None = None,
    ) -> None:
        """Set the light.

        Args:
            soft: Radiance, equirectangular, Blender's axes.
            panorama: Shown in reflections only, so that the brightness stays that of ``soft``.
            turn: (3, 3) from Blender's axes to the panorama's.
            gain: (3,) factor of the panorama.
        """
        self._soft.image = soft
        color = self._soft.outputs["Color"]
        if panorama is not None:
            if self._panorama is None:
                self._wire_panorama()
            self._panorama.image = panorama
            self._gain.inputs[1].default_value = np.ones(3) if gain is None else gain
            rotation = Matrix(np.eye(3) if turn is None else turn)
            self._turn.inputs["Rotation"].default_value = rotation.to_euler("XYZ")
            color = next(s for s in self._mix.outputs if s.enabled)
        self._graph.set(self._background.inputs["Color"], color)

    def _wire_panorama(self) -> None:
        graph = self._graph
        self._panorama, self._turn = graph.node("TexEnvironment"), graph.node("Mapping")
        self._gain = graph.node("VectorMath", operation="MULTIPLY")
        self._mix = graph.node("Mix", data_type="RGBA")
        coordinates, path = graph.node("TexCoord"), graph.node("LightPath")
        graph.set(self._turn.inputs["Vector"], coordinates.outputs["Generated"])
        graph.set(self._panorama.inputs["Vector"], self._turn.outputs["Vector"])
        graph.set(self._gain.inputs[0], self._panorama.outputs["Color"])
        factor, a, b = (s for s in self._mix.inputs if s.enabled)
        graph.set(factor, path.outputs["Is Glossy Ray"])
        graph.set(a, self._soft.outputs["Color"])
        graph.set(b, self._gain.outputs["Vector"])


def add_lamp(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    """Add a round area light that the camera does not see; reflections do."""
    light = bpy.data.lights.new(name, "AREA")
    light.shape = "DISK"
    light.cycles.use_multiple_importance_sampling = True
    lamp = bpy.data.objects.new(name, light)
    lamp.visible_camera = False
    scene.collection.objects.link(lamp)
    return lamp


def place_lamp(
    lamp: bpy.types.Object,
    target: np.ndarray,
    direction: np.ndarray,
    distance_m: float,
    radius_m: float,
    color: np.ndarray,
) -> None:
    """Aim a lamp at a point and make it as strong as it has to be there.

    Args:
        lamp: Of :func:`add_lamp`.
        target: (3,) point to light, Blender's world, metres.
        direction: (3,) unit vector from there to the lamp.
        distance_m: From the target to the middle of the lamp.
        radius_m: Of the lamp.
        color: (3,) irradiance at the target on a surface that faces the lamp.
    """
    light, direction = lamp.data, np.asarray(direction, dtype=float)
    lamp.location = np.asarray(target) + direction * distance_m
    lamp.rotation_mode = "QUATERNION"
    lamp.rotation_quaternion = Vector((-direction).tolist()).to_track_quat("-Z", "Y")
    light.size = 2.0 * radius_m
    peak = float(np.max(color))
    light.color = np.asarray(color, dtype=float) / max(peak, 1e-12)
    # A disc of radiance L gives pi L r² / (r² + d²) on its axis; its power is pi² r² L, and pi E shows as E.
    light.energy = math.pi**2 * (radius_m**2 + distance_m**2) * peak


def lamp_irradiance(
    points: np.ndarray,
    normal: np.ndarray,
    target: np.ndarray,
    direction: np.ndarray,
    distance_m: float,
    radius_m: float,
    color: np.ndarray,
) -> np.ndarray:
    """Return the irradiance (N, 3) of :func:`place_lamp`'s lamp at points (N, 3) with one normal, unblocked.

    Exact in the limit of small lamps: the lamp is cut into 64 small ones.
    """
    direction = np.asarray(direction, dtype=float)
    helper = np.eye(3)[np.argmin(np.abs(direction))]
    first = np.cross(direction, helper)
    first /= np.linalg.norm(first)
    second = np.cross(direction, first)
    k = np.arange(64) + 0.5
    r, angle = radius_m * np.sqrt(k / 64), np.pi * (3.0 - np.sqrt(5.0)) * k
    spots = np.asarray(target) + direction * distance_m
    spots = spots + r[:, None] * (np.cos(angle)[:, None] * first + np.sin(angle)[:, None] * second)
    total = np.zeros(len(points))
    for spot in spots:
        way = spot - points
        squared = (way * way).sum(axis=1)
        cosines = np.maximum(way @ normal, 0.0) * np.maximum(way @ direction, 0.0)
        total += cosines / (squared * squared)
    return total[:, None] / len(spots) * (radius_m**2 + distance_m**2) * np.asarray(color)
