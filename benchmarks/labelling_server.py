"""Time the labelling server over HTTP: ``python -m benchmarks.labelling_server [--images 10000]``.

A project of many small pictures (one file under many names, hard links) and a few of 12 megapixels, a real
server in this process, a client on loopback that keeps its connection open, as a browser does.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import httpx2 as httpx
import numpy as np

from fidip.labelling.documents import ImageLabel
from fidip.labelling.exporter import Exporter
from fidip.labelling.records import NewImage
from fidip.labelling.server import LabelServer
from fidip.labelling.store import LabelStore

SMALL, LARGE = (640, 480), (4000, 3000)
LARGE_COUNT = 6
SCREEN_PX = 2000
"""Width that the page asks for on a laptop's screen."""


def photo(size: tuple[int, int], seed: int) -> bytes:
    """Return a JPEG with structure at every scale and a sensor's noise, about as large as a phone's."""
    rng = np.random.default_rng(seed)
    image = np.zeros((size[1], size[0], 3), np.float32)
    for cells in (4, 16, 64, 256):
        coarse = rng.normal(0, 40 / np.sqrt(cells / 4), (cells * 3 // 4, cells, 3)).astype(np.float32)
        image += cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    noisy = image + 128 + rng.standard_normal(image.shape, np.float32) * 2
    return cv2.imencode(".jpg", noisy.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 92])[
        1
    ].tobytes()


def make_project(folder: Path, count: int) -> LabelStore:
    """Make a project of small pictures, the last ones large, every image with a labelled person."""
    photos = folder / "photos"
    photos.mkdir()
    (photos / "small.jpg").write_bytes(photo(SMALL, 0))
    names = [f"clip{i // 500:02}/frame{i:06}.jpg" for i in range(count - LARGE_COUNT)]
    for name in names:
        (photos / name).parent.mkdir(exist_ok=True)
        os.link(photos / "small.jpg", photos / name)
    large = [f"large{i:02}.jpg" for i in range(LARGE_COUNT)]
    for i, name in enumerate(large):
        (photos / name).write_bytes(photo(LARGE, i))
    points = [[100.25 + 20 * k, 200.5, 2] for k in range(17)]
    label = ImageLabel.model_validate(
        {"people": [{"id": 1, "keypoints": points, "bbox": [90, 100, 350, 150], "score": 0.8}]}
    )
    store = LabelStore.create(
        folder / "real.json.project", kind="label", root=photos, output=folder / "real.json"
    )
    store.add_images(
        [NewImage(name, *SMALL, label=label, who="ai:benchmark") for name in names]
        + [NewImage(name, *LARGE, label=label, who="ai:benchmark") for name in large]
    )
    return store


def timed(call: Callable[[int], httpx.Response], numbers: range) -> tuple[str, int]:
    """Return the median and worst time of a call, as text, and the bytes of the last answer."""
    times_ms = []
    for number in numbers:
        start = time.perf_counter()
        answer = call(number)
        times_ms.append(1000 * (time.perf_counter() - start))
        answer.raise_for_status()
    return f"{statistics.median(times_ms):7.1f} ms, worst {max(times_ms):7.1f}", len(answer.content)


def measure(client: httpx.Client, store: LabelStore, count: int) -> None:
    """Print one line a request."""
    change = store.last_change()
    large = range(count - LARGE_COUNT + 1, count + 1)

    def whole(number: int) -> httpx.Response:
        return client.get(f"/api/images/{number}/file")

    def screen(number: int) -> httpx.Response:
        return client.get(f"/api/images/{number}/file", params={"width": SCREEN_PX})

    def opened(number: int) -> httpx.Response:
        client.get(f"/api/images/{number}").raise_for_status()
        return whole(number)

    def save(number: int) -> httpx.Response:
        document = store.image(number).label.model_dump(mode="json") | {"status": "reviewed"}
        body = {"base_revision": 0, "document": document, "action": "review", "who": "benchmark"}
        return client.put(f"/api/images/{number}", json=body)

    calls = (
        ("page: GET /", lambda _: client.get("/"), range(20)),
        (f"project of {count:,}: GET /api/project", lambda _: client.get("/api/project"), range(10)),
        ("nothing new: GET /api/changes", lambda _: client.get(f"/api/changes?since={change}"), range(100)),
        ("label: GET /api/images/N", lambda n: client.get(f"/api/images/{n}"), range(1, 200)),
        ("640x480: label + file", opened, range(200, 400)),
        ("12 megapixels, as it is, first time", whole, large),
        ("12 megapixels, as it is, again", whole, large),
        (f"12 megapixels, {SCREEN_PX} px wide, first time", screen, large),
        (f"12 megapixels, {SCREEN_PX} px wide, again", screen, large),
        ("save: PUT /api/images/N", save, range(1, 101)),
        ("100 changes: GET /api/changes", lambda _: client.get(f"/api/changes?since={change}"), range(20)),
        ("export: POST /api/export", lambda _: client.post("/api/export"), range(3)),
    )
    for name, call, numbers in calls:
        text, size = timed(call, numbers)
        print(f"{name:46} {text}   {size / 1000:9.1f} kB")


def main() -> None:
    """Make the project, serve it, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000, help="images in the project")
    count = parser.parse_args().images
    with (
        tempfile.TemporaryDirectory() as folder,
        make_project(Path(folder), count) as store,
        Exporter(store) as exporter,
        LabelServer(store, exporter, port=0) as server,
    ):
        exporter.flush()
        with httpx.Client(
            base_url=server.origin, headers={"X-Syrip-Token": server.token}, timeout=60, trust_env=False
        ) as client:
            measure(client, store, count)


if __name__ == "__main__":
    main()
