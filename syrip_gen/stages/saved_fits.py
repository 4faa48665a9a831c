"""The fits of a dataset folder, from where resumed runs and workers read them."""

import tempfile
from pathlib import Path

from syrip_gen.dataset_files import LocalFolder, OutputFolder
from syrip_gen.fitting.bank import FitBank

__all__ = ["FITS_FILE", "load_fits", "save_fits"]

FITS_FILE = "fits.npz"


def save_fits(bank: FitBank, folder: OutputFolder) -> None:
    """Write ``fits.npz`` of a dataset folder."""
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / FITS_FILE
        bank.save(path)
        folder.write_bytes(FITS_FILE, path.read_bytes())


def load_fits(folder: OutputFolder) -> FitBank:
    """Read ``fits.npz`` of a dataset folder."""
    if isinstance(folder, LocalFolder):
        return FitBank.load(folder.path / FITS_FILE)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / FITS_FILE
        path.write_bytes(folder.read_bytes(FITS_FILE))
        return FitBank.load(path)
