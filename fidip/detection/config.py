"""What a detection run is told: the recipe of a detector."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from fidip.config import AugmentationSettings

__all__ = [
    "DetectNetworkSettings",
    "DetectOptimizerSettings",
    "DetectRecipe",
    "DetectTrainingSettings",
    "DetectValidationSettings",
]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DetectNetworkSettings(_Settings):
    """Which Faster R-CNN, at which size of picture, and what it begins from."""

    backbone: str = "mobilenet_v3_large_320_fpn"
    """One of :data:`fidip.detection.network.BACKBONES`."""
    min_size: int = Field(320, ge=32)
    """The shorter side of the picture is scaled to this, px ..."""
    max_size: int = Field(640, ge=32)
    """... unless the longer one would be longer than this."""
    norm: Literal["auto", "batch", "frozen"] = "auto"
    """Batch norms learn, or stay as they are; ``auto`` = frozen when the network begins from weights."""
    weights: str = "none"
    """``none`` (random), ``imagenet`` or ``coco`` (torchvision's cache, else its server), a file or a run."""
    frozen_blocks: int = Field(0, ge=0)
    """So many of the backbone's first blocks stay as they are: quicker, and edges are edges anywhere."""

    @field_validator("backbone")
    @classmethod
    def _known(cls, name: str) -> str:
        from fidip.detection.network import BACKBONES

        if name not in BACKBONES:
            raise ValueError(f"there are the backbones {', '.join(BACKBONES)}")
        return name

    @model_validator(mode="after")
    def _check(self) -> "DetectNetworkSettings":
        if self.max_size < self.min_size:
            raise ValueError(f"max_size {self.max_size} is below min_size {self.min_size}")
        return self


class DetectOptimizerSettings(_Settings):
    """Stochastic gradient descent, as torchvision's references train detectors, or Adam."""

    kind: Literal["sgd", "adam"] = "adam"
    learning_rate: float = Field(3e-4, gt=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(1e-4, ge=0)
    milestones: tuple[int, ...] = ()
    """Epochs after which the learning rate is multiplied by ``factor``."""
    factor: float = Field(0.1, gt=0, le=1)
    warmup_steps: int = Field(100, ge=0)
    clip_norm: float | None = Field(10.0, gt=0)
    box_weight: float = Field(1.0, gt=0)
    """How much the losses of boxes count beside those of classes."""
    ema_decay: float = Field(0, ge=0, lt=1)
    """Of the exponential moving average of the weights, which is validated and saved; 0 = no average."""


class DetectTrainingSettings(_Settings):
    """How long, in which portions."""

    epochs: int = Field(20, ge=0)
    batch_size: int = Field(8, ge=1)
    samples_per_epoch: int | None = Field(None, ge=1)
    """null = every picture."""


class DetectValidationSettings(_Settings):
    """How the epochs are compared: by mean IoU, ties by AP."""

    every: int = Field(1, ge=1)
    min_score: float = Field(0.5, ge=0, le=1)
    """Boxes below this score do not count for IoU and recall."""
    held_out: float = Field(0.1, gt=0, lt=1)
    """Part of the pictures kept for validation when no ``--val`` is given."""
    held_out_max: int = Field(200, ge=1)


class DetectRecipe(_Settings):
    """Everything that says what a detection run trains; ``assets/recipes/detector*.yaml`` are such files."""

    description: str = ""
    network: DetectNetworkSettings = DetectNetworkSettings()
    augmentation: AugmentationSettings = AugmentationSettings(half_body_probability=0)
    optimizer: DetectOptimizerSettings = DetectOptimizerSettings()
    training: DetectTrainingSettings = DetectTrainingSettings()
    validation: DetectValidationSettings = DetectValidationSettings()
