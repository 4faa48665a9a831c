"""What a lifting run is told: the recipe of a lifter."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "LiftDataSettings",
    "LiftNetworkSettings",
    "LiftOptimizerSettings",
    "LiftRecipe",
    "LiftTrainingSettings",
    "SelfSupervisionSettings",
    "ViewSettings",
]

MAX_WIDTH = 8192
"""A file that says more is no lifter; it would take all memory to find that out by building it."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LiftNetworkSettings(_Settings):
    """Which network, and what it begins from."""

    kind: Literal["residual", "temporal", "refined"] = "residual"
    """``residual``: Martinez et al. 2017. ``temporal``: dilated convolutions, Pavllo et al. 2019.
    ``refined``: such convolutions on what a ``residual`` lifter of single frames, described by the settings
    below, gives for every frame."""
    inputs: Literal["view", "box", "screen", "pixels"] = "view"
    """How keypoints go in, see :data:`fidip.lifting.views.InputKind`; the thesis has ``pixels``."""
    confidence: bool = False
    """Whether it is told how sure the 2D network is of every keypoint (scores), or only which are there."""
    width: int = Field(1024, ge=8, le=MAX_WIDTH)
    blocks: int = Field(2, ge=0, le=64)
    """Residual blocks of ``residual``."""
    frames: int = Field(27, ge=9, le=243)
    """Receptive field of ``temporal`` and ``refined``, a power of 3."""
    refiner_width: int = Field(256, ge=8, le=MAX_WIDTH)
    """Channels of the convolutions of ``refined``."""
    calm: bool = False
    """Whether ``refined`` averages keypoints that do not shake over fewer frames."""
    dropout: float = Field(0.1, ge=0, lt=1)
    max_norm: float | None = Field(None, gt=0)
    """Largest Frobenius norm of a linear layer's weights; the paper's 1."""
    output: Literal["joints", "rays"] = "joints"
    """``joints``: their coordinates. ``rays``: the body's size, depths, corrections to the keypoints' rays
    (``view`` inputs only)."""
    output_m: float = Field(0.2, gt=0)
    """One unit of the network's output in metres; 0.001 = the thesis's millimetres."""
    weights: str = "none"
    """Lifter to begin from: a run folder or a weights file; ``shipped`` = the one of single frames that comes
    with syrip; ``required`` = the user must bring --weights."""

    @model_validator(mode="after")
    def _check(self) -> "LiftNetworkSettings":
        if self.output == "rays" and self.inputs != "view":
            raise ValueError("output rays needs inputs view")
        if self.kind == "refined" and self.inputs != "view":
            raise ValueError("kind refined needs inputs view")
        return self


class LiftDataSettings(_Settings):
    """How 3D poses are read."""

    schema_name: str = "coco17"
    """Keypoints in and out."""
    mapping: Literal["names", "order"] = "names"
    """``order``: keypoints of files with another schema are taken as they come (the thesis's ablation)."""
    held_out: float = Field(0.1, gt=0, lt=1)
    """Part of the sources (poses, movements) kept for validation when no ``--val`` is given."""


class ViewSettings(_Settings):
    """Random views of the 3D poses, see :mod:`fidip.lifting.augmentation`."""

    azimuth: float = Field(1, ge=0, le=1)
    """Probability of turning a pose around gravity, where that is known."""
    tilt_deg: float = Field(25, ge=0, le=180)
    roll_deg: float = Field(40, ge=0, le=180)
    any_roll: float = Field(0.25, ge=0, le=1)
    """Probability of any roll at all: photos of infants from above have no upright."""
    any_rotation: float = Field(0.04, ge=0, le=1)
    """Probability of any view at all."""
    mirror: float = Field(0.5, ge=0, le=1)
    body_scale: float = Field(0.03, ge=0, lt=1)
    focal: tuple[float, float] = (0.7, 2.5)
    """Focal lengths over the picture's longer side."""
    fill: tuple[float, float] = (0.25, 1.0)
    """Body's extent over the picture's shorter side."""
    off_centre: float = Field(1, ge=0, le=1)
    camera_known: float = Field(0.5, ge=0, le=1)
    """Probability that the network is told the lens."""
    noise: float = Field(0.015, ge=0)
    """Error of the 2D keypoints in the noisiest views, as a fraction of the box's side."""
    predicted_errors: float = Field(0, ge=0, le=1)
    """Part of the views whose keypoints are as wrong, and as sure, as those of ``--predictions``, see
    :mod:`fidip.lifting.error_bank`."""
    clean: float = Field(0, ge=0, le=1)
    """Part of the other views without any error."""
    outliers: float = Field(0.015, ge=0, le=1)
    missing: float = Field(0.04, ge=0, lt=1)
    missing_face: float = Field(0.12, ge=0, le=1)
    missing_frames: float = Field(0, ge=0, lt=1)
    """Part of a window's frames in which nobody is found, three in a row."""


class SelfSupervisionSettings(_Settings):
    """Chen et al. 2019 on 2D poses without 3D (``--real-2d``), see :mod:`fidip.lifting.selfsup`."""

    share: float = Field(0, ge=0, lt=1)
    """Part of every batch that are such poses; 0 = none."""
    weight_2d: float = Field(1, ge=0)
    """Of the difference between the 2D pose and its lifted, turned, lifted, turned back projection."""
    weight_3d: float = Field(0.3, ge=0)
    """Of the difference between the turned pose and what is lifted from its projection."""
    weight_adversarial: float = Field(0.05, ge=0)
    """Of the 2D discriminator on projections of turned poses."""
    weight_bones: float = Field(0, ge=0)
    """Of the change of a person's bone lengths within a recording; for 2D poses of recordings (``clip``)."""
    proportions: float = Field(0, ge=0, le=2)
    """How far, at most, views of 3D poses get the limb lengths that the recordings show, see
    :mod:`fidip.lifting.proportions`: every view draws a part of the way, 0 to this, for each segment."""
    turn_deg: float = Field(60, gt=0, le=180)
    """Largest turn of a lifted pose before it is projected."""
    discriminator_learning_rate: float = Field(2e-4, gt=0)


class LiftOptimizerSettings(_Settings):
    """Adam."""

    learning_rate: float = Field(1e-3, gt=0)
    schedule: Literal["cosine", "exponential"] = "cosine"
    """``cosine``: to zero at the last epoch. ``exponential``: times ``factor`` every epoch."""
    factor: float = Field(0.96, gt=0, le=1)
    warmup_steps: int = Field(100, ge=0)
    weight_decay: float = Field(0, ge=0)
    clip_norm: float | None = Field(1.0, gt=0)
    ema_decay: float = Field(0.99, ge=0, lt=1)


class LiftTrainingSettings(_Settings):
    """How long, in which portions."""

    epochs: int = Field(30, ge=0)
    steps_per_epoch: int = Field(200, ge=1)
    batch_size: int = Field(256, ge=2)
    windows: int = Field(1, ge=1)
    """Windows of a batch that are cut from one movement under one camera. They share frames, which a
    ``refined`` network lifts once; ``batch_size`` counts windows and must be a multiple."""
    window_step: int = Field(2, ge=1)
    """Frames between such windows."""
    loss: Literal["distance", "squared"] = "distance"
    """Mean distance of the joints (metres), or Martinez's mean squared coordinate (output units)."""
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights are kept: of the lowest error on the validation poses, or the last."""
    predictions_share: float = Field(0.5, ge=0, le=1)
    """Part of every batch that are 2D predictions (``--predictions``), where they are given."""

    @model_validator(mode="after")
    def _check(self) -> "LiftTrainingSettings":
        if self.batch_size % self.windows:
            raise ValueError(f"batch_size {self.batch_size} must be a multiple of windows {self.windows}")
        return self


class LiftRecipe(_Settings):
    """Everything that says what a lifting run trains; ``assets/recipes/lifter-*.yaml`` are such files."""

    description: str = ""
    network: LiftNetworkSettings = LiftNetworkSettings()
    data: LiftDataSettings = LiftDataSettings()
    views: ViewSettings = ViewSettings()
    selfsup: SelfSupervisionSettings = SelfSupervisionSettings()
    optimizer: LiftOptimizerSettings = LiftOptimizerSettings()
    training: LiftTrainingSettings = LiftTrainingSettings()
