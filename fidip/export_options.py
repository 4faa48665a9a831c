"""Settings of ``syrip export``; each field doubles as a command-line option."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fidip.labelling.exchange.label_studio_config import LOCAL_FILES

__all__ = ["LABEL_TOOLS", "ExportOptions"]

LABEL_TOOLS = ("cvat", "label_studio", "ah_colt")
TARGETS = {
    "onnx": "--onnx FILE",
    "mini_rgbd": "--mini-rgbd DIR",
    "cvat": "--cvat FILE",
    "label_studio": "--label-studio FILE",
    "ah_colt": "--ah-colt DIR",
    "yolo": "--yolo DIR",
    "webdataset": "--webdataset DIR|PATTERN",
}


def _option(default: Any, help_: str, **extra: Any) -> Any:
    limits = {key: extra.pop(key) for key in ("ge", "lt") if key in extra}
    return Field(default, description=help_, json_schema_extra=extra, **limits)


class ExportOptions(BaseModel):
    """Settings of ``syrip export``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    onnx: str | None = _option(None, "ONNX file to write.", metavar="FILE")
    mini_rgbd: str | None = _option(None, "Folder to write in MINI-RGBD's layout.", metavar="DIR")
    camera: Literal["own", "mini-rgbd"] = _option(
        "own", "With --mini-rgbd: keep pictures and cameras, or bring them onto its camera, 640x480."
    )
    body: str = _option(
        "infant", "With --mini-rgbd: body model that the dataset was made with.", metavar="NAME|FILE"
    )
    cvat: str | None = _option(
        None,
        "XML file to write as «CVAT for images 1.1», and the labels of a CVAT task beside it.",
        metavar="FILE",
    )
    label_studio: str | None = _option(
        None,
        "JSON file of Label Studio tasks to write, and the labelling configuration beside it.",
        metavar="FILE",
    )
    image_url: str = _option(
        LOCAL_FILES,
        "With --label-studio: what comes before the pictures' names in their addresses.",
        metavar="PREFIX",
    )
    ah_colt: str | None = _option(None, "Folder to write AH-CoLT's pickles into.", metavar="DIR")
    yolo: str | None = _option(None, "Folder to write in the layout of YOLO's pose training.", metavar="DIR")
    webdataset: str | None = _option(
        None,
        "Folder to write tar shards into, or their names, such as out/infants-{split}-%06d.tar.",
        metavar="DIR|PATTERN",
    )
    images: str | None = _option(
        None,
        "With --yolo, --webdataset: folder of the pictures; none = where syrip generate puts them, or beside "
        "the COCO file.",
        metavar="DIR",
    )
    val_share: float = _option(
        0.1,
        "With --yolo, --webdataset: part of the pictures to hold out for validation; those of one pose, clip "
        "or film stay together.",
        metavar="SHARE",
        ge=0,
        lt=1,
    )
    pictures: Literal["copy", "link"] = _option("copy", "With --yolo: copies, or symbolic links.")
    shard_size: int = _option(1000, "With --webdataset: pictures in a shard.", ge=1)

    def target(self) -> str:
        """Return the name of the one thing to write.

        Raises:
            ValueError: If it is none, or more than one.
        """
        chosen = [name for name in TARGETS if getattr(self, name) is not None]
        if len(chosen) != 1:
            *others, last = TARGETS.values()
            raise ValueError(f"name what to write: either {', '.join(others)} or {last}")
        return chosen[0]
