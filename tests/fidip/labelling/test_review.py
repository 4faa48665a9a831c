"""Review of generated datasets: what is rejected goes, and comes back byte for byte."""

import json
import os
import shutil

import pytest
from click.testing import CliRunner

from cli import main
from fidip.data.annotations import dataset_files, read_annotations
from fidip.labelling.kinds import exporter_of, pictures_of
from fidip.labelling.review import open_or_create_review, write_review
from syrip_gen.config import GenerateConfig
from syrip_gen.pipeline import generate
from syrip_gen.quality.report import write_report
from tests.folder_digests import digests

ANNOTATIONS = "annotations/person_keypoints_train_infant.json"
UNREVIEWED = "annotations/person_keypoints_train_infant.unreviewed.json"
MANIFEST = "manifest.jsonl"
N = 4


def config(fits, folder, **more):
    return GenerateConfig(poses=(str(fits),), output=str(folder), n=N, size="96x128", workers=1, **more)


@pytest.fixture(scope="module")
def generated(few_fits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("review") / "dataset"
    assert generate(config(few_fits, folder)).num_failures == 0
    return folder


@pytest.fixture
def dataset(generated, tmp_path):
    return shutil.copytree(generated, tmp_path / "dataset")


@pytest.fixture
def store(dataset):
    with open_or_create_review(dataset) as store:
        yield store


def test_the_command_says_how_far_a_review_is(dataset):
    with open_or_create_review(dataset) as store:
        decide(store, store.images()[0].id, "rejected")
    answer = CliRunner().invoke(
        main, ["label", "--review", str(dataset), "--no-serve", "--json", str(dataset / "a.json")]
    )
    assert answer.exit_code == 0
    assert f"{N} images: 0 accepted, 1 rejected, {N - 1} to review" in answer.output
    assert str(dataset / "review.project") in answer.output
    assert len(read(dataset)["images"]) == N - 1
    assert json.loads((dataset / "a.json").read_text())["num_rejected"] == 1


def decide(store, image_id, status, reasons=(), **changes):
    """Save a decision; with ``points``, ``posture`` ... also a correction of the one person."""
    state = store.image(image_id)
    people = tuple(person.model_copy(update=changes) for person in state.label.people)
    update = {"status": status, "reasons": tuple(reasons), "people": people}
    label = state.label.model_copy(update=update)
    return store.save(image_id, state.row.revision, label, action=status, who="Ann")


def read(dataset, name=ANNOTATIONS):
    return json.loads((dataset / name).read_bytes())


def manifest(dataset):
    lines = (dataset / MANIFEST).read_text().splitlines()
    return {line["image_id"]: line for line in map(json.loads, lines)}


def test_a_review_begins_with_the_labels_as_generated(dataset, store):
    assert store.kind == "review"
    assert store.path == dataset / "review.project"
    assert [row.name for row in store.images()] == [f"train1000{i}.jpg" for i in range(1, N + 1)]
    state = store.image(10001)
    record = read(dataset)["annotations"][0]
    assert [n for point in state.label.people[0].keypoints for n in point] == record["keypoints"]
    assert state.label.status == "unreviewed"
    assert state.first_who == f"import:{ANNOTATIONS.split('/')[1]}"
    assert pictures_of(store).path_of(state.row) == dataset / "images/train_infant/train10001.jpg"


def test_a_review_without_decisions_changes_nothing(dataset, generated):
    with open_or_create_review(dataset) as store, exporter_of(store) as exporter:
        assert exporter.flush().annotations == N
    after = digests(dataset)
    assert after.pop("review.project")
    assert after == digests(generated)


def test_a_rejected_image_leaves_the_annotations(dataset, generated, store):
    decide(store, 10002, "rejected", ["floating", "ugly"])
    decide(store, 10003, "reviewed")
    done = write_review(store)
    assert (done.images, done.annotations) == (N - 1, N - 1)
    before, after = read(generated), read(dataset)
    assert after["images"] == [image for image in before["images"] if image["id"] != 10002]
    assert after["annotations"] == [a for a in before["annotations"] if a["image_id"] != 10002]
    assert (dataset / UNREVIEWED).read_bytes() == (generated / ANNOTATIONS).read_bytes()
    assert (dataset / "images/train_infant/train10002.jpg").is_file()


def test_the_manifest_says_who_decided_what_and_when(dataset, generated, store):
    state = decide(store, 10002, "rejected", ["floating", "ugly"])
    decide(store, 10003, "reviewed", posture="side")
    write_review(store)
    lines, before = manifest(dataset), manifest(generated)
    expected = {"status": "rejected", "reasons": ["floating", "ugly"], "who": "Ann", "when": state.when}
    assert lines[10002].pop("review") == expected
    assert lines[10003]["review"]["status"] == "reviewed"
    assert lines[10003].pop("review")["corrected"] is True
    assert lines == before


def test_what_comes_back_has_its_old_bytes(dataset, generated, store):
    for image_id in (10001, 10004):
        decide(store, image_id, "rejected", ['"review":{"status":', "},{"])
    decide(store, 10003, "reviewed", posture="crawling", bbox=(1.0, 2.0, 3.0, 4.0))
    write_review(store)
    assert read(dataset)["images"][-1]["posture"] == "Crawling"
    for image_id in (10001, 10004, 10003):
        state = store.image(image_id)
        store.save(image_id, state.row.revision, state.first, action="undo", who="Ann")
    write_review(store)
    for name in (ANNOTATIONS, MANIFEST):
        assert (dataset / name).read_bytes() == (generated / name).read_bytes()


def test_an_accepted_image_keeps_its_bytes(dataset, generated, store):
    for row in store.images():
        decide(store, row.id, "reviewed")
    write_review(store)
    assert (dataset / ANNOTATIONS).read_bytes() == (generated / ANNOTATIONS).read_bytes()


def test_everything_rejected(dataset, generated, store):
    for row in store.images():
        decide(store, row.id, "rejected")
    assert write_review(store).images == 0
    assert read(dataset)["images"] == read(dataset)["annotations"] == []
    for row in store.images():
        decide(store, row.id, "unreviewed")
    write_review(store)
    assert (dataset / ANNOTATIONS).read_bytes() == (generated / ANNOTATIONS).read_bytes()


def test_corrections_are_written(dataset, generated, store):
    points = ((5.0, 6.5, 1), (0.0, 0.0, 0), *store.image(10003).label.people[0].keypoints[2:])
    decide(store, 10003, "reviewed", keypoints=points, bbox=(1.0, 2.0, 30.0, 4.5), posture="side")
    write_review(store)
    before, after = read(generated), read(dataset)
    new, old = after["annotations"][2], before["annotations"][2]
    assert new["keypoints"][:6] == [5.0, 6.5, 1, 0.0, 0.0, 0]
    assert new["num_keypoints"] == sum(v > 0 for v in new["keypoints"][2::3])
    assert (new["bbox"], new["area"], new["corrected_by"]) == ([1.0, 2.0, 30.0, 4.5], 135.0, "Ann")
    unchanged = old.keys() - {"keypoints", "num_keypoints", "bbox", "area"}
    assert {key: new[key] for key in unchanged} == {key: old[key] for key in unchanged}
    assert after["images"][2] == before["images"][2] | {"posture": "Side"}
    assert (
        after["annotations"][:2] + after["annotations"][3:]
        == before["annotations"][:2] + before["annotations"][3:]
    )


def test_people_added_and_removed(dataset, store):
    state = store.image(10001)
    second = state.label.people[0].model_copy(update={"id": 2, "bbox": None})
    both = state.label.model_copy(update={"people": (*state.label.people, second)})
    store.save(10001, 0, both, action="add", who="Ann")
    decide(store, 10002, "reviewed")
    nobody = state.label.model_copy(update={"people": ()})
    store.save(10002, 1, nobody, action="remove", who="Ann")
    assert write_review(store).annotations == N
    people = [(a["id"], a["image_id"]) for a in read(dataset)["annotations"]]
    assert people == [(10001, 10001), (10003, 10003), (10004, 10004), (10001002, 10001)]
    records = read_annotations(*dataset_files(dataset), is_synthetic=True).records
    assert len(records) == N


def test_training_gets_what_is_left(dataset, store):
    decide(store, 10002, "rejected")
    write_review(store)
    records = read_annotations(*dataset_files(dataset), is_synthetic=True)
    assert [record.image_id for record in records.records] == [10001, 10003, 10004]
    assert records.notes == ()


def test_the_report_says_what_was_rejected(dataset, store):
    decide(store, 10002, "rejected", ["floating", "<b>"])
    decide(store, 10004, "rejected")
    write_review(store)
    statistics = write_report(dataset).statistics
    assert statistics.num_images == N - 2
    assert dict(statistics.failures) == {
        "rejected in review: floating, <b>": 1,
        "rejected in review: no reason given": 1,
    }
    assert "rejected in review: floating, &lt;b&gt;" in (dataset / "report.html").read_text()


def test_resuming_a_reviewed_dataset_leaves_the_review(few_fits, dataset, store):
    decide(store, 10002, "rejected")
    write_review(store)
    before = digests(dataset)
    generate(config(few_fits, dataset, resume=True))
    assert digests(dataset) == before
    assert len(read(dataset)["images"]) == N - 1


def test_a_review_goes_on_where_it_was(dataset):
    with open_or_create_review(dataset) as store:
        decide(store, 10002, "rejected", ["floating"])
    with open_or_create_review(dataset) as store, exporter_of(store):
        assert store.image(10002).label.reasons == ("floating",)
    assert len(read(dataset)["images"]) == N - 1


def test_a_kill_between_the_two_files_is_mended(dataset, generated, store):
    decide(store, 10002, "rejected")
    write_review(store)
    whole = (dataset / MANIFEST).read_bytes()
    shutil.copyfile(generated / MANIFEST, dataset / MANIFEST)
    write_review(store)
    assert (dataset / MANIFEST).read_bytes() == whole


def no_links(*_):
    raise PermissionError("no links here")


def test_a_file_system_without_links(dataset, generated, store, monkeypatch):
    monkeypatch.setattr(os, "link", no_links)
    decide(store, 10002, "rejected")
    write_review(store)
    assert (dataset / UNREVIEWED).read_bytes() == (generated / ANNOTATIONS).read_bytes()


@pytest.mark.parametrize("has_links", [True, False])
def test_annotations_that_somebody_else_changed(dataset, store, monkeypatch, has_links):
    if not has_links:
        monkeypatch.setattr(os, "link", no_links)
    (dataset / ANNOTATIONS).write_text("mine")
    decide(store, 10002, "rejected")
    with pytest.raises(
        RuntimeError, match=r"is not the file any more that the review began with; nothing was"
    ):
        write_review(store)
    assert (dataset / ANNOTATIONS).read_text() == "mine"
    assert os.listdir(dataset / "annotations") == ["person_keypoints_train_infant.json"]


def test_a_dataset_without_manifest(dataset, store):
    (dataset / MANIFEST).unlink()
    decide(store, 10002, "rejected")
    assert write_review(store).images == N - 1
    assert not (dataset / MANIFEST).exists()


def test_a_dataset_that_was_made_anew(dataset):
    with open_or_create_review(dataset) as store:
        decide(store, 10002, "rejected")
        write_review(store)
    data = (dataset / UNREVIEWED).read_bytes().replace(b"Synthetic", b"Other")
    (dataset / UNREVIEWED).write_bytes(data)
    with pytest.raises(
        ValueError, match=r"belongs to other annotations than .*unreviewed.json; was it all made anew"
    ):
        open_or_create_review(dataset)
    assert (dataset / UNREVIEWED).read_bytes() == data


def test_a_review_whose_project_is_gone(dataset):
    with open_or_create_review(dataset) as store:
        decide(store, 10002, "rejected")
        write_review(store)
    (dataset / "review.project").rename(dataset / "elsewhere")
    with pytest.raises(ValueError, match=r"it was reviewed, but review.project is gone. Put it back; or"):
        open_or_create_review(dataset)
    assert not (dataset / "review.project").exists()


def test_an_unfinished_dataset(dataset):
    (dataset / ".syrip").mkdir()
    (dataset / ".syrip" / "run.json").write_text("{}")
    with pytest.raises(ValueError, match="is not finished; run its command with --resume first"):
        open_or_create_review(dataset)


def test_what_is_no_dataset(dataset, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such dataset folder"):
        open_or_create_review(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        FileNotFoundError, match=r"no dataset of 'syrip generate' \(annotations/.* is missing\)"
    ):
        open_or_create_review(tmp_path / "empty")
    with pytest.raises(ValueError, match="a dataset has its own pictures; leave out --images"):
        open_or_create_review(dataset, images=tmp_path)
    (dataset / ANNOTATIONS).write_text(json.dumps(read(dataset), indent=1))
    with pytest.raises(ValueError, match="not as 'syrip generate' wrote it"):
        open_or_create_review(dataset)
    assert not (dataset / "review.project").exists()
