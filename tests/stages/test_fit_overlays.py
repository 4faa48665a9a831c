"""Overlays of fits: the surface lies where the camera sees it."""

import cv2
import numpy as np
import pytest

from syrip_gen.body import load_body
from syrip_gen.body.posing import pose_body
from syrip_gen.fitting.bank import FitBank
from syrip_gen.keypoints.readers import read_poses
from syrip_gen.rendering.zbuffer import face_buffer
from syrip_gen.stages.fit_overlays import MESH_COLOR, OPACITY, blend_mesh, write_overlays
from syrip_gen.stages.run_shards import SilentProgress

SQUARE = np.array([[-1, -1, 2], [1, -1, 2], [1, 1, 2], [-1, 1, 2]], np.float32)
TOWARDS_THE_CAMERA = np.array([[0, 2, 1], [0, 3, 2]])


def test_a_square_is_drawn_where_it_projects_to():
    picture = np.full((60, 100, 3), 60, np.uint8)
    drawn = blend_mesh(picture, SQUARE, TOWARDS_THE_CAMERA, 20.0, (50.0, 30.0))
    changed = (drawn != 60).any(axis=2)
    expected = np.zeros_like(changed)
    expected[20:40, 40:60] = True
    np.testing.assert_array_equal(changed, expected)
    assert (picture == 60).all()


def test_light_comes_from_the_camera():
    picture = np.zeros((60, 100, 3), np.uint8)
    front, back = (
        blend_mesh(picture, SQUARE, faces, 20.0, (50.0, 30.0))[30, 50].astype(float)
        for faces in (TOWARDS_THE_CAMERA, TOWARDS_THE_CAMERA[:, ::-1])
    )
    assert (front > 1.5 * back).all()
    assert (front < OPACITY * MESH_COLOR).all()


def test_the_photo_shows_through():
    dark, light = (
        blend_mesh(np.full((60, 100, 3), v, np.uint8), SQUARE, TOWARDS_THE_CAMERA, 20.0, (50.0, 30.0))[30, 50]
        for v in (0, 200)
    )
    np.testing.assert_allclose(light.astype(int) - dark, 200 * (1 - OPACITY), atol=1)


def test_a_mesh_behind_the_camera_changes_nothing():
    picture = np.full((60, 100, 3), 60, np.uint8)
    behind = SQUARE * [1, 1, -1]
    np.testing.assert_array_equal(
        blend_mesh(picture, behind, TOWARDS_THE_CAMERA, 20.0, (50.0, 30.0)), picture
    )


def test_overlays_of_fits(few_poses, few_fits, tmp_path):
    bank, poses, body = FitBank.load(few_fits), read_poses(few_poses), load_body("infant")
    write_overlays(bank, poses, body, tmp_path, None, SilentProgress())
    files = sorted(tmp_path.glob("*.jpg"))
    assert [file.name[:6] for file in files] == [f"{i:05d}_" for i in range(len(bank))]
    picture = cv2.imread(str(files[0])).astype(int)
    height, width = picture.shape[:2]
    assert max(height, width) == 640
    scale = 640 / bank.image_size[0].max()
    vertices = pose_body(
        body, bank.betas[0], bank.global_orient[0], bank.body_pose[0], bank.transl[0]
    ).vertices
    focal = float(bank.focal_px[0]) * scale
    _, face = face_buffer(vertices, body.faces, focal, focal, width / 2, height / 2, width, height)
    is_grey = (np.abs(picture - 60) < 12).all(axis=2)
    inside = cv2.erode((face >= 0).astype(np.uint8), np.ones((9, 9))) > 0
    outside = cv2.dilate((face >= 0).astype(np.uint8), np.ones((25, 25))) == 0
    outside[:40] = False  # the verdict
    assert is_grey[outside].mean() == pytest.approx(1.0, abs=0.01)
    assert is_grey[inside].mean() < 0.1
