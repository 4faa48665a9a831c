import io
import json

import numpy as np
import pytest

from syrip_gen.annotation.coco import dataset_info, iterate_coco, person_category, write_coco
from syrip_gen.annotation.labels import annotate
from syrip_gen.annotation.surface import BodySurface
from syrip_gen.sampling.scene import BodySpec
from tests.toy_body import make_toy_body, toy_inputs, toy_spec, view

BODY = make_toy_body()
SURFACE = BodySurface.from_body(BODY)
BODY_SPEC = BodySpec((0.0, 0.0), (0.0,) * 3, (0.0,) * 69, (0.0, 0.0, 1.2))


def record(index):
    vertices, keypoints = view(BODY, yaw_deg=40 * index)
    return annotate(toy_spec(index), toy_inputs(vertices, BODY.faces), keypoints, BODY_SPEC, SURFACE).record


RECORDS = [record(0), {"index": 1, "reason": "no good scene"}, record(2), record(3)]
INFO = dataset_info("test", "1.0")
LICENCES = [{"id": 1, "name": "CC0", "url": ""}]


def written(records=RECORDS):
    file = io.BytesIO()
    count = write_coco(file, lambda: iter(records), info=INFO, licenses=LICENCES)
    return file.getvalue(), count


@pytest.fixture
def coco_file(tmp_path):
    path = tmp_path / "person_keypoints_train_infant.json"
    path.write_bytes(written()[0])
    return path


def test_golden_file():
    tiny = {
        "index": 0,
        "image": {"id": 10001, "file_name": "train10001.jpg", "width": 4, "height": 3, "is_synthetic": True},
        "annotation": {"id": 10001, "image_id": 10001, "category_id": 1, "keypoints": [1.5, 2, 2] + [0] * 48},
    }
    category = json.dumps(person_category(), separators=(",", ":"))
    expected = (
        '{"info": {"description":"test","version":"1.0","contributor":"syrip"},\n'
        '"licenses": [{"id":1,"name":"CC0","url":""}],\n'
        f'"categories": [{category}],\n'
        '"images": [\n'
        '{"id":10001,"file_name":"train10001.jpg","width":4,"height":3,"is_synthetic":true}\n'
        '],\n"annotations": [\n'
        '{"id":10001,"image_id":10001,"category_id":1,"keypoints":[1.5,2,2' + ",0" * 48 + "]}\n]}\n"
    )
    assert written([tiny])[0].decode() == expected


def test_failed_items_are_left_out():
    content, count = written()
    data = json.loads(content)
    assert count == 3
    assert [image["id"] for image in data["images"]] == [10001, 10003, 10004]
    assert list(data) == ["info", "licenses", "categories", "images", "annotations"]


def test_no_record_gives_a_valid_empty_file():
    data = json.loads(written([])[0])
    assert (data["images"], data["annotations"]) == ([], [])


def test_category_is_cocos():
    category = person_category()
    assert category["keypoints"][:3] == ["nose", "left_eye", "right_eye"]
    assert category["skeleton"][0] == [16, 14]
    assert len(category["skeleton"]) == 19


def test_stream_reading_gives_the_records_back():
    content, _ = written()
    data = json.loads(content)
    read = list(iterate_coco(io.BytesIO(content)))
    assert [r for section, r in read if section == "images"] == data["images"]
    assert [r for section, r in read if section == "annotations"] == data["annotations"]


def test_records_that_change_between_the_passes_are_noticed():
    passes = iter([RECORDS, RECORDS[:1]])
    with pytest.raises(RuntimeError, match="3 images, 1 annotations"):
        write_coco(io.BytesIO(), lambda: next(passes), info=INFO)


def test_nan_never_reaches_a_file():
    broken = {"image": {"id": 1}, "annotation": {"id": 1, "keypoints": [float("nan")]}}
    with pytest.raises(ValueError, match="JSON compliant"):
        written([broken])


def test_own_predictions_score_perfectly_in_pycocotools(coco_file, capsys):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = COCO(str(coco_file))
    results = [
        {"image_id": a["image_id"], "category_id": 1, "keypoints": a["keypoints"], "score": 1.0}
        for a in truth.loadAnns(truth.getAnnIds())
    ]
    evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)
    shifted = [r | {"keypoints": (np.array(r["keypoints"]) + 60).tolist()} for r in results]
    evaluation = COCOeval(truth, truth.loadRes(shifted), "keypoints")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] < 0.1


def test_pycocotools_decodes_the_masks(coco_file):
    from pycocotools.coco import COCO

    truth = COCO(str(coco_file))
    for annotation in truth.loadAnns(truth.getAnnIds()):
        assert truth.annToMask(annotation).sum() == annotation["area"]


def test_assumptions_of_the_original_fidip_loader_hold(coco_file):
    """In lib/dataset/syrip.py: one valid annotation an image, its path from its id, a boolean domain."""
    from pycocotools.coco import COCO

    truth = COCO(str(coco_file))
    for image_id in truth.getImgIds():
        image = truth.loadImgs(image_id)[0]
        objects = truth.loadAnns(truth.getAnnIds(imgIds=image_id, iscrowd=False))
        assert len(objects) == 1
        x, y, w, h = objects[0]["bbox"]
        assert 0 <= x < x + w <= image["width"]
        assert 0 <= y < y + h <= image["height"]
        assert objects[0]["area"] > 0
        assert max(objects[0]["keypoints"]) > 0
        assert image["is_synthetic"] is True
        assert image["file_name"] == f"train{image_id:05d}.jpg"
        assert int(image["file_name"][5:-4]) == image_id


def test_module_is_light():
    import subprocess
    import sys

    heavy = ("torch", "numba", "cv2", "scipy")
    code = f"import sys, syrip_gen.annotation.coco; print([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
