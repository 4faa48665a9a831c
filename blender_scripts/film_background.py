"""The photo behind the infant, in the viewport and in renders, and what makes a film a file of its own."""

import bpy

__all__ = ["look_through_camera", "pack_pictures", "show_background"]


def show_background(scene: bpy.types.Scene, camera: bpy.types.Object, path: str) -> None:
    """Put a picture of the camera's size behind everything; it lights nothing.

    The viewport shows it behind the camera's view. Renders are laid over it, in linear light, by the
    compositor: seen through the world instead, Cycles' shadow catcher would draw dark lines around the body.
    """
    image = bpy.data.images.load(path)
    image.name, image.alpha_mode = "background", "NONE"
    camera.data.show_background_images = True
    backdrop = camera.data.background_images.new()
    backdrop.image, backdrop.alpha, backdrop.display_depth = image, 1.0, "BACK"
    scene.render.film_transparent = scene.render.use_compositing = True
    tree, result = _compositor(scene)
    layers, picture = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeImage")
    over = tree.nodes.new("CompositorNodeAlphaOver")
    layers.scene, picture.image = scene, image
    below, above = _alpha_over_inputs(over)
    tree.links.new(picture.outputs["Image"], below)
    tree.links.new(layers.outputs["Image"], above)
    tree.links.new(over.outputs["Image"], result)
    for place, node in enumerate((layers, picture, over, result.node)):
        node.location = (220.0 * place, 0.0)


def _compositor(scene: bpy.types.Scene) -> tuple[bpy.types.NodeTree, bpy.types.NodeSocket]:
    """Return the scene's empty compositor and the socket that takes its picture."""
    if hasattr(scene, "compositing_node_group"):  # Blender 5
        tree = bpy.data.node_groups.new("infant over background", "CompositorNodeTree")
        scene.compositing_node_group = tree
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        return tree, tree.nodes.new("NodeGroupOutput").inputs[0]
    scene.use_nodes = True
    scene.node_tree.nodes.clear()
    return scene.node_tree, scene.node_tree.nodes.new("CompositorNodeComposite").inputs["Image"]


def _alpha_over_inputs(node: bpy.types.Node) -> tuple[bpy.types.NodeSocket, bpy.types.NodeSocket]:
    """Return the sockets of what is below and of what is laid over it."""
    if "Background" in node.inputs:  # Blender 5
        return node.inputs["Background"], node.inputs["Foreground"]
    return node.inputs[1], node.inputs[2]


def pack_pictures() -> None:
    """Put every picture into the file itself, so that it can be moved and sent."""
    for image in bpy.data.images:
        if image.packed_file is None and image.type not in ("RENDER_RESULT", "COMPOSITING"):
            image.pack()


def look_through_camera() -> None:
    """Let the saved file open with the camera's view, materials shown."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            for space in area.spaces:
                if space.type == "VIEW_3D":
                    space.region_3d.view_perspective = "CAMERA"
                    space.shading.type = "MATERIAL"
