import pytest

from fidip.data.layouts.detect import layout_of, read_pose_samples
from syrip_gen.annotation.coco import ANNOTATION_FILE
from tests.fidip.data.layouts.dataset_writers import (
    mpii_person,
    write_3dhp,
    write_json,
    write_mini_rgbd,
    write_mpii_mat,
)

PERSON = {"id": 1, "image_id": 1, "keypoints": [5, 6, 2] * 17}
COCO = {"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [PERSON]}
ENTRY = {"image": "a", "joints": [[1, 2]] * 16, "joints_vis": [1] * 16, "center": [1, 2], "scale": 1}


def make(tmp_path, layout):
    path = tmp_path / "data"
    if layout == "mini-rgbd":
        write_mini_rgbd(path, {1: [0]})
    elif layout == "mpi-inf-3dhp":
        write_3dhp(path, {"S1": 1}, cameras=2)
    elif layout == "mpii-mat":
        path = tmp_path / "m.mat"
        write_mpii_mat(path, [("a.jpg", [mpii_person({0: (1.0, 2.0)})])])
    elif layout == "mpii-json":
        path = write_json(tmp_path / "train.json", [ENTRY])
    elif layout == "coco":
        path = write_json(tmp_path / "c.json", COCO)
    else:
        write_json(path / ANNOTATION_FILE, COCO)
    return path


@pytest.mark.parametrize(
    "layout, schema",
    [
        ("mini-rgbd", "minirgbd25"),
        ("mpi-inf-3dhp", "mpi_inf_3dhp28"),
        ("mpii-mat", "mpii16"),
        ("mpii-json", "mpii16"),
        ("coco", "coco17"),
        ("syrip", "coco17"),
    ],
)
def test_layouts_are_told_apart_and_read(tmp_path, layout, schema):
    path = make(tmp_path, layout)
    assert layout_of(path) == layout
    samples = read_pose_samples(path, with_images=False)
    assert len(samples) == 1
    assert samples.schema.name == schema


def test_a_strange_folder_says_what_is_known_and_found(tmp_path):
    (tmp_path / "pictures").mkdir()
    with pytest.raises(ValueError, match=r"expected a dataset of syrip generate, MINI-RGBD.*found pictures"):
        layout_of(tmp_path)


def test_an_empty_folder(tmp_path):
    with pytest.raises(ValueError, match="found an empty folder"):
        layout_of(tmp_path)


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        layout_of(tmp_path / "no")


def test_a_split_where_there_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has no published split"):
        read_pose_samples(make(tmp_path, "coco"), split="test")
