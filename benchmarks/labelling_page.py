"""Time the labelling page in a real Chromium: opening a large project, going from image to image, saving.

    python benchmarks/labelling_page.py [--images 10000] [--size 640x480] [--steps 40]

The pictures are drawn; every image has a file of its own. Times are taken inside the page: opening from the
start of the navigation until the first picture is drawn, going on from the key's event until the next picture
is drawn.
"""

import argparse
import os
import statistics
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from fidip.labelling.documents import Doubt, ImageLabel, LabelledPerson
from fidip.labelling.exporter import Exporter
from fidip.labelling.records import NewImage
from fidip.labelling.server.run import LabelServer
from fidip.labelling.store import LabelStore, project_path

CHROMIUM = os.environ.get("SYRIP_CHROMIUM", "/usr/bin/chromium")
NUM_FILES = 50
SHOWN = "performance.getEntriesByName('first-picture').length > 0"
WATCH = """() => {
  window.steps = [];
  let pressed = 0;
  addEventListener("keydown", () => (pressed = performance.now()), true);
  new MutationObserver(() => {
    if (pressed && document.querySelector("#picture canvas")) {
      const from = pressed;
      pressed = 0;
      requestAnimationFrame(() => setTimeout(() => steps.push(performance.now() - from), 0));
    }
  }).observe(document.querySelector("#picture"), { childList: true });
}"""


def make_project(folder: Path, num_images: int, size: tuple[int, int]) -> Path:
    """Make a project of many images, some doubtful."""
    rng = np.random.default_rng(0)
    pictures = folder / "pictures"
    pictures.mkdir()
    for i in range(NUM_FILES):
        small = rng.integers(0, 255, (size[1] // 16, size[0] // 16, 3), np.uint8)
        noise = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)).astype(np.int16)
        noise += rng.integers(-12, 12, noise.shape, np.int16)
        Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(folder / f"{i}.jpg", quality=90)
    rows = []
    for i in range(num_images):
        name = f"day_{i // 500:02d}/frame_{i:06d}.jpg"
        (pictures / name).parent.mkdir(exist_ok=True)
        os.link(folder / f"{i % NUM_FILES}.jpg", pictures / name)
        points = rng.uniform((0.2 * size[0], 0.2 * size[1]), (0.8 * size[0], 0.8 * size[1]), (17, 2))
        person = LabelledPerson(id=1, keypoints=tuple((float(x), float(y), 2) for x, y in points), score=0.5)
        doubts = (
            (Doubt(person=1, keypoint=9, kind="low_score", text="low score (0.1)"),) if i % 4 == 0 else ()
        )
        label = ImageLabel(people=(person,))
        rows.append(NewImage(name, *size, label=label, who="ai:benchmark", doubts=doubts))
    output = folder / "real.json"
    with LabelStore.create(project_path(output), kind="label", root=pictures, output=output) as store:
        store.add_images(rows)
    return project_path(output)


def serve(project: Path, wishes: Connection) -> None:
    """Serve a project until told to stop."""
    with (
        LabelStore.open(project) as store,
        Exporter(store) as exporter,
        LabelServer(store, exporter, port=0) as server,
    ):
        wishes.send(server.address)
        wishes.recv()


def time_opening(page: Any, address: str, times: int) -> list[float]:
    """Return how long the page takes to open, ms."""
    result = []
    for _ in range(times):
        page.goto("about:blank")
        page.goto(address)
        _until(page, SHOWN)
        result.append(page.evaluate("performance.getEntriesByName('first-picture')[0].startTime"))
    return result


def time_steps(page: Any, key: str, count: int, pause_s: float) -> list[float]:
    """Return how long it takes until the next image is drawn, ms a step."""
    page.evaluate("steps.length = 0")
    for done in range(1, count + 1):
        page.keyboard.press(key)
        _until(page, f"steps.length >= {done}")
        time.sleep(pause_s)
    return page.evaluate("steps")


def _until(page: Any, condition: str) -> None:
    end = time.monotonic() + 30
    while not page.evaluate(condition):
        if time.monotonic() > end:
            raise SystemExit(f"waited 30 s in vain for {condition}")
        time.sleep(0.02)


def _report(what: str, times_ms: list[float]) -> None:
    ordered = sorted(times_ms)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    print(f"{what:52s} median {statistics.median(ordered):6.0f} ms   p95 {p95:6.0f} ms   n {len(ordered)}")


def main() -> None:
    """Make a project, open it, walk through it, print."""
    parser = argparse.ArgumentParser(description="Time the labelling page.")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--size", default="640x480", help="WIDTHxHEIGHT of the pictures, px")
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        project = make_project(Path(name), options.images, (width, height))
        here, there = get_context("spawn").Pipe()
        server = get_context("spawn").Process(target=serve, args=(project, there), daemon=True)
        server.start()
        address = here.recv()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        print(f"{options.images:,} images of {width}x{height} px; load {os.getloadavg()[0]:.1f}")
        _report("open the page, until the first picture is drawn", time_opening(page, address, 8))
        page.evaluate(WATCH)
        _report("next image, one every 0.4 s", time_steps(page, "PageDown", options.steps, 0.4))
        _report("next image, as fast as they come", time_steps(page, "PageDown", options.steps, 0))
        _report("back to the image before", time_steps(page, "PageUp", min(6, options.steps), 0.2))
        _report("accept and next", time_steps(page, "a", options.steps, 0.4))
        _report("next doubtful one", time_steps(page, "d", options.steps, 0.4))
        browser.close()
        here.send("stop")
        server.join()


if __name__ == "__main__":
    main()
