"""Project Poly Haven panoramas (CC0): ``python -m syrip_gen.sampling.build_lights HDRI_FOLDER``.

Writes ``assets/lights/hdri_sh.npz``. The brightest patch of the upper half becomes the key light, the rest
the harmonics, so that together they light a body as the panorama does but a shadow can be cast.
"""

import sys
from pathlib import Path

import numpy as np

from syrip_gen.asset_files import assets_dir
from syrip_gen.sampling.lights import LUMA
from syrip_gen.sampling.spherical_harmonics import equirect_directions, project_equirect

KEY_SHARE = 0.35
"""Pixels brighter than this share of the brightest (blurred) one belong to the key light."""
MAX_KEY_PART = 0.55
"""So much of the upward irradiance may come from the key; a bare sun is tamed as a curtain or cloud would."""


def main(folder: str) -> None:
    """Project every .exr of ``folder``."""
    files = sorted(Path(folder).glob("*.exr"))
    rows = [split_panorama(_read(path)) for path in files]
    out = assets_dir() / "lights" / "hdri_sh.npz"
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        out,
        names=np.array([p.stem for p in files]),
        sh=np.array([r[0] for r in rows], np.float32),
        key_direction=np.array([r[1] for r in rows], np.float32),
        key_color=np.array([r[2] for r in rows], np.float32),
        key_softness=np.array([r[3] for r in rows], np.float32),
    )


def split_panorama(radiance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Return ((9, 3) harmonics without the key, (3,) key direction, (3,) key colour, angular radius)."""
    import cv2

    directions, solid_angle = equirect_directions(*radiance.shape[:2])
    luma = cv2.GaussianBlur(radiance @ LUMA, (0, 0), 6)
    above = directions[..., 2] > 0.15
    peak = directions.reshape(-1, 3)[np.argmax(np.where(above, luma, 0.0))]
    mask = above & (luma > KEY_SHARE * luma[above].max()) & (directions @ peak > np.cos(0.6))
    energy = radiance * (solid_angle * mask)[..., None]
    direction = np.einsum("hw,hwc->c", energy @ LUMA, directions)
    direction /= np.linalg.norm(direction)
    key = energy.sum((0, 1)) / np.pi
    rest = project_equirect(np.where(mask[..., None], 0.0, radiance))
    up_rest = float(np.einsum("hwc,hw,hw,c->", np.where(mask[..., None], 0.0, radiance), solid_angle,
                              np.maximum(directions[..., 2], 0.0), LUMA)) / np.pi  # fmt: skip
    up_key = float(key @ LUMA) * max(direction[2], 0.0)
    key *= min(1.0, MAX_KEY_PART / (1 - MAX_KEY_PART) * up_rest / max(up_key, 1e-6))
    level = 0.886227 * rest[0] @ LUMA + 0.25 * key @ LUMA
    radius = np.sqrt((solid_angle * mask).sum() / np.pi)
    return rest / level, direction, key / level, float(np.clip(radius, 0.06, 0.5))


def _read(path: Path) -> np.ndarray:
    import OpenEXR  # build-time only (pip install OpenEXR): OpenCV cannot read these files' compression

    with OpenEXR.File(str(path)) as file:
        return np.maximum(file.channels()["RGB"].pixels.astype(np.float64), 0.0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
