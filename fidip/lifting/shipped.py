"""The lifters that come with syrip."""

from pathlib import Path

__all__ = ["OF_FRAMES", "OVER_TIME", "shipped_lifter"]

OF_FRAMES, OVER_TIME = "lifter_infant.safetensors", "lifter_infant_temporal.safetensors"


def shipped_lifter(*, over_time: bool = False) -> Path:
    """Return the weights of the shipped lifter of single frames, or of the one for videos.

    Raises:
        FileNotFoundError: If this installation has none.
    """
    package = Path(__file__).resolve().parents[2]
    for root in (package / "assets", package / "syrip_gen" / "assets"):
        place = root / "weights" / (OVER_TIME if over_time else OF_FRAMES)
        if place.is_file():
            return place
    raise FileNotFoundError(
        "no lifter comes with this installation: train one with 'syrip train --recipe lifter-infant' and "
        "give its run folder"
    )
