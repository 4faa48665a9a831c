"""Projects as COCO files: what other programs read, and the way back without loss."""

import contextlib
import io
import json
import os

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from fidip.data.annotations import read_annotations
from fidip.evaluation.ground_truth import read_ground_truth
from fidip.labelling.coco_export import coco_of, write_coco
from fidip.labelling.coco_import import read_coco
from fidip.labelling.documents import Doubt
from fidip.labelling.records import Frame
from fidip.labelling.store import LabelStore, project_path
from syrip_gen.keypoints.catalog import COCO17
from syrip_gen.keypoints.readers import read_poses
from tests.fidip.labelling.projects import (
    STRANGE_NAMES,
    label,
    make_store,
    new_image,
    output_of,
    person,
    program,
)


def rich_store(folder):
    """Return a project with everything in it that a project can say."""
    store = make_store(folder)
    boxed = person(bbox=(1.0, 2.0, 30.5, 40.25), posture="supine", score=0.75)
    store.add_images(
        [
            new_image("a.jpg", label(boxed), doubts=(Doubt(person=1, kind="limb"),)),
            new_image("b.jpg", label(boxed, person(7, x=20.0, posture="side", score=0.5))),
            new_image("c.jpg", label(person(3, score=0.25)), frame=Frame("v.mp4", 30, 1.5)),
            new_image("d.jpg", label(boxed).model_copy(update={"people": ()})),
            new_image("e.jpg", label(boxed), id=500),
            new_image("f.jpg", label(boxed)),
        ]
    )
    save(store, 2, status="reviewed", note="both\nseen", reasons=("twins",))
    save(store, 4, status="reviewed")
    save(store, 500, status="rejected", reasons=("blurred", "other"), note="<b>too dark</b>")
    store.set_file_state(4, "ok")
    store.add_images([new_image("g.jpg", label().model_copy(update={"people": ()}), state="unreadable")])
    return store


def save(store, image_id, **changes):
    label = store.image(image_id).label.model_copy(update=changes)
    store.save(image_id, 0, label, action="review", who="Ann")


@pytest.fixture
def store(tmp_path):
    with rich_store(tmp_path) as store:
        yield store


def by_id(records):
    return {record["id"]: record for record in records}


def test_what_the_file_says(store):
    content = coco_of(store)
    assert [image["id"] for image in content["images"]] == [1, 2, 3, 4, 501]
    images, people = by_id(content["images"]), by_id(content["annotations"])
    assert list(people) == [1001, 2001, 2007, 3003, 501001]
    unreviewed, reviewed = people[1001], people[2001]
    assert (unreviewed["reviewed"], unreviewed["score"], unreviewed["labelled_by"]) == (
        False,
        0.75,
        "ai:thunder",
    )
    assert (reviewed["reviewed"], reviewed["network_score"], reviewed["labelled_by"]) == (True, 0.75, "Ann")
    assert "score" not in reviewed
    assert reviewed["labelled_at"] == store.image(2).when
    assert reviewed["bbox"] == [1.0, 2.0, 30.5, 40.25]
    assert reviewed["area"] == 30.5 * 40.25
    assert reviewed["num_keypoints"] == 12
    assert reviewed["keypoints"][:9] == [10.0, 20.0, 2, 11.0, 20.125, 1, 0.0, 0.0, 0]
    assert images[1]["doubtful"] is True
    assert images[1]["posture"] == "supine"
    assert "posture" not in images[2]  # two people, two postures
    assert (images[3]["sequence"], images[3]["frame"], images[3]["time_s"]) == ("v.mp4", 30, 1.5)
    assert images[4]["labelled_by"] == "Ann"  # who saw that nobody is there
    (rejected,) = content["syrip_rejected"]
    assert rejected["image"]["reasons"] == ["blurred", "other"]
    assert rejected["annotations"][0]["id"] == 500001
    assert [entry["image"]["file_name"] for entry in content["syrip_unreadable"]] == ["g.jpg"]


def test_a_person_without_a_box_gets_the_extent_of_its_points(store):
    record = by_id(coco_of(store)["annotations"])[3003]
    x, y = np.array(store.image(3).label.people[0].keypoints)[:, :2].T
    seen = x > 0
    assert record["bbox"] == [x[seen].min(), y[seen].min(), np.ptp(x[seen]), np.ptp(y[seen])]
    assert record["bbox_from_keypoints"] is True


def contents(store, notes=False):
    """What a project says, without who and when it was imported."""
    return [
        (row.id, row.name, row.width, row.height, row.state, row.frame, row.who, newest.when, newest.label)
        for row, newest in store.labels()
    ]


def test_nothing_is_lost_on_the_way_out_and_in(store, tmp_path):
    write_coco(store)
    project = read_coco(store.output)
    assert project.notes == ()
    other = tmp_path / "again.json"
    with LabelStore.create(
        project_path(other), kind="label", schema=project.schema, root=tmp_path, output=other
    ) as again:
        again.add_images(project.images)
        assert contents(again) == contents(store)
        write_coco(again)
    first, second = (json.loads(path.read_bytes()) for path in (store.output, other))
    for image in first["images"]:
        image.pop("doubtful", None)  # what the network doubted is in the project alone
    assert first == second


def test_ids_stay_from_export_to_export(store):
    before = coco_of(store)
    save(store, 1, status="rejected")
    store.save(1, 1, store.image(1).first, action="undo", who="Ann")
    store.add_images([new_image("new.jpg")])
    after = coco_of(store)
    assert list(by_id(before["images"])) == list(by_id(after["images"]))[:-1]
    assert list(by_id(before["annotations"])) == list(by_id(after["annotations"]))[:-1]


def test_pycocotools_opens_it(store):
    write_coco(store)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(store.output))
        results = [
            {"image_id": a["image_id"], "category_id": 1, "keypoints": a["keypoints"], "score": 0.9}
            for a in truth.loadAnns(truth.getAnnIds())
        ]
        evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert truth.loadCats(1)[0]["keypoints"] == list(COCO17.keypoints)
    assert evaluation.stats[0] == pytest.approx(1.0)


def test_syrip_generate_reads_it_as_poses(store):
    write_coco(store)
    poses = read_poses(store.output)
    assert poses.annotation_id.tolist() == [1001, 2001, 2007, 3003, 501001]
    assert poses.file_name[:2] == ("a.jpg", "b.jpg")
    assert poses.posture[:3] == ("supine", "supine", "side")
    assert poses.is_usable.all()
    keypoints = np.array([p.keypoints for p in store.image(2).label.people])
    np.testing.assert_array_equal(poses.keypoints[1:3], keypoints)


def test_syrip_eval_and_train_read_it(store, tmp_path):
    write_coco(store)
    truth = read_ground_truth(store.output)
    assert truth.notes == ()
    assert len(truth.labelled) == 5
    assert truth.persons[0].file_area == truth.persons[0].box_area
    for row in store.images():
        (tmp_path / row.name).touch()
    records = read_annotations(store.output, tmp_path, is_synthetic=False)
    assert records.notes == ()
    assert [r.annotation_id for r in records.records] == [1001, 2001, 2007, 3003, 501001]


def test_strange_names_go_out_and_in(tmp_path):
    with make_store(tmp_path, *STRANGE_NAMES) as store:
        write_coco(store)
    data = store.output.read_bytes()
    assert data.isascii()
    assert [image["file_name"] for image in json.loads(data)["images"]] == list(STRANGE_NAMES)
    assert [image.name for image in read_coco(store.output).images] == list(STRANGE_NAMES)


def test_one_record_a_line(store):
    write_coco(store)
    lines = store.output.read_text().splitlines()
    assert sum('"file_name":"a.jpg"' in line for line in lines) == 1
    assert all(
        line.count('"image_id"') <= 1 for line in lines if '"syrip' not in line and 'image":' not in line
    )


def test_an_empty_project(tmp_path):
    with make_store(tmp_path) as store:
        done = write_coco(store)
    assert (done.images, done.annotations) == (0, 0)
    assert read_coco(store.output).images == ()


FULL = """
import resource, signal, sys
from fidip.labelling.coco_export import write_coco
from fidip.labelling.store import LabelStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = LabelStore.open(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_coco(store)
except OSError as error:
    print(error)
"""


def test_no_room_for_the_file(store):
    store.output.write_text("the file before")
    store.close()
    text = output_of(program(FULL, store.path))
    assert text.startswith(f"cannot write {store.output}: File too large; the file is as it was before")
    assert store.output.read_text() == "the file before"
    assert [name for name in os.listdir(store.path.parent) if name.endswith(".part")] == []


def test_the_file_is_on_the_disk_before_it_gets_its_name(store, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, real=real: (done.append(name), real(*a))[1])
    write_coco(store)
    assert done == ["fsync", "replace"]


def test_a_folder_in_the_way(store):
    store.output.mkdir()
    with pytest.raises(OSError, match=r"cannot write .*real.json: .*; the file is as it was before"):
        write_coco(store)
    assert [name for name in os.listdir(store.path.parent) if name.endswith(".part")] == []
