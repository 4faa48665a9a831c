"""Labels of other tools' files meet the pictures of a project."""

import pickle
from types import SimpleNamespace

import numpy as np

from fidip.labelling.exchange.ah_colt import write_ah_colt
from fidip.labelling.imports import open_import
from tests.fidip.labelling.exchange.examples import SIZE, label, outgoing, person


def picture(name, size=SIZE):
    return SimpleNamespace(name=name, size=size)


def test_labels_without_a_size_are_put_into_the_picture(tmp_path):
    keypoints = np.full((3, 17), 2.0)
    keypoints[:2, 0] = -3, 481
    data = {"images": ["a.jpg"], "all_keyps": [[], [[keypoints]]]}
    (tmp_path / "clip_gt.pkl").write_bytes(pickle.dumps(data))
    imported = open_import(str(tmp_path / "clip_gt.pkl"), None)
    found = imported.find(picture("sub/a.jpg"))
    assert found.label.people[0].keypoints[:2] == ((0, 480, 2), (2, 2, 2))
    unreadable = open_import(str(tmp_path / "clip_gt.pkl"), None).find(picture("a.jpg", (0, 0)))
    assert unreadable.label.people[0].keypoints[0] == (-3, 481, 2)
    assert imported.notes() == ["clip_gt.pkl: 1 keypoints outside their picture moved to its border"]


def test_images_that_are_not_in_the_project_are_listed(tmp_path):
    images = [outgoing(f"{n}.jpg", label(person(seed=n))) for n in range(9)]
    write_ah_colt(images, tmp_path, "clip")
    imported = open_import(str(tmp_path / "clip_gt.pkl"), None)
    assert imported.find(picture("4.jpg")) is not None
    (note,) = imported.notes()
    assert note.endswith(
        "8 labelled pictures are not among those named: '0.jpg', '1.jpg', '2.jpg', '3.jpg', '5.jpg', ..."
    )
