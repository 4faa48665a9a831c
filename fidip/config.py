"""What one training run is told: the recipe (what to train and how) and the options of ``syrip train``."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AugmentationSettings",
    "DataSettings",
    "DomainSettings",
    "FreezeSettings",
    "NetworkSettings",
    "OptimizerSettings",
    "Recipe",
    "TargetSettings",
    "TrainOptions",
    "TrainingSettings",
    "ValidationSettings",
]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSettings(_Settings):
    """How labels are read."""

    schema_name: str = "coco17"
    """Keypoints that the network learns; labels of other schemas are mapped to it."""
    mapping: Literal["names", "order"] = "names"
    """``order``: labels of another schema are taken as they come, the first so many (an ablation)."""
    crop: Literal["person", "picture"] = "person"
    """``picture``: the network gets whole pictures, not persons (an ablation)."""


class NetworkSettings(_Settings):
    """Which network, and what it begins from."""

    name: str = "movenet_thunder"
    input_size: tuple[int, int] | None = None
    """(width, height) of the crop in px; null = the network's usual size."""
    weights: str = "default"
    """``default`` (what ships with syrip), ``required`` (the user must bring ``--weights FILE``; see
    weights_hint), ``imagenet`` (from torchvision or timm, online), ``none`` (random), or a file."""
    weights_hint: str = ""
    """Which file a recipe with ``required`` wants, for the error message."""


class FreezeSettings(_Settings):
    """Which leading layers stay as they are."""

    through: str | None = None
    """Last of the network's freeze groups (from the input on) that is frozen; null = none."""
    also: tuple[str, ...] = ()
    """More modules or parameters by name."""
    batch_norm: Literal["frozen", "authors"] = "frozen"
    """``authors`` lets the running statistics of frozen layers drift, as the published code does."""


class AugmentationSettings(_Settings):
    """See :class:`fidip.data.augmentation.Augmentation`."""

    scale: float = Field(0.35, ge=0, lt=1)
    rotation_deg: float = Field(45, ge=0, le=180)
    rotation_probability: float = Field(0.6, ge=0, le=1)
    any_rotation_probability: float = Field(0, ge=0, le=1)
    shift: float = Field(0, ge=0, le=0.5)
    flip_probability: float = Field(0.5, ge=0, le=1)
    half_body_probability: float = Field(0.3, ge=0, le=1)
    half_body_min_keypoints: int = Field(8, ge=0)
    color: float = Field(0, ge=0, le=1)
    gray_probability: float = Field(0, ge=0, le=1)
    blur_probability: float = Field(0, ge=0, le=1)
    noise: float = Field(0, ge=0, le=60)


class TargetSettings(_Settings):
    """What the heatmaps should be."""

    encoding: Literal["unbiased", "rounded"] = "unbiased"
    """See :data:`fidip.data.targets.TargetEncoding`."""
    sigma: float = Field(2, gt=0)
    """Cells."""
    loss: Literal["half_mse", "visible_mse"] = "half_mse"
    """Of networks without logits: HRNet's and FiDIP's, or the thesis's; see :mod:`fidip.losses`."""


class DomainSettings(_Settings):
    """The domain classifier and how it pushes the network."""

    mechanism: Literal["none", "reversal", "per_batch", "per_epoch"] = "none"
    """``none``: plain training. ``reversal``: gradient reversal layer, classifier and network in one step.
    ``per_batch``: classifier step, then network step on L_P - lambda L_D (the published code).
    ``per_epoch``: Stage I and Stage II take turns by the epoch (the paper)."""
    lambda_domain: float = Field(0.0005, ge=0)
    rest_at_chance: bool = False
    """The push rests while the classifier does no better than chance (L_D >= ln 2 on the batch). -lambda L_D
    has no bound: without this a strong lambda goes on pushing a beaten classifier and ruins the features."""
    classifier: Literal["small", "paper"] = "small"
    learning_rate: float = Field(1e-3, gt=0)
    """Of the classifier's Adam."""
    pre_epochs: int = Field(0, ge=0)
    """Epochs in which the classifier trains alone, before the rest."""
    pre_batch_size: int = Field(64, ge=2)
    pre_samples_per_epoch: int | None = Field(None, ge=1)


class OptimizerSettings(_Settings):
    """Adam on the pose network."""

    learning_rate: float = Field(1e-3, gt=0)
    scale_by_rms: bool = False
    """The step of every tensor is learning_rate times the tensor's root mean square: for networks with folded
    batch norms, whose tensors differ in size by 50."""
    milestones: tuple[int, ...] = ()
    """Epochs after which the learning rate is multiplied by ``factor``."""
    factor: float = Field(0.1, gt=0, le=1)
    warmup_steps: int = Field(0, ge=0)
    weight_decay: float = Field(0, ge=0)
    clip_norm: float | None = Field(None, gt=0)
    ema_decay: float = Field(0, ge=0, lt=1)
    """Of the exponential moving average of the weights, which is validated and saved; 0 = no average."""


class TrainingSettings(_Settings):
    """How long, in which portions."""

    data: Literal["both", "real", "synthetic", "any"] = "both"
    """Which domains to train on, whatever files are given; ``any``: what there is."""
    epochs: int = Field(20, ge=0)
    batch_size: int = Field(32, ge=1)
    """Samples of all processes together."""
    samples_per_epoch: int | None = Field(None, ge=1)
    """null = every sample (of the larger domain once, of the smaller as often)."""
    balance: Literal["sampler", "weights", "none"] = "sampler"
    """``sampler``: half of each batch from each domain. ``weights``: s(d) = N / (2 N_d). ``none``: as is."""
    real_weight: float = Field(1, ge=0)
    synthetic_weight: float = Field(1, ge=0)
    """Factors on top of s(d)."""
    padding: float = Field(1.25, gt=0)
    patience: int | None = Field(None, ge=1)
    """Stop after so many validations in a row without an improvement; null = train all epochs."""
    min_improvement: float = Field(0.001, ge=0, lt=1)
    """What counts as one, as a part of the best so far."""


class ValidationSettings(_Settings):
    """How the epochs are compared."""

    every: int = Field(1, ge=1)
    """Epochs between validations."""
    criterion: Literal["ap", "loss"] = "ap"
    """What the best epoch is best at; ``loss``: the training's loss on the validation persons, which must
    fall by ``training.min_improvement`` to count."""
    decode: Literal["dark", "quarter", "argmax"] = "dark"
    flip_test: bool = False
    held_out: float = Field(0.1, gt=0, lt=1)
    """Part of the synthetic images kept for validation when no ``--val`` is given."""
    held_out_max: int = Field(200, ge=1)
    """At most so many images."""


class Recipe(_Settings):
    """Everything that says what a run trains; ``assets/recipes/*.yaml`` are such files."""

    description: str = ""
    data: DataSettings = DataSettings()
    network: NetworkSettings = NetworkSettings()
    freeze: FreezeSettings = FreezeSettings()
    augmentation: AugmentationSettings = AugmentationSettings()
    targets: TargetSettings = TargetSettings()
    domain: DomainSettings = DomainSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    training: TrainingSettings = TrainingSettings()
    validation: ValidationSettings = ValidationSettings()


def _option(default: Any, help_: str, **extra: Any) -> Any:
    """Declare a field that doubles as a command-line option (see syrip_gen/config_options.py)."""
    limits = {key: extra.pop(key) for key in ("ge", "le", "gt", "lt") if key in extra}
    return Field(default, description=help_, json_schema_extra=extra, **limits)


class TrainOptions(_Settings):
    """Options of ``syrip train``."""

    recipe: str = _option(
        "fidip-movenet", "Name of a recipe (see --list-recipes) or a YAML file of one.", metavar="NAME|FILE"
    )
    real: str | None = _option(
        None, "Real pictures: a COCO keypoint file, or any dataset (MPII, MINI-RGBD ...).", metavar="FILE|DIR"
    )
    real_images: str | None = _option(
        None,
        "Folder of their pictures; none = the dataset's, images/ beside the file, or its own.",
        metavar="DIR",
    )
    synthetic: str | None = _option(
        None, "Dataset folder that syrip generate wrote, or MINI-RGBD's.", metavar="DIR"
    )
    val: str | None = _option(
        None,
        "COCO keypoint file or dataset folder to validate on; none = some synthetic pictures are held out.",
        metavar="FILE|DIR",
    )
    val_images: str | None = _option(None, "Folder of the validation pictures.", metavar="DIR")
    pre_real: str | None = _option(
        None, "Real pictures for the pre-stage of the domain classifier; none = --real.", metavar="DIR|FILE"
    )
    pre_synthetic: str | None = _option(
        None, "Synthetic pictures for the pre-stage; none = --synthetic.", metavar="DIR|FILE"
    )
    poses_3d: tuple[str, ...] = _option(
        (),
        "Lifters only: 3D poses to learn from, dataset folders of syrip generate or .npz files; may be given "
        "several times.",
        metavar="DIR|FILE",
    )
    predictions: str | None = _option(
        None,
        "Lifters only: a 2D network's predictions (COCO results) on the pictures of --synthetic.",
        metavar="FILE",
    )
    real_2d: str | None = _option(
        None,
        "Lifters only: 2D poses of real infants without 3D, for self-supervision.",
        metavar="FILE|DIR",
    )
    output: str = _option("run", "Run folder.", metavar="DIR", short="-o")
    weights: str | None = _option(
        None,
        "What the network begins from: a weights file, a run folder, imagenet, or none (random); without "
        "this, what the recipe says.",
        metavar="FILE|WORD",
    )
    epochs: int | None = _option(None, "Epochs; none = as the recipe says.", ge=0, metavar="INT")
    batch_size: int | None = _option(
        None, "Pictures a step, over all processes; none = as the recipe says.", ge=1, metavar="INT"
    )
    seed: int = _option(0, "Root seed; the same seed and settings give the same run on a CPU.", ge=0)
    device: Literal["auto", "cpu", "cuda"] = _option("auto", "Where to compute; auto = GPU if there is one.")
    precision: Literal["auto", "32", "bf16"] = _option(
        "auto", "Arithmetic; auto = bf16 mixed on a GPU, 32 bits on a CPU."
    )
    workers: int | Literal["auto"] = _option(
        "auto", "Processes that prepare pictures, for each training process.", metavar="N|auto"
    )
    cache_mib: int = _option(1024, "Memory for decoded pictures, MiB.", ge=0)
    no_reversal: bool = _option(
        False,
        "Control run: train the domain classifier too, but do not let it push the network (lambda = 0).",
    )
    set: tuple[str, ...] = _option(
        (), "Change one value of the recipe, as in optimizer.learning_rate=1e-4.", metavar="KEY=VALUE"
    )
    resume: bool = _option(False, "Go on with a run that was interrupted, or train it for more epochs.")
