"""Cycles: which device, how many rays, which noise filter."""

import bpy
from server import BadRequestError

__all__ = ["compute_devices", "has_cycles", "prepare_cycles", "set_quality", "use_device"]

GPU_KINDS = ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL")
"""In order of preference."""


def has_cycles() -> bool:
    """Whether this Blender was built with Cycles and has it switched on."""
    return hasattr(bpy.types.Scene, "cycles") or hasattr(bpy.context.scene, "cycles")


def compute_devices() -> list[dict[str, str]]:
    """Return the GPUs that Cycles can use, best kind first: ``kind`` and ``name``."""
    preferences = bpy.context.preferences.addons["cycles"].preferences
    found = []
    for kind in GPU_KINDS:
        try:
            devices = preferences.get_devices_for_type(kind)
        except (TypeError, ValueError, AttributeError):  # this Blender was built without that kind
            continue
        found += [{"kind": kind, "name": device.name} for device in devices if device.type == kind]
    return found


def use_device(scene: bpy.types.Scene, wanted: str) -> str:
    """Render on a GPU (``gpu``), on the CPU (``cpu``), or on a GPU if there is one (``auto``).

    Returns:
        The kind that is used: CPU or one of ``GPU_KINDS``.

    Raises:
        BadRequestError: When a GPU was asked for and there is none.
    """
    gpus = compute_devices() if wanted != "cpu" else []
    if wanted == "gpu" and not gpus:
        raise BadRequestError(
            f"device is gpu, but Cycles finds none of {', '.join(GPU_KINDS)}; use auto or cpu"
        )
    if not gpus:
        scene.cycles.device = "CPU"
        return "CPU"
    preferences = bpy.context.preferences.addons["cycles"].preferences
    preferences.compute_device_type = gpus[0]["kind"]
    for device in preferences.get_devices_for_type(gpus[0]["kind"]):
        device.use = device.type == gpus[0]["kind"]
    scene.cycles.device = "GPU"
    return gpus[0]["kind"]


def prepare_cycles(scene: bpy.types.Scene) -> None:
    """Set what never changes: linear colours as they are, few bounces.

    Raises:
        BadRequestError: When this Blender has no Cycles.
    """
    if not has_cycles():
        raise BadRequestError(
            f"this Blender {bpy.app.version_string} has no Cycles; "
            "run 'make blender', or use another one: --blender PATH"
        )
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.film_transparent = True
    # A tree that is fitted to the next scene finds other triangles at their edges than one that is built for
    # it: a picture would depend on those before it.
    render.use_persistent_data = False
    render.use_compositing = render.use_sequencer = False
    scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0
    scene.display_settings.display_device = "sRGB"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 3, 2, 1
    cycles.transmission_bounces, cycles.volume_bounces, cycles.transparent_max_bounces = 0, 0, 2
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.blur_glossy, cycles.sample_clamp_indirect = 0.5, 4.0
    cycles.use_light_tree = False
    cycles.use_auto_tile = False
    cycles.pixel_filter_type = "BLACKMAN_HARRIS"
    cycles.debug_use_spatial_splits = False
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    cycles.denoising_prefilter, cycles.denoising_quality = "FAST", "BALANCED"


def set_quality(
    scene: bpy.types.Scene, *, samples: int, seed: int, denoise: bool, threads: int, filter_px: float = 1.5
) -> None:
    """Set what changes from render to render.

    Args:
        scene: The scene.
        samples: Rays a pixel.
        seed: Of the sampling pattern.
        denoise: Filter the noise (Open Image Denoise).
        threads: 0 = all cores.
        filter_px: Width of the pixel filter; 0.01 looks at pixel centres only.
    """
    cycles = scene.cycles
    cycles.samples, cycles.seed, cycles.use_denoising, cycles.filter_width = samples, seed, denoise, filter_px
    cycles.use_adaptive_sampling = samples >= 16
    cycles.adaptive_threshold, cycles.adaptive_min_samples = 0.02, max(samples // 4, 8)
    scene.render.threads_mode = "FIXED" if threads else "AUTO"
    if threads:
        scene.render.threads = threads
