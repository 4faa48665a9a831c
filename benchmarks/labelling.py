"""Measure a labelling project: ``python -m benchmarks.labelling [--images 10000] [--folder DIR]``.

Makes a project of labelled images in a temporary folder (or below ``--folder``, to measure another disk) and
prints what a server waits for: the list of images, one image, a save, the export. Wall-clock milliseconds,
median and 95th percentile, and the median of processor milliseconds: on a busy machine the wall clock says
more of its other work than of this.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fidip.labelling.coco_export import write_coco
from fidip.labelling.coco_import import read_coco
from fidip.labelling.documents import ImageLabel, LabelledPerson
from fidip.labelling.records import NewImage
from fidip.labelling.store import LabelStore, project_path

SIZE = (1280, 720)


def labels(count: int, rng: np.random.Generator) -> list[ImageLabel]:
    """Return labels of one person each, with sub-pixel places."""
    result = []
    for xy in rng.uniform((0, 0), SIZE, (count, 17, 2)):
        points = tuple((float(x), float(y), 2) for x, y in xy)
        result.append(ImageLabel(people=(LabelledPerson(id=1, keypoints=points, score=0.5),)))
    return result


def milliseconds(work: Callable[[int], object], times: int) -> np.ndarray:
    """Return (times, 2) wall-clock and processor milliseconds of several calls."""
    taken = []
    for i in range(times):
        began = np.array([time.perf_counter(), time.process_time()])
        work(i)
        taken.append(1000 * (np.array([time.perf_counter(), time.process_time()]) - began))
    return np.array(taken)


def line(name: str, taken: np.ndarray) -> str:
    """Return one line of the table."""
    wall, processor = taken.T
    figures = (np.median(wall), np.percentile(wall, 95), np.median(processor))
    return f"{name:34s}" + "".join(f"{figure:12.2f}" for figure in figures) + f"{len(taken):8d}"


def measure(folder: Path, count: int, saves: int) -> list[str]:
    """Return the lines of the table for a new project in a folder."""
    rng = np.random.default_rng(0)
    output = folder / "real.json"
    first, edited = labels(count, rng), labels(saves, rng)
    images = [
        NewImage(f"day {i // 100}/photo_{i:06d}.jpg", *SIZE, label, "ai:movenet_thunder")
        for i, label in enumerate(first)
    ]
    with LabelStore.create(project_path(output), kind="label", root=folder, output=output) as store:
        add = milliseconds(lambda _: store.add_images(images), 1)
        chosen = rng.permutation(count)[:saves] + 1
        save = milliseconds(
            lambda i: store.save(int(chosen[i]), 0, edited[i], action="move", who="benchmark"), saves
        )
        rows = [
            line(f"add {count} labelled images", add),
            line("save", save),
            line(f"list of {count} images", milliseconds(lambda _: store.images(), 9)),
            line("one image", milliseconds(lambda i: store.image(i + 1), min(200, count))),
            line(
                "what changed since the last poll",
                milliseconds(lambda _: store.changes(store.last_change()), 50),
            ),
            line("counts", milliseconds(lambda _: store.counts(), 9)),
            line("export to COCO", milliseconds(lambda _: write_coco(store), 3)),
        ]
    return [
        *rows,
        line("open", milliseconds(lambda _: LabelStore.open(project_path(output)).close(), 3)),
        line("read the COCO file", milliseconds(lambda _: read_coco(output), 1)),
        f"project file {project_path(output).stat().st_size / 2**20:.1f} MiB, "
        f"COCO file {output.stat().st_size / 2**20:.1f} MiB",
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--saves", type=int, default=500)
    parser.add_argument(
        "--folder", type=Path, help="measure the disk of this folder; default: the temporary one"
    )
    options = parser.parse_args()
    print(f"{'':34s}{'wall ms':>12s}{'95 %':>12s}{'CPU ms':>12s}{'times':>8s}")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        print("\n".join(measure(Path(folder), options.images, min(options.saves, options.images))))


if __name__ == "__main__":
    main()
