"""ImageNet weights from torchvision and timm: from their caches, else from their servers."""

from torch import Tensor

__all__ = ["RESNET_CHILDREN", "fetch_imagenet", "sequential_names"]

RESNET_CHILDREN = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
"""Of torchvision's ResNet without its last two, in its order."""


def fetch_imagenet(name: str) -> dict[str, Tensor]:
    """Return the tensors of the classifier whose backbone a pose network has.

    torchvision's first weights ("V1") are the ones that Pose-ResNet and FiDIP start from.

    Args:
        name: A network of :mod:`fidip.models.catalog`.

    Raises:
        OSError: When the weights are neither cached nor to be had from the server.
    """
    try:
        if name.startswith("hrnet_"):
            import timm

            return dict(timm.create_model(name, pretrained=True).state_dict())
        import torchvision

        model = name.removeprefix("pose_").removesuffix("_plain")
        model = "mobilenet_v2" if model == "mobilenetv2" else model
        weights = torchvision.models.get_model_weights(model)["IMAGENET1K_V1"]
        return dict(weights.get_state_dict(progress=False, check_hash=True, weights_only=True))
    except (OSError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise OSError(
            f"ImageNet weights of {name} could not be fetched ({reason}). "
            "Download them elsewhere and name the file."
        ) from error


def sequential_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename torchvision's ResNet tensors as in a sequence of its children; others stay as they are.

    ``layer1.0.conv1.weight`` becomes ``0.4.0.conv1.weight``, as in ``pose_resnet50_plain``.
    """
    places = {child: f"0.{number}" for number, child in enumerate(RESNET_CHILDREN)}
    renamed = {}
    for name, tensor in tensors.items():
        child, dot, rest = name.partition(".")
        renamed[f"{places[child]}{dot}{rest}" if child in places else name] = tensor
    return renamed
