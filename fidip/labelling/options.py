"""Settings of ``syrip label``; each field doubles as a command-line option."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LabelOptions"]


def _option(default: Any, help_: str, **extra: Any) -> Any:
    limits = {key: extra.pop(key) for key in ("ge", "le") if key in extra}
    return Field(default, description=help_, json_schema_extra=extra, **limits)


class LabelOptions(BaseModel):
    """Settings of ``syrip label``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    output: str = _option(
        "labels.json",
        "COCO file of the labels; the project lies beside it and is gone on with when it exists.",
        metavar="ANN.json",
        short="-o",
    )
    model: str | None = _option(
        None,
        "Network for the first labels: run folder of syrip train, or a weights file; none = the shipped "
        "network (trained on adults).",
        metavar="RUN",
    )
    people: Literal["one", "all"] = _option(
        "one", "Whom to label: the most prominent person of each picture, or all that the detector finds."
    )
    detector: str | None = _option(
        None,
        "Find the people with a detector: run folder of syrip train --recipe detector, its file, or "
        "movenet_multipose (shipped). none = look at the picture as a whole, with --people all "
        "movenet_multipose.",
        metavar="NAME|RUN",
    )
    frames: str = _option(
        "every=10", "Frames of videos: every=K or most=N, the N that look most different.", metavar="RULE"
    )
    import_file: str | None = _option(
        None,
        "Begin with the labels of a file: COCO, CVAT (annotations.xml), Label Studio (JSON) or AH-CoLT.",
        metavar="FILE",
        flag="--import",
    )
    no_ai: bool = _option(False, "Do not label with a network; begin with empty pictures.")
    no_rotation_pick: bool = _option(
        False,
        "Do not try each person at 0, 90, 180 and 270 degrees (four times as fast; infants lie every way).",
    )
    device: str = _option("auto", "auto (a GPU if there is one), cpu, cuda or cuda:N.", metavar="DEVICE")
    no_serve: bool = _option(False, "Write the COCO file and stop; do not open the page.")
    order: Literal["name", "doubtful"] = _option(
        "name", "Order of the pictures in the page: as they were found, or most doubtful first."
    )
    port: int = _option(8787, "Port of the page; 0 = any free one.", ge=0, le=65535)
    host: str = _option(
        "127.0.0.1", "Address to listen on; others than 127.0.0.1 let other machines in.", metavar="ADDRESS"
    )
    who: str | None = _option(None, "Name that edits are kept under; none = the account's.", metavar="NAME")
    review: str | None = _option(
        None,
        "Review a dataset folder of syrip generate or animate, or a fits.npz, instead of labelling.",
        metavar="DATASET",
    )
    images: str | None = _option(
        None, "With --review fits.npz: folder of the photos that the fits were made from.", metavar="DIR"
    )
    overlays: str | None = _option(
        None, "With --review fits.npz: folder that syrip fit --overlays wrote.", metavar="DIR"
    )
