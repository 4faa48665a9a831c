"""Settings of ``syrip predict``; each field doubles as a command-line option."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["PredictConfig"]


def _option(default: Any, help_: str, **extra: Any) -> Any:
    limits = {key: extra.pop(key) for key in ("ge", "le") if key in extra}
    return Field(default, description=help_, json_schema_extra=extra, **limits)


class PredictConfig(BaseModel):
    """Settings of ``syrip predict``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    checkpoint: str | None = _option(
        None,
        "Run folder of syrip train, or a weights file; none = the shipped network (trained on adults).",
        metavar="RUN",
    )
    output: str = _option("predictions", "Folder for the results.", metavar="DIR", short="-o")
    overlay: bool = _option(False, "Also write the pictures and videos with skeletons drawn.")
    lift: str | None = _option(
        None,
        "Lift the poses to 3D: run folder of syrip train --recipe lifter-..., a lifter's file, or "
        "infant (the shipped lifter).",
        metavar="RUN",
    )
    camera: str | None = _option(
        None,
        "With --lift: the camera, in pixels of the full picture: focal lengths and principal point, or one "
        "focal length (square pixels, principal point in the middle); none = unknown.",
        metavar="FX,FY,CX,CY|FX",
    )
    smooth: Literal["none", "one-euro"] = _option(
        "none", "Smooth the keypoints of videos over time (One-Euro filter)."
    )
    boxes: str | None = _option(
        None,
        "COCO file with the persons' boxes in photos (not in videos); none = one person somewhere in each "
        "picture.",
        metavar="ANN.json",
    )
    detector: str | None = _option(
        None,
        "Find the persons with a detector first: run folder of syrip train --recipe detector, its file, or "
        "movenet_multipose (shipped, trained on adults). Pictures in which it finds nobody get no pose.",
        metavar="RUN",
    )
    detector_score: float | None = _option(
        None,
        "Least score of a detected box, 0 to 1; none = the detector's own (0.5; movenet_multipose 0.1).",
        metavar="FLOAT",
        ge=0,
        le=1,
    )
    no_flip_test: bool = _option(False, "Do not average with the mirrored crop (twice as fast).")
    rotation_pick: bool = _option(
        False, "Try each crop at 0, 90, 180 and 270 degrees and keep the most confident (four times slower)."
    )
    device: str = _option("auto", "auto (a GPU if there is one), cpu, cuda or cuda:N.", metavar="DEVICE")
    batch_size: int = _option(16, "Crops of photos in one pass of the network.", ge=1, le=4096)
    max_frames: int | None = _option(
        None, "Stop every video and camera after so many frames.", metavar="INT", ge=1
    )
    overwrite: bool = _option(False, "Replace the predictions that the output folder holds.")
