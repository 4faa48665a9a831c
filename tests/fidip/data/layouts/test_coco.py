import numpy as np
import pytest

from fidip.data.layouts.coco import read_coco_poses
from syrip_gen.keypoints.catalog import COCO17, MPII16
from tests.fidip.data.layouts.dataset_writers import write_json

FLAT = [value for k in range(17) for value in (100 + k, 200 + k, 2)]


def person(**more):
    return {"id": 1, "image_id": 1, "category_id": 1, "keypoints": FLAT, "bbox": [90, 190, 50, 60], **more}


def image(**more):
    return {"id": 1, "file_name": "a.jpg", "width": 640, "height": 480, **more}


def coco(people, images=None, **more):
    return {"images": images or [image()], "annotations": people, **more}


def test_2d_only(tmp_path):
    path = write_json(tmp_path / "c.json", coco([person()]))
    samples = read_coco_poses(path, with_images=False)
    np.testing.assert_array_equal(samples.keypoints[0].ravel(), FLAT)
    assert samples.boxes.tolist() == [[90, 190, 50, 60]]
    assert samples.keypoints_3d is None
    assert samples.intrinsics is None


def test_3d_and_camera_of_our_datasets(tmp_path):
    points = np.random.default_rng(0).normal(size=(17, 3)).round(6)
    camera = {"fx": 600.0, "fy": 601.0, "cx": 320.0, "cy": 240.0, "T_cam_world": [[1]]}
    people = [person(keypoints_3d_m=points.tolist(), camera=camera), person(id=2)]
    samples = read_coco_poses(write_json(tmp_path / "c.json", coco(people)), with_images=False)
    np.testing.assert_array_equal(samples.keypoints_3d[0], points)
    assert np.isnan(samples.keypoints_3d[1]).all()
    assert samples.intrinsics[0].tolist() == [600, 601, 320, 240]
    assert np.isnan(samples.intrinsics[1]).all()


def test_to_mpii_pelvis_and_thorax_are_midpoints_and_the_head_is_unknown(tmp_path):
    points = np.random.default_rng(0).normal(size=(17, 3))
    path = write_json(tmp_path / "c.json", coco([person(keypoints_3d_m=points.tolist())]))
    mapped = read_coco_poses(path, with_images=False).in_schema(MPII16)
    pelvis, thorax = MPII16.index("pelvis"), MPII16.index("thorax")
    np.testing.assert_allclose(mapped.keypoints_3d[0, pelvis], points[[11, 12]].mean(axis=0))
    np.testing.assert_allclose(mapped.keypoints_3d[0, thorax], points[[5, 6]].mean(axis=0))
    np.testing.assert_allclose(mapped.keypoints[0, pelvis], (111.5, 211.5, 2))
    for name in ("upper_neck", "head_top"):
        assert np.isnan(mapped.keypoints_3d[0, MPII16.index(name)]).all()
        np.testing.assert_array_equal(mapped.keypoints[0, MPII16.index(name)], 0)


def test_sequence_and_frame(tmp_path):
    path = write_json(tmp_path / "c.json", coco([person()], [image(sequence="pz101", frame=40)]))
    samples = read_coco_poses(path, with_images=False)
    assert samples.sequences == ("pz101",)
    assert samples.frames.tolist() == [40]


@pytest.mark.parametrize("width", [10**30, -640, 0, "640", None, 1.5])
def test_a_size_that_is_none_is_unknown(tmp_path, width):
    path = write_json(tmp_path / "c.json", coco([person()], [image(width=width)]))
    assert read_coco_poses(path, with_images=False).image_sizes.tolist() == [[0, 0]]


def test_schema_by_the_categorys_names(tmp_path):
    category = {"id": 1, "keypoints": list(MPII16.keypoints)}
    path = write_json(tmp_path / "c.json", coco([person(keypoints=FLAT[:48])], categories=[category]))
    assert read_coco_poses(path, with_images=False).schema is MPII16
    category["keypoints"] = ["a", "b"]
    path = write_json(tmp_path / "c.json", coco([person()], categories=[category]))
    with pytest.raises(ValueError, match="2 keypoints of no known schema"):
        read_coco_poses(path, with_images=False)
    category["keypoints"] = 5
    path = write_json(tmp_path / "c.json", coco([person()], categories=[category]))
    with pytest.raises(ValueError, match="no list of names"):
        read_coco_poses(path, with_images=False)
    category["keypoints"] = [f"KP{k}" for k in range(17)]
    path = write_json(tmp_path / "c.json", coco([person()], categories=[category]))
    assert read_coco_poses(path, with_images=False).schema is COCO17


def test_unlabelled_keypoints_and_persons(tmp_path):
    deleted = [-45.0, -45.0, 0.0, *FLAT[3:]]
    people = [person(keypoints=deleted), person(keypoints=[0] * 51), person(keypoints=[]), person(iscrowd=1)]
    samples = read_coco_poses(write_json(tmp_path / "c.json", coco(people)), with_images=False)
    assert len(samples) == 1
    np.testing.assert_array_equal(samples.keypoints[0, 0], 0)


def test_null_is_unlabelled(tmp_path):
    points = [[None, 0, 1]] + [[0, 0, 1]] * 16
    people = [person(keypoints=[None, *FLAT[1:]], keypoints_3d_m=points)]
    samples = read_coco_poses(write_json(tmp_path / "c.json", coco(people)), with_images=False)
    np.testing.assert_array_equal(samples.keypoints[0, 0], 0)
    assert np.isnan(samples.keypoints_3d[0, 0]).all()
    assert len(samples.notes) == 2


def test_missing_pictures_are_listed(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"x")
    images = [image(), image(id=2, file_name="b.jpg"), image(id=3, file_name="../c.json")]
    people = [person(), person(id=2, image_id=2), person(id=3, image_id=3)]
    samples = read_coco_poses(write_json(tmp_path / "c.json", coco(people, images)))
    assert samples.image_paths == (tmp_path / "a.jpg",)
    assert samples.failures == (f"2 pictures are not in {tmp_path}: b.jpg, ../c.json",)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"keypoints": FLAT[:48]}, "48 numbers in keypoints; expected 51"),
        ({"keypoints_3d_m": [[0, 0, 1]] * 16}, "keypoints_3d_m must be 17 rows of x, y, z"),
        ({"keypoints_3d_m": {"a": 1}}, "keypoints_3d_m must be 17 rows"),
        ({"image_id": 7}, "there is no image 7"),
    ],
)
def test_broken_persons_are_told(tmp_path, change, words):
    path = write_json(tmp_path / "c.json", coco([person(), person(**{"id": 9, **change})]))
    samples = read_coco_poses(path, with_images=False)
    assert len(samples) == 1
    assert len(samples.failures) == 1
    assert words in samples.failures[0]
    assert "annotation 9" in samples.failures[0]


def test_nobody_labelled_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no labelled person"):
        read_coco_poses(
            write_json(tmp_path / "c.json", coco([person(keypoints=[0] * 51)])), with_images=False
        )


@pytest.mark.parametrize(
    "value", [{}, {"images": [], "annotations": 3}, {"images": [{"id": []}], "annotations": []}]
)
def test_other_json_is_refused(tmp_path, value):
    with pytest.raises(ValueError, match=r"c\.json"):
        read_coco_poses(write_json(tmp_path / "c.json", value), with_images=False)


def test_real_minirgbd_file(shared_data):
    samples = read_coco_poses(shared_data / "infant_2d" / "minirgbd_1200.json", with_images=False)
    assert len(samples) == 1200
    assert len(set(samples.sequences)) == 12
    assert (samples.keypoints[:, :5] == 0).all()
