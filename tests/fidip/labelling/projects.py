"""Small labelling projects, and programs that work on them in processes of their own."""

import subprocess
import sys
from pathlib import Path

from fidip.labelling.documents import ImageLabel, LabelledPerson
from fidip.labelling.records import NewImage
from fidip.labelling.store import LabelStore, project_path

ROOT = Path(__file__).resolve().parents[3]
SIZE = (64, 48)
STRANGE_NAMES = (
    "plain.jpg",
    "sub folder/ä ö 中文 🍼.png",
    "'); DROP TABLE images; --.jpg",
    'double " quote.jpg',
    "new\nline and\ttab.jpg",
    "<script>alert(1)</script>.jpg",
    "not-unicode-\udcff\udc80.jpg",
    "back\\slash.jpg",
    "%00 &amp; \u202e gpj.jpg",
    "x" * 4000 + ".jpg",
)


def person(number=1, x=10.0, **more):
    points = tuple((x + i, 20.0 + 0.125 * i, (2, 1, 0)[i % 3]) for i in range(17))
    return LabelledPerson(id=number, keypoints=points, **more)


def label(*people, **more):
    return ImageLabel(people=people or (person(),), **more)


def new_image(name="a.jpg", lab=None, **more):
    return NewImage(name, *SIZE, label() if lab is None else lab, **{"who": "ai:thunder", **more})


def make_store(folder, *names, output="real.json", **more):
    """Return a new project of ``folder`` with an image for each name."""
    output = folder / output
    store = LabelStore.create(project_path(output), kind="label", root=folder, output=output, **more)
    store.add_images(new_image(name) for name in names)
    return store


def program(code, *arguments, **more):
    """Start a Python program of a process of its own, in the repository's root."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def output_of(process, timeout=60):
    """Return what a program prints; fails with what it complains of."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    return out
