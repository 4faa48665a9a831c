"""Takes of a clip: one infant in one room that stays in the picture, whichever frames are chosen."""

import dataclasses
import json

import numpy as np
import pytest

from syrip_gen.body.posing import pose_body
from syrip_gen.geometry.camera import project
from syrip_gen.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from syrip_gen.motion.sequence import BodySequence
from syrip_gen.sampling.clip_background import MAX_HALF_M, TOY_CLEARANCE_M, suit_path
from syrip_gen.sampling.clip_camera import MIN_HEIGHT_M
from syrip_gen.sampling.clip_takes import (
    ClipOptics,
    body_at,
    plan_take,
    scene_of_frame,
    take_betas,
)
from syrip_gen.sampling.clip_track import posture_in_world, track_clip
from syrip_gen.sampling.props import FIELDS
from syrip_gen.sampling.scene import SceneSpec
from syrip_gen.stages.clip_plan import clip_context

PLAIN = ClipOptics()
UPRIGHT = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
"""World (z up) from the body's axes (y up)."""
NUM_FRAMES = 30


def on_all_fours(speed_m_s=0.3, num_frames=NUM_FRAMES, fps=30.0):
    """A body that slides along on hands and knees."""
    pose = np.zeros((num_frames, 23, 3))
    pose[:, [0, 1], 0] = -1.5  # hips
    pose[:, [3, 4], 0] = 1.5  # knees
    pose[:, 15, 2], pose[:, 16, 2] = -1.4, 1.4  # arms down the trunk's front
    pose[:, 15, 0] = pose[:, 16, 0] = -1.2
    swing = 0.2 * np.sin(np.linspace(0, 6, num_frames))
    pose[:, 0, 0] += swing
    pose[:, 1, 0] -= swing
    transl = np.zeros((num_frames, 3))
    transl[:, 0] = 3.0 + np.arange(num_frames) / fps * speed_m_s
    transl[:, 2] = 0.35
    forward = np.array([[0, 1.0, 0], [-1.0, 0, 0], [0, 0, 1.0]]) @ np.diag([-1.0, 1.0, -1.0])  # face down
    orient = np.tile(matrix_to_axis_angle(forward), (num_frames, 1))
    return BodySequence(np.zeros(20), orient, pose, transl, fps, name="fours")


@pytest.fixture(scope="module")
def context(resources):
    return clip_context(resources)


@pytest.fixture(scope="module")
def sequence():
    return on_all_fours()


def pixels_of(spec, body):
    posed = pose_body(body, *(np.array(getattr(spec.body, n)) for n in spec.body.__slots__))
    T, c = np.array(spec.camera.T_cam_world), spec.camera
    points = posed.vertices @ T[:3, :3].T + T[:3, 3]
    return project(points, c.fx, c.fy, c.cx, c.cy), points


@pytest.mark.parametrize("speed", [0.0, 0.4, 2.5])
@pytest.mark.parametrize("seed", range(4))
def test_the_whole_infant_stays_in_the_picture(context, body, speed, seed):
    take = plan_take(context, on_all_fours(speed), seed, 0, PLAIN)
    for frame in (0, 7, 15, 29):
        spec = scene_of_frame(take, frame, frame)
        pixels, points = pixels_of(spec, body)
        assert points[:, 2].min() > 0.1
        outside = (pixels < 0) | (pixels > (spec.camera.width, spec.camera.height))
        assert outside.any(axis=1).mean() < 0.01
        size = np.ptp(pixels, axis=0) / (spec.camera.width, spec.camera.height)
        assert size.max() > 0.2


@pytest.mark.parametrize("seed", range(6))
def test_camera_stands_above_the_floor_and_is_nearly_upright(context, sequence, seed):
    spec = scene_of_frame(plan_take(context, sequence, seed, 0, PLAIN), 0, 0)
    T = np.array(spec.camera.T_cam_world)
    assert (-T[:3, :3].T @ T[:3, 3])[2] >= MIN_HEIGHT_M
    assert abs(np.degrees(np.arcsin(T[0, 2]))) < 5


def test_most_cameras_see_the_infant_from_its_front(context, sequence):
    ahead = []
    for take in range(30):
        spec = scene_of_frame(plan_take(context, sequence, 4, take, PLAIN), 0, 0)
        T = np.array(spec.camera.T_cam_world)
        where = -T[:3, :3].T @ T[:3, 3] - np.array(spec.body.transl)
        ahead.append(where[0] / np.hypot(*where[:2]))  # it crawls along x
    assert np.mean(ahead) > 0.5
    assert np.mean(np.array(ahead) > 0) > 0.85


def test_frames_of_a_take_differ_in_body_and_noise_only(context, sequence):
    take = plan_take(context, sequence, 1, 0, PLAIN)
    a, b = (scene_of_frame(take, frame, frame).to_json() for frame in (0, 20))
    assert a["body"]["betas"] == b["body"]["betas"]
    assert a["body"]["transl"] != b["body"]["transl"]
    assert a["effects"].pop("noise_seed") != b["effects"].pop("noise_seed")
    for part in ("camera", "appearance", "background", "light", "effects", "seed"):
        assert a[part] == b[part], part


def test_a_frame_does_not_depend_on_its_place_among_the_chosen(context, sequence):
    take = plan_take(context, sequence, 1, 0, PLAIN)
    again = plan_take(context, sequence, 1, 0, PLAIN)
    scene_of_frame(again, 3, 0)
    assert scene_of_frame(take, 9, 5) == scene_of_frame(again, 9, 5)
    other_place = scene_of_frame(again, 9, 2)
    assert dataclasses.replace(other_place, index=5) == scene_of_frame(take, 9, 5)


def test_takes_have_infants_rooms_lights_and_cameras_of_their_own(context, sequence):
    a, b = (scene_of_frame(plan_take(context, sequence, 1, n, PLAIN), 0, 0) for n in (0, 1))
    for part in ("camera", "appearance", "background", "light"):
        assert getattr(a, part) != getattr(b, part)
    assert not np.array_equal(take_betas(20, 1, 0), take_betas(20, 1, 1))


def test_camera_follows_an_infant_that_goes_far(context):
    near, far = (plan_take(context, on_all_fours(speed), 2, 0, PLAIN).camera for speed in (0.2, 3.0))
    assert near.path is None
    assert near.at(0) is near.at(29)
    T0, T1 = (np.array(far.at(frame).T_cam_world) for frame in (0, 29))
    assert T0[:3, :3] == pytest.approx(T1[:3, :3])
    moved = -T1[:3, :3].T @ T1[:3, 3] + T0[:3, :3].T @ T0[:3, 3]
    assert moved[0] == pytest.approx(29 / 30 * 3.0, rel=0.1)
    assert moved[2] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_cloth_covers_the_path_and_toys_are_out_of_the_way(context, seed):
    sequence = on_all_fours(0.8)
    spec = scene_of_frame(plan_take(context, sequence, seed, 0, PLAIN), 0, 0)
    track = track_clip(sequence, context.coarse)
    params = spec.background.params
    assert params["setting"] in ("bed", "blanket", "floor")
    if params["setting"] != "floor":
        half_x, half_y, _, yaw, cx, cy = params["patch"][:6]
        c, s = np.cos(yaw), np.sin(yaw)
        local = (track.footprint - (cx, cy)) @ np.array([[c, -s], [s, c]])
        assert (np.abs(local) < (half_x, half_y)).all()
        assert (half_x, half_y) <= MAX_HALF_M[params["setting"]]
    for toy in np.reshape(params["toys"], (-1, FIELDS)):
        assert np.linalg.norm(track.footprint - toy[1:3], axis=1).min() > TOY_CLEARANCE_M
    ahead = np.array(spec.camera.T_cam_world[2][:2]) / np.hypot(*spec.camera.T_cam_world[2][:2])
    turn = params["wall_turn"]
    wall = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ ahead
    assert (track.footprint @ wall).max() < params["wall_distance"]


def test_who_goes_farther_than_any_cloth_is_on_the_floor(context, sequence):
    far = np.array([[-3.0, 0.0], [3.0, 0.0]])
    settings = set()
    for seed in range(8):
        spec = scene_of_frame(plan_take(context, sequence, seed, 0, PLAIN), 0, 0)
        settings.add(spec.background.params["setting"])
        suited = suit_path(spec.background, spec.camera, far)
        assert suited.params["setting"] == "floor"
        assert suited.params["floor_height"] == 0.0
        assert "patch" not in suited.params
    assert settings > {"blanket"}


def test_shutter_shows_the_body_before_and_after_the_frame(context, sequence):
    take = plan_take(context, sequence, 1, 0, ClipOptics(shutter_s=1 / 60))
    spec = scene_of_frame(take, 10, 0)
    opened, closed = spec.motion.shutter_open, spec.motion.shutter_close
    x = [part.transl[0] for part in (opened, spec.body, closed)]
    assert x[1] - x[0] == pytest.approx(0.3 / 120)
    assert x[2] - x[1] == pytest.approx(0.3 / 120)
    assert opened.betas == spec.body.betas
    first = scene_of_frame(take, 0, 0)  # nothing is known of the time before the clip
    assert first.motion.shutter_open == first.body


def test_between_two_frames_joints_turn_the_short_way(sequence):
    wound = dataclasses.replace(sequence, body_pose=sequence.body_pose.copy())
    wound.body_pose[4, 0] = [np.pi - 0.1, 0, 0]
    wound.body_pose[5, 0] = [-np.pi + 0.1, 0, 0]
    middle = np.array(body_at(wound, 4.5).body_pose)[:3]
    assert axis_angle_to_matrix(middle) == pytest.approx(np.diag([1.0, -1.0, -1.0]), abs=1e-6)


def test_lens_is_focused_on_the_infant(context, sequence, body):
    take = plan_take(context, sequence, 1, 0, ClipOptics(has_focus=True))
    for frame in (0, 20):
        spec = scene_of_frame(take, frame, 0)
        _, points = pixels_of(spec, body)
        assert points[:, 2].min() < spec.focus.distance_m < points[:, 2].max()
        assert 2.8 <= spec.focus.fstop <= 8
    assert scene_of_frame(plan_take(context, sequence, 1, 0, PLAIN), 0, 0).focus is None


def test_motion_and_lamps_survive_json(context, sequence):
    optics = ClipOptics(shutter_s=0.01, has_focus=True)
    for take in range(4):
        spec = scene_of_frame(plan_take(context, sequence, 1, take, optics), 3, 7)
        assert SceneSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


@pytest.mark.parametrize(
    "turn, bent, posture",
    [
        (UPRIGHT, {}, "Standing"),
        (UPRIGHT, {(0, 0): -1.5, (1, 0): -1.5}, "Sitting"),
        (np.diag([1.0, 1.0, 1.0]), {}, "Supine"),
        (np.diag([-1.0, 1.0, -1.0]), {}, "Prone"),
        (np.array([[0, 0, -1.0], [0, 1.0, 0], [1.0, 0, 0]]), {}, "Side"),
        (np.diag([-1.0, 1.0, -1.0]), {(0, 0): -1.5, (1, 0): -1.5}, "Crawling"),
    ],
)
def test_posture_follows_from_gravity(context, turn, bent, posture):
    body_pose = np.zeros((23, 3))
    for place, value in bent.items():
        body_pose[place] = value
    assert np.linalg.det(turn) == pytest.approx(1)
    assert (
        posture_in_world(context.coarse.pose(np.zeros(20), matrix_to_axis_angle(turn), body_pose)) == posture
    )
