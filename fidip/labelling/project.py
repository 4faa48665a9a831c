"""Begin a labelling project or go on with one: pictures in, imported labels in, first labels by a network."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fidip.labelling.ai_run import AiRun, LazyLabeller
from fidip.labelling.exporter import Exporter
from fidip.labelling.frame_choice import FrameChoice
from fidip.labelling.gathering import Gathered, gather
from fidip.labelling.imports import ImportedByName, open_import
from fidip.labelling.label_result import LabelResult
from fidip.labelling.media import FoundMedia, find_media
from fidip.labelling.options import LabelOptions
from fidip.labelling.store import LabelStore, project_path
from fidip.output_check import check_output_file
from fidip.progress import Progress

__all__ = ["label_media", "open_or_create_project"]


def open_or_create_project(options: LabelOptions, root: Path | None) -> LabelStore:
    """Open the project beside the output file, or make it.

    Args:
        options: ``output`` says where.
        root: Folder of the pictures, for a new project; None where no pictures were named.

    Raises:
        ValueError: If the output cannot be written, or is a file without a project that would be overwritten,
            or the project is a review.
        FileNotFoundError: If there is no project and no pictures were named.
    """
    output = Path(options.output)
    check_output_file(output, "-o")
    path = project_path(output)
    if path.exists():
        store = LabelStore.open(path)
        if store.kind != "label":
            store.close()
            raise ValueError(f"-o {output}: its project is a review; open it with --review")
        return store
    if output.exists():
        raise ValueError(
            f"-o {output} exists and is no labelling project; choose another file, and --import {output} to "
            "begin with its labels"
        )
    if root is None:
        raise FileNotFoundError(
            f"-o {output}: no project there to go on with; name a folder or video to label"
        )
    output.absolute().parent.mkdir(parents=True, exist_ok=True)
    return LabelStore.create(path, kind="label", root=root, output=output)


def label_media(
    options: LabelOptions,
    inputs: Sequence[str],
    progress: Progress,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[LabelStore, LabelResult]:
    """Bring pictures into a project and label with a network what nobody has labelled.

    Everything is checked before anything is written. What was labelled before is neither labelled again nor
    changed. One bad picture or video is recorded and the others go on. The COCO file is up to date when
    this returns, also after ``should_stop`` said so. A new project that got no picture before an error is
    taken away again.

    Returns:
        The open project, which the caller closes, and what was done.

    Raises:
        FileNotFoundError: An input, network or file to import does not exist.
        ValueError: Unusable inputs or settings, or not one picture.
        OSError: The project, the frames or the COCO file cannot be written (any more).
    """
    output = Path(options.output)
    choice = FrameChoice.parse(options.frames)
    check_output_file(output, "-o")
    media = find_media(inputs, output) if inputs else None
    imported = open_import(options.import_file, media.root if media else None)
    labeller = None if options.no_ai else LazyLabeller(options)
    if labeller and not project_path(output).exists():
        labeller.open()  # a new project needs it: a wrong --model is told before videos are split
    began = time.monotonic()
    is_new = not project_path(output).exists()
    store = open_or_create_project(options, media.root if media else None)
    try:
        store.set_settings(order=options.order)
        with Exporter(store):  # writes the COCO file every few seconds and at the end
            result = _work(store, media, choice, imported, labeller, progress, should_stop)
    except BaseException:
        is_unused = is_new and not store.images()
        store.close()
        if is_unused:  # it would tie the next try to this one's folder
            for file in (store.path, output):
                file.unlink(missing_ok=True)
        raise
    result.seconds = time.monotonic() - began
    return store, result


def _work(
    store: LabelStore,
    media: FoundMedia | None,
    choice: FrameChoice,
    imported: ImportedByName | None,
    labeller: LazyLabeller | None,
    progress: Progress,
    should_stop: Callable[[], bool],
) -> LabelResult:
    result = LabelResult(store.output, store.path)
    found = Gathered()
    if media is not None:
        _bring_within_reach(store, media, result)
        found = gather(media, store.root, store.output, choice, progress, should_stop)
        if not found.pictures and found.failures and not store.images():
            raise ValueError("; ".join(found.failures.values()))
    result.failures |= found.failures
    result.notes += media.notes if media else ()
    if not found.was_stopped:
        AiRun(store, labeller, imported, result).run(found.pictures, progress, should_stop)
        result.notes += imported.notes() if imported else []
    result.was_interrupted = should_stop()
    result.counts = store.counts()
    return result


def _bring_within_reach(store: LabelStore, media: FoundMedia, result: LabelResult) -> None:
    """Let a project's folder hold what is to be added to it: photos beside videos, a second folder.

    Raises:
        ValueError: If the pictures that the project has are gone.
    """
    known, wanted = store.root, media.root
    if wanted.is_relative_to(known):
        return
    rows = store.images()
    if rows and not known.exists():
        moved = sum((wanted / row.name).is_file() for row in rows)
        if 2 * moved < len(rows):
            raise ValueError(
                f"the pictures of this project were in {known}, which is not there any more, and are not in "
                f"{wanted}; put them back, or label into another file (-o)"
            )
        store.set_root(wanted)
        result.notes.append(f"the pictures are looked for in {wanted} now, no longer in {known}")
        return
    try:
        shared = Path(os.path.commonpath([known, wanted]))
    except ValueError:  # another drive of Windows: gather says which picture cannot be added
        return
    store.widen_root(shared)
    if rows:
        result.notes.append(f"pictures lie in {known} and {wanted} now: file names begin at {shared}")
