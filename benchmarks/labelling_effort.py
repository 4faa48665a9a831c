"""How long labelling takes: AI labels reviewed beside 17 points placed by hand, by a simulated user.

A program drives the real page in a headless Chromium, knows where the points belong (a COCO file), and does
what a person would do. Its actions are counted and priced with the keystroke-level model (Card, Moran and
Newell 1980, «The keystroke-level model for user performance time with interactive systems», CACM 23(7)): a
mental step 1.35 s, pointing 1.1 s, a click 0.2 s, a key 0.28 s. This is a model, not a person: an error-free
expert who knows at a glance which points are wrong. Compare its columns with each other, not with a clock.

    syrip label PHOTOS -o real.json --no-serve
    python -m benchmarks.labelling_effort --labels real.json --truth coco.json
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fidip.labelling.exporter import Exporter
from fidip.labelling.records import ImageState, NewImage
from fidip.labelling.server.run import LabelServer
from fidip.labelling.store import LabelStore, project_path
from syrip_gen.keypoints.catalog import COCO17

MENTAL_S, POINTING_S, CLICK_S, KEY_S = 1.35, 1.1, 0.2, 0.28
WRONG = 0.1
"""A point is wrong that lies farther off than this share of the box's longer side."""
CROWDED_PX = 14
"""Points nearer to another on the screen are chosen in the panel, not grabbed."""
WAIT_MS = 60_000
TO_SCREEN = """([x, y]) => {
  const box = document.querySelector("#picture").getBoundingClientRect();
  const size = document.querySelector("#file-info").textContent.split("×").map(parseFloat);
  return [box.left + x * box.width / size[0], box.top + y * box.height / size[1]];
}"""

COVERED = """([x, y]) => {
  const there = document.elementFromPoint(x, y);
  return !there?.closest("#stage") || Boolean(there.closest(".zoom, #banner"));
}"""
CHOSEN = """document.querySelector("#point-text b").textContent.replaceAll(" ", "_")"""
MOST_STEPS_OUT, MOST_KEYS = 6, 4


@dataclass(slots=True)
class Effort:
    """Actions on some images."""

    images: int = 0
    mental: int = 0
    pointing: int = 0
    clicks: int = 0
    keys: int = 0
    moved: int = 0
    """Points that were put elsewhere."""
    placed: int = 0
    """Points that were absent and placed."""
    removed: int = 0
    """Points that were made absent."""

    @property
    def seconds_per_image(self) -> float:
        """Time by the keystroke-level model."""
        times = (self.mental * MENTAL_S, self.pointing * POINTING_S, self.clicks * CLICK_S, self.keys * KEY_S)
        return sum(times) / max(self.images, 1)


@dataclass(slots=True)
class Hand:
    """Mouse and keyboard on the real page; counts what it does."""

    page: Any
    effort: Effort = field(default_factory=Effort)

    def open(self, image: int) -> None:
        """Go to an image; not counted, as the page goes on by itself after an acceptance."""
        self.page.click(f"#image-{image}")
        self.page.wait_for_function(f"location.hash === '#{image}'")
        self._drawn()

    def drag(self, start: np.ndarray, end: np.ndarray) -> None:
        """Drag from one place of the image to another."""
        self.uncover(start)
        self.uncover(end)
        mouse = self.page.mouse
        (x0, y0), (x1, y1) = self.screen(start), self.screen(end)
        mouse.move(x0, y0)
        mouse.down()
        mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
        mouse.move(x1, y1, steps=3)
        mouse.up()
        self.effort.pointing += 2
        self.effort.clicks += 1

    def choose(self, keypoint: int) -> None:
        """Choose a point: by the key for the next one if it is near, else in the panel."""
        steps = keypoint - COCO17.index(self.page.evaluate(CHOSEN))
        if 0 <= steps <= MOST_KEYS:
            for _ in range(steps):
                self.key("n")
            return
        self.page.click(f'.point-row[data-keypoint="{keypoint}"]')
        self.effort.pointing += 1
        self.effort.clicks += 1

    def move(self, place: np.ndarray) -> None:
        """Point at a place of the image."""
        self.uncover(place)
        self.page.mouse.move(*self.screen(place))
        self.effort.pointing += 1

    def click(self, place: np.ndarray) -> None:
        """Click on a place of the image."""
        self.uncover(place)
        self.page.mouse.click(*self.screen(place))
        self.effort.pointing += 1
        self.effort.clicks += 1

    def key(self, key: str) -> None:
        """Press a key."""
        self.page.keyboard.press(key)
        self.effort.keys += 1
        self._drawn()

    def think(self) -> None:
        """Look and decide."""
        self.effort.mental += 1

    def accept(self) -> None:
        """Accept the image."""
        self.think()
        self.key("a")
        self.page.wait_for_selector('#save-status[data-state="saved"]', timeout=WAIT_MS)
        self.effort.images += 1

    def uncover(self, place: np.ndarray) -> None:
        """Zoom out while a place is off the screen or a button lies over it."""
        for _ in range(MOST_STEPS_OUT):
            if not self.page.evaluate(COVERED, list(self.screen(place))):
                return
            self.think()
            self.key("-")

    def screen(self, place: np.ndarray) -> tuple[float, float]:
        """Return where a place of the image is on the screen, px."""
        x, y = self.page.evaluate(TO_SCREEN, [float(place[0]), float(place[1])])
        return x, y

    def _drawn(self) -> None:
        self.page.wait_for_selector("#picture canvas", timeout=WAIT_MS)
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def review(hand: Hand, now: np.ndarray, truth: np.ndarray, side: float) -> None:
    """Put right what is wrong: far-off points, missing ones, and points where there are none.

    Args:
        hand: At the image.
        now: (17, 3) the network's points.
        truth: (17, 3) px and v; v = 0 means that there is none.
        side: Longer side of the person's box, px.
    """
    hand.think()  # look at the whole skeleton
    for k, (point, true) in enumerate(zip(now, truth, strict=True)):
        place = true[:2]
        if true[2] and not point[2]:
            hand.think()
            hand.choose(k)
            hand.move(place)
            hand.key("2")
            hand.effort.placed += 1
        elif point[2] and not true[2]:
            hand.think()
            hand.choose(k)
            hand.key("0")
            hand.effort.removed += 1
            now[k] = 0
        elif true[2] and np.linalg.norm(point[:2] - place) > WRONG * side:
            hand.think()
            others = [hand.screen(p) for i, p in enumerate(now) if i != k and p[2]]
            here = hand.screen(point)
            if others and np.linalg.norm(np.array(others) - here, axis=1).min() < CROWDED_PX:
                hand.choose(k)
                hand.move(place)
                hand.key("g")
            else:
                hand.drag(point, place)
            hand.effort.moved += 1
            now[k, :2] = place
    hand.accept()


def place_all(hand: Hand, truth: np.ndarray) -> None:
    """Place a person's points on an empty image, in the page's order.

    Args:
        hand: At the image.
        truth: (17, 3) px and v.
    """
    for true in truth:
        hand.think()
        if true[2]:
            hand.click(true[:2])
            hand.effort.placed += 1
        else:
            hand.key("0")
    hand.accept()


def matching_truth(state: ImageState, people: list[Mapping[str, Any]]) -> tuple[np.ndarray, float]:
    """Return (17, 3) points and the longer side of the box of the person that the network labelled."""
    now = np.array(state.first.people[0].keypoints) if state.first.people else None
    best = None
    for person in people:
        truth = np.array(person["keypoints"], float).reshape(17, 3)
        side = max(person["bbox"][2:])
        seen = truth[:, 2] > 0
        error = (
            -side if now is None else np.linalg.norm(now[seen, :2] - truth[seen, :2], axis=1).mean() / side
        )
        if best is None or error < best[0]:
            best = error, truth, side
    assert best is not None
    return best[1], best[2]


def truths(path: Path) -> dict[str, list[Mapping[str, Any]]]:
    """Return the people with keypoints by file name."""
    data = json.loads(path.read_text())
    names = {image["id"]: image["file_name"] for image in data["images"]}
    people: dict[str, list[Mapping[str, Any]]] = {}
    for annotation in data["annotations"]:
        if annotation.get("num_keypoints", 0) > 0 and not annotation.get("iscrowd"):
            people.setdefault(names[annotation["image_id"]], []).append(annotation)
    return people


@contextmanager
def opened(store: LabelStore, browser: Any) -> Iterator[Hand]:
    """Serve a project and open its page."""
    with Exporter(store) as exporter, LabelServer(store, exporter, port=0, who="simulated") as server:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(WAIT_MS)
        page.goto(server.address)
        page.wait_for_selector('body[data-ready="yes"]')
        yield Hand(page)
        page.close()


def quality(store: LabelStore, goals: Mapping[int, tuple[np.ndarray, float]]) -> tuple[int, int]:
    """Return how many labelled points are farther off than allowed or absent, and how many there are."""
    wrong = total = 0
    for number, (truth, side) in goals.items():
        people = store.image(number).label.people
        now = np.array(people[0].keypoints) if people else np.zeros((17, 3))
        seen = truth[:, 2] > 0
        off = np.linalg.norm(now[:, :2] - truth[:, :2], axis=1) > WRONG * side
        wrong += int(((off | (now[:, 2] == 0)) & seen).sum())
        total += int(seen.sum())
    return wrong, total


def doubts_told(store: LabelStore, goals: Mapping[int, tuple[np.ndarray, float]]) -> tuple[int, int, int]:
    """Return the number of wrong first points, how many of them were doubted, and of all doubted points."""
    wrong = doubted_wrong = doubted = 0
    for number, (truth, side) in goals.items():
        state = store.image(number)
        marked = np.zeros(17, bool)
        marked[[d.keypoint for d in state.doubts if d.keypoint is not None and d.person == 1]] = True
        now = np.array(state.first.people[0].keypoints) if state.first.people else np.zeros((17, 3))
        seen = (truth[:, 2] > 0) & (now[:, 2] > 0)
        off = (np.linalg.norm(now[:, :2] - truth[:, :2], axis=1) > WRONG * side) & seen
        wrong += int(off.sum())
        doubted_wrong += int((off & marked).sum())
        doubted += int(marked.sum())
    return wrong, doubted_wrong, doubted


def copied(labels: Path, folder: Path, name: str, *, is_empty: bool) -> LabelStore:
    """Return a new project of the same pictures, with the network's labels or without any."""
    output = folder / f"{name}.json"
    with LabelStore.open(project_path(labels)) as store:
        copy = LabelStore.create(project_path(output), kind="label", root=store.root, output=output)
        for row in store.images():
            state = store.image(row.id)
            label = {} if is_empty else {"label": state.first, "doubts": state.doubts}
            copy.add_images([NewImage(row.name, row.width, row.height, who="ai", id=row.id, **label)])
    return copy


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--labels", type=Path, required=True, help="output of syrip label")
    parser.add_argument("--truth", type=Path, required=True, help="COCO file with the right labels")
    parser.add_argument("--chromium", default=shutil.which("chromium") or "/usr/bin/chromium")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    known = truths(options.truth)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.chromium,
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
        )
        with (
            copied(options.labels, Path(temporary), "reviewed", is_empty=False) as labelled,
            copied(options.labels, Path(temporary), "by-hand", is_empty=True) as empty,
        ):
            states = [labelled.image(row.id) for row in labelled.images()]
            goals = {s.row.id: matching_truth(s, known[s.row.name]) for s in states if s.row.name in known}
            before, told = quality(labelled, goals), doubts_told(labelled, goals)
            with opened(labelled, browser) as reviewer:
                for number, (truth, side) in goals.items():
                    reviewer.open(number)
                    people = labelled.image(number).first.people
                    if people:
                        review(reviewer, np.array(people[0].keypoints), truth, side)
                    else:
                        place_all(reviewer, truth)
            with opened(empty, browser) as placer:
                for number, (truth, _) in goals.items():
                    placer.open(number)
                    place_all(placer, truth)
            after = quality(labelled, goals), quality(empty, goals)
        efforts = {"review of AI labels": reviewer.effort, "17 points by hand": placer.effort}
        report(before, told, efforts, after)
        browser.close()


def report(
    before: tuple[int, int],
    told: tuple[int, int, int],
    efforts: Mapping[str, Effort],
    after: tuple[tuple[int, int], ...],
) -> None:
    """Print what was found."""
    wrong, points = before
    print(f"{points} labelled points; wrong = farther off than {WRONG} of the box's longer side")
    print(f"network alone: {wrong} wrong or absent ({wrong / points:.1%})")
    print(f"doubts: {told[2]} points marked, {told[1]} of the {told[0]} wrong ones among them")
    print("A model, not a person (keystroke-level model, Card, Moran and Newell 1980):")
    print(f"{'':20}{'images':>7}{'s/image':>9}{'moved':>7}{'placed':>8}{'removed':>9}{'wrong after':>13}")
    for (name, effort), (left, _) in zip(efforts.items(), after, strict=True):
        print(
            f"{name:20}{effort.images:7}{effort.seconds_per_image:9.1f}{effort.moved:7}{effort.placed:8}"
            f"{effort.removed:9}{left:13}"
        )


if __name__ == "__main__":
    main()
