"""What the camera does to the picture: exposure, white balance, tone, focus, noise, JPEG."""

import numpy as np

from syrip_gen.sampling.scene import EffectsSpec

__all__ = ["sample_effects"]


def sample_effects(strength: float, rng: np.random.Generator) -> EffectsSpec:
    """Draw mild camera effects; ``strength`` 0 gives a perfect camera (JPEG quality 95)."""
    normal = np.clip(rng.standard_normal(5), -2.0, 2.0) * strength
    soft, grain, quality = rng.random(3)
    return EffectsSpec(
        exposure_ev=float(0.18 * normal[0]),
        white_balance=(float(1 + 0.035 * normal[1]), 1.0, float(1 + 0.035 * normal[2])),
        gamma=float(1 + 0.06 * normal[3]),
        saturation=float(1 + 0.12 * normal[4]),
        blur_sigma_px=float(strength * max(0.0, soft - 0.45) * 1.6),
        noise_sigma=float(strength * 0.016 * grain**2),
        jpeg_quality=round(95 - min(strength, 1.0) * 30 * quality),
        noise_seed=int(rng.integers(2**31)),
    )
