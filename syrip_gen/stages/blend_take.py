"""``syrip animate --save-blend``: one take as a .blend for artists."""

from pathlib import Path

from syrip_gen.motion.sequence import BodySequence
from syrip_gen.rendering.blend_file import save_blend
from syrip_gen.rendering.blender_program import BlenderProgram, find_blender
from syrip_gen.rendering.resolve import Resources
from syrip_gen.sampling.clip_takes import ClipOptics, plan_take, scene_of_frame
from syrip_gen.stages.clip_plan import clip_context

__all__ = ["check_blend_file", "save_take"]


def check_blend_file(path: str, blender: str | None) -> BlenderProgram:
    """Check, before any work, that a .blend can be saved; return the Blender that will.

    Raises:
        FileNotFoundError: When there is no Blender.
        ValueError: When the name does not end in .blend, or what was named is no Blender.
    """
    if Path(path).suffix != ".blend":
        raise ValueError(f"--save-blend {path}: the file name must end in .blend")
    return find_blender(blender)


def save_take(
    path: str,
    sequence: BodySequence,
    resources: Resources,
    seed: int,
    optics: ClipOptics,
    program: BlenderProgram,
    number: int = 0,
) -> None:
    """Save a take with the infant, outfit, room, light and camera of its pictures.

    Args:
        path: File to write.
        sequence: The take's motion, as the dataset's folder holds it.
        resources: Shared assets.
        seed: Root seed of the run.
        optics: What its camera does beside projecting.
        program: Which Blender.
        number: Of the take.
    """
    take = plan_take(clip_context(resources), sequence, seed, number, optics)
    num_frames = len(take.sequence)
    moves = take.camera.path is not None
    save_blend(
        path,
        take.sequence,
        scene_of_frame(take, 0, index=0),
        resources,
        program,
        cameras=[take.camera.at(frame) for frame in range(num_frames)] if moves else None,
    )
