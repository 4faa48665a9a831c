"""Shader nodes written as expressions: short names for the few that the materials use."""

import bpy

__all__ = ["NodeGraph", "Value"]

Value = bpy.types.NodeSocket | float


class NodeGraph:
    """A node tree under construction."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        tree.nodes.clear()
        self.tree = tree

    def node(self, kind: str, **properties: object) -> bpy.types.Node:
        """Add a node of a type (without the prefix ``ShaderNode``)."""
        node = self.tree.nodes.new(f"ShaderNode{kind}")
        for name, value in properties.items():
            setattr(node, name, value)
        return node

    def set(self, socket: bpy.types.NodeSocket, value: object) -> None:
        """Link a socket to another one, or give it a value."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def math(self, operation: str, *values: Value) -> bpy.types.NodeSocket:
        """Return the result of a Math node."""
        node = self.node("Math", operation=operation)
        for socket, value in zip(node.inputs, values, strict=False):
            self.set(socket, value)
        return node.outputs["Value"]

    def ramp(self, value: Value, low: float, high: float) -> bpy.types.NodeSocket:
        """Return 0 below ``low``, 1 above ``high``, smooth between them."""
        node = self.node("MapRange", interpolation_type="SMOOTHSTEP")
        self.set(node.inputs["Value"], value)
        node.inputs["From Min"].default_value, node.inputs["From Max"].default_value = low, high
        return node.outputs["Result"]

    def mix(self, factor: Value, a: Value, b: Value) -> bpy.types.NodeSocket:
        """Return ``a`` at factor 0, ``b`` at factor 1."""
        node = self.node("Mix", data_type="FLOAT")
        for name, value in (("Factor", factor), ("A", a), ("B", b)):
            self.set(node.inputs[name], value)
        return node.outputs["Result"]

    def noise(
        self, position: bpy.types.NodeSocket, scale: float, detail: float, distortion: float = 0.0
    ) -> bpy.types.NodeSocket:
        """Return fractal noise around 0.5; ``scale`` in cells a metre."""
        node = self.node("TexNoise")
        self.set(node.inputs["Vector"], position)
        for name, value in (("Scale", scale), ("Detail", detail), ("Distortion", distortion)):
            node.inputs[name].default_value = value
        return node.outputs["Factor"] if "Factor" in node.outputs else node.outputs["Fac"]

    def attribute(self, name: str, output: str) -> bpy.types.NodeSocket:
        """Return a mesh attribute: ``output`` is Vector or Fac."""
        outputs = self.node("Attribute", attribute_name=name).outputs
        return outputs["Factor"] if output == "Fac" and "Factor" in outputs else outputs[output]
