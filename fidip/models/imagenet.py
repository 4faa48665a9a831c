"""ImageNet weights from torchvision and timm: from their caches, else from their servers."""

from torch import Tensor

__all__ = ["fetch_imagenet"]


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

        model = "mobilenet_v2" if name == "pose_mobilenetv2" else name.removeprefix("pose_")
        weights = torchvision.models.get_model_weights(model)["IMAGENET1K_V1"]
        return dict(weights.get_state_dict(progress=False, check_hash=True, weights_only=True))
    except (OSError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise OSError(
            f"ImageNet weights of {name} could not be fetched ({reason}). "
            "Download them elsewhere and name the file."
        ) from error
