import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from syrip_gen.annotation.coco import ANNOTATION_FILE, IMAGE_FOLDER, dataset_info, write_coco
from syrip_gen.annotation.labels import annotate
from syrip_gen.annotation.surface import BodySurface
from syrip_gen.keypoints.poses import PoseSet
from syrip_gen.quality.report import build_report, write_report
from syrip_gen.quality.sheets import decode_picture, encode_jpeg
from syrip_gen.sampling.scene import BodySpec
from tests.toy_body import make_toy_body, toy_inputs, toy_spec, view

BODY = make_toy_body()
SURFACE = BodySurface.from_body(BODY)
BODY_SPEC = BodySpec((0.0, 0.0), (3.1, 0.0, 0.0), (0.0,) * 69, (0.0, 0.0, 1.6))
RUN = {
    "name": "syrip",
    "command": "syrip generate --poses <b>.json",
    "seed": 7,
    "versions": {"syrip": "1.2.3"},
    "licences": [{"what": "body", "name": "toy|body", "licence": "CC0 <script>alert(1)</script>"}],
    "rejections": {},
    "fits": {"num_poses": 9, "num_accepted": 7, "reasons": {"poor reprojection": 2}},
    "settings": {"poses": "<img src=x>"},
}
REJECTED = {"too few visible keypoints": 3}


class MemoryFolder(dict):
    def read_bytes(self, name):
        try:
            return self[name]
        except KeyError:
            raise FileNotFoundError(name) from None


def records(count=5):
    result = []
    for index in range(count):
        vertices, keypoints = view(BODY, yaw_deg=40 * index)
        record = annotate(
            toy_spec(index), toy_inputs(vertices, BODY.faces), keypoints, BODY_SPEC, SURFACE
        ).record
        result.append(record | {"spec": toy_spec(index).to_json(), "rejected": REJECTED})
    return [*result, {"index": count, "kind": "error", "reason": "ValueError: <i>no</i>"}]


RECORDS = records()


def pictures(records=RECORDS):
    jpeg = encode_jpeg(np.full((240, 320, 3), 90, np.uint8))
    names = [r["image"]["file_name"] for r in records if "image" in r]
    return MemoryFolder({f"{IMAGE_FOLDER}/{name}": jpeg for name in names})


def poses():
    _, points = view(BODY)
    keypoints = np.dstack([np.repeat((points[None, :, :2] * 200 + 100), 4, axis=0), np.full((4, 17), 2.0)])
    return PoseSet(
        keypoints=keypoints, image_size=np.full((4, 2), 200), bbox=np.full((4, 4), 50.0),
        image_id=np.arange(4), annotation_id=np.arange(4), file_name=("",) * 4,
        posture=("Prone",) * 4, pose_id=tuple("abcd"),
    )  # fmt: skip


class Page(HTMLParser):
    """Collects tags, addresses and text; complains about tags that do not match."""

    VOID = frozenset({"meta", "img", "input", "br", "rect", "line", "circle", "polyline"})

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.addresses, self.text = [], [], [], ""
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def report(**options):
    files = build_report(pictures(), lambda: iter(RECORDS), run=RUN, **options)
    return files, Page(files["report.html"].decode())


def test_page_is_well_formed_and_needs_nothing_else():
    files, page = report(input_poses=poses())
    assert set(files) == {"report.html", "README.md", "contact_sheet.jpg", "contact_sheet_skeletons.jpg"}
    for address in page.addresses:
        assert address.startswith(("data:image/", f"{IMAGE_FOLDER}/train"))
    assert not re.search(r"https?://|@import|url\(", files["report.html"].decode())


def test_foreign_text_is_escaped():
    files, page = report()
    assert "script" not in page.tags
    assert "i" in page.tags  # ours; the reason's own tag must be text
    assert "ValueError: <i>no</i>" in page.text
    assert "<img src=x>" in page.text
    assert "syrip generate --poses <b>.json" in page.text
    card = files["README.md"].decode()
    assert "<script>" not in card
    assert "toy\\|body" in card


def test_page_shows_the_figures():
    _, page = report(input_poses=poses())
    text = " ".join(page.text.split())
    assert "5 synthetic infants" in text
    assert "7 of 9input poses fitted and accepted" in text
    assert "too few visible keypoints15" in text
    assert "poor reprojection2" in text
    assert "4 poses drawn, 0 left out" in text
    assert page.text.count("left shoulder") >= 5
    assert page.tags.count("polyline") == 3  # the input poses' box size, visibility and direction


def test_without_input_poses_nothing_is_compared():
    _, page = report()
    assert "polyline" not in page.tags
    assert "input: visible" not in page.text


def test_projected_fits_lend_no_visibility():
    _, page = report(input_poses=poses(), poses_are_fits=True)
    assert "Fitted input poses" in page.text
    assert "input: visible" not in page.text
    assert page.tags.count("polyline") == 2


def test_same_dataset_gives_the_same_bytes():
    assert report(input_poses=poses())[0] == report(input_poses=poses())[0]


def test_contact_sheets_show_the_pictures_and_the_skeletons():
    files, _ = report()
    plain = decode_picture(files["contact_sheet.jpg"])
    drawn = decode_picture(files["contact_sheet_skeletons.jpg"])
    assert plain.shape == drawn.shape == (256, 5 * 328 + 8, 3)
    np.testing.assert_allclose(plain[120, 160], 90, atol=3)
    assert (np.abs(plain.astype(int) - drawn).max(axis=2) > 60).sum() > 500


def test_broken_and_missing_pictures_are_counted_and_skipped():
    folder = pictures()
    folder[f"{IMAGE_FOLDER}/train10001.jpg"] = b"broken"
    del folder[f"{IMAGE_FOLDER}/train10002.jpg"]
    files = build_report(folder, lambda: iter(RECORDS), run=RUN)
    assert "2 of the drawn pictures could not be read" in Page(files["report.html"].decode()).text
    assert decode_picture(files["contact_sheet.jpg"]).shape[1] == 3 * 328 + 8


@pytest.mark.parametrize("name", ["../../secret.jpg", "/etc/passwd", "a/../../b.jpg"])
def test_names_that_leave_the_folder_are_refused(name):
    asked = []

    class Watched(MemoryFolder):
        def read_bytes(self, name):
            asked.append(name)
            return super().read_bytes(name)

    record = json.loads(json.dumps(RECORDS[0]))
    record["image"]["file_name"] = name
    files = build_report(Watched(), lambda: iter([record]), run={})
    assert asked == []
    assert name not in files["report.html"].decode()


@pytest.mark.parametrize("items", [[], RECORDS[-1:]])
def test_a_run_without_images_still_reports(items):
    files = build_report(MemoryFolder(), lambda: iter(items), run=RUN)
    assert set(files) == {"report.html", "README.md"}
    assert "0 synthetic infants" in Page(files["report.html"].decode()).text


def test_card_lists_licences_and_says_whose_terms_hold():
    card = report()[0]["README.md"].decode()
    assert "| body | toy\\|body | CC0" in card
    assert "input poses fitted and accepted | 7 of 9" in card
    assert "{{" not in card
    bare = build_report(pictures(), lambda: iter(RECORDS), run={})["README.md"].decode()
    assert "not redistributable until they are known" in bare


def test_card_and_page_of_a_clip_tell_frames_and_takes():
    motion = {"name": "cra_wl", "num_frames": 88, "fps": 30.0, "num_chosen": 4, "num_takes": 2, "notes": []}
    files = build_report(pictures(), lambda: iter(RECORDS), run={**RUN, "fits": {}, "motion": motion})
    card, page = files["README.md"].decode(), Page(files["report.html"].decode()).text
    assert "poses come from a clip of motion" in card
    assert "frames of moving synthetic infants" in files["report.html"].decode()
    assert "cra\\_wl: 88 frames, 30.0 a second" in card
    assert "`sequence.npz`" in card
    assert "fits.npz" not in card
    assert "frames of cra_wl shown, in 2 takes" in page
    assert "Scenes drawn again" not in page
    assert "Frames without an image" in page


@pytest.fixture
def dataset(tmp_path):
    """A finished dataset on disk."""
    (tmp_path / "annotations").mkdir()
    with (tmp_path / ANNOTATION_FILE).open("wb") as file:
        write_coco(file, lambda: iter(RECORDS), info=dataset_info("toy", "1"))
    (tmp_path / IMAGE_FOLDER).mkdir(parents=True)
    for name, data in pictures().items():
        (tmp_path / name).write_bytes(data)
    lines = [
        {"index": r["index"], "image_id": r["image"]["id"], "rejected": REJECTED, "scene": r["spec"]}
        if "image" in r
        else r
        for r in RECORDS
    ]
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "run.json").write_text(json.dumps(RUN))
    return tmp_path


def test_report_of_a_dataset_on_disk_is_that_of_the_run(dataset):
    written = write_report(dataset, poses()).paths
    files, _ = report(input_poses=poses())
    assert {path.name: path.read_bytes() for path in written} == files


def test_foreign_coco_dataset_is_reported_and_keeps_its_readme(tmp_path):
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 320, "height": 240} for n in (1, 2)]
    annotations = [
        {"id": n, "image_id": 1 + n % 2, "keypoints": [9.0, 9.0, 2] * 17, "bbox": [0, 0, 9, 9]}
        for n in range(3)
    ] + [{"id": 9, "image_id": 1, "bbox": [0, 0, 9, 9]}]
    (tmp_path / "images").mkdir()
    for n in (1, 2):
        (tmp_path / f"images/{n}.jpg").write_bytes(encode_jpeg(np.zeros((240, 320, 3), np.uint8)))
    (tmp_path / "README.md").write_text("mine")
    data = {"images": images, "annotations": annotations}
    (tmp_path / "person_keypoints.json").write_text(json.dumps(data))
    assert {path.name for path in write_report(tmp_path).paths} == {
        "report.html", "contact_sheet.jpg", "contact_sheet_skeletons.jpg",
    }  # fmt: skip
    assert (tmp_path / "README.md").read_text() == "mine"
    assert ": 3 poses" in (tmp_path / "report.html").read_text()


def test_links_out_of_the_dataset_are_not_followed(dataset, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.jpg"
    secret.write_bytes(encode_jpeg(np.zeros((240, 320, 3), np.uint8)))
    picture = dataset / IMAGE_FOLDER / "train10001.jpg"
    picture.unlink()
    picture.symlink_to(secret)
    write_report(dataset)
    assert "1 of the drawn pictures could not be read" in (dataset / "report.html").read_text()


def test_missing_annotations_say_what_was_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no annotations/\*\.json found"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    "content", ["[]", '{"images": 3, "annotations": []}', '{"images": [], "annotations": []}']
)
def test_annotations_that_are_not_coco_are_refused(tmp_path, content):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/x.json").write_text(content)
    with pytest.raises(ValueError, match=r"not a COCO keypoint file|no person with 17 keypoints"):
        write_report(tmp_path)
