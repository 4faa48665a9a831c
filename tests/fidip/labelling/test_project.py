"""Pictures into projects: first runs, further runs, interruptions, imports and what goes wrong."""

import itertools
import json

import numpy as np
import pytest
from PIL import Image

from fidip.inference import predict as predict_module
from fidip.labelling import ai_run
from fidip.labelling.documents import ImageLabel
from fidip.labelling.options import LabelOptions
from fidip.labelling.project import label_media
from fidip.labelling.store import LabelStore, project_path
from fidip.progress import SilentProgress
from syrip_gen.keypoints.readers import read_poses
from tests.fidip.inference.clips import SIZE as CLIP_SIZE
from tests.fidip.inference.clips import dot_clip, moving_pose
from tests.fidip.inference.dot_network import SUPINE, DotNetwork, dot_picture

SIZE = (200, 180)


class Counting(DotNetwork):
    """Counts its passes, and fails on pictures with a large white area."""

    def forward(self, images):
        self.passes.append(len(images))
        if ((images > 1.5).all(1).float().mean((1, 2)) > 0.05).any():
            raise ValueError("snow")
        return super().forward(images)


@pytest.fixture(autouse=True)
def network(monkeypatch):
    network = Counting((144, 192))
    monkeypatch.setattr(predict_module, "open_network", lambda source, **_: network)
    return network


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(6):
        save(folder / f"img{i + 7}.png", i)
    return folder


def pose(i):
    return SUPINE + np.array([10 * i, 20])


def save(path, i=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(dot_picture(pose(i), SIZE, radius=3)).save(path)
    return path


def label(inputs, output, should_stop=lambda: False, **more):
    """Run once; returns the result, the images by name, and the COCO file's content."""
    more = {"device": "cpu", "no_rotation_pick": True} | more
    options = LabelOptions(output=str(output), **more)
    store, result = label_media(options, [str(i) for i in inputs], SilentProgress(), should_stop=should_stop)
    with store:
        images = {row.name: store.image(row.id) for row in store.images()}
    return result, images, json.loads(output.read_text())


def test_a_folder_becomes_a_coco_file_that_generate_reads(photos, tmp_path):
    result, images, coco = label([photos], tmp_path / "real.json")
    assert list(images) == [f"img{i}.png" for i in range(7, 13)]
    assert {(state.first_who, state.row.status) for state in images.values()} == {("ai:dots", "unreviewed")}
    assert [image["file_name"] for image in coco["images"]] == list(images)
    for i, annotation in enumerate(coco["annotations"]):
        points = np.array(annotation["keypoints"]).reshape(17, 3)
        np.testing.assert_allclose(points[:, :2], pose(i), atol=1)
        assert annotation["reviewed"] is False
    assert len(read_poses(tmp_path / "real.json")) == 6
    assert (result.num_new, result.num_predicted, result.num_doubtful) == (6, 6, 0)
    assert not result.failures
    assert "6 pictures, 6 new: 0 reviewed, 0 rejected, 6 to review" in result.summary()


def test_a_second_run_predicts_nothing_and_new_pictures_are_added(photos, tmp_path, network):
    label([photos], tmp_path / "real.json")
    network.passes.clear()
    before = (tmp_path / "real.json").read_bytes()
    result, images, _ = label([photos], tmp_path / "real.json")
    assert network.passes == []
    assert (result.num_new, result.num_predicted, len(images)) == (0, 0, 6)
    assert (tmp_path / "real.json").read_bytes() == before
    save(photos / "sub/new.png")
    result, images, _ = label([photos], tmp_path / "real.json")
    assert (result.num_new, list(images)[-1]) == (1, "sub/new.png")


def test_the_project_opens_without_naming_the_pictures(photos, tmp_path):
    label([photos], tmp_path / "real.json")
    result, images, _ = label([], tmp_path / "real.json")
    assert (result.num_new, len(images)) == (0, 6)
    with pytest.raises(FileNotFoundError, match="no project there to go on with; name a folder or video"):
        label([], tmp_path / "other.json")


def test_what_a_person_touched_is_not_labelled_again(photos, tmp_path):
    output = tmp_path / "real.json"
    label([photos], output, no_ai=True)
    with LabelStore.open(project_path(output)) as store:
        emptied, rejected, *_ = store.images()
        store.save(emptied.id, 0, ImageLabel(note="nobody here"), action="note", who="ada")
        store.save(rejected.id, 0, ImageLabel(status="rejected"), action="reject", who="ada")
    result, images, coco = label([photos], output)
    assert result.num_predicted == 4
    assert [state.who for state in images.values()] == ["ada", "ada", *["ai:dots"] * 4]
    assert images["img7.png"].label == ImageLabel(note="nobody here")
    assert images["img9.png"].first == ImageLabel(), "revision 0 stays what it was"
    assert images["img9.png"].row.revision == 1
    assert len(coco["annotations"]) == 4


def test_interrupted_work_is_kept_and_gone_on_with(photos, tmp_path, network):
    asked = itertools.count()
    result, images, coco = label([photos], tmp_path / "real.json", should_stop=lambda: next(asked) >= 1)
    assert result.was_interrupted
    assert list(images) == [f"img{i}.png" for i in range(7, 11)]
    assert len(coco["annotations"]) == 4
    assert "the same command goes on" in result.summary()
    result, images, coco = label([photos], tmp_path / "real.json")
    assert (result.num_predicted, len(images), len(coco["annotations"])) == (2, 6, 6)


def test_one_bad_picture_does_not_stop_the_others(photos, tmp_path):
    (photos / "cut.png").write_bytes((photos / "img7.png").read_bytes()[:300])
    (photos / "text.jpg").write_text("no picture")
    white = dot_picture(pose(0), SIZE, radius=3)
    white[60:120, 60:150] = 255
    Image.fromarray(white).save(photos / "white.png")
    result, images, coco = label([photos], tmp_path / "real.json")
    assert set(result.failures) == {"cut.png", "text.jpg", "white.png"}
    assert result.num_predicted == 6
    assert "does not decode" in result.failures["text.jpg"]
    assert "cut.png" in result.failures["cut.png"]
    assert "the network failed on it (snow)" in result.failures["white.png"]
    assert {name for name, state in images.items() if state.row.state == "unreadable"} == set(result.failures)
    assert (
        images["text.jpg"].note == "does not decode as a picture; expected one of JPEG, PNG, WebP, BMP, TIFF"
    )
    assert len(coco["images"]) == 6
    assert {entry["image"]["file_name"] for entry in coco["syrip_unreadable"]} == set(result.failures)
    assert "3 could not be used" in result.summary()


def test_a_mended_picture_is_labelled_by_the_next_run(photos, tmp_path):
    (photos / "text.png").write_text("no picture")
    label([photos], tmp_path / "real.json")
    save(photos / "text.png", 3)
    result, images, coco = label([photos], tmp_path / "real.json")
    assert not result.failures
    state = images["text.png"]
    assert (state.row.state, state.row.width, state.row.height, state.note) == ("ok", *SIZE, "")
    assert state.who == "ai:dots"
    assert len(coco["annotations"]) == 7


def test_videos_are_labelled_by_frame(photos, tmp_path):
    dot_clip(photos / "kick.mp4", frames=9)
    (photos / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(90))
    result, images, coco = label([photos], tmp_path / "real.json", frames="every=4")
    assert list(result.failures) == ["broken.mp4"]
    frames = [state for state in images.values() if state.row.frame]
    assert [state.row.name for state in frames] == [f"real_frames/kick/frame{i:06d}.jpg" for i in (0, 4, 8)]
    for state, i in zip(frames, (0, 4, 8), strict=True):
        points = np.array(state.label.people[0].keypoints)
        np.testing.assert_allclose(points[:, :2], moving_pose(i), atol=2)
        assert (state.row.frame.video, state.row.frame.index) == ("kick.mp4", i)
        assert (state.row.width, state.row.height) == CLIP_SIZE
    assert coco["images"][0]["file_name"] == "photos/img7.png"
    assert (tmp_path / coco["images"][-1]["file_name"]).is_file()


def test_a_project_of_videos_takes_further_videos(tmp_path):
    first, second = dot_clip(tmp_path / "a.mp4", frames=2), dot_clip(tmp_path / "b.mp4", frames=2)
    label([first], tmp_path / "out" / "real.json") if (tmp_path / "out").mkdir() is None else None
    _, images, _ = label([second], tmp_path / "out" / "real.json", frames="every=1")
    assert list(images) == ["a/frame000000.jpg", "b/frame000000.jpg", "b/frame000001.jpg"]


def test_photos_join_a_project_that_began_with_a_video(photos, tmp_path):
    output = tmp_path / "real.json"
    label([dot_clip(tmp_path / "a.mp4", frames=2)], output)
    with LabelStore.open(project_path(output)) as store:
        store.save(1, 0, ImageLabel(note="mine"), action="note", who="ada")
    result, images, coco = label([photos], output)
    assert list(images)[:2] == ["real_frames/a/frame000000.jpg", "photos/img7.png"]
    assert (result.num_new, result.num_predicted) == (6, 6)
    assert images["real_frames/a/frame000000.jpg"].label.note == "mine"
    assert any(f"file names begin at {tmp_path}" in note for note in result.notes)
    assert all((tmp_path / image["file_name"]).is_file() for image in coco["images"])
    again, images, _ = label([tmp_path / "a.mp4", photos], output)
    assert (again.num_new, again.notes, len(images)) == (0, [], 7)


def test_a_video_and_a_second_folder_join_a_project_of_photos(photos, tmp_path):
    output = tmp_path / "real.json"
    label([photos], output)
    result, images, _ = label([dot_clip(tmp_path / "a.mp4", frames=2)], output)
    assert (result.num_new, result.num_predicted) == (1, 1)
    assert list(images)[5:] == ["photos/img12.png", "real_frames/a/frame000000.jpg"]
    save(tmp_path / "elsewhere/ä.png")
    result, images, _ = label([tmp_path / "elsewhere"], output)
    assert (list(images)[-1], result.num_predicted) == ("elsewhere/ä.png", 1)


def test_pictures_that_moved_are_found_again_or_the_project_is_left_alone(photos, tmp_path):
    output = tmp_path / "real.json"
    label([photos], output)
    moved = tmp_path / "elsewhere" / "moved"
    moved.parent.mkdir()
    photos.rename(moved)
    save(tmp_path / "other" / "a.png")
    with pytest.raises(ValueError, match=r"were in .*photos, which is not there any more, and are not in"):
        label([tmp_path / "other"], output)
    result, images, _ = label([moved], output)
    assert (result.num_new, len(images)) == (0, 6)
    assert "elsewhere" in result.notes[0]


def test_a_file_that_is_no_project_is_not_overwritten(photos, tmp_path):
    output = tmp_path / "real.json"
    output.write_text('{"images": []}')
    with pytest.raises(ValueError, match=r"exists and is no labelling project; .*--import .*real\.json"):
        label([photos], output)
    assert output.read_text() == '{"images": []}'
    assert not project_path(output).exists()


@pytest.mark.parametrize(
    "more, message",
    [
        ({"frames": "each=3"}, "--frames 'each=3': expected every=K or most=N"),
        ({"import_file": "nowhere.json"}, "nowhere.json"),
        ({"detector": "nowhere"}, "nowhere"),
        ({"device": "abacus"}, "device 'abacus' is not available"),
    ],
)
def test_wrong_settings_write_nothing(more, message, photos, tmp_path):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        label([photos], tmp_path / "real.json", **more)
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_first_try_without_a_picture_leaves_nothing_in_the_way(photos, tmp_path):
    (tmp_path / "cut.mp4").write_bytes(dot_clip(tmp_path / "whole.mp4", frames=8).read_bytes()[:500])
    with pytest.raises(ValueError, match=r"cut\.mp4 does not open as a video"):
        label([tmp_path / "cut.mp4"], tmp_path / "real.json")
    assert not list(tmp_path.glob("real.json*"))
    assert label([photos], tmp_path / "real.json")[0].num_new == 6
    result, images, _ = label([tmp_path / "cut.mp4"], tmp_path / "real.json")
    assert (len(result.failures), len(images)) == (1, 6)


def test_the_folder_of_the_output_is_made(photos, tmp_path):
    result, _, _ = label([photos], tmp_path / "new" / "folder" / "real.json")
    assert result.output.is_file()


def test_an_output_that_cannot_be_written_is_refused_first(photos, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"-o .*cannot be written"):
        label([photos], tmp_path / "file" / "real.json")
    with pytest.raises(ValueError, match=r"-o .*it is a folder"):
        label([photos], photos)


def coco_file(path, images):
    annotations = [
        {"id": 7 + i, "image_id": image["id"], "category_id": 1, "bbox": [1, 2, 30, 40],
         "keypoints": np.column_stack([SUPINE, np.full(17, 1)]).ravel().tolist()}
        for i, image in enumerate(images)
    ]  # fmt: skip
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": []}))
    return path


def entry(number, name, width=SIZE[0], height=SIZE[1]):
    return {"id": number, "file_name": name, "width": width, "height": height}


def test_imported_labels_come_first_and_the_network_labels_the_rest(photos, tmp_path):
    known = [entry(40, "img9.png"), entry(2, "elsewhere/img7.png"), entry(3, "img8.png", 640, 480)]
    file = coco_file(tmp_path / "old.json", [*known, entry(5, "gone.png")])
    result, images, coco = label([photos], tmp_path / "real.json", import_file=str(file))
    assert result.num_imported == 2
    assert result.num_predicted == 4
    assert {name: state.row.id for name, state in images.items() if state.first_who == "import:old.json"} == {
        "img9.png": 40,
        "img7.png": 2,
    }
    assert images["img8.png"].first_who == "ai:dots"
    assert len({image["id"] for image in coco["images"]}) == 6
    assert images["img9.png"].label.people[0].keypoints[0] == (50, 24, 1)
    notes = " ".join(result.notes)
    assert "'img8.png' is 200x180 px, its label is for 640x480 px" in notes
    assert "1 labelled pictures are not among those named" in notes
    result, _, again = label([photos], tmp_path / "real.json", import_file=str(file))
    assert (result.num_new, result.num_imported, again) == (0, 0, coco)


def test_pictures_keep_the_ids_of_an_imported_file_whoever_labels_them(photos, tmp_path):
    file = coco_file(tmp_path / "old.json", [entry(0, "img8.png", 640, 480), entry(2, "img10.png")])
    content = json.loads(file.read_text())
    content["images"] += [entry(3, "img7.png"), entry(1, "img9.png")]  # the first two are not labelled
    file.write_text(json.dumps(content))
    result, images, _ = label([photos], tmp_path / "real.json", import_file=str(file))
    assert (result.num_imported, result.num_predicted) == (1, 5)
    ids = {name: state.row.id for name, state in images.items()}
    assert ids == {
        "img7.png": 3,
        "img8.png": 0,
        "img9.png": 1,
        "img10.png": 2,
        "img11.png": 4,
        "img12.png": 5,
    }


def test_pictures_whose_imported_id_is_taken_get_another(photos, tmp_path):
    folder = tmp_path / "first"
    save(folder / "img6.png")
    label([folder], tmp_path / "real.json", no_ai=True)
    (folder / "img6.png").rename(photos / "img6.png")
    with LabelStore.open(project_path(tmp_path / "real.json")) as store:
        store.set_root(photos)
    file = coco_file(tmp_path / "old.json", [entry(1, "img7.png"), entry(2, "img8.png")])
    _, images, _ = label([photos], tmp_path / "real.json", no_ai=True, import_file=str(file))
    ids = [images[f"img{n}.png"].row.id for n in range(6, 9)]
    assert ids == [1, 3, 2]


def test_frames_find_their_imported_labels_under_another_output(photos, tmp_path):
    clips = [dot_clip(tmp_path / f"{name}.mp4", frames=2) for name in "ab"]
    label([photos, *clips], tmp_path / "old.json")
    file = str(tmp_path / "old.json")
    result, images, _ = label([photos, *clips], tmp_path / "new.json", import_file=file)
    assert (result.num_imported, result.num_predicted, result.notes) == (len(images), 0, [])


def test_a_save_in_between_wins_over_the_network(photos, tmp_path, monkeypatch):
    """Somebody opens the project and labels a picture while the network looks at it."""
    output = tmp_path / "real.json"
    label([photos], output, no_ai=True)
    predict = ai_run.AiRun._predict

    def slow(self, items):
        said = predict(self, items)
        with LabelStore.open(project_path(output)) as store:
            if store.images()[0].revision == 0:
                store.save(store.images()[0].id, 0, ImageLabel(note="mine"), action="note", who="ada")
        return said

    monkeypatch.setattr(ai_run.AiRun, "_predict", slow)
    result, images, _ = label([photos], output)
    assert images["img7.png"].label.note == "mine"
    assert result.num_predicted == 5
