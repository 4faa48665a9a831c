"""Run by Blender's Python: opens ``SYRIP_TEST_BLEND`` and prints what is in it, as JSON behind ``@facts``."""

import json
import os

import bpy
import numpy as np

bpy.ops.wm.open_mainfile(filepath=os.environ["SYRIP_TEST_BLEND"], use_scripts=False)
scene = bpy.context.scene
rig = next(o for o in scene.objects if o.type == "ARMATURE")
skin = next(o for o in scene.objects if o.type == "MESH" and o.parent is rig)
action = rig.animation_data.action
curves = list(action.layers[0].strips[0].channelbags[0].fcurves)
turns = {}
for curve in curves:
    if curve.data_path.endswith("rotation_quaternion"):
        turns.setdefault(curve.data_path, []).append([point.co[1] for point in curve.keyframe_points])
heads = []
for frame in range(scene.frame_start, scene.frame_end + 1):
    scene.frame_set(frame)
    heads.append([list(bone.head) for bone in rig.pose.bones])
scene.frame_set(scene.frame_start)
facts = {
    "frames": [scene.frame_start, scene.frame_end],
    "fps": scene.render.fps / scene.render.fps_base,
    "bones": [bone.name for bone in rig.pose.bones],
    "heads": heads,
    "keys": sorted({len(curve.keyframe_points) for curve in curves}),
    "interpolation": sorted({point.interpolation for curve in curves for point in curve.keyframe_points}),
    "least_cosine": min(
        float((np.array(q)[:, 1:] * np.array(q)[:, :-1]).sum(0).min()) for q in turns.values()
    ),
    "turning_bones": len(turns),
    "weights_a_vertex": max(len(vertex.groups) for vertex in skin.data.vertices),
    "unpacked": [i.name for i in bpy.data.images if i.packed_file is None and i.type != "RENDER_RESULT"],
    "pictures": len(bpy.data.images),
    "lamps": sum(o.type == "LIGHT" for o in scene.objects),
    "resolution": [scene.render.resolution_x, scene.render.resolution_y],
    "materials": [m.name for m in skin.data.materials],
    "background": [b.image.name for b in scene.camera.data.background_images],
    "camera_keys": scene.camera.animation_data is not None,
}
print("@facts " + json.dumps(facts))
