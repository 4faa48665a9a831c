"""What the body is made of: skin, eyes, hair and cloth in one material that reads the painted maps.

The texture is the albedo. The gloss map says what a place is: 0 cloth (hair on the head), about 35 of 255
skin, more where skin is moist, 255 eyes. Fine structure sticks to the mesh attribute ``rest_position``.
"""

from dataclasses import dataclass

import bpy
from meshes import HEAD, REST
from node_graph import NodeGraph

__all__ = ["BodyMaterial", "Look", "ground_material", "view_depth_material"]


NO_GLOSS = 0.1
"""Stands for the gloss of skin where there is no map."""


@dataclass(frozen=True)
class Look:
    """Numbers of the materials; metres."""

    scatter_scale_m: float = 0.0025
    """Mean free path of red light in infant skin, Jensen et al. 2001 (3.7 mm for skin1), thinner skin."""
    scatter_radius: tuple[float, float, float] = (1.0, 0.38, 0.2)
    """Of it, by colour."""
    skin_roughness: float = 0.46
    skin_specular: float = 0.32
    moist_roughness: float = 0.25
    eye_roughness: float = 0.04
    pores_per_m: float = 450.0
    skin_bump_m: float = 0.0004
    cloth_roughness: float = 0.85
    cloth_sheen: float = 0.2
    folds_per_m: float = 22.0
    fold_octaves: float = 3.0
    """Its finest structure stands for the weave."""
    fold_bump_m: float = 0.006


class BodyMaterial:
    """A material whose pictures can be exchanged; the nodes stay."""

    def __init__(self, look: Look | None = None, name: str = "body") -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        graph = NodeGraph(self.material.node_tree)
        self._texture = graph.node("TexImage", interpolation="Linear", extension="EXTEND")
        self._gloss = graph.node("TexImage", interpolation="Linear", extension="EXTEND")
        self._has_gloss = graph.node("Value")
        look = look or Look()
        gloss = graph.mix(self._has_gloss.outputs[0], NO_GLOSS, self._gloss.outputs["Color"])
        # Cycles skips the shader, and the noise behind it, that has no share in the mix.
        mix, output = graph.node("MixShader"), graph.node("OutputMaterial")
        graph.set(mix.inputs[0], graph.ramp(gloss, 0.02, 0.09))
        graph.set(mix.inputs[1], _cloth(graph, look, self._texture.outputs["Color"]))
        graph.set(mix.inputs[2], _skin(graph, look, self._texture.outputs["Color"], gloss))
        graph.set(output.inputs["Surface"], mix.outputs["Shader"])

    def update(self, texture: bpy.types.Image, gloss: bpy.types.Image | None) -> None:
        """Set the albedo (sRGB) and the gloss map (Non-Color); without one, all is matte skin."""
        self._texture.image, self._gloss.image = texture, gloss
        self._has_gloss.outputs[0].default_value = 0.0 if gloss is None else 1.0


def _skin(
    graph: NodeGraph, look: Look, color: bpy.types.NodeSocket, gloss: bpy.types.NodeSocket
) -> bpy.types.NodeSocket:
    """Return skin with light scattered under it, moist skin and eyes."""
    shader = graph.node("BsdfPrincipled", subsurface_method="RANDOM_WALK")
    inputs = shader.inputs
    eye, moist = graph.ramp(gloss, 0.6, 0.95), graph.ramp(gloss, 0.16, 0.5)
    graph.set(inputs["Base Color"], color)
    pores = graph.noise(graph.attribute(REST, "Vector"), look.pores_per_m, 1.0)
    uneven = graph.math("MULTIPLY_ADD", pores, 0.16, look.skin_roughness - 0.08)
    graph.set(
        inputs["Roughness"],
        graph.mix(eye, graph.mix(moist, uneven, look.moist_roughness), look.eye_roughness),
    )
    inputs["IOR"].default_value = 1.4
    graph.set(inputs["Specular IOR Level"], graph.mix(eye, look.skin_specular, 0.5))
    graph.set(inputs["Subsurface Weight"], graph.math("SUBTRACT", 1.0, eye))
    inputs["Subsurface Radius"].default_value = look.scatter_radius
    inputs["Subsurface Scale"].default_value = look.scatter_scale_m
    height = graph.math(
        "MULTIPLY", pores, graph.math("MULTIPLY_ADD", eye, -look.skin_bump_m, look.skin_bump_m)
    )
    graph.set(inputs["Normal"], _relief(graph, height))
    return shader.outputs["BSDF"]


def _cloth(graph: NodeGraph, look: Look, color: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """Return cloth with soft folds and a bloom of short fibres; on the head, plain rough hair."""
    shader = graph.node("BsdfPrincipled")
    inputs = shader.inputs
    fabric = graph.math("SUBTRACT", 1.0, graph.attribute(HEAD, "Fac"))
    graph.set(inputs["Base Color"], color)
    inputs["Roughness"].default_value = look.cloth_roughness
    inputs["Specular IOR Level"].default_value = 0.08
    graph.set(inputs["Sheen Weight"], graph.math("MULTIPLY", fabric, look.cloth_sheen))
    inputs["Sheen Roughness"].default_value = 0.4
    graph.set(inputs["Sheen Tint"], color)  # black cloth and hair stay black
    folds = graph.noise(graph.attribute(REST, "Vector"), look.folds_per_m, look.fold_octaves, 0.5)
    height = graph.math("MULTIPLY", folds, graph.math("MULTIPLY", fabric, look.fold_bump_m))
    graph.set(inputs["Normal"], _relief(graph, height))
    return shader.outputs["BSDF"]


def _relief(graph: NodeGraph, height: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """Return normals of a surface of the given height, metres."""
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
