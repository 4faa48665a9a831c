"""Decide everything about one image: (options, fits, seed, index) -> SceneSpec, without side effects."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syrip_gen.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from syrip_gen.randomness import stream_rng
from syrip_gen.sampling.appearance import appearance_of_image
from syrip_gen.sampling.backgrounds import BackgroundLibrary, sample_background
from syrip_gen.sampling.cameras import place_camera, place_camera_above, sample_framing, sample_rotation
from syrip_gen.sampling.coarse_body import CoarseBody
from syrip_gen.sampling.effects import sample_effects
from syrip_gen.sampling.lights import LightLibrary, sample_light
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.sampling.poses import choose_pose, jitter_body_pose, mirror_pose, sample_betas
from syrip_gen.sampling.resting import (
    HEAD,
    MAX_TILT_DEG,
    down_hint,
    refine_posture,
    rest_direction,
    rotation_to_down,
)
from syrip_gen.sampling.scene import AppearanceSpec, BodySpec, CameraSpec, SceneSpec

if TYPE_CHECKING:
    from syrip_gen.fitting.bank import FitBank

__all__ = ["PAPER_TURNS", "PlanContext", "PoseTable", "plan_scene"]

PAPER_TURNS = 10
"""Renders a body in SyRIP's code; turn i adds (i, -i, -i) pi / 11 to the root's axis-angle components."""
SINK = (0.002, 0.012)
"""Metres that a body sinks into a soft support."""


@dataclass(frozen=True, slots=True, eq=False)
class PoseTable:
    """The accepted fits, as plain arrays."""

    rows: np.ndarray
    """(P,) row of the fit bank."""
    betas: np.ndarray
    global_orient: np.ndarray
    """(P, 3) in the camera frame of the photo."""
    body_pose: np.ndarray
    """(P, 23, 3)."""
    transl: np.ndarray
    pose_ids: tuple[str, ...]
    postures: tuple[str, ...]
    """One of POSTURES, estimated where the input does not say."""

    @classmethod
    def from_bank(cls, bank: "FitBank", coarse: CoarseBody) -> "PoseTable":
        """Keep the accepted fits; raises ValueError when there is none."""
        rows = np.flatnonzero(np.asarray(bank.accepted, dtype=bool))
        if not len(rows):
            raise ValueError(
                f"none of the {len(bank.accepted)} fitted poses was accepted; nothing to generate from"
            )
        labels = getattr(bank, "posture", None)
        ids = getattr(bank, "pose_id", None)
        betas = np.zeros((len(rows), coarse.num_betas))
        known = min(coarse.num_betas, np.shape(bank.betas)[1])
        betas[:, :known] = np.asarray(bank.betas, dtype=np.float64)[rows, :known]
        orient = np.asarray(bank.global_orient, dtype=np.float64)[rows]
        pose = np.asarray(bank.body_pose, dtype=np.float64).reshape(len(bank.accepted), 23, 3)[rows]
        postures = [
            refine_posture(
                str(labels[row]) if labels is not None else "",
                coarse.pose(betas[i], orient[i], pose[i]),
            )
            for i, row in enumerate(rows)
        ]
        names = [
            str(ids[row])
            if ids is not None
            else f"{bank.file_name[row]}:{bank.image_id[row]}:{bank.annotation_id[row]}"
            for row in rows
        ]
        return cls(
            rows,
            betas,
            orient,
            pose,
            np.asarray(bank.transl, dtype=np.float64)[rows],
            tuple(names),
            tuple(postures),
        )


@dataclass(frozen=True, slots=True, eq=False)
class PlanContext:
    """All that planning reads besides seed and index; the same in every process."""

    options: SamplingOptions
    coarse: CoarseBody
    poses: PoseTable
    lights: LightLibrary
    backgrounds: BackgroundLibrary
    texture_names: tuple[str, ...] = ()


def plan_scene(context: PlanContext, seed: int, index: int) -> SceneSpec:
    """Plan image ``index`` of the run with root ``seed``; a pure function."""
    options, poses = context.options, context.poses
    paper = options.rotations == "paper"
    turn_index = index // PAPER_TURNS if paper else index
    number = choose_pose(
        len(poses.rows), seed, turn_index, poses.postures if options.balance_postures else None
    )
    rng = stream_rng(seed, index, "pose")
    orient, body_pose = poses.global_orient[number], poses.body_pose[number]
    if rng.random() < options.mirror_probability and not paper:
        orient, body_pose = mirror_pose(orient, body_pose)
    body_pose = jitter_body_pose(body_pose, options.pose_jitter, rng)
    betas = sample_betas(context.coarse.num_betas, stream_rng(seed, index, "shape"))
    posture = poses.postures[number]
    if paper:
        body, camera = _paper_view(context, betas, orient, body_pose, index % PAPER_TURNS, seed, index)
    else:
        body, camera = _gravity_view(context, betas, orient, body_pose, posture, seed, index)
    light = sample_light(context.lights, stream_rng(seed, index, "light"))
    background = sample_background(
        context.backgrounds, posture, camera, light, stream_rng(seed, index, "background"), plain=paper
    )
    return SceneSpec(
        index=index,
        seed=seed,
        pose_index=int(poses.rows[number]),
        pose_id=poses.pose_ids[number],
        posture=posture,
        body=body,
        camera=camera,
        appearance=_appearance(context, seed, index),
        background=background,
        light=light,
        effects=sample_effects(options.effects_strength, stream_rng(seed, index, "effects")),
    )


def _gravity_view(
    context: PlanContext,
    betas: np.ndarray,
    orient: np.ndarray,
    body_pose: np.ndarray,
    posture: str,
    seed: int,
    index: int,
) -> tuple[BodySpec, CameraSpec]:
    """Lay the body on z = 0 as its posture and balance demand, then put a camera around it."""
    options = context.options
    rng = stream_rng(seed, index, "rest")
    posed = context.coarse.pose(betas, orient, body_pose)
    down = rest_direction(posed, down_hint(posed, posture), MAX_TILT_DEG[posture], in_photo_frame=True)
    yaw = rng.uniform(-np.pi, np.pi)
    R_world_real = axis_angle_to_matrix(np.array([0.0, 0.0, yaw])) @ rotation_to_down(down)
    root = posed.joints[0]  # a root rotation turns the body about this joint, not about the origin
    points = (posed.vertices - root) @ R_world_real.T + root
    middle = (points.min(0) + points.max(0)) / 2
    transl = np.array([-middle[0], -middle[1], -points[:, 2].min() - rng.uniform(*SINK)])
    world_orient = matrix_to_axis_angle(R_world_real @ axis_angle_to_matrix(orient))

    rng = stream_rng(seed, index, "camera")
    near_real = rng.random() < options.real_view_probability
    face = R_world_real @ posed.joint_rotations[HEAD][:, 2]
    R_cam_world = sample_rotation(posture, R_world_real.T if near_real else None, face, rng)
    framing = sample_framing(bool(rng.random() < options.out_of_frame_probability), rng)
    camera = place_camera_above(points + transl, R_cam_world, framing, options.width, options.height)
    return _body_spec(betas, world_orient, body_pose, transl), camera


def _paper_view(
    context: PlanContext,
    betas: np.ndarray,
    orient: np.ndarray,
    body_pose: np.ndarray,
    turn: int,
    seed: int,
    index: int,
) -> tuple[BodySpec, CameraSpec]:
    """SyRIP's ten turns: the root's axis-angle components shifted; the camera looks along y."""
    turned = orient + turn * np.pi / 11 * np.array([1.0, -1.0, -1.0])
    posed = context.coarse.pose(betas, turned, body_pose)
    R_cam_world = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    points = (posed.vertices - posed.joints[0]) @ R_cam_world + posed.joints[0]
    transl = -(points.min(0) + points.max(0)) / 2
    world_orient = matrix_to_axis_angle(R_cam_world.T @ axis_angle_to_matrix(turned))
    framing = sample_framing(False, stream_rng(seed, index, "camera"))
    camera = place_camera(
        points + transl, R_cam_world, framing, context.options.width, context.options.height
    )
    return _body_spec(betas, world_orient, body_pose, transl), camera


def _body_spec(betas: np.ndarray, orient: np.ndarray, body_pose: np.ndarray, transl: np.ndarray) -> BodySpec:
    return BodySpec(*(tuple(float(x) for x in np.ravel(part)) for part in (betas, orient, body_pose, transl)))


def _appearance(context: PlanContext, seed: int, index: int) -> AppearanceSpec:
    if not context.texture_names:
        return appearance_of_image(seed, index)
    rng = stream_rng(seed, index, "texture")
    name = context.texture_names[int(rng.integers(len(context.texture_names)))]
    return AppearanceSpec({}, {}, {}, (), name, 0)
