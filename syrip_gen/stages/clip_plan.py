"""The plan of ``syrip animate``: item i is one chosen frame of one take."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from syrip_gen.dataset_files import OutputFolder
from syrip_gen.rendering.resolve import Resources
from syrip_gen.sampling.clip_takes import ClipContext, ClipOptics, Take, plan_take, scene_of_frame
from syrip_gen.sampling.scene import SceneSpec
from syrip_gen.stages.saved_sequence import SavedSequence, load_sequence

__all__ = ["ClipPlan", "ClipPlanner", "clip_context"]


@dataclass(slots=True, eq=False)
class ClipPlanner:
    """Plans the frames of takes, one take after the other; a frame that the checks reject is not redrawn."""

    context: ClipContext
    saved: Callable[[int], SavedSequence]
    """Gives the motion of a take."""
    num_frames: int
    """Chosen frames of each take."""
    seed: int
    optics: ClipOptics
    max_attempts: int = 1
    _take: Take | None = None
    _frames: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def scene(self, index: int, attempt: int) -> SceneSpec:
        """Return the scene of an item; a pure function of its arguments."""
        number, place = divmod(index, self.num_frames)
        take = self._open(number)
        return scene_of_frame(take, int(self._frames[place]), index)

    def explain(self, index: int, rejected: Counter[str]) -> str:
        """Name the frame and what is wrong with it."""
        number, place = divmod(index, self.num_frames)
        take = self._open(number)
        frame = int(self._frames[place])
        reasons = ", ".join(rejected)
        return f"frame {frame} ({frame / take.sequence.fps:.2f} s) of take {number}: {reasons}"

    def _open(self, number: int) -> Take:
        """Plan a take; the last one is kept."""
        if self._take is None or self._take.number != number:
            saved = self.saved(number)
            self._take = plan_take(self.context, saved.sequence, self.seed, number, self.optics)
            self._frames = saved.frames
        return self._take


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """How a worker opens the planner of a clip."""

    seed: int
    num_frames: int
    optics: ClipOptics

    def open(self, folder: OutputFolder, resources: Resources) -> ClipPlanner:
        """Read the motion from the dataset's folder, take by take."""
        return ClipPlanner(
            context=clip_context(resources),
            saved=lambda take: load_sequence(folder, take),
            num_frames=self.num_frames,
            seed=self.seed,
            optics=self.optics,
        )


def clip_context(resources: Resources) -> ClipContext:
    """Return what planning takes reads."""
    return ClipContext(
        options=resources.options,
        coarse=resources.coarse,
        lights=resources.lights,
        backgrounds=resources.backgrounds,
        texture_names=resources.textures.names if resources.textures else (),
    )
