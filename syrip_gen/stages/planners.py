"""Who decides what each item of a run shows: the planner of a run, and how a worker opens it."""

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from syrip_gen.dataset_files import OutputFolder
from syrip_gen.rendering.resolve import Resources
from syrip_gen.sampling.plan import PlanContext, plan_scene
from syrip_gen.sampling.scene import SceneSpec
from syrip_gen.stages.saved_fits import load_fits

__all__ = ["FitPlan", "FitPlanner", "Plan", "ScenePlanner"]

ATTEMPT_STRIDE = 10 * 2**32
"""Attempt k of item i draws from the streams of index i + k * 2**32, which no item has."""


class ScenePlanner(Protocol):
    """Decides what the items of a run show."""

    max_attempts: int
    """How often an item is drawn anew while the checks reject it."""

    def scene(self, index: int, attempt: int) -> SceneSpec:
        """Return the scene of one attempt at an item; a pure function of its arguments."""
        ...

    def explain(self, index: int, rejected: Counter[str]) -> str:
        """Say why an item has no picture, from the counted reasons of the checks."""
        ...


class Plan(Protocol):
    """How a worker opens the planner of its run; small and picklable."""

    def open(self, folder: OutputFolder, resources: Resources) -> ScenePlanner:
        """Read what planning needs from the dataset's folder."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FitPlanner:
    """Plans independent pictures of fitted poses; what the checks reject is drawn again."""

    context: PlanContext
    seed: int
    max_attempts: int = 20

    def scene(self, index: int, attempt: int) -> SceneSpec:
        """Return the scene of one attempt at an item; a pure function of its arguments."""
        spec = plan_scene(self.context, self.seed, index + attempt * ATTEMPT_STRIDE)
        return dataclasses.replace(spec, index=index)

    def explain(self, index: int, rejected: Counter[str]) -> str:
        """Name the most frequent reasons."""
        worst = ", ".join(f"{reason} ({count})" for reason, count in rejected.most_common(3))
        return f"no good scene: {worst}"


@dataclass(frozen=True, slots=True)
class FitPlan:
    """The plan of ``syrip generate``."""

    seed: int

    def open(self, folder: OutputFolder, resources: Resources) -> FitPlanner:
        """Read the fits of the dataset's folder."""
        return FitPlanner(resources.plan_context(load_fits(folder)), self.seed)
