"""What does a frame by Cycles cost? ``python -m benchmarks.cycles --frames 50 --size 960x1280 --samples 32``.

Prints, from one run on one machine:

* seconds a frame of ``--renderer cycles``: the scene written, rendered in the region that the infant
  influences, read back and composited (what planning, labels and JPEG take is milliseconds);
* seconds a frame of a bare bpy script (``benchmarks/bare_blender.py``: no code of syrip's, the same mesh,
  texture and camera, a principled skin with scattering and bumps, a shadow catcher, full frame, Blender's
  defaults), on every k-th of the same frames, in turns with ours, and the ratio on those frames;
* Blender's memory along the way.

The frames are those of ``syrip animate`` with the shipped clip. Both have all cores while it is their turn.
"""

import argparse
import itertools
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from syrip_gen.animation import dry_run, sampling_options
from syrip_gen.body import load_body
from syrip_gen.config import AnimateConfig
from syrip_gen.rendering.blender_process import BlenderProcess, find_blender
from syrip_gen.rendering.cycles_backend import CyclesRenderer
from syrip_gen.rendering.influence import influence_region
from syrip_gen.rendering.resolve import resolve_scene
from syrip_gen.rendering.types import RenderInputs
from syrip_gen.stages.sample import load_resources

BARE_SCRIPT = Path(__file__).resolve().parent / "bare_blender.py"
LAMP_DISTANCE_M = 1.5
MEMORY_FRAMES = (1, 10, 25)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark and print its figures."""
    options = _parse(arguments)
    program = find_blender(options.blender)
    renderer = CyclesRenderer(samples=options.samples, blender=options.blender, device=options.device)
    print(f"Blender {program.version_text}, {renderer.versions()['cycles_device']}; {options.size}, "
          f"{options.samples} samples, {options.frames} frames", flush=True)  # fmt: skip
    rows: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        BlenderProcess(BARE_SCRIPT, program, timeout_s=3600) as bare,
    ):
        bare.start()
        for number, inputs in enumerate(_frames(options), 1):
            began = time.perf_counter()
            picture = renderer.render(inputs)
            row = {"frame": number, "ours_s": time.perf_counter() - began}
            row["blender_s"] = renderer.last_answer.get("seconds")
            row["memory_mb"] = renderer.last_answer.get("memory_mb")
            row["region_share"] = _region_share(inputs)
            if (number - 1) % options.every == 0:
                row["bare_s"] = _time_bare(bare, inputs, options.samples, Path(folder))
            rows.append(row)
            print(_line(row), flush=True)
            if options.pictures:
                _write(Path(options.pictures) / f"frame{number:03d}.png", picture.rgb)
                if "bare_s" in row:
                    shutil.copy(Path(folder) / "bare.png", Path(options.pictures) / f"bare{number:03d}.png")
    renderer.close()
    figures = _figures(rows)
    _report(figures)
    if options.json:
        Path(options.json).write_text(json.dumps({**figures, "frames": rows}, indent=1))
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("benchmarks.cycles", description=__doc__.split("\n")[0])
    parser.add_argument("--frames", type=int, default=50, help="frames to render")
    parser.add_argument("--size", default="960x1280", help="HEIGHTxWIDTH, pixels")
    parser.add_argument("--samples", type=int, default=32, help="light paths per pixel")
    parser.add_argument("--every", type=int, default=5, help="the bare script renders each so many-th frame")
    parser.add_argument("--device", default="cpu", choices=("auto", "cpu", "gpu"), help="for ours; bare: cpu")
    parser.add_argument("--blender", help="see syrip generate --help")
    parser.add_argument("--seed", type=int, default=0, help="of the take: infant, room, light, camera")
    parser.add_argument("--pictures", help="folder to write the pictures to")
    parser.add_argument("--json", help="also write the figures to this file")
    return parser.parse_args(arguments)


def _frames(options: argparse.Namespace) -> Iterator[RenderInputs]:
    """Yield the frames of takes of the shipped clip, resolved, one at a time."""
    config = AnimateConfig(size=options.size, frames="every=2", takes=max(options.frames // 20, 1) + 1,
                           seed=options.seed)  # fmt: skip
    resources = load_resources(load_body(config.body), sampling_options(config))
    for spec in itertools.islice(dry_run(config), options.frames):
        yield resolve_scene(spec, resources).inputs


def _time_bare(bare: BlenderProcess, inputs: RenderInputs, samples: int, folder: Path) -> float:
    """Return the seconds that the bare script takes; its input is written before the clock runs."""
    np.savez(folder / "mesh.npz", vertices=inputs.vertices, faces=inputs.faces, uv=inputs.uv,
             uv_faces=inputs.uv_faces)  # fmt: skip
    _write(folder / "texture.png", inputs.texture)
    lamp = inputs.vertices.mean(axis=0) + LAMP_DISTANCE_M * inputs.key_direction
    message = {
        "do": "render",
        "mesh": str(folder / "mesh.npz"),
        "texture": str(folder / "texture.png"),
        "lamp": lamp.tolist(),
        "plane": inputs.support_plane,
        **{name: getattr(inputs, name) for name in ("width", "height", "fx", "cx", "cy")},
        "samples": samples,
        "output": str(folder / "bare.png"),
    }
    began = time.perf_counter()
    bare.request(message)
    return time.perf_counter() - began


def _write(path: Path, rgb: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))


def _region_share(inputs: RenderInputs) -> float:
    region = influence_region(inputs)
    if region is None:
        return 0.0
    return (region[2] - region[0]) * (region[3] - region[1]) / (inputs.width * inputs.height)


def _line(row: dict[str, Any]) -> str:
    bare = f", bare {row['bare_s']:.1f} s" if "bare_s" in row else ""
    return (
        f"frame {row['frame']:3}: {row['ours_s']:.1f} s for {row['region_share']:.0%} of the picture{bare}, "
        f"{row['memory_mb']:.0f} MiB"
    )


def _figures(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return the figures of all frames; ratios are of the frames that both rendered."""
    both = [row for row in rows if "bare_s" in row]
    figures = {
        "ours_s_per_frame": statistics.mean(row["ours_s"] for row in rows),
        "ours_s_per_frame_of_both": statistics.mean(row["ours_s"] for row in both),
        "bare_s_per_frame": statistics.mean(row["bare_s"] for row in both),
        "around_blender_s": statistics.median(row["ours_s"] - row["blender_s"] for row in rows),
        "region_share": statistics.mean(row["region_share"] for row in rows),
    }
    figures["ratio"] = figures["ours_s_per_frame_of_both"] / figures["bare_s_per_frame"]
    for number in sorted({*(n for n in MEMORY_FRAMES if n <= len(rows)), len(rows)}):
        figures[f"memory_mb_at_{number}"] = rows[number - 1]["memory_mb"]
    return figures


def _report(figures: dict[str, float]) -> None:
    print(
        f"ours {figures['ours_s_per_frame']:.2f} s a frame ({figures['around_blender_s']:.2f} s of it around "
        f"Blender), for {figures['region_share']:.0%} of the picture\n"
        f"bare {figures['bare_s_per_frame']:.2f} s a frame, full picture; on the same frames ours "
        f"{figures['ours_s_per_frame_of_both']:.2f} s: ratio {figures['ratio']:.2f}"
    )
    memory = {name.rpartition("_")[2]: value for name, value in figures.items() if name.startswith("memory")}
    print("memory of Blender: " + ", ".join(f"{mb:.0f} MiB at frame {n}" for n, mb in memory.items()))


if __name__ == "__main__":
    raise SystemExit(main())
