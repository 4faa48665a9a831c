"""Labelling projects of drawn figures: no photo, known places of every point."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from fidip.labelling.documents import Doubt, ImageLabel, LabelledPerson
from fidip.labelling.records import NewImage
from fidip.labelling.store import LabelStore, project_path

SIZE = (640, 480)
HOSTILE = "<img src=x onerror=alert(1)>.png"
POINTS: Mapping[str, tuple[int, int]] = {
    "nose": (320, 90), "left_eye": (332, 80), "right_eye": (308, 80), "left_ear": (346, 88),
    "right_ear": (294, 88), "left_shoulder": (370, 150), "right_shoulder": (270, 150),
    "left_elbow": (430, 200), "right_elbow": (210, 200), "left_wrist": (480, 250), "right_wrist": (160, 250),
    "left_hip": (350, 280), "right_hip": (290, 280), "left_knee": (400, 350), "right_knee": (240, 350),
    "left_ankle": (380, 430), "right_ankle": (260, 430),
}  # fmt: skip
NAMES = tuple(POINTS)
LIMBS = (
    "right_wrist right_elbow right_shoulder nose left_shoulder left_elbow left_wrist",
    "right_ankle right_knee right_hip right_shoulder left_shoulder left_hip left_knee left_ankle",
    "left_hip right_hip",
)


def person(number: int = 1, shift: int = 0, absent: Sequence[str] = ()) -> LabelledPerson:
    """Return the drawn figure's points, all visible but for some."""
    points = tuple(
        (0.0, 0.0, 0) if name in absent else (float(x + shift), float(y), 2)
        for name, (x, y) in POINTS.items()
    )
    return LabelledPerson(id=number, keypoints=points, bbox=(140.0, 60.0, 360.0, 390.0), score=0.8)


def draw_figure(path: Path, size: tuple[int, int] = SIZE) -> None:
    """Draw the figure on a plain ground."""
    picture = Image.new("RGB", size, (236, 226, 208))
    pen = ImageDraw.Draw(picture)
    for limb in LIMBS:
        pen.line([POINTS[name] for name in limb.split()], fill=(120, 96, 84), width=14)
    pen.ellipse((285, 55, 355, 130), fill=(222, 184, 160))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def make_project(folder: Path) -> Path:
    """Make a project of six images and return its file.

    1 is plain, 2 has two doubtful points, 3 a hostile name, 4 nobody on it, 5 cannot be read, 6 lies in a
    folder and has two people.
    """
    pictures = folder / "pictures"
    rows = [
        NewImage("a.png", *SIZE, label=ImageLabel(people=(person(),)), who="ai:drawn"),
        NewImage(
            "b.png",
            *SIZE,
            label=ImageLabel(people=(person(),)),
            who="ai:drawn",
            doubts=(
                Doubt(person=1, keypoint=NAMES.index("left_knee"), kind="low_score", text="low score (0.12)"),
                Doubt(
                    person=1, keypoint=NAMES.index("left_ankle"), kind="flip", text="left and right disagree"
                ),
            ),
        ),
        NewImage(HOSTILE, *SIZE, label=ImageLabel(people=(person(absent=("nose",)),)), who="ai:drawn"),
        NewImage("d.png", *SIZE, who="ai:drawn"),
        NewImage("e.png", 0, 0, who="ai:drawn", state="unreadable", note="not a picture: broken header"),
        NewImage("night/f.png", *SIZE, label=ImageLabel(people=(person(), person(2, 60))), who="ai:drawn"),
    ]
    for row in rows:
        draw_figure(pictures / row.name)
    (pictures / "e.png").write_bytes(b"no picture at all")
    output = folder / "real.json"
    with LabelStore.create(project_path(output), kind="label", root=pictures, output=output) as store:
        store.add_images(rows)
    return project_path(output)
