"""What one would write without syrip: a bpy script that renders meshes with a skin-like material, full frame.

Run by Blender's Python, by :mod:`benchmarks.cycles`: one JSON object a line on stdin (mesh, texture, camera,
samples, output), one answer a line on stdout. Blender's defaults wherever there is one.
"""

import json
import os
import sys
import time

sys.path.pop(0)  # this folder's cycles.py must not be taken for Blender's add-on of that name
import bpy
import numpy as np

ANSWERS = os.dup(1)
os.dup2(2, 1)  # Blender prints, too


def say(**answer):
    os.write(ANSWERS, ("@syrip " + json.dumps(answer) + "\n").encode())


def build(request):
    """Set up a scene: mesh, principled material, sun-like area lamp, grey world, shadow catcher, camera."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    data = np.load(request["mesh"])
    flip = np.array([1.0, -1.0, -1.0])  # OpenCV's camera looks along +z with y down
    mesh = bpy.data.meshes.new("body")
    mesh.from_pydata((data["vertices"] * flip).tolist(), [], data["faces"].tolist())
    mesh.uv_layers.new().data.foreach_set("uv", data["uv"][data["uv_faces"]].astype(np.float32).ravel())
    mesh.shade_smooth()
    scene.collection.objects.link(bpy.data.objects.new("body", mesh))
    material = bpy.data.materials.new("skin")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader, image = nodes["Principled BSDF"], nodes.new("ShaderNodeTexImage")
    image.image = bpy.data.images.load(request["texture"])
    links.new(image.outputs["Color"], shader.inputs["Base Color"])
    shader.inputs["Subsurface Weight"].default_value = 1.0
    shader.inputs["Subsurface Scale"].default_value = 0.0025
    noise, bump = nodes.new("ShaderNodeTexNoise"), nodes.new("ShaderNodeBump")
    noise.inputs["Scale"].default_value, bump.inputs["Distance"].default_value = 450.0, 0.0004
    links.new(noise.outputs["Fac"], bump.inputs["Height"])
    links.new(bump.outputs["Normal"], shader.inputs["Normal"])
    mesh.materials.append(material)
    lamp = bpy.data.lights.new("key", "AREA")
    lamp.energy, lamp.size = 60.0, 0.5
    key = bpy.data.objects.new("key", lamp)
    key.location = np.array(request["lamp"]) * flip
    key.rotation_mode = "QUATERNION"
    key.rotation_quaternion = (bpy_vector(data["vertices"].mean(0) * flip) - key.location).to_track_quat(
        "-Z", "Y"
    )
    scene.collection.objects.link(key)
    world = scene.world = bpy.data.worlds.new("world")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.5, 0.5, 0.5, 1.0)
    if request["plane"]:
        add_ground(scene, np.array(request["plane"]) * [*flip, 1.0], data["vertices"].mean(0) * flip)
    add_camera(scene, request)
    return scene


def add_ground(scene, plane, middle):
    """Add a shadow catcher in the plane."""
    normal = bpy_vector(plane[:3])
    foot = bpy_vector(middle) - normal * (normal.dot(bpy_vector(middle)) + plane[3])
    bpy.ops.mesh.primitive_plane_add(size=6.0, location=foot)
    ground = bpy.context.object
    ground.rotation_mode = "QUATERNION"
    ground.rotation_quaternion = normal.to_track_quat("Z", "Y")
    ground.is_shadow_catcher = True


def add_camera(scene, request):
    """Add the pinhole camera and the render settings."""
    w, h = request["width"], request["height"]
    lens = bpy.data.cameras.new("camera")
    lens.sensor_fit, lens.sensor_width, lens.lens = "HORIZONTAL", 36.0, request["fx"] * 36.0 / w
    lens.shift_x, lens.shift_y = (w / 2 - request["cx"]) / w, (request["cy"] - h / 2) / w
    scene.camera = bpy.data.objects.new("camera", lens)
    scene.collection.objects.link(scene.camera)
    render = scene.render
    render.engine, render.film_transparent = "CYCLES", True
    render.resolution_x, render.resolution_y, render.resolution_percentage = w, h, 100
    scene.cycles.samples, scene.cycles.use_denoising = request["samples"], True
    scene.view_settings.view_transform = "Standard"


def bpy_vector(values):
    """Return Blender's own vector."""
    from mathutils import Vector

    return Vector([float(value) for value in values])


def main():
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "hello":
            say(ok=True, protocol=1, engine=["CYCLES"], devices=["CPU"], blender=bpy.app.version_string)
        elif request["do"] == "render":
            began = time.perf_counter()
            scene = build(request)
            scene.render.filepath = request["output"]
            bpy.ops.render.render(write_still=True)
            say(ok=True, seconds=time.perf_counter() - began)
        else:
            break


main()
