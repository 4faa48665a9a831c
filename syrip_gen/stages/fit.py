"""The whole work of ``syrip fit``: poses in, a file of fits and overlays out."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from syrip_gen.body import load_body
from syrip_gen.config import FitConfig
from syrip_gen.fitting.bank import FitBank
from syrip_gen.stages.fit_overlays import write_overlays
from syrip_gen.stages.inputs import make_bank, read_inputs

if TYPE_CHECKING:
    from syrip_gen.stages.run_shards import Progress

__all__ = ["fit_files"]


def fit_files(config: FitConfig, progress: "Progress") -> tuple[FitBank, float]:
    """Fit the poses of files, save the bank, draw overlays if asked for.

    Returns:
        The bank, and the seconds that fitting took.
    """
    inputs = read_inputs(config.poses)
    if inputs.poses is None:
        raise ValueError(f"--poses {config.poses[0]}: this is a fit bank already; give 2D poses")
    _prepare_outputs(config)
    for note in inputs.notes:
        progress.note(note)
    progress.stage("fit", len(inputs.poses))
    began = time.monotonic()
    body = load_body(config.body)
    bank = make_bank(inputs, body, config.pose_prior, progress.advance)
    seconds = time.monotonic() - began
    bank.save(config.output)
    if config.overlays:
        progress.stage("overlays", len(bank))
        write_overlays(bank, inputs.poses, body, Path(config.overlays), config.images, progress)
    return bank, seconds


def _prepare_outputs(config: FitConfig) -> None:
    """Make the folders, so that nothing is fitted whose result could not be written."""
    if Path(config.output).is_dir():
        raise ValueError(
            f"--output {config.output} is a folder; expected the name of a file such as fits.npz"
        )
    if config.images and not Path(config.images).is_dir():
        raise FileNotFoundError(f"--images {config.images}: no such folder")
    for option, folder in (("output", Path(config.output).parent), ("overlays", config.overlays)):
        if folder:
            try:
                Path(folder).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ValueError(
                    f"--{option}: the folder {folder} cannot be made ({error.strerror})"
                ) from error
