"""What the body is made of: skin, eyes, hair and cloth in one material that reads the painted maps.

The texture is the albedo. The gloss map says what a place is: 0 cloth (hair on the head), about 35 of 255
skin, more where skin is moist, 255 eyes. Fine structure sticks to the mesh attribute ``rest_position``.
"""

from dataclasses import dataclass

import bpy
from meshes import HEAD, REST
from node_graph import NodeGraph

__all__ = ["BodyMaterial", "Look", "ground_material", "view_depth_material"]


@dataclass(frozen=True)
class Look:
    """Numbers of the materials; metres."""

    scatter_scale_m: float = 0.0025
    """Mean free path of red light in infant skin, Jensen et al. 2001 (3.7 mm for skin1), thinner skin."""
    scatter_radius: tuple[float, float, float] = (1.0, 0.38, 0.2)
    """Of it, by colour."""
    skin_roughness: float = 0.46
    skin_bump_m: float = 0.00035
    cloth_roughness: float = 0.85
    cloth_sheen: float = 0.12
    weave_bump_m: float = 0.0004
    fold_bump_m: float = 0.006
    eye_roughness: float = 0.04


class BodyMaterial:
    """A material whose pictures can be exchanged; the nodes stay."""

    def __init__(self, look: Look | None = None, name: str = "body") -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        graph = NodeGraph(self.material.node_tree)
        self._texture = graph.node("TexImage", interpolation="Linear", extension="EXTEND")
        self._gloss = graph.node("TexImage", interpolation="Linear", extension="EXTEND")
        self._has_gloss = graph.node("Value")
        _build(graph, look or Look(), self._texture, self._gloss, self._has_gloss)

    def update(self, texture: bpy.types.Image, gloss: bpy.types.Image | None) -> None:
        """Set the albedo (sRGB) and the gloss map (Non-Color); without one, all is matte skin."""
        self._texture.image, self._gloss.image = texture, gloss
        self._has_gloss.outputs[0].default_value = 0.0 if gloss is None else 1.0


def _build(
    graph: NodeGraph,
    look: Look,
    texture: bpy.types.Node,
    gloss_map: bpy.types.Node,
    has_gloss: bpy.types.Node,
) -> None:
    """Wire the maps to one Principled shader."""
    position = graph.attribute(REST, "Vector")
    gloss = graph.mix(has_gloss.outputs[0], 0.1, gloss_map.outputs["Color"])
    skin = graph.ramp(gloss, 0.02, 0.09)
    eye = graph.ramp(gloss, 0.6, 0.95)
    moist = graph.ramp(gloss, 0.16, 0.5)
    cloth = graph.math("SUBTRACT", 1.0, skin)
    hair = graph.math("MULTIPLY", cloth, graph.ramp(graph.attribute(HEAD, "Fac"), 0.3, 0.7))
    fabric = graph.math("SUBTRACT", cloth, hair)
    patches = graph.noise(position, 60.0, 3.0)
    shader, output = graph.node("BsdfPrincipled"), graph.node("OutputMaterial")
    shader.subsurface_method = "RANDOM_WALK"
    inputs = shader.inputs
    graph.set(inputs["Base Color"], texture.outputs["Color"])
    skin_roughness = graph.math("MULTIPLY_ADD", patches, 0.16, look.skin_roughness - 0.08)
    skin_roughness = graph.mix(moist, skin_roughness, 0.25)
    rough = graph.mix(eye, graph.mix(cloth, skin_roughness, look.cloth_roughness), look.eye_roughness)
    graph.set(inputs["Roughness"], rough)
    graph.set(inputs["Specular IOR Level"], graph.mix(cloth, graph.mix(eye, 0.4, 0.6), 0.15))
    graph.set(inputs["Subsurface Weight"], graph.math("SUBTRACT", skin, eye))
    inputs["Subsurface Radius"].default_value = look.scatter_radius
    inputs["Subsurface Scale"].default_value = look.scatter_scale_m
    graph.set(inputs["Sheen Weight"], graph.math("MULTIPLY", fabric, look.cloth_sheen))
    inputs["Sheen Roughness"].default_value = 0.4
    graph.set(inputs["Normal"], _relief(graph, look, position, graph.math("SUBTRACT", skin, eye), fabric))
    graph.set(output.inputs["Surface"], shader.outputs["BSDF"])


def _relief(
    graph: NodeGraph,
    look: Look,
    position: bpy.types.NodeSocket,
    skin: bpy.types.NodeSocket,
    fabric: bpy.types.NodeSocket,
) -> bpy.types.NodeSocket:
    """Return normals with pores and tiny folds on skin, weave and soft folds on cloth; heights in metres."""
    pores = graph.math("MULTIPLY", graph.noise(position, 900.0, 2.0), look.skin_bump_m)
    pores = graph.math("MULTIPLY_ADD", graph.noise(position, 220.0, 2.0), 1.5 * look.skin_bump_m, pores)
    weave = graph.math("MULTIPLY", graph.noise(position, 700.0, 1.0), look.weave_bump_m)
    folds = graph.noise(position, 22.0, 2.0, 0.6)
    height = graph.math("MULTIPLY_ADD", folds, look.fold_bump_m, weave)
    height = graph.math("MULTIPLY", height, fabric)
    height = graph.math("MULTIPLY_ADD", pores, skin, height)
    bump = graph.node("Bump")
    bump.inputs["Strength"].default_value, bump.inputs["Distance"].default_value = 1.0, 1.0
    graph.set(bump.inputs["Height"], height)
    return bump.outputs["Normal"]


def ground_material(name: str = "ground") -> tuple[bpy.types.Material, bpy.types.NodeSocket]:
    """Return a matte material and the socket of its albedo (r, g, b, 1)."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    graph = NodeGraph(material.node_tree)
    shader, output = graph.node("BsdfDiffuse"), graph.node("OutputMaterial")
    graph.set(output.inputs["Surface"], shader.outputs["BSDF"])
    return material, shader.inputs["Color"]


def view_depth_material(name: str = "depth") -> bpy.types.Material:
    """Return a material that glows with its depth along the camera's axis, in metres."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    graph = NodeGraph(material.node_tree)
    glow, output, camera = graph.node("Emission"), graph.node("OutputMaterial"), graph.node("CameraData")
    graph.set(glow.inputs["Strength"], camera.outputs["View Z Depth"])
    graph.set(output.inputs["Surface"], glow.outputs["Emission"])
    return material
