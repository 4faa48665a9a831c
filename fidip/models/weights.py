"""Weights of pose networks from files: what fits is copied and reported, what does not fit is an error."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml

from fidip.models.catalog import build_network, catalog_entry, network_names
from fidip.models.imagenet import fetch_imagenet, sequential_names
from fidip.models.interface import PoseNetwork
from fidip.models.pose_mobilenetv2 import flat_names
from fidip.models.published import (
    CONVENTIONS,
    guess_convention,
    guess_input_size,
    guess_network,
    guess_num_keypoints,
    guess_schema,
    saved_input_size,
    spec_from_metadata,
    with_convention,
)
from fidip.models.tensor_match import check_fit, copy_tensors, some
from fidip.models.weight_files import WeightFile, read_weight_file

__all__ = ["LoadReport", "default_weights", "load_weights", "open_network"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Names of tensors after a load."""

    matched: tuple[str, ...]
    """Tensors of the network that the file filled."""
    missing: tuple[str, ...]
    """Tensors of the network that the file did not have."""
    unexpected: tuple[str, ...]
    """Tensors of the file that the network does not have."""
    source: str = ""
    """The file, or where else the tensors came from."""
    convention: str = ""
    """Which of :data:`fidip.models.published.CONVENTIONS` was assumed; empty for ImageNet weights."""

    def __str__(self) -> str:
        """Return the report in one line."""
        counts = {"matched": self.matched, "missing": self.missing, "unexpected": self.unexpected}
        text = ", ".join(f"{len(names)} {word}" for word, names in counts.items())
        return f"{self.source}: tensors {text}" + f" ({self.convention} convention)" * bool(self.convention)


def default_weights(name: str) -> Path | None:
    """Return the weights file that ships for a network, or None where none does.

    Raises:
        ValueError: When there is no such network.
        FileNotFoundError: When the file should be there and is not.
    """
    shipped = catalog_entry(name).shipped_weights
    if shipped is None:
        return None
    root = Path(__file__).resolve().parents[2]
    places = [root / "assets" / shipped, root / "syrip_gen" / "assets" / shipped]  # a checkout, a wheel
    for path in places:
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"syrip's own assets/{shipped} is missing (looked for {places[0]} and {places[1]}). "
        "Reinstall syrip, or restore the assets/ folder of the checkout."
    )


def load_weights(
    network: PoseNetwork,
    path: str | Path | None,
    *,
    what: Literal["pose", "imagenet"] = "pose",
    convention: str | None = None,
) -> LoadReport:
    """Copy the tensors of a file into a network; on any error the network is left as it was.

    A pose file must fill every tensor of the network and hold no others. An ImageNet file must fill the
    network's ``imagenet_parts``; the head keeps its random values, the classifier's tensors are ignored.

    Args:
        network: The network; its ``spec`` is replaced where the file's convention differs from it.
        path: A safetensors file or torch checkpoint. None: the file that ships with syrip, or, for ImageNet
            weights, torchvision's or timm's cache and else their servers.
        what: What the file was trained on.
        convention: One of :data:`fidip.models.published.CONVENTIONS`; None goes by what a file of syrip says
            of itself, else by the file's name.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When the file cannot be read safely or does not fit the network.
        OSError: When ImageNet weights were to come from a server and did not.
    """
    name = network.spec.name
    if what == "imagenet":
        return load_imagenet(network, path)
    if what != "pose":
        raise ValueError(f"weights are for 'pose' or 'imagenet', not {what!r}")
    shipped = default_weights(name) if path is None else Path(path)
    if shipped is None:
        raise ValueError(
            f"no pose weights of {name} ship with syrip; name a file (docs/guides/checkpoints.md)"
        )
    return fill(network, read_weight_file(shipped), convention)


def fill(network: PoseNetwork, file: WeightFile, convention: str | None) -> LoadReport:
    """Copy a pose file into a network that it must fill."""
    if convention is None and network.is_one_of_a_kind and "spec" not in file.metadata:
        convention = "network's"
    convention = convention or ("its own" if "spec" in file.metadata else guess_convention(file.path))
    own = network.state_dict()
    matched = tuple(name for name in own if name in file.tensors)
    missing = tuple(name for name in own if name not in file.tensors)
    unexpected = tuple(name for name in file.tensors if name not in own)
    check_fit(network, file, matched, missing, unexpected)
    tensors = dict(file.tensors)
    if convention == "network's":
        spec = network.spec
    elif convention == "its own":
        spec = spec_from_metadata(file.metadata, network.spec, file.path)
    else:
        spec = with_convention(network.spec, convention)
        if CONVENTIONS[convention].is_bgr:
            tensors["conv1.weight"] = tensors["conv1.weight"].flip(1)
    copy_tensors(own, tensors, matched)
    network.spec = spec
    report = LoadReport(matched, missing, unexpected, str(file.path), convention)
    log.info("%s", report)
    return report


def load_imagenet(network: PoseNetwork, path: str | Path | None) -> LoadReport:
    """Copy the tensors of a classifier into the parts of a network that it has in common."""
    name = network.spec.name
    if not network.imagenet_parts:
        raise ValueError(f"{name} has no ImageNet weights; it starts from its own pose weights")
    if path is None:
        file = WeightFile(Path(f"ImageNet weights of {name}"), fetch_imagenet(name))
    else:
        file = read_weight_file(path)
    if name == "pose_mobilenetv2":
        file = replace(file, tensors=flat_names(dict(file.tensors)))
    if name.endswith("_plain"):
        file = replace(file, tensors=sequential_names(dict(file.tensors)))
    own = network.state_dict()
    parts = tuple(f"{part}." for part in network.imagenet_parts)
    wanted = [key for key in own if key.startswith(parts)]
    matched = tuple(key for key in wanted if key in file.tensors)
    check_fit(network, file, matched, [key for key in wanted if key not in file.tensors], ())
    copy_tensors(own, file.tensors, matched)
    unexpected = tuple(key for key in file.tensors if key not in matched)
    report = LoadReport(matched, tuple(key for key in own if key not in matched), unexpected, str(file.path))
    log.info("%s", report)
    return report


def open_network(
    source: str | Path | None,
    *,
    name: str | None = None,
    input_size: tuple[int, int] | None = None,
    convention: str | None = None,
) -> PoseNetwork:
    """Return a trained network in evaluation mode.

    Args:
        source: A run folder (config.yaml, best.safetensors), a weights file, or None for MoveNet as it ships.
        name: The network of a weights file; None goes by the names of its tensors.
        input_size: (width, height) of the crops; None goes by the run or the file, else the usual size.
        convention: See :func:`load_weights`.

    Raises:
        FileNotFoundError: When the run or the file is not there.
        ValueError: When it cannot be read or is no network of syrip's.
    """
    if source is None:
        name = name or "movenet_thunder"
        source = default_weights(name)
        if source is None:
            raise ValueError(
                f"no weights of {name} ship with syrip; name a file (docs/guides/checkpoints.md)"
            )
    source = Path(source)
    if source.is_dir():
        told_name, told_size = read_run(source)
        name, input_size = name or told_name, input_size or told_size
        source = source / "best.safetensors"
    file = read_weight_file(source)
    check_task(file.metadata.get("task"), file.path)
    name = name or file.metadata.get("network") or guess_network(file.tensors)
    if name is None:
        raise ValueError(
            f"{file.path} is not of a pose network that syrip knows ({', '.join(network_names())}): "
            f"its tensors are {some(list(file.tensors))}"
        )
    size = input_size or saved_input_size(file.metadata) or guess_input_size(file.path)
    schema = guess_schema(file.metadata, count := guess_num_keypoints(file.tensors))
    network = build_network(name, num_keypoints=count or len(schema), input_size=size)
    network.schema = schema
    fill(network, file, convention)
    return network.eval()


def check_task(task: Any, path: Path) -> None:
    """Refuse a run that trained something else than a pose network.

    Raises:
        ValueError: What it is.
    """
    what = {"detect": "a detector; use it as --detector", "lift": "a lifter; use it as --lift"}
    if isinstance(task, str) and task in what:
        raise ValueError(f"{path} is {what[task]}")


def read_run(folder: Path) -> tuple[str, tuple[int, int] | None]:
    """Return name and input size of the network of a run folder."""
    for name in ("config.yaml", "best.safetensors"):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} is not a finished run of syrip train: it has no {name}")
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
        task, settings = config.get("task"), config["network"]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise unnamed(folder, error) from None
    check_task(task, folder)
    try:
        size = settings.get("input_size")
        return str(settings["name"]), (int(size[0]), int(size[1])) if size else None
    except (yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise unnamed(folder, error) from None


def unnamed(folder: Path, error: Exception) -> ValueError:
    """Return what to say about a run folder whose config.yaml is not one of a pose network."""
    reason = str(error).splitlines()[0]
    return ValueError(f"{folder / 'config.yaml'} does not name a network and its input size ({reason})")
