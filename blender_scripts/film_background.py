"""The photo behind the infant: seen by the camera only, in the viewport and in renders alike."""

import bpy

__all__ = ["look_through_camera", "pack_pictures", "show_background"]


def show_background(scene: bpy.types.Scene, camera: bpy.types.Object, path: str) -> None:
    """Put a picture of the camera's size behind everything.

    Renders show it through the world, by the window's coordinates and for camera rays only, so that it lights
    nothing and shadows of the support fall on it.
    """
    image = bpy.data.images.load(path)
    image.name, image.alpha_mode = "background", "NONE"
    camera.data.show_background_images = True
    backdrop = camera.data.background_images.new()
    backdrop.image, backdrop.alpha, backdrop.display_depth = image, 1.0, "BACK"
    scene.render.film_transparent = False
    tree = scene.world.node_tree
    output = next(node for node in tree.nodes if node.bl_idname == "ShaderNodeOutputWorld")
    lit = output.inputs["Surface"].links[0].from_socket

    def node(kind: str) -> bpy.types.Node:
        return tree.nodes.new(f"ShaderNode{kind}")

    coordinates, picture, photo = node("TexCoord"), node("TexImage"), node("Background")
    path_kind, choice = node("LightPath"), node("MixShader")
    picture.image, picture.extension = image, "EXTEND"
    tree.links.new(coordinates.outputs["Window"], picture.inputs["Vector"])
    tree.links.new(picture.outputs["Color"], photo.inputs["Color"])
    tree.links.new(path_kind.outputs["Is Camera Ray"], choice.inputs["Fac"])
    tree.links.new(lit, choice.inputs[1])
    tree.links.new(photo.outputs["Background"], choice.inputs[2])
    tree.links.new(choice.outputs["Shader"], output.inputs["Surface"])


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
