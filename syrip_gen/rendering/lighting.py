"""Distant light as spherical harmonics: irradiance and radiance of nine coefficients per colour.

Units: a surface of albedo 1 under ``irradiance`` 1 shows as linear white, as in SURREAL's shader, which
    multiplies the texture by the irradiance polynomial without dividing by pi.
"""

import numpy as np
from numba import njit

__all__ = ["C1", "C2", "C3", "C4", "C5", "irradiance", "irradiance_matrix", "radiance", "sh_irradiance"]

# Ramamoorthi and Hanrahan, An Efficient Representation for Irradiance Environment Maps, 2001, eq. 12.
C1, C2, C3, C4, C5 = 0.429043, 0.511664, 0.743125, 0.886227, 0.247708


def irradiance_matrix(sh: np.ndarray) -> np.ndarray:
    """Rewrite nine coefficients as ten polynomial ones, cheap to evaluate per pixel.

    Args:
        sh: (9, 3) in the order L00 L1-1 L10 L11 L2-2 L2-1 L20 L21 L22.

    Returns:
        (3, 10) float32 factors of 1, x, y, z, xy, yz, xz, x²-y², z², padding.
    """
    l00, l1m1, l10, l11, l2m2, l2m1, l20, l21, l22 = np.asarray(sh, dtype=np.float64)
    columns = [
        C4 * l00 - C5 * l20, 2 * C2 * l11, 2 * C2 * l1m1, 2 * C2 * l10,
        2 * C1 * l2m2, 2 * C1 * l2m1, 2 * C1 * l21, C1 * l22, C3 * l20, 0 * l00,
    ]  # fmt: skip
    return np.ascontiguousarray(np.stack(columns, axis=1), dtype=np.float32)


def irradiance(sh: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Return the irradiance (…, 3) of unit ``normals`` (…, 3); negative lobes are kept."""
    n = np.asarray(normals, dtype=np.float64)
    x, y, z = n[..., 0], n[..., 1], n[..., 2]
    basis = np.stack([np.ones_like(x), x, y, z, x * y, y * z, x * z, x * x - y * y, z * z, 0 * x], axis=-1)
    return basis @ irradiance_matrix(sh).astype(np.float64).T


def radiance(sh: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the light (…, 3) that arrives from unit ``directions`` (…, 3), never negative.

    Scaled by pi, so that light 1 from everywhere gives irradiance 1 in the units of this module.
    """
    d = np.asarray(directions, dtype=np.float64)
    x, y, z = d[..., 0], d[..., 1], d[..., 2]
    basis = np.stack(
        [
            0.282095 + 0 * x, 0.488603 * y, 0.488603 * z, 0.488603 * x, 1.092548 * x * y,
            1.092548 * y * z, 0.315392 * (3 * z * z - 1), 1.092548 * x * z, 0.546274 * (x * x - y * y),
        ],
        axis=-1,
    )  # fmt: skip
    return np.maximum(np.pi * basis @ np.asarray(sh, dtype=np.float64), 0.0)


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def sh_irradiance(m, x, y, z):
    """Return the (r, g, b) irradiance of one normal, not below 0; ``m`` from :func:`irradiance_matrix`."""
    xy, yz, xz, xxyy, zz = x * y, y * z, x * z, x * x - y * y, z * z
    r = m[0, 0] + m[0, 1] * x + m[0, 2] * y + m[0, 3] * z + m[0, 4] * xy + m[0, 5] * yz
    g = m[1, 0] + m[1, 1] * x + m[1, 2] * y + m[1, 3] * z + m[1, 4] * xy + m[1, 5] * yz
    b = m[2, 0] + m[2, 1] * x + m[2, 2] * y + m[2, 3] * z + m[2, 4] * xy + m[2, 5] * yz
    zero = np.float32(0.0)
    r = max(r + m[0, 6] * xz + m[0, 7] * xxyy + m[0, 8] * zz, zero)
    g = max(g + m[1, 6] * xz + m[1, 7] * xxyy + m[1, 8] * zz, zero)
    b = max(b + m[2, 6] * xz + m[2, 7] * xxyy + m[2, 8] * zz, zero)
    return r, g, b
