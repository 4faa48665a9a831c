import json

import numpy as np
import pytest
from pycocotools import mask as codec

from syrip_gen.annotation.labels import annotate
from syrip_gen.annotation.surface import BodySurface
from syrip_gen.rendering.depth_buffer import DepthBuffer
from syrip_gen.rendering.zbuffer import face_buffer
from syrip_gen.sampling.scene import BodySpec
from tests.toy_body import make_toy_body, toy_inputs, toy_spec, view

BODY = make_toy_body()
SURFACE = BodySurface.from_body(BODY)
BODY_SPEC = BodySpec((0.1, 0.2), (3.0, 0.0, 0.0), (0.0,) * 69, (0.0, 0.0, 1.2))


def labelled(**options):
    vertices, keypoints = view(BODY, **options)
    return annotate(toy_spec(4), toy_inputs(vertices, BODY.faces), keypoints, BODY_SPEC, SURFACE)


def test_record_is_plain_json():
    record = labelled().record
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_ids_and_names_are_those_of_syrip():
    labels = labelled()
    image, annotation = labels.record["image"], labels.record["annotation"]
    assert image["id"] == annotation["id"] == annotation["image_id"] == 10005
    assert labels.image_name == "train10005.jpg"
    assert image["is_synthetic"] is True
    assert annotation["source"] == {"pose_id": "poses/3/4", "pose_index": 3, "seed": 7}


@pytest.mark.parametrize("yaw", [0, 70, 180])
def test_projecting_keypoints_3d_gives_keypoints(yaw):
    labels = labelled(yaw_deg=yaw)
    annotation = labels.record["annotation"]
    camera, points = annotation["camera"], np.array(annotation["keypoints_3d_m"])
    pixels = points[:, :2] / points[:, 2:] * (camera["fx"], camera["fy"]) + (camera["cx"], camera["cy"])
    inside = labels.keypoints[:, 2] > 0
    assert inside.sum() > 10
    np.testing.assert_allclose(labels.keypoints[inside, :2], pixels[inside], atol=0.01)
    assert annotation["num_keypoints"] == inside.sum()


def test_keypoints_outside_are_zero():
    labels = labelled(distance=0.6)
    outside = labels.keypoints[:, 2] == 0
    assert outside.any()
    assert (labels.keypoints[outside] == 0).all()


def test_box_area_and_segmentation_are_those_of_the_mask():
    labels = labelled()
    annotation = labels.record["annotation"]
    decoded = codec.decode(annotation["segmentation"]).astype(bool)
    np.testing.assert_array_equal(decoded, labels.mask)
    assert annotation["area"] == labels.mask.sum() > 1000
    assert annotation["bbox"] == codec.toBbox(annotation["segmentation"]).tolist()


def test_body_is_saved_in_full():
    body = labelled().record["annotation"]["body"]
    assert (len(body["betas"]), len(body["pose"]), len(body["transl"])) == (2, 72, 3)
    assert body["pose"][:3] == [3.0, 0.0, 0.0]


@pytest.mark.parametrize("yaw", [0, 50, 130])
def test_mask_is_that_of_the_depth_buffer(yaw):
    inputs = toy_inputs(view(BODY, yaw_deg=yaw)[0], BODY.faces)
    camera = (inputs.fx, inputs.fy, inputs.cx, inputs.cy, inputs.width, inputs.height)
    depth, _ = face_buffer(inputs.vertices, inputs.faces, *camera)
    labels = annotate(
        toy_spec(4), inputs, np.full((17, 3), 2.0), BODY_SPEC, SURFACE, DepthBuffer().draw(inputs)
    )
    np.testing.assert_array_equal(labels.mask, np.isfinite(depth))
