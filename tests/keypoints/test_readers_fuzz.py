"""Whatever a file holds, reading it gives poses or a clear error."""

import copy
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.poses import PoseSet
from syrip_gen.keypoints.readers import read_poses

TRIPLES = [float(n) for k in range(17) for n in (20 + 3 * k, 50 + 5 * k, 2)]
GOOD = {
    "annotations": {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480, "posture": "Prone"}],
        "annotations": [{
            "id": 1, "image_id": 1, "category_id": 1, "bbox": [1.0, 2.0, 30.0, 40.0], "iscrowd": 0,
            "num_keypoints": 17, "keypoints": TRIPLES,
        }],
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO17.keypoints)}],
    },
    "results": [{
        "image_id": 1, "category_id": 1, "keypoints": TRIPLES, "score": 0.5, "keypoint_schema": "coco17",
    }],
    "openpose": {"people": [{"person_id": [-1], "pose_keypoints_2d": TRIPLES}]},
    "fidip": {"annotations": TRIPLES + [1.0] * 6},
}  # fmt: skip
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=3),
    st.sampled_from([10**400, -45.0, 1e300, [], {}, [[]], [None], "coco17", "../../x", [{}], {"id": []}]),
)  # fmt: skip


def read(path):
    """Read poses and check what every PoseSet promises; errors must name the file."""
    try:
        poses = read_poses(path)
    except ValueError as error:
        return str(error)
    assert isinstance(poses, PoseSet)
    assert len(poses) > 0
    assert set(np.unique(poses.keypoints[:, :, 2])) <= {0.0, 1.0, 2.0}
    assert (poses.image_size > 0).all()
    return str(path)


def places(value, path=()):
    """Yield the path of every value inside a JSON document."""
    yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from places(child, (*path, key))


def damage(document, path, junk):
    """Return the document with one value replaced, or left out when ``junk`` is the word "gone"."""
    if not path:
        return junk
    document = copy.deepcopy(document)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    if junk == "gone":
        del parent[path[-1]]
    else:
        parent[path[-1]] = junk
    return document


@pytest.mark.parametrize("kind", GOOD)
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.data())
def test_damaged_json(tmp_path_factory, kind, data):
    document = GOOD[kind]
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(list(places(document))))
        document = damage(document, path, data.draw(JUNK | st.just("gone")))
    file = tmp_path_factory.getbasetemp() / "fuzz.json"
    file.write_text(json.dumps(document))
    assert str(file) in read(file)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.binary(max_size=200))
def test_any_bytes(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "fuzz.bin"
    file.write_bytes(data)
    assert str(file) in read(file)
