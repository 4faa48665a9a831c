"""``syrip label`` from its options to its end: label or open, serve, close."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec

from fidip.interruption import interruption_flag
from fidip.labelling.kinds import exporter_of, pictures_of
from fidip.labelling.label_result import LabelResult
from fidip.labelling.options import LabelOptions
from fidip.labelling.store import LabelStore
from fidip.progress import Progress

__all__ = ["check_server", "label_pictures", "review_dataset", "serve_project"]


def check_server(options: LabelOptions) -> None:
    """Refuse to begin without a web server that can start, rather than after hours of work.

    Raises:
        ImportError: With what to install.
        ValueError: If the port is in use, the host none of this machine, or the name cannot be shown.
    """
    if options.no_serve:
        return
    if missing := [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]:
        raise ImportError(
            f'the page needs {" and ".join(missing)}: pip install "syrip[label]"; or add --no-serve to label '
            "without it"
        )
    from fidip.labelling.server.messages import person_name
    from fidip.labelling.server.run import check_address

    check_address(options.host, options.port)
    if options.who is not None:
        person_name(options.who, "--who")


def label_pictures(
    options: LabelOptions, inputs: Sequence[str], progress: Progress
) -> tuple[LabelStore, LabelResult]:
    """Bring pictures into a project, labelled by the network; Ctrl-C keeps what is done.

    Raises:
        FileNotFoundError: As :func:`fidip.labelling.project.label_media`.
        ValueError: Likewise, or options that belong to ``--review``.
        OSError: Likewise.
    """
    from fidip.labelling.project import label_media

    if options.images is not None or options.overlays is not None:
        raise ValueError("--images and --overlays belong to --review fits.npz")
    with interruption_flag() as is_interrupted:
        return label_media(options, inputs, progress, should_stop=is_interrupted)


def review_dataset(options: LabelOptions, inputs: Sequence[str]) -> tuple[LabelStore, LabelResult]:
    """Open the review of a dataset or of fits, and say how far it is.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it cannot be reviewed, or pictures were named besides.
    """
    from fidip.labelling.review import open_or_create_review

    if inputs or options.import_file is not None:
        raise ValueError(f"--review {options.review}: name no pictures and no --import besides")
    store = open_or_create_review(options.review or "", images=options.images, overlays=options.overlays)
    return store, LabelResult(store.output, store.path, is_review=True, counts=store.counts())


def serve_project(store: LabelStore, options: LabelOptions, say: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C, unless it is not wanted; then write the output and close the project.

    Raises:
        ValueError: If the port is in use or the host is none of this machine.
        OSError: If the output cannot be written.
    """
    exporter = exporter_of(store)
    if options.no_serve:
        with store, exporter:
            return
    from fidip.labelling.server import serve

    serve(
        store,
        host=options.host,
        port=options.port,
        who=options.who,
        exporter=exporter,
        pictures=pictures_of(store),
        announce=say,
    )
