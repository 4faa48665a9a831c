"""CVAT for images 1.1: round trips, CVAT's own shapes, other skeletons, and hostile XML."""

import json
from xml.etree import ElementTree

import pytest

from fidip.labelling.exchange.cvat import read_cvat
from fidip.labelling.exchange.cvat_writer import write_cvat
from fidip.labelling.exchange.xml_input import root_children
from syrip_gen.keypoints.catalog import COCO17
from tests.fidip.labelling.exchange.examples import (
    assert_same_label,
    example_images,
    label,
    outgoing,
    person,
)

POINTS = "".join(
    f'<points label="{name}" occluded="0" outside="0" points="{10 * k}.00,20.00"></points>'
    for k, name in enumerate(COCO17.keypoints)
)


def read(tmp_path, body, *, prolog="", root="annotations"):
    path = tmp_path / "annotations.xml"
    path.write_text(
        f'<?xml version="1.0" encoding="utf-8"?>{prolog}<{root}>{body}</{root}>', encoding="utf-8"
    )
    return read_cvat(path)


def image(shapes, more='name="a.jpg" width="640" height="480"'):
    return f'<image id="0" {more}>{shapes}</image>'


def skeleton(points=POINTS, label="person", more=""):
    return f'<skeleton label="{label}" source="manual" z_order="0" {more}>{points}</skeleton>'


def test_labels_come_back_whole(tmp_path):
    files, notes = write_cvat(example_images(), tmp_path / "annotations.xml")
    assert [f.name for f in files] == ["annotations.xml", "annotations.labels.json"]
    assert notes == []
    found = read_cvat(tmp_path / "annotations.xml")
    assert found.notes == ()
    assert [i.name for i in found.images] == [i.name for i in example_images()]
    for back, sent in zip(found.images, example_images(), strict=True):
        assert (back.width, back.height) == (sent.width, sent.height)
        assert_same_label(back.label, sent.label, atol=5.01e-4)


def test_visibility_is_outside_and_occluded(tmp_path):
    write_cvat([outgoing()], tmp_path / "a.xml")
    (shown,) = [e for e in root_children(tmp_path / "a.xml", "annotations") if e.tag == "image"]
    points = shown.findall("skeleton/points")
    assert [(p.get("outside"), p.get("occluded")) for p in points[:4]] == [
        ("0", "0"),
        ("0", "1"),
        ("0", "0"),
        ("1", "0"),
    ]
    assert points[3].get("points") == "320.000,240.000"  # in the middle of the box, where it can be found


def test_label_definitions_describe_the_skeleton(tmp_path):
    write_cvat([], tmp_path / "a.xml")
    labels = {entry["name"]: entry for entry in json.loads((tmp_path / "a.labels.json").read_text())}
    assert list(labels) == ["person", "person_box", "unreviewed", "reviewed", "rejected"]
    assert [s["name"] for s in labels["person"]["sublabels"]] == list(COCO17.keypoints)
    drawing = ElementTree.fromstring(f"<svg>{labels['person']['svg']}</svg>")
    assert [c.get("data-label-name") for c in drawing.findall("circle")] == list(COCO17.keypoints)
    edges = [
        (int(e.get("data-node-from")) - 1, int(e.get("data-node-to")) - 1) for e in drawing.findall("line")
    ]
    assert tuple(edges) == COCO17.skeleton


def test_reads_what_cvat_exports(tmp_path):
    """Two decimals, other attributes, points named by hand, a box drawn beside the skeleton."""
    points = POINTS.replace("left_wrist", "Left Wrist").replace("nose", " NOSE ")
    box = '<box label="baby" source="manual" occluded="0" xtl="1.50" ytl="2.00" xbr="161.00" ybr="100.00"/>'
    tag = '<tag label="night" source="manual"></tag>'
    polygon = '<polygon label="x" points="1,2;3,4;5,6"/>'
    found = read(tmp_path, "<meta><job/></meta>" + image(skeleton(points, "baby") + box + tag + polygon))
    assert found.notes == (
        "annotations.xml: 1 tags other than reviewed and rejected left out",
        "annotations.xml: 1 polygon shapes left out",
    )
    (shown,) = found.images
    assert shown.label.people[0].bbox == (1.5, 2, 159.5, 98)
    assert shown.label.people[0].keypoints[9] == (90, 20, 2)
    assert shown.label.status == "unreviewed"


def test_lacking_points_are_absent_and_boxes_go_by_group(tmp_path):
    two = skeleton(POINTS, more='group_id="7"') + skeleton(
        '<points label="nose" occluded="1" outside="0" points="5,6"/>', more='group_id="8"'
    )
    boxes = "".join(
        f'<box label="b" xtl="{g}" ytl="0" xbr="100" ybr="100" group_id="{g}"/>' for g in (8, 7, 9)
    )
    found = read(tmp_path, image(two + boxes))
    first, second = found.images[0].label.people
    assert second.keypoints == ((5, 6, 1), *[(0, 0, 0)] * 16)
    assert (first.bbox[0], second.bbox[0]) == (7, 8)
    assert found.notes == ("annotations.xml: 1 boxes that belong to no skeleton left out",)


def test_points_outside_the_picture_are_moved_to_its_border(tmp_path):
    found = read(tmp_path, image(skeleton(POINTS.replace('points="0.00,20.00"', 'points="-3,481"'))))
    assert found.images[0].label.people[0].keypoints[0] == (0, 480, 2)
    assert found.notes == ("annotations.xml: 1 keypoints outside their picture moved to its border",)


@pytest.mark.parametrize(
    "body, message",
    [
        (
            image(skeleton(POINTS.replace("nose", "snout").replace("left_ear", "tail"))),
            r"image 'a.jpg': another skeleton than ours: 'person' with 'snout', 'tail'; expected points "
            r"named nose, left_eye, right_eye ... \(coco17\)",
        ),
        (image(skeleton("")), "another skeleton than ours: 'person' with no points"),
        (image(skeleton(POINTS + POINTS)), "skeleton 1 has the point nose twice"),
        (image('<points label="nose" points="1,2;3,4"/>' * 3), "no skeleton; found 3 points"),
        (image(skeleton(POINTS.replace("20.00", "x", 1))), "skeleton 1, nose: expected a number, got 'x'"),
        (
            image(skeleton(POINTS.replace("20.00", "nan", 1))),
            "skeleton 1, nose: expected a number, got 'nan'",
        ),
        (
            image(skeleton(POINTS.replace("20.00", "2;3,4", 1))),
            "nose: expected one point 'x,y', got '0.00,2;3",
        ),
        (image(skeleton(more='group_id="-x"')), "skeleton, group_id: expected a whole number, got '-x'"),
        (image(skeleton(), 'name="a.jpg" width="9.5" height="3"'), "width: expected a whole number"),
        (image(skeleton(), 'name="a.jpg" width="99999" height="3"'), "expected a size of 1 to 65535 px"),
        (image(skeleton(), 'name="../a.jpg" width="9" height="9"'), "leaves the image folder"),
        (image(skeleton(), 'name="/etc/passwd" width="9" height="9"'), "leaves the image folder"),
        (image("") * 2, "image 'a.jpg' occurs 2 times; names must be unique"),
        (image('<box xtl="5" ytl="1" xbr="5" ybr="2"/>'), "a box without extent"),
        ('<track id="0" label="person"/>', "tracks, that is CVAT's format for videos"),
        (image(skeleton() * 101), "people"),
        ("<image", "not XML: not well-formed"),
        ("<a>" * 40 + "</a>" * 40, "nested deeper than 32 levels"),
    ],
)
def test_wrong_files_say_where(tmp_path, body, message):
    with pytest.raises(ValueError, match=message) as caught:
        read(tmp_path, body)
    assert "\n" not in str(caught.value)
    assert "annotations.xml" in str(caught.value)


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    "prolog, name",
    [
        (f'<!DOCTYPE annotations [<!ENTITY l0 "ha">{LAUGHS}]>', "&l11;"),
        ('<!DOCTYPE annotations [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "&x;"),
        ('<!DOCTYPE annotations SYSTEM "http://localhost:1/evil.dtd">', "a"),
        ('<!DOCTYPE annotations [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>', "a"),
    ],
)
def test_entities_are_refused(tmp_path, prolog, name):
    with pytest.raises(ValueError, match=r"document type or entities .* refused"):
        read(tmp_path, image(f"<tag label='x'>{name}</tag>"), prolog=prolog)


def test_undefined_entities_are_refused(tmp_path):
    with pytest.raises(ValueError, match="not XML: undefined entity"):
        read(tmp_path, image("&x;"))


@pytest.mark.parametrize("encoding", ["klingon", "shift_jis", "utf-7"])
def test_encodings_that_cannot_be_read_are_named(tmp_path, encoding):
    path = tmp_path / "annotations.xml"
    path.write_text(f'<?xml version="1.0" encoding="{encoding}"?><annotations></annotations>')
    with pytest.raises(ValueError, match=r"annotations\.xml: .*encoding.*; expected XML in UTF-8"):
        read_cvat(path)


def test_other_roots_and_empty_files_are_refused(tmp_path):
    with pytest.raises(ValueError, match="expected the root element <annotations>, found <html>"):
        read(tmp_path, "", root="html")
    (tmp_path / "empty.xml").touch()
    with pytest.raises(ValueError, match="not XML: no element found"):
        read_cvat(tmp_path / "empty.xml")
    with pytest.raises(FileNotFoundError, match=r"expected CVAT's annotations.xml"):
        read_cvat(tmp_path / "none.xml")


def test_huge_elements_are_refused_without_being_held(tmp_path, monkeypatch):
    monkeypatch.setattr("fidip.labelling.exchange.xml_input.MAX_PIECE_BYTES", 200_000)
    with pytest.raises(ValueError, match="an element of more than"):
        read(tmp_path, image('<tag label="x"/>' * 50_000))
    monkeypatch.setattr("fidip.labelling.exchange.xml_input.MAX_XML_BYTES", 1000)
    with pytest.raises(ValueError, match="GiB limit"):
        read(tmp_path, image(skeleton()))


@pytest.mark.parametrize("body", ['<image name="{}"/>', "<image><{}/></image>", "<!-- {} -->"])
def test_huge_tags_are_refused_at_once(tmp_path, body):
    path = tmp_path / "annotations.xml"
    path.write_text(f"<annotations>{body.format('a' * 20_000_000)}</annotations>")
    with pytest.raises(ValueError, match=r"annotations\.xml: a tag of more than 1 MiB; not labels"):
        read_cvat(path)


def test_long_texts_are_no_tags(tmp_path):
    skeletons = image(skeleton()) + f"<meta>{'a' * 3_000_000}</meta>"
    assert len(read(tmp_path, skeletons).images) == 1


def test_names_that_xml_cannot_hold_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"image name 'a\\x07.jpg' holds characters that XML cannot"):
        write_cvat([outgoing("a\x07.jpg")], tmp_path / "a.xml")
    assert list(tmp_path.iterdir()) == []


def test_control_characters_of_notes_become_question_marks(tmp_path):
    write_cvat([outgoing(lab=label(person(), note="a\x00b\r\n<c>"))], tmp_path / "a.xml")
    assert read_cvat(tmp_path / "a.xml").images[0].label.note == "a?b\r\n<c>"
