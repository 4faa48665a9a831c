"""Run by Blender's Python: turns ``body.npz`` of the folder ``SYRIP_TEST_FOLDER`` into files of rigged scans.

``scan.blend``, ``scan.glb`` and ``scan.fbx`` hold the body on its armature; the others are bad on purpose.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "blender_scripts"))

import bpy
import numpy as np
from armature import REST_TO_BLENDER, build_armature, skin_mesh
from meshes import build_mesh

FOLDER = Path(os.environ["SYRIP_TEST_FOLDER"])
MARK = FOLDER / "the scan ran code"


def build(name="scan"):
    """Put the body into the scene; return its armature and mesh."""
    with np.load(FOLDER / "body.npz") as body:
        names = [str(name) for name in body["names"]]
        rest = body["rest"].astype(np.float64) @ REST_TO_BLENDER.T
        uv, faces = np.zeros((1, 2)), body["faces"]
        rig = build_armature(name, body["joints"], body["parents"].tolist(), names)
        skin = bpy.data.objects.new(f"{name} skin", build_mesh(name, rest, faces, uv, np.zeros_like(faces)))
        bpy.context.scene.collection.objects.link(skin)
        skin_mesh(skin, rig, names, body["bones"], body["weights"])
    return rig, skin


def save(name):
    """Save the scene, and start an empty one."""
    bpy.ops.wm.save_as_mainfile(filepath=str(FOLDER / name))
    bpy.ops.wm.read_factory_settings(use_empty=True)


def make_hostile(rig, skin):
    """Let the file run code in every way that files can: a script, drivers on object, bone and shape."""
    code = f"open({str(MARK)!r}, 'a').close()"
    script = bpy.data.texts.new("start.py")
    script.write(code)
    script.use_module = True
    skin.shape_key_add(name="Basis")
    skin.shape_key_add(name="Smile")
    for owner, path in (
        (skin, "hide_viewport"),
        (rig.pose.bones["head"], "scale"),
        (skin.data.shape_keys.key_blocks["Smile"], "value"),
    ):
        curve = owner.driver_add(path, 0) if path == "scale" else owner.driver_add(path)
        curve.driver.type = "SCRIPTED"
        curve.driver.expression = f"[{code}, 1.0][1]"


def main():
    """Write all files."""
    import addon_utils  # there once bpy is

    bpy.ops.wm.read_factory_settings(use_empty=True)
    build()
    addon_utils.enable("io_scene_gltf2")
    bpy.ops.export_scene.gltf(filepath=str(FOLDER / "scan.glb"), export_all_influences=True)
    addon_utils.enable("io_scene_fbx")
    bpy.ops.export_scene.fbx(filepath=str(FOLDER / "scan.fbx"), add_leaf_bones=False)
    save("scan.blend")
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("cube", bpy.data.meshes.new("cube")))
    save("boneless.blend")
    build("first")
    build("second")
    save("two.blend")
    rig, _ = build()
    rig.scale = (1, 1, 2)
    save("stretched.blend")
    make_hostile(*build())
    save("hostile.blend")
    # The same file does run code where Blender is told to trust it: otherwise the test would prove nothing.
    MARK.unlink(missing_ok=True)
    bpy.context.preferences.filepaths.use_scripts_auto_execute = True
    bpy.ops.wm.open_mainfile(filepath=str(FOLDER / "hostile.blend"), use_scripts=True)
    bpy.context.view_layer.update()
    (FOLDER / "control").write_text(str(MARK.exists()))
    MARK.unlink(missing_ok=True)


main()
