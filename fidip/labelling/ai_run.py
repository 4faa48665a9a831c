"""Pictures into a project, each with its first label: imported, the network's, or none."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fidip.inference.pictures import read_photo
from fidip.labelling.documents import EMPTY_LABEL
from fidip.labelling.errors import Conflict
from fidip.labelling.gathering import Picture
from fidip.labelling.imports import ImportedByName
from fidip.labelling.label_result import LabelResult
from fidip.labelling.options import LabelOptions
from fidip.labelling.records import ImageRow, NewImage
from fidip.labelling.store import LabelStore
from fidip.progress import Progress

if TYPE_CHECKING:
    from fidip.labelling.ai import AiLabel, AiLabeller

__all__ = ["NOBODY", "AiRun", "LazyLabeller"]

NOBODY = "nobody"
"""Author of revision 0 where neither a network nor an import has spoken."""
CHUNK_PICTURES = 4
"""Labelled and saved together: so much work a kill can cost."""
CHUNK_PIXELS = 40_000_000


class LazyLabeller:
    """A network that is opened when the first picture needs it: going on with a project may need none.

    Args:
        options: Which network, and how.
    """

    def __init__(self, options: LabelOptions) -> None:
        self._options = options
        self._labeller: "AiLabeller | None" = None

    def open(self) -> "AiLabeller":
        """Return the network.

        Raises:
            FileNotFoundError: If it is not there.
            ValueError: If it is not usable.
        """
        if self._labeller is None:
            from fidip.labelling.ai import AiLabeller  # and torch with it

            options = self._options
            self._labeller = AiLabeller.open(
                options.model,
                people=options.people,
                detector=options.detector,
                rotation_pick=not options.no_rotation_pick,
                device=options.device,
            )
        return self._labeller


@dataclass(frozen=True, slots=True)
class _Job:
    """One picture to be labelled by the network."""

    picture: Picture
    row: ImageRow | None = None
    """Its entry, if the project has it already."""


class AiRun:
    """Brings pictures into a project.

    Args:
        store: The project.
        labeller: The network; None leaves pictures unlabelled.
        imported: Labels to begin with.
        result: Counts and failures, added to.
    """

    def __init__(
        self,
        store: LabelStore,
        labeller: LazyLabeller | None,
        imported: ImportedByName | None,
        result: LabelResult,
    ) -> None:
        self.store, self.labeller, self.imported, self.result = store, labeller, imported, result
        self._taken: set[int] = set()

    def run(
        self, pictures: Sequence[Picture], progress: Progress, should_stop: Callable[[], bool] = lambda: False
    ) -> None:
        """Add the pictures that are new and label those that nobody has labelled."""
        rows = {row.name: row for row in self.store.images()}
        self._taken = {row.id for row in rows.values()}
        if self.imported:
            self.imported.match([picture.name for picture in pictures])
        jobs = [job for picture in pictures if (job := self._job(picture, rows.get(picture.name)))]
        if self.imported:  # first those that bring an id of their own
            jobs.sort(key=lambda job: not self.imported.has(job.picture.name))
        if not jobs:
            return
        if self.labeller:
            self.result.model = self.labeller.open().name
        progress.stage("label" if self.labeller else "pictures", len(jobs))
        began = time.monotonic()
        for chunk in _chunks(jobs):
            if should_stop():
                break
            self._label_chunk(chunk)
            progress.advance(len(chunk))
        self.result.predict_seconds = time.monotonic() - began

    def _job(self, picture: Picture, row: ImageRow | None) -> _Job | None:
        """Do what needs no network; return what does."""
        if row is None:
            return _Job(picture)
        if self.imported:
            self.imported.keep(picture.name)
        if picture.problem:
            self.result.failures[picture.name] = f"{picture.name}: {picture.problem}"
            if row.state == "ok":
                self.store.set_file_state(row.id, "unreadable", picture.problem)
            return None
        if row.state != "ok" or not row.width:
            self.store.set_file_state(row.id, "ok", size=None if row.width else picture.size)
        is_untouched = row.revision == 0 and row.who == NOBODY and row.status == "unreviewed"
        return _Job(picture, row) if self.labeller and is_untouched else None

    def _label_chunk(self, jobs: Sequence[_Job]) -> None:
        """Label a few pictures and save them in one go."""
        new: list[NewImage] = []
        to_predict: list[tuple[_Job, np.ndarray]] = []
        for job in jobs:
            image = self._start(job)
            if isinstance(image, NewImage):
                new.append(image)
            elif image is not None:
                to_predict.append((job, image))
        for job, said in zip([job for job, _ in to_predict], self._predict(to_predict), strict=True):
            if isinstance(said, str):
                new += self._failed(job, said)
            elif job.row is None:
                new.append(self._predicted(job.picture, said))
            else:
                self._save(job.row, said)
        order = {job.picture.name: n for n, job in enumerate(jobs)}
        new = [replace(image, id=self._id_of(image.name)) for image in new]
        new.sort(key=lambda image: (image.id is None, order[image.name]))  # wanted ids before free ones
        self._taken.update(self.store.add_images(new))
        self.result.num_new += len(new)

    def _start(self, job: _Job) -> NewImage | np.ndarray | None:
        """Return a picture's pixels if the network is to label it, else its entry; None if it has one."""
        picture = job.picture
        if picture.problem:
            return next(iter(self._failed(job, picture.problem)), None)
        imported = self.imported.find(picture) if self.imported and job.row is None else None
        if imported is not None and (imported.label != EMPTY_LABEL or self.labeller is None):
            self.result.num_imported += 1
            return NewImage(
                picture.name,
                *picture.size,
                label=imported.label,
                who=imported.who,
                when=imported.when,
                action=imported.action,
                frame=picture.frame or imported.frame,
            )
        if self.labeller is None:
            return NewImage(picture.name, *picture.size, who=NOBODY, frame=picture.frame)
        try:
            return read_photo(picture.path, picture.size)
        except (OSError, ValueError) as error:
            reason = str(error).removeprefix(f"{picture.path} ")
            return next(iter(self._failed(job, reason)), None)

    def _predict(self, items: Sequence[tuple[_Job, np.ndarray]]) -> "list[AiLabel | str]":
        """Return what the network says of each picture, or why it says nothing."""
        if not items or self.labeller is None:
            return []
        try:
            return list(self.labeller.open().label([image for _, image in items]))
        except (ValueError, RuntimeError) as error:
            if len(items) == 1:
                return [f"the network failed on it ({error})"]
        return [self._predict([item])[0] for item in items]  # one of them is to blame: the others go on

    def _predicted(self, picture: Picture, said: "AiLabel") -> NewImage:
        self._count(said)
        return NewImage(
            picture.name,
            *picture.size,
            label=said.label,
            who=self._author(),
            action="predict",
            doubts=said.doubts,
            frame=picture.frame,
        )

    def _save(self, row: ImageRow, said: "AiLabel") -> None:
        """Label a picture that was in the project without a label, unless somebody was faster."""
        try:
            self.store.save(
                row.id, row.revision, said.label, action="predict", who=self._author(), doubts=said.doubts
            )
        except Conflict:
            return
        self._count(said)

    def _failed(self, job: _Job, reason: str) -> list[NewImage]:
        """Record a picture that cannot be used; returns its entry, if the project has none."""
        picture = job.picture
        self.result.failures[picture.name] = f"{picture.name}: {reason}"
        if job.row is not None:
            self.store.set_file_state(job.row.id, "unreadable", reason)
            return []
        entry = NewImage(
            picture.name, *picture.size, who=NOBODY, frame=picture.frame, state="unreadable", note=reason
        )
        return [entry]

    def _id_of(self, name: str) -> int | None:
        """Return the id that a file of labels gives a picture; None if it gives none or a taken one."""
        number = self.imported.id_of(name) if self.imported else None
        if number is None or number in self._taken:
            return None
        self._taken.add(number)
        return number

    def _author(self) -> str:
        return f"ai:{self.result.model}"

    def _count(self, said: "AiLabel") -> None:
        self.result.num_predicted += 1
        self.result.num_doubtful += bool(said.doubts)
        self.result.num_nobody += not said.label.people


def _chunks(jobs: Sequence[_Job]) -> Iterator[list[_Job]]:
    """Yield the jobs in order, a few at a time: not too many, nor too many pixels."""
    chunk: list[_Job] = []
    pixels = 0
    for job in jobs:
        size = job.picture.size[0] * job.picture.size[1]
        if chunk and (len(chunk) >= CHUNK_PICTURES or pixels + size > CHUNK_PIXELS):
            yield chunk
            chunk, pixels = [], 0
        chunk.append(job)
        pixels += size
    if chunk:
        yield chunk
