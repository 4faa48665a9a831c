"""Compile what workers need while the poses are fitted, in a process of its own; only the first run pays.

Numba compiles on first use and keeps the result on disk. Without this, the first run on a machine would
compile the fitting, and then the same rendering code in every worker at once.
"""

import logging
import multiprocessing
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numba
import numpy as np

import syrip_gen
from syrip_gen.body import load_body
from syrip_gen.execution import limit_threads
from syrip_gen.fitting.bank import FitBank
from syrip_gen.numba_cache import numba_cache_folder
from syrip_gen.rendering.catalog import CATALOG, RendererChoice
from syrip_gen.sampling.appearance.sampler import IMAGES_PER_BLOCK
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.stages.planners import FitPlanner
from syrip_gen.stages.provenance import digest_of
from syrip_gen.stages.sample import SampleMaker

if TYPE_CHECKING:
    from syrip_gen.stages.run_shards import Progress

__all__ = ["WarmUp", "compile_all", "compiling", "is_compiled", "make_samples"]

log = logging.getLogger(__name__)

NUM_SAMPLES = 16
"""So many that rare things (cribs, toys, hats) come up too."""


class WarmUp:
    """A process that makes a few samples of a resting body and throws them away."""

    def __init__(self, body: str, options: SamplingOptions, renderer: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_compile_quietly, args=(body, options, renderer), daemon=True)
        self._process.start()

    def wait(self) -> None:
        """Wait until everything is compiled; should it fail, workers compile for themselves."""
        self._process.join()

    def stop(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.join()


@contextmanager
def compiling(
    body: str, options: SamplingOptions, renderer: str, progress: "Progress", *, is_needed: bool
) -> Iterator[None]:
    """Compile for the workers while the caller does something else, on the first run on a machine."""
    if not is_needed or is_compiled():
        yield
        return
    progress.note("first run on this machine: compiling, about a minute")
    warm_up = WarmUp(body, options, renderer)
    try:
        yield
        warm_up.wait()
    finally:
        warm_up.stop()


def is_compiled() -> bool:
    """Say whether a warm-up has compiled just these modules on this machine."""
    return _stamp().exists()


def _stamp() -> Path:
    """Return the file that says that everything is compiled; its name changes with the code."""
    files = sorted(Path(syrip_gen.__file__).parent.rglob("*.py"))
    state = [[path.name, path.stat().st_mtime_ns, path.stat().st_size] for path in files]
    digest = digest_of([numba.__version__, numba.config.CPU_NAME or "", state])
    return (numba_cache_folder() or Path(tempfile.gettempdir())) / f"syrip-{digest[:16]}.compiled"


def resting_bank(num_betas: int) -> FitBank:
    """Return a bank of one body in its rest pose, a metre in front of a camera."""
    zeros = np.zeros
    return FitBank(
        betas=zeros((1, num_betas)),
        global_orient=np.array([[np.pi, 0.0, 0.0]]),
        body_pose=zeros((1, 23, 3)),
        transl=np.array([[0.0, 0.0, 1.0]]),
        focal_px=np.array([700.0]),
        image_size=np.array([[640, 480]]),
        keypoints_3d_m=zeros((1, 17, 3)),
        reprojection_error=zeros(1),
        accepted=np.array([True]),
        reason=np.array([""]),
        image_id=np.array([1]),
        annotation_id=np.array([1]),
        file_name=np.array([""]),
        pose_id=np.array(["rest"]),
        posture=np.array(["Supine"]),
    )


def _compile_quietly(body: str, options: SamplingOptions, renderer: str) -> None:
    logging.basicConfig(level=logging.ERROR)
    try:
        compile_all(body, options, renderer)
    except Exception:  # the real run meets the cause again and reports it
        log.debug("warm-up failed", exc_info=True)


def compile_all(body: str, options: SamplingOptions, renderer: str) -> None:
    """Make samples of a resting body until everything is compiled, then leave the stamp."""
    limit_threads()
    make_samples(body, options, renderer, NUM_SAMPLES)
    with suppress(OSError):
        _stamp().parent.mkdir(parents=True, exist_ok=True)
        _stamp().touch()


def make_samples(body: str, options: SamplingOptions, renderer: str, count: int) -> None:
    """Make a few samples of a resting body, each in other clothes, and throw them away."""
    bank = resting_bank(load_body(body).num_betas)
    maker = SampleMaker.load(
        body=body,
        options=options,
        renderer=RendererChoice("raster" if CATALOG[renderer].is_slow else renderer),
        open_planner=lambda resources: FitPlanner(resources.plan_context(bank), seed=0),
        write_masks=True,
    )
    for index in range(count):
        maker.make(index * IMAGES_PER_BLOCK)
