"""What all worker processes have in common, loaded once: importing this module does it.

Workers are forked from a process that has imported nothing but this (see
:func:`syrip_gen.execution.prepare_workers`), so that they begin with the code, Numba's included, and the
shipped body in memory that they share.
"""

import logging
import sys

from syrip_gen.execution import limit_threads
from syrip_gen.sampling.appearance.fabric import load_fabrics
from syrip_gen.sampling.materials import shipped_materials
from syrip_gen.sampling.options import SamplingOptions
from syrip_gen.stages import shard
from syrip_gen.stages.warm_up import is_compiled, make_samples

__all__ = ["shard"]

log = logging.getLogger(__name__)

NUM_SAMPLES = 2
"""Enough to load what every sample runs."""


def _load() -> None:
    """Load compiled code by running it; workers can do without, so nothing that fails here matters."""
    try:
        if is_compiled():
            limit_threads()
            make_samples("infant", SamplingOptions(), "raster", NUM_SAMPLES)
            shipped_materials().load_all()
            load_fabrics()
    except Exception:  # the real run meets the cause again and reports it
        log.debug("preloading failed", exc_info=True)


if "multiprocessing.forkserver" in sys.modules:  # not where somebody reads the module's documentation
    _load()
