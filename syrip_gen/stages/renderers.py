"""Which renderer the workers of a run open, how many workers that makes, and what each may use."""

from pathlib import Path
from typing import Any, Protocol

from syrip_gen.dataset_files import WORK_FOLDER, LocalFolder, OutputFolder
from syrip_gen.execution import resolve_workers
from syrip_gen.rendering.catalog import CATALOG, RendererChoice, check_renderer

__all__ = ["choose_renderer", "num_workers", "unused_options", "with_logs"]


class RendererSettings(Protocol):
    """What of a run's settings counts for its renderer, besides those in ``CATALOG[renderer].options``."""

    renderer: str
    workers: int | str
    executor: str


def num_workers(settings: RendererSettings) -> int:
    """Return the number of worker processes; ``auto`` is one for a slow renderer, with all cores."""
    if settings.workers == "auto" and check_renderer(settings.renderer).is_slow:
        return 1
    return resolve_workers(settings.workers)


def choose_renderer(settings: RendererSettings) -> RendererChoice:
    """Return the renderer of a run with its settings; nothing is started yet.

    Raises:
        ImportError: When the extra that it needs is not installed.
    """
    spec = check_renderer(settings.renderer)
    options: dict[str, Any] = {name: getattr(settings, name) for name in spec.options}
    if spec.is_slow:
        options["threads"] = _threads(settings)
    return RendererChoice(settings.renderer, options)


def _threads(settings: RendererSettings) -> int:
    """Return the threads of each worker's renderer, 0 = one per core."""
    if settings.executor == "ray":  # which gives each worker one core
        return 1
    workers = num_workers(settings)
    return 0 if workers == 1 else max(resolve_workers("auto") // workers, 1)


def with_logs(choice: RendererChoice, folder: OutputFolder) -> RendererChoice:
    """Let a renderer that keeps a log keep it with the unfinished run, where that is on this machine."""
    if not CATALOG[choice.name].is_slow or not isinstance(folder, LocalFolder):
        return choice
    logs = Path(folder.path) / WORK_FOLDER / "logs"
    return RendererChoice(choice.name, {**choice.options, "log_folder": str(logs)})


def unused_options(renderer: str) -> set[str]:
    """Return the settings that only other renderers take: they do not change what this one makes."""
    return {name for spec in CATALOG.values() for name in spec.options} - set(CATALOG[renderer].options)
