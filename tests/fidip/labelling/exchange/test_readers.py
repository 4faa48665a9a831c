"""read_labels tells formats by their content, and says what it found in other files."""

import json
import shutil

import pytest

from fidip.labelling.coco_export import write_coco
from fidip.labelling.exchange.ah_colt import write_ah_colt
from fidip.labelling.exchange.cvat_writer import write_cvat
from fidip.labelling.exchange.label_studio_writer import write_label_studio
from fidip.labelling.exchange.readers import read_labels
from fidip.labelling.records import NewImage
from fidip.labelling.store import LabelStore
from syrip_gen.keypoints.catalog import COCO17
from tests.fidip.labelling.exchange.examples import assert_same_label, label, outgoing, person

IMAGES = [outgoing("a.jpg", label(person(posture="prone"))), outgoing("b.jpg", label(person(seed=1)))]


def write_project(folder):
    with LabelStore.create(folder / "p.project", kind="label", root=folder, output=folder / "p") as store:
        store.add_images([NewImage(i.name, i.width, i.height, i.label) for i in IMAGES])
        write_coco(store)


WRITERS = {
    "coco": lambda folder: (write_project(folder), folder / "p")[1],
    "cvat": lambda folder: write_cvat(IMAGES, folder / "a.xml")[0][0],
    "label-studio": lambda folder: write_label_studio(IMAGES, folder / "a.json")[0][0],
    "ah-colt": lambda folder: write_ah_colt(IMAGES, folder, "p")[0][1],
}


@pytest.mark.parametrize("name", WRITERS)
def test_formats_are_told_by_their_content(tmp_path, name):
    file = tmp_path / "labels.dat"
    shutil.move(WRITERS[name](tmp_path), file)
    found = read_labels(file)
    assert found.format == name
    assert [image.name for image in found.images] == ["a.jpg", "b.jpg"]
    for image, sent in zip(found.images, IMAGES, strict=True):
        assert_same_label(image.label, sent.label, atol=6e-4, skip={"posture"} if name == "ah-colt" else ())


def test_cvats_coco_keypoints_are_read(tmp_path):
    """As CVAT writes «COCO Keypoints 1.0»: extra categories and fields, absent points with places."""
    keypoints = [value for k in range(17) for value in (10.0 + k, 20.0, (0, 1, 2)[k % 3])]
    names = [name.replace("_", " ") for name in COCO17.keypoints]
    data = {
        "licenses": [{"name": "", "id": 0, "url": ""}],
        "info": {"contributor": ""},
        "categories": [
            {"id": 1, "name": "person", "supercategory": "", "keypoints": names, "skeleton": [[1, 2]]},
            {"id": 2, "name": "person_box", "supercategory": ""},
        ],
        "images": [{"id": 1, "width": 640, "height": 480, "file_name": "a.jpg", "license": 0}],
        "annotations": [
            {
                "id": 1, "image_id": 1, "category_id": 1, "segmentation": [], "area": 9.0, "iscrowd": 0,
                "bbox": [1, 2, 3, 3], "attributes": {"occluded": False}, "keypoints": keypoints,
                "num_keypoints": 11,
            }
        ],
    }  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(data))
    (image,) = read_labels(tmp_path / "a.json").images
    assert image.label.people[0].keypoints[:3] == ((0, 0, 0), (11, 20, 1), (12, 20, 2))


@pytest.mark.parametrize(
    "content, message",
    [
        (b"PK\x03\x04abc", "a zip archive; unpack it and give the annotation file in it"),
        (
            b'{"a": 1}',
            r"JSON, but not labels: found an object with keys \['a'\]; expected a COCO keypoint file",
        ),
        (b"[1]", "JSON, but not labels: found list"),
        (b"", "the file is empty"),
        (b"hello", "not JSON"),
        (b"\x80\x04N.", "not an AH-CoLT file: expected a dictionary, got NoneType"),
        (b"\xef\xbb\xbf <html/>", "expected the root element <annotations>, found <html>"),
    ],
)
def test_other_files_are_refused(tmp_path, content, message):
    path = tmp_path / "labels.dat"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_labels(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_keypoints_are_refused(tmp_path):
    data = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "keypoints": [f"{side}_{part}" for side in "ab" for part in "cd"]}],
    }
    (tmp_path / "a.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match="of no schema that syrip knows"):
        read_labels(tmp_path / "a.json")
    with pytest.raises(FileNotFoundError, match="no such file; expected a COCO keypoint file"):
        read_labels(tmp_path / "none.json")
