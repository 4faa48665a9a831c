"""How fast is ``syrip generate``? ``python -m benchmarks.generate`` (see ``--help``).

Prints, from one run on one machine:

* images/s of the whole pipeline after fitting (all workers, labels and files included), and the milliseconds
  that each stage takes of one worker;
* the stages inside the raster renderer, alone in one process: the fastest of several passes over the same
  scenes;
* images/s of a plain pyrender loop over the same bodies at the same size, and the ratio. The loop is what one
  would write without syrip: pose the body, build a pyrender scene (textured mesh, a light, a camera), render
  it off screen, composite it over the same background, write a JPEG; no labels, no shadows, no checks. It has
  the whole machine for itself: Mesa's software OpenGL uses as many threads as there are cores.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from syrip_gen.body import load_body
from syrip_gen.body.assets import BodyAssets
from syrip_gen.body.posing import pose_body
from syrip_gen.config import FitConfig, GenerateConfig
from syrip_gen.fitting.bank import FitBank
from syrip_gen.pipeline import generate, sampling_options
from syrip_gen.rendering.normals import vertex_normals
from syrip_gen.rendering.raster import RasterRenderer
from syrip_gen.rendering.resolve import ResolvedScene, Resources, resolve_scene
from syrip_gen.sampling.plan import plan_scene
from syrip_gen.stages.fit import fit_files
from syrip_gen.stages.run_shards import SilentProgress

PASSES = 5
"""Passes over the scenes of the renderer's own timing; the fastest counts."""


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and print its figures."""
    options = _parse(arguments)
    with tempfile.TemporaryDirectory() as folder:
        fits, fit_s, num_poses = _fits(options, Path(folder))
        config = GenerateConfig(
            poses=(str(fits),),
            n=options.n,
            output=str(Path(folder) / "dataset"),
            size=options.size,
            backgrounds=options.backgrounds,
            workers=options.workers,
            renderer=options.renderer,
        )
        _warm_up(config, Path(folder))
        figures: dict[str, Any] = {"fit_s_per_pose": fit_s / num_poses}
        figures |= _time_pipeline(config)
        scenes = _scenes(config, options.scenes)
    figures |= _time_raster(scenes)
    figures |= _time_pyrender_loop(scenes, load_body(config.body), options.pyrender_n)
    if figures["pyrender_loop_images_per_s"]:
        figures["ratio"] = figures["pipeline_images_per_s"] / figures["pyrender_loop_images_per_s"]
    _report(figures, options, num_poses)
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1))
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.generate", description=__doc__.split("\n")[0])
    parser.add_argument("--poses", action="append", default=[], help="pose file or fits.npz; none = bundled")
    parser.add_argument("--n", type=int, default=300, help="images of the pipeline's timing")
    parser.add_argument("--size", default="480x640", help="HEIGHTxWIDTH, pixels")
    parser.add_argument("--backgrounds", default=None, help="photo folder; none = shipped rooms")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="worker processes")
    parser.add_argument("--renderer", default="raster", help="renderer of the pipeline")
    parser.add_argument("--scenes", type=int, default=24, help="scenes of the renderer's own timing")
    parser.add_argument("--pyrender-n", type=int, default=24, help="images of the pyrender loop; 0 = none")
    parser.add_argument("--json", default=None, help="also write the figures to this file")
    return parser.parse_args(arguments)


def _fits(options: argparse.Namespace, folder: Path) -> tuple[Path, float, int]:
    """Fit the poses once; return the bank's file, the seconds (0 for a given bank), the number of poses."""
    if len(options.poses) == 1 and options.poses[0].endswith(".npz"):
        return Path(options.poses[0]), 0.0, len(FitBank.load(options.poses[0]))
    path = folder / "fits.npz"
    began = time.perf_counter()
    bank, _ = fit_files(FitConfig(poses=tuple(options.poses), output=str(path)), SilentProgress())
    return path, time.perf_counter() - began, len(bank)


def _warm_up(config: GenerateConfig, folder: Path) -> None:
    """Make a few images, so that compiling is not timed."""
    generate(config.model_copy(update={"n": 4, "output": str(folder / "warm"), "workers": 1}))


def _time_pipeline(config: GenerateConfig) -> dict[str, Any]:
    result = generate(config)
    made = result.num_rendered
    return {
        "pipeline_images_per_s": made / result.render_seconds,
        "pipeline_stages_ms": {k: 1e3 * v / made for k, v in result.stage_seconds.items()},
    }


def _scenes(config: GenerateConfig, count: int) -> list[ResolvedScene]:
    """Resolve the first scenes of the same run."""
    resources = Resources.load(load_body(config.body), sampling_options(config))
    context = resources.plan_context(FitBank.load(config.poses[0]))
    return [resolve_scene(plan_scene(context, config.seed, index), resources) for index in range(count)]


def _time_raster(scenes: list[ResolvedScene]) -> dict[str, Any]:
    """Return the milliseconds of the raster renderer and of its stages, one process, fastest pass."""
    renderer = RasterRenderer()
    passes = []
    for _ in range(PASSES):
        renderer.stopwatch.reset()
        began = time.perf_counter()
        for scene in scenes:
            renderer.render(scene.inputs)
        passes.append((time.perf_counter() - began, dict(renderer.stopwatch.seconds)))
    total, stages = min(passes, key=lambda timed: timed[0])
    return {
        "raster_ms": 1e3 * total / len(scenes),
        "raster_stages_ms": {k: 1e3 * v / len(scenes) for k, v in stages.items()},
    }


def _time_pyrender_loop(scenes: list[ResolvedScene], body: BodyAssets, count: int) -> dict[str, Any]:
    """Return images/s of the plain loop, None where pyrender or OpenGL is missing."""
    if not count:
        return {"pyrender_loop_images_per_s": None, "pyrender_note": "not asked for"}
    os.environ.setdefault("PYOPENGL_PLATFORM", "egl")
    try:
        import pyrender

        first = scenes[0].inputs
        offscreen = pyrender.OffscreenRenderer(first.width, first.height)
        _render_plainly(pyrender, offscreen, scenes[0], body)  # compiles shaders
    except Exception as error:  # a driver's failures have no common base
        note = f"no pyrender here ({type(error).__name__}: {error})"
        return {"pyrender_loop_images_per_s": None, "pyrender_note": note}
    began = time.perf_counter()
    for k in range(count):
        _render_plainly(pyrender, offscreen, scenes[k % len(scenes)], body)
    seconds = time.perf_counter() - began
    offscreen.delete()
    return {"pyrender_loop_images_per_s": count / seconds}


def _render_plainly(pyrender: Any, offscreen: Any, scene: ResolvedScene, body: BodyAssets) -> bytes:
    """Pose, render, composite and encode one picture, as a short script with pyrender does."""
    inputs = scene.inputs
    vertices = pose_body(
        body,
        np.array(scene.body.betas),
        np.array(scene.body.global_orient),
        np.array(scene.body.body_pose),
        np.array(scene.body.transl),
    ).vertices.astype(np.float32)
    flip = np.array([1.0, -1.0, -1.0], dtype=np.float32)
    corners = body.faces.ravel()
    primitive = pyrender.Primitive(
        positions=(vertices * flip)[corners],
        normals=(vertex_normals(vertices, body.faces) * flip)[corners],
        texcoord_0=body.uv[body.uv_faces.ravel()],
        material=pyrender.MetallicRoughnessMaterial(
            baseColorTexture=pyrender.Texture(source=inputs.texture, source_channels="RGB"),
            metallicFactor=0.0,
        ),
    )
    picture = pyrender.Scene(bg_color=[0, 0, 0, 0], ambient_light=[0.4, 0.4, 0.4])
    picture.add(pyrender.Mesh([primitive]))
    camera = pyrender.IntrinsicsCamera(inputs.fx, inputs.fy, inputs.cx, inputs.cy, znear=0.02, zfar=60.0)
    picture.add(camera)
    picture.add(pyrender.DirectionalLight(intensity=3.0))
    color, depth = offscreen.render(picture)
    rgb = np.where((depth > 0)[..., None], color[..., :3], inputs.background)
    return cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes()


def _report(figures: dict[str, Any], options: argparse.Namespace, num_poses: int) -> None:
    def table(stages: dict[str, float]) -> str:
        return "  ".join(f"{name} {value:.1f}" for name, value in stages.items())

    print(f"fitting           {figures['fit_s_per_pose']:.3f} s a pose ({num_poses} poses)")
    print(
        f"whole pipeline    {figures['pipeline_images_per_s']:.1f} images/s after fitting "
        f"({options.n} images, {options.size}, {options.workers} workers, {options.renderer})"
    )
    print(f"  ms of a worker  {table(figures['pipeline_stages_ms'])}")
    print(
        f"raster renderer   {figures['raster_ms']:.1f} ms an image, one process, fastest of {PASSES} passes"
    )
    print(f"  ms              {table(figures['raster_stages_ms'])}")
    if figures["pyrender_loop_images_per_s"]:
        print(f"pyrender loop     {figures['pyrender_loop_images_per_s']:.1f} images/s")
        print(f"ratio             {figures['ratio']:.1f} times the pyrender loop")
    else:
        print(f"pyrender loop     {figures['pyrender_note']}")


if __name__ == "__main__":
    sys.exit(main())
