"""Labels of other tools' files meet the pictures of a project."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

from fidip.labelling.exchange.ah_colt import write_ah_colt
from fidip.labelling.imports import ImportedByName, open_import
from fidip.labelling.records import NewImage
from tests.fidip.labelling.exchange.examples import SIZE, label, outgoing, person


def picture(name, size=SIZE):
    return SimpleNamespace(name=name, size=size)


def opened(file, *pictures):
    imported = open_import(str(file), None)
    imported.match(pictures)
    return imported


def matched(labels, pictures):
    """Return the name of the label that each picture gets, and the notes."""
    imported = ImportedByName("real.json", [NewImage(name, *SIZE) for name in labels])
    imported.match(pictures)
    found = [imported.find(picture(name)) for name in pictures]
    return [image and image.name for image in found], imported.notes()


def test_labels_without_a_size_are_put_into_the_picture(tmp_path):
    keypoints = np.full((3, 17), 2.0)
    keypoints[:2, 0] = -3, 481
    data = {"images": ["a.jpg"], "all_keyps": [[], [[keypoints]]]}
    (tmp_path / "clip_gt.pkl").write_bytes(pickle.dumps(data))
    imported = opened(tmp_path / "clip_gt.pkl", "sub/a.jpg")
    found = imported.find(picture("sub/a.jpg"))
    assert found.label.people[0].keypoints[:2] == ((0, 480, 2), (2, 2, 2))
    unreadable = opened(tmp_path / "clip_gt.pkl", "a.jpg").find(picture("a.jpg", (0, 0)))
    assert unreadable.label.people[0].keypoints[0] == (-3, 481, 2)
    assert imported.notes() == ["clip_gt.pkl: 1 keypoints outside their picture moved to its border"]


def test_images_that_are_not_in_the_project_are_listed(tmp_path):
    images = [outgoing(f"{n}.jpg", label(person(seed=n))) for n in range(9)]
    write_ah_colt(images, tmp_path, "clip")
    imported = opened(tmp_path / "clip_gt.pkl", "4.jpg")
    assert imported.find(picture("4.jpg")) is not None
    (note,) = imported.notes()
    assert note.endswith(
        "8 labelled pictures are not among those named: '0.jpg', '1.jpg', '2.jpg', '3.jpg', '5.jpg', ..."
    )


@pytest.mark.parametrize(
    "labels, pictures, expected",
    [
        (["a.jpg"], ["sub/a.jpg"], ["a.jpg"]),
        (["sub/a.jpg"], ["0/a.jpg", "sub/a.jpg"], [None, "sub/a.jpg"]),
        (["0/a.jpg", "1/a.jpg"], ["a.jpg"], [None]),
        (["0/a.jpg", "1/a.jpg"], ["1/a.jpg", "2/a.jpg"], ["1/a.jpg", "0/a.jpg"]),
        (["x_frames/v/1.jpg"], ["y_frames/v/1.jpg"], ["x_frames/v/1.jpg"]),
        (["C:\\photos\\a.jpg"], ["a.jpg"], ["C:\\photos\\a.jpg"]),
        (["caf\u00e9.jpg"], ["cafe\u0301.jpg"], ["caf\u00e9.jpg"]),
    ],
)
def test_whose_a_label_is(labels, pictures, expected):
    assert matched(labels, pictures)[0] == expected


def test_a_label_that_several_pictures_might_have_is_given_to_none():
    found, notes = matched(["a.jpg", "b.jpg"], ["0/a.jpg", "1/a.jpg", "0/b.jpg"])
    assert found == [None, None, "b.jpg"]
    assert notes == ["real.json: not imported, as several pictures are called so: 'a.jpg'"]
