"""Takes of a clip: one infant, outfit, room, light and camera each, shared by all of its frames."""

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from syrip_gen.randomness import stream_rng
from syrip_gen.sampling.appearance.sampler import sample_appearance
from syrip_gen.sampling.backgrounds import BackgroundLibrary
from syrip_gen.sampling.clip_background import sample_clip_background
from syrip_gen.sampling.clip_camera import ClipCamera, place_clip_camera
from syrip_gen.sampling.clip_track import posture_in_world, track_clip
from syrip_gen.sampling.coarse_body import CoarseBody
from syrip_gen.sampling.effects import sample_effects
from syrip_gen.sampling.lamps import add_lamps
from syrip_gen.sampling.lights import LightLibrary, sample_light
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.sampling.poses import sample_betas
from syrip_gen.sampling.scene import (
    AppearanceSpec,
    BackgroundSpec,
    BodySpec,
    CameraSpec,
    EffectsSpec,
    FocusSpec,
    LightSpec,
    MotionSpec,
    SceneSpec,
)

if TYPE_CHECKING:
    from syrip_gen.motion.sequence import BodySequence

__all__ = ["ClipContext", "ClipOptics", "Take", "plan_take", "scene_of_frame", "take_betas"]

SINK_M = (0.0, 0.006)
"""By how much a body sinks into what it moves on."""
FSTOPS = (2.8, 8.0)
CHEST, HEAD = 9, 15
"""Joints between which the lens is focused."""


@dataclass(frozen=True, slots=True, eq=False)
class ClipContext:
    """All that planning a take reads besides seed, number and motion; the same in every process."""

    options: SamplingOptions
    coarse: CoarseBody
    lights: LightLibrary
    backgrounds: BackgroundLibrary
    texture_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClipOptics:
    """What the camera of a clip does beside projecting."""

    shutter_s: float = 0.0
    """Exposure, seconds; 0 = no motion blur."""
    has_focus: bool = False
    """Whether only the infant is in focus."""


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """What all frames of one take share. Numbers are drawn from streams of (seed, take, purpose)."""

    number: int
    seed: int
    sequence: "BodySequence"
    """Brought to where the track is, and sunk a little."""
    coarse: CoarseBody
    camera: ClipCamera
    appearance: AppearanceSpec
    background: BackgroundSpec
    light: LightSpec
    effects: EffectsSpec
    optics: ClipOptics
    fstop: float


def take_betas(num_betas: int, seed: int, take: int) -> np.ndarray:
    """Return the (S,) shape of the infant of a take."""
    return sample_betas(num_betas, stream_rng(seed, take, "take-shape"))


def plan_take(
    context: ClipContext, sequence: "BodySequence", seed: int, take: int, optics: ClipOptics
) -> Take:
    """Draw everything that the frames of a take share; a pure function."""
    track = track_clip(sequence, context.coarse)
    sink = stream_rng(seed, take, "take-rest").uniform(*SINK_M)
    placed = dataclasses.replace(sequence, transl=sequence.transl + track.shift - (0.0, 0.0, sink))
    options = context.options
    camera = place_clip_camera(
        track,
        len(sequence),
        sequence.fps,
        options.width,
        options.height,
        stream_rng(seed, take, "take-camera"),
    )
    light = sample_light(context.lights, stream_rng(seed, take, "take-light"))
    light = add_lamps(light, stream_rng(seed, take, "take-lamps"))
    background = sample_clip_background(
        context.backgrounds,
        track.posture,
        camera.camera,
        light,
        track.footprint,
        stream_rng(seed, take, "take-background"),
    )
    lens = stream_rng(seed, take, "take-lens")
    return Take(
        number=take,
        seed=seed,
        sequence=placed,
        coarse=context.coarse,
        camera=camera,
        appearance=_appearance(context, seed, take),
        background=background,
        light=light,
        effects=sample_effects(options.effects_strength, stream_rng(seed, take, "take-effects")),
        optics=optics,
        fstop=float(np.exp(lens.uniform(*np.log(FSTOPS)))),
    )


def scene_of_frame(take: Take, frame: int, index: int) -> SceneSpec:
    """Return the scene of one frame of a take.

    Args:
        take: The take.
        frame: Number of the frame in its sequence.
        index: Number of the item in the dataset.
    """
    sequence = take.sequence
    body = body_at(sequence, frame)
    half = take.optics.shutter_s * sequence.fps / 2
    posed = take.coarse.pose(
        _padded(sequence.betas, take.coarse.num_betas),
        sequence.global_orient[frame],
        sequence.body_pose[frame],
    )
    camera = take.camera.at(frame)
    noise = stream_rng(take.seed, take.number, f"take-noise/{frame}")
    return SceneSpec(
        index=index,
        seed=take.seed,
        pose_index=int(frame),
        pose_id=f"{sequence.name}:{frame}",
        posture=posture_in_world(posed),
        body=body,
        camera=camera,
        appearance=take.appearance,
        background=take.background,
        light=take.light,
        effects=dataclasses.replace(take.effects, noise_seed=int(noise.integers(2**31))),
        motion=MotionSpec(
            clip=sequence.name,
            frame=int(frame),
            time_s=round(float(frame / sequence.fps), 6),
            take=take.number,
            shutter_open=body_at(sequence, frame - half) if half else None,
            shutter_close=body_at(sequence, frame + half) if half else None,
        ),
        focus=_focus(posed.joints + sequence.transl[frame], camera, take),
    )


def body_at(sequence: "BodySequence", place: float) -> BodySpec:
    """Return the body at a frame or between two (slerp and straight lines); clamped to the clip's ends."""
    place = float(np.clip(place, 0, len(sequence) - 1))
    first = min(int(place), len(sequence) - 1)
    pose = np.concatenate([sequence.global_orient[first][None], sequence.body_pose[first]])
    transl = sequence.transl[first]
    if place > first:
        share = place - first
        following = np.concatenate([sequence.global_orient[first + 1][None], sequence.body_pose[first + 1]])
        start = Rotation.from_rotvec(pose)
        step = (start.inv() * Rotation.from_rotvec(following)).as_rotvec()
        pose = (start * Rotation.from_rotvec(share * step)).as_rotvec()
        transl = (1 - share) * transl + share * sequence.transl[first + 1]
    parts = (sequence.betas, pose[0], pose[1:], transl)
    return BodySpec(*(tuple(float(x) for x in np.ravel(part)) for part in parts))


def _focus(joints: np.ndarray, camera: CameraSpec, take: Take) -> FocusSpec | None:
    """Focus between chest and head."""
    if not take.optics.has_focus:
        return None
    T = np.array(camera.T_cam_world)
    depth = float(T[2, :3] @ (joints[CHEST] + joints[HEAD]) / 2 + T[2, 3])
    return FocusSpec(distance_m=depth, fstop=take.fstop)


def _appearance(context: ClipContext, seed: int, take: int) -> AppearanceSpec:
    if not context.texture_names:
        return sample_appearance(stream_rng(seed, take, "take-appearance"))
    rng = stream_rng(seed, take, "take-texture")
    name = context.texture_names[int(rng.integers(len(context.texture_names)))]
    return AppearanceSpec({}, {}, {}, (), name, 0)


def _padded(betas: np.ndarray, count: int) -> np.ndarray:
    padded = np.zeros(count)
    padded[: min(len(betas), count)] = betas[:count]
    return padded
