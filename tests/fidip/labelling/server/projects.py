"""Small labelling projects for the tests."""

import cv2
import numpy as np

from fidip.labelling.documents import ImageLabel
from fidip.labelling.records import NewImage
from fidip.labelling.store import LabelStore

TOKEN = "a-token-for-the-tests-only"
ORIGIN = "http://127.0.0.1:8787"


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def write_picture(path, width=64, height=48, seed=0):
    assert cv2.imwrite(str(path), noise(width, height, seed))
    return path


def person(x=10.0, y=20.0, number=1, **more):
    points = [[x + i, y, 2] for i in range(17)]
    return {"id": number, "keypoints": points, "bbox": None, "posture": None, "score": None, **more}


def document(*people, status="unreviewed", reasons=(), note=""):
    return {"people": list(people), "status": status, "reasons": list(reasons), "note": note}


def edit(base=0, *people, action="move", who="ann", **label):
    return {"base_revision": base, "document": document(*people, **label), "action": action, "who": who}


def make_store(folder, names=("a.jpg", "b.jpg"), size=(64, 48), write=True):
    """Make a project of pictures in folder/photos whose output is folder/real.json."""
    photos = folder / "photos"
    photos.mkdir(exist_ok=True)
    store = LabelStore.create(
        folder / "real.json.project", kind="label", root=photos, output=folder / "real.json"
    )
    for i, name in enumerate(names):
        if write:
            write_picture(photos / name, *size, seed=i)
    first = ImageLabel.model_validate(document(person(score=0.8)))
    store.add_images(NewImage(name, *size, label=first, who="ai:test") for name in names)
    return store
