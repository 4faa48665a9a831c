"""Review of synthetic data: a dataset folder of ``syrip generate``, or the fits of ``syrip fit``."""

from pathlib import Path

from fidip.labelling.coco_export import Exported
from fidip.labelling.review_dataset import open_dataset_review, write_dataset
from fidip.labelling.review_fits import open_fits_review, write_fits
from fidip.labelling.store import LabelStore

__all__ = ["open_or_create_review", "write_review"]


def open_or_create_review(
    dataset: str | Path, *, images: str | Path | None = None, overlays: str | Path | None = None
) -> LabelStore:
    """Go on with a review, or begin one.

    Args:
        dataset: Folder that ``syrip generate`` or ``syrip animate`` finished, or a ``fits.npz``.
        images: Folder of the photos that the fits were made from; only for fits.
        overlays: Folder that ``syrip fit --overlays`` wrote; only for fits.

    Returns:
        A project of kind ``review``: ``review.project`` in the dataset, ``fits.review.project`` beside
        ``fits.npz``.

    Raises:
        FileNotFoundError: If there is no such dataset, file or folder.
        ValueError: If it is neither, is unfinished, or is not the one that its review was begun on.
    """
    path = Path(dataset)
    if not path.exists():
        raise FileNotFoundError(f"--review {path}: no such dataset folder or fits.npz")
    if path.is_dir():
        if images is not None or overlays is not None:
            raise ValueError(
                f"--review {path}: a dataset has its own pictures; leave out --images and --overlays"
            )
        return open_dataset_review(path)
    return open_fits_review(path, images and Path(images), overlays and Path(overlays))


def write_review(store: LabelStore) -> Exported:
    """Make the files of a dataset, or of fits, say what the review says.

    Raises:
        OSError: If they cannot be written; they are then as they were.
    """
    return write_dataset(store) if "annotations" in store.settings else write_fits(store)
