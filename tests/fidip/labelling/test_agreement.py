"""Agreement of two labellers: answers known beforehand, pairing, what only one has, the page."""

import json
import math

import numpy as np
import pytest

from fidip.labelling.agreement import agreement_of, cohens_kappa
from fidip.labelling.agreement_report import AgreementReport, report_agreement
from fidip.labelling.agreement_sources import labels_by, labels_of_file, same_names
from fidip.labelling.coco_export import write_coco
from fidip.labelling.documents import ImageLabel
from fidip.labelling.exchange.cvat_writer import write_cvat
from fidip.labelling.exchange.records import OutgoingImage
from fidip.labelling.records import NewImage
from fidip.labelling.store import LabelStore
from syrip_gen.keypoints.catalog import COCO17
from tests.fidip.labelling.exchange.examples import SIZE, label, person

NAMES = ("anna", "ben")


def moved(somebody, shifts, *, v=None):
    """Return a person whose points are shifted by (17, 2) px, with other visibilities if given."""
    points = np.array(somebody.keypoints)
    placed = points[:, 2] > 0
    points[:, :2] += np.where(placed[:, None], shifts, 0)
    if v is not None:
        points[:, 2] = v
        points[points[:, 2] == 0] = 0
    return somebody.model_copy(update={"keypoints": tuple((x, y, int(z)) for x, y, z in points.tolist())})


def compare(first, second):
    return agreement_of({"a.jpg": label(*first)}, {"a.jpg": label(*second)}, NAMES)


def test_identical_labels_agree_wholly():
    same = compare(
        [person(posture="supine"), person(2, seed=1)], [person(posture="supine"), person(2, seed=1)]
    )
    assert same.mean_oks == 1
    assert same.overall.distance_px == 0
    assert same.overall.kappa == 1
    assert set(same.overall.pck.values()) == {1.0}
    assert (same.num_postures, same.same_posture) == (1, 1.0)
    assert same.visibility.tolist() == [[8, 0, 0], [0, 8, 0], [0, 0, 18]]


def test_a_shift_of_sigma_gives_the_analytic_oks():
    """d = sqrt(area) * 2 sigma makes COCO's exponent -1/2 for every keypoint."""
    somebody = person(visibility=2)
    root = math.sqrt(somebody.bbox[2] * somebody.bbox[3])
    far = np.array(COCO17.oks_sigmas) * 2 * root
    angle = np.linspace(0, 3, 17)
    found = compare(
        [somebody], [moved(somebody, np.column_stack([np.cos(angle), np.sin(angle)]) * far[:, None])]
    )
    assert found.mean_oks == pytest.approx(math.exp(-0.5))
    assert found.overall.oks == pytest.approx(math.exp(-0.5))
    np.testing.assert_allclose([p.distance_px for p in found.points], far)
    half = compare([somebody], [moved(somebody, np.column_stack([far / 2, 0 * far]))])
    assert half.mean_oks == pytest.approx(math.exp(-1 / 8))


def test_pck_counts_points_by_their_share_of_the_longer_side():
    somebody = person(visibility=2)
    side = max(somebody.bbox[2:])
    shifts = np.zeros((17, 2))
    shifts[:4, 0] = side * np.array([0.04, 0.09, 0.19, 0.3])
    found = compare([somebody], [moved(somebody, shifts)])
    assert found.overall.pck == pytest.approx({0.05: 14 / 17, 0.1: 15 / 17, 0.2: 16 / 17})
    assert found.points[1].pck == {0.05: 0.0, 0.1: 1.0, 0.2: 1.0}
    assert found.points[3].distance_share == pytest.approx(0.3)
    assert found.overall.distance_share == pytest.approx(0.62 / 17)


def test_kappa_by_hand():
    """Cohen's example form: 20 + 15 agree of 50; chance 0.5; (0.7 - 0.5) / 0.5."""
    assert cohens_kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4)
    assert cohens_kappa(np.array([[5, 0], [0, 5]])) == 1
    assert cohens_kappa(np.array([[0, 5], [5, 0]])) == -1
    assert cohens_kappa(np.array([[25, 25], [25, 25]])) == 0
    assert math.isnan(cohens_kappa(np.array([[7, 0], [0, 0]])))
    assert math.isnan(cohens_kappa(np.zeros((3, 3))))


def test_visibility_is_compared_point_by_point():
    a = person(visibility=2)
    v = np.array([2] * 10 + [1] * 5 + [0] * 2)
    found = compare([a], [moved(a, np.zeros((17, 2)), v=v)])
    assert found.visibility.tolist() == [[0, 0, 0], [0, 0, 0], [2, 5, 10]]
    assert found.overall.same_visibility == pytest.approx(10 / 17)
    assert found.overall.kappa == pytest.approx(0)
    assert (found.overall.num, found.overall.num_placed) == (17, 15)
    assert found.points[16].num_placed == 0
    assert math.isnan(found.points[16].oks)


def test_people_are_paired_by_likeness_not_by_order():
    one, two = person(1, seed=1), person(2, seed=2)
    found = compare([one, two], [two, one, person(3, seed=3)])
    assert found.mean_oks == 1
    assert found.surplus_people == (0, 1)


def test_order_of_labellers_does_not_matter():
    a, b = person(seed=1), moved(person(seed=1), np.full((17, 2), 7.0))
    b = b.model_copy(update={"bbox": (1, 2, 100, 50)})
    there, back = compare([a], [b]), compare([b], [a])
    assert there.mean_oks == back.mean_oks < 1
    assert there.visibility.tolist() == back.visibility.T.tolist()


def test_images_of_one_labeller_and_rejected_ones_are_left_out():
    first = {n: label(person()) for n in "abcd"} | {"r": label(status="rejected")}
    second = {n: label(person()) for n in "bce"} | {"r": label(person()), "c": label(status="rejected")}
    found = agreement_of(first, second, NAMES)
    assert found.num_images == 1
    assert found.only == (("a", "d"), ("e",))
    assert found.rejected == (("r",), ("c",))
    with pytest.raises(ValueError, match=r"anna and ben have no image in common; .* 'a' and 'z'"):
        agreement_of(first, {"z": label()}, NAMES)


def test_nobody_to_compare_gives_no_figures():
    found = compare([person()], [])
    assert (len(found.pairs), found.surplus_people) == (0, (1, 0))
    assert math.isnan(found.mean_oks)
    assert math.isnan(found.overall.kappa)


@pytest.fixture
def project(tmp_path):
    """Make a project that a network, anna and ben labelled."""
    with LabelStore.create(
        tmp_path / "real.json.project", kind="label", root=tmp_path, output=tmp_path / "real.json"
    ) as store:
        for number in range(3):
            store.add_images([NewImage(f"{number}.jpg", *SIZE, label(person(seed=number)), "ai:net")])
        for number, who, shift in ((1, "anna", 3.0), (2, "anna", 4.0), (2, "ben", 10.0), (2, "anna", 4.0)):
            state = store.image(number)
            lab = label(moved(person(seed=number - 1), np.tile([shift, 0], (17, 1))))
            store.save(number, state.row.revision, lab, action="move", who=who)
        write_coco(store)
    return tmp_path / "real.json.project"


def test_two_people_of_one_project(project):
    assert set(labels_by(project, "ai:net")) == {"0.jpg", "1.jpg", "2.jpg"}
    assert set(labels_by(project, "ben")) == {"1.jpg"}
    found = report_agreement(project, between=("anna", "ben")).agreement
    assert found.num_images == 1
    assert found.overall.distance_px == pytest.approx(6)
    assert found.only == (("0.jpg",), ())
    with pytest.raises(ValueError, match=r"'carl' saved nothing in it; labelled by ai:net, anna, ben"):
        labels_by(project, "carl")
    with pytest.raises(ValueError, match="not a labelling project"):
        labels_by(project.with_name("real.json"), "anna")
    with pytest.raises(FileNotFoundError):
        labels_by(project.with_name("none.project"), "anna")


def test_files_of_different_tools_are_compared(project, tmp_path):
    shown = [OutgoingImage(f"photos/{name}", *SIZE, lab) for name, lab in labels_of_file(project).items()]
    write_cvat(shown, tmp_path / "annotations.xml")
    for one in (project, tmp_path / "real.json"):
        found = report_agreement(one, tmp_path / "annotations.xml").agreement
        assert found.num_images == 3
        assert found.mean_oks > 0.9999


def test_report_says_the_same_in_text_json_and_page(project, tmp_path):
    report = report_agreement(project, between=("ai:net", "anna"), output=tmp_path / "new" / "agreement.html")
    assert "2 people on 2 images that both labelled" in report.summary()
    assert "only ai:net has 1 image: 2.jpg" in report.summary()
    figures = report.figures()
    assert figures["all_distance_px"] == pytest.approx(3.5)
    assert figures["all_pck_0.05"] == 1
    assert figures["posture_kappa"] is None
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    page = (tmp_path / "new" / "agreement.html").read_text()
    assert "3.50" in page
    assert "<script" not in page
    assert page.count("left wrist") == 5


def test_names_are_escaped_on_the_page(tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    paths = []
    for number in (1, 2):
        images = [OutgoingImage(f"{evil}.jpg", *SIZE, label(moved(person(), np.full((17, 2), number))))]
        images += [OutgoingImage(f"{evil}{number}.jpg", *SIZE, label(person()))]
        paths.append(tmp_path / f"{number}.xml")
        write_cvat(images, paths[-1])
    page = report_agreement(*paths, output=tmp_path / "a.html").page()
    assert evil not in page
    assert "&lt;img src=x" in page


def test_names_that_no_terminal_prints_are_escaped():
    first = {"a.jpg": label(person())}
    second = first | {"b\x1b[31m.jpg": label(person()), "c\udce9.jpg": label(person())}
    report = AgreementReport(agreement_of(first, second, NAMES), None)
    assert r"only ben has 2 images: 'b\x1b[31m.jpg', 'c\udce9.jpg'" in report.summary()
    assert "\x1b" not in report.summary()
    report.page().encode("utf-8", "replace")


def test_the_page_needs_a_place_before_anything_is_read(tmp_path):
    with pytest.raises(ValueError, match=r"--output .*: cannot be written"):
        report_agreement(tmp_path / "none.json", tmp_path / "none.json", output=tmp_path)


@pytest.mark.parametrize("target", ["anna.json", "ben.xml"])
def test_the_page_does_not_replace_labels(tmp_path, target):
    for name in ("anna", "ben"):
        write_cvat([OutgoingImage("a.jpg", *SIZE, label(person()))], tmp_path / f"{name}.xml")
    (tmp_path / "anna.xml").rename(tmp_path / "anna.json")
    before = (tmp_path / target).read_bytes()
    with pytest.raises(ValueError, match=r"--output .*: would overwrite the labels"):
        report_agreement(tmp_path / "anna.json", tmp_path / "ben.xml", output=tmp_path / target)
    assert (tmp_path / target).read_bytes() == before


def labelled(folder, *names, size=SIZE, content=b"picture"):
    """Make a project of pictures of one labeller and return its file."""
    output = folder.with_name(f"{folder.name}.json")
    with LabelStore.create(
        output.with_name(f"{output.name}.project"), kind="label", root=folder, output=output
    ) as store:
        store.add_images([NewImage(name, *size, label(person()), "ann") for name in names])
        write_coco(store)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content + name.encode())
    return output


def test_other_pictures_of_the_same_names_are_not_compared(tmp_path):
    one, other = labelled(tmp_path / "a", "1.jpg", "2.jpg"), labelled(tmp_path / "b", "1.jpg", content=b"x")
    for first in (one, one.with_name("a.json.project")):
        with pytest.raises(ValueError, match=r"different pictures: the files of '1.jpg' .* --same-pictures"):
            report_agreement(first, other)
    declared = report_agreement(one, other, same_pictures=True)
    assert (declared.agreement.num_images, declared.note) == (1, "")


def test_copies_of_the_same_pictures_are_compared(tmp_path):
    found = report_agreement(labelled(tmp_path / "a", "1.jpg"), labelled(tmp_path / "b", "1.jpg", "2.jpg"))
    assert (found.agreement.num_images, found.note) == (1, "")
    (tmp_path / "b" / "1.jpg").unlink()
    found = report_agreement(tmp_path / "a.json", tmp_path / "b.json")
    assert "paired by name; the pictures themselves were not there" in found.summary()


def test_sizes_that_differ_are_never_compared(tmp_path):
    one, other = (
        labelled(tmp_path / "a", "1.jpg"),
        labelled(tmp_path / "b", "1.jpg", size=(SIZE[0] + 1, SIZE[1])),
    )
    for declared in (False, True):
        with pytest.raises(
            ValueError, match=r"'1.jpg' has \d+ x \d+ px in one and \d+ x \d+ px in the other"
        ):
            report_agreement(one, other, same_pictures=declared)


def test_file_names_alone_are_not_enough(tmp_path):
    files = []
    for folder in ("visit1", "visit2"):
        files.append(tmp_path / f"{folder}.xml")
        write_cvat([OutgoingImage(f"{folder}/IMG_1.jpg", *SIZE, label(person()))], files[-1])
    with pytest.raises(
        ValueError, match=r"only the files' names agree, as in 'visit1/IMG_1.jpg' and 'visit2/IMG_1.jpg'"
    ):
        report_agreement(*files)
    assert report_agreement(*files, same_pictures=True).agreement.mean_oks == 1
    write_cvat([OutgoingImage("IMG_1.jpg", *SIZE, label(person()))], tmp_path / "below.xml")
    assert "paired by name" in report_agreement(files[0], tmp_path / "below.xml").note


def test_frames_are_the_same_if_their_video_is(tmp_path):
    outputs = []
    for who in ("ada", "bob"):
        name = f"{who}_frames/visit/frame000000.jpg"
        outputs.append(labelled(tmp_path / who, name, content=who.encode()))
        record = tmp_path / who / f"{who}_frames" / "visit" / "frames.json"
        record.write_text(json.dumps({"video": {"bytes": 9, "sha256_of_ends": "ab"}}))
    assert report_agreement(*outputs).note == ""
    record.write_text(json.dumps({"video": {"bytes": 8, "sha256_of_ends": "cd"}}))
    with pytest.raises(ValueError, match="different pictures: the files of 'ada_frames"):
        report_agreement(*outputs)


def test_frames_of_the_same_videos_are_paired_beside_photos():
    names = "photos/1.jpg", "ada_frames/a/frame000000.jpg", "ada_frames/b/frame000000.jpg", "x_frames/c/f.jpg"
    first = {name: ImageLabel(note=name) for name in names}
    second = {name.replace("ada", "bob").replace("c/", "d/"): label for name, label in first.items()}
    mine, others = same_names(first, second)
    assert mine == first
    assert others == {**dict(list(first.items())[:3]), "x_frames/d/f.jpg": first["x_frames/c/f.jpg"]}
