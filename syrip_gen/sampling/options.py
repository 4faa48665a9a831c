"""What a user may decide about scenes, as plain values."""

from dataclasses import dataclass

__all__ = ["SamplingOptions"]

ROTATIONS = ("gravity", "paper")


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """Everything that planning and resolving scenes depend on, besides the body, the fits, seed and index."""

    width: int = 640
    """Image width, px."""
    height: int = 480
    """Image height, px."""
    rotations: str = "gravity"
    """``gravity``: the infant rests and the camera moves around it; ``paper``: SyRIP's ten turns."""
    pose_jitter: float = 1.0
    """Multiplies the jitter of :data:`syrip_gen.sampling.poses.JITTER_DEG`; 0 keeps fits as they are."""
    mirror_probability: float = 0.5
    """Share of poses that are mirrored left-right."""
    balance_postures: bool = False
    """Draw every posture equally often instead of every pose."""
    real_view_probability: float = 0.6
    """Share of images whose camera stays near that of the fitted photo (gravity rotations only)."""
    out_of_frame_probability: float = 0.06
    """Share of images in which the infant is partly out of the frame on purpose."""
    backgrounds: str | None = None
    """Photo folder, list file or LSUN LMDB; None = the shipped rooms."""
    textures: str | None = None
    """Folder of UV textures that replace the painted skin and garments; None = painted."""
    max_image_pixels: int = 50_000_000
    """Background photos with more pixels are refused."""
    effects_strength: float = 1.0
    """Multiplies the camera effects (exposure, white balance, noise, blur); 0 = none."""

    def __post_init__(self) -> None:
        if self.rotations not in ROTATIONS:
            raise ValueError(f"rotations must be one of {', '.join(ROTATIONS)}, not {self.rotations!r}")
        if self.width < 32 or self.height < 32:
            raise ValueError(f"image size must be at least 32x32 px, not {self.width}x{self.height}")
        for name in ("mirror_probability", "real_view_probability", "out_of_frame_probability"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie in 0..1, not {getattr(self, name)}")
