"""What differs between the kinds of projects: where their pictures are and what is exported."""

from fidip.labelling.coco_export import write_coco
from fidip.labelling.exporter import Exporter
from fidip.labelling.pictures import FolderPictures, PictureSource
from fidip.labelling.review import write_review
from fidip.labelling.review_fits import FitPictures
from fidip.labelling.store import LabelStore

__all__ = ["exporter_of", "pictures_of"]


def exporter_of(store: LabelStore) -> Exporter:
    """Start the background thread that keeps a project's output up to date; close it after the server."""
    return Exporter(store, write_review if store.kind == "review" else write_coco)


def pictures_of(store: LabelStore) -> PictureSource:
    """Return where the pictures of a project are."""
    return FitPictures(store) if "fits" in store.settings else FolderPictures(store.root)
