"""Distant light as spherical harmonics: irradiance and radiance of nine coefficients per colour.

Units: a surface of albedo 1 under ``irradiance`` 1 shows as linear white, as in SURREAL's shader, which
    multiplies the texture by the irradiance polynomial without dividing by pi.
"""

import numpy as np
from numba import njit

__all__ = ["C1", "C2", "C3", "C4", "C5", "irradiance", "irradiance_matrix", "radiance", "sh_irradiance"]

# Ramamoorthi and Hanrahan, An Efficient Representation for Irradiance Environment Maps, 2001, eq. 12.
C1, C2, C3, C4, C5 = 0.429043, 0.511664, 0.743125, 0.886227, 0.247708


def _table(terms: dict[tuple[int, int], float]) -> np.ndarray:
    """Return a (10, 9) matrix from spherical-harmonics coefficients to polynomial ones."""
    table = np.zeros((10, 9))
    for place, factor in terms.items():
        table[place] = factor
    return table


# Rows: 1, x, y, z, xy, yz, xz, x²-y², z², padding. Columns: L00 L1-1 L10 L11 L2-2 L2-1 L20 L21 L22.
_IRRADIANCE = _table(
    {
        (0, 0): C4, (0, 6): -C5, (1, 3): 2 * C2, (2, 1): 2 * C2, (3, 2): 2 * C2, (4, 4): 2 * C1,
        (5, 5): 2 * C1, (6, 7): 2 * C1, (7, 8): C1, (8, 6): C3,
    }
)  # fmt: skip
_RADIANCE = np.pi * _table(
    {
        (0, 0): 0.282095, (0, 6): -0.315392, (1, 3): 0.488603, (2, 1): 0.488603, (3, 2): 0.488603,
        (4, 4): 1.092548, (5, 5): 1.092548, (6, 7): 1.092548, (7, 8): 0.546274, (8, 6): 3 * 0.315392,
    }
)  # fmt: skip


def irradiance_matrix(sh: np.ndarray) -> np.ndarray:
    """Rewrite nine coefficients as ten polynomial ones, cheap to evaluate per pixel.

    Args:
        sh: (9, 3) in the order L00 L1-1 L10 L11 L2-2 L2-1 L20 L21 L22.

    Returns:
        (3, 10) float32 factors of 1, x, y, z, xy, yz, xz, x²-y², z², padding.
    """
    return np.ascontiguousarray((_IRRADIANCE @ np.asarray(sh, dtype=np.float64)).T, dtype=np.float32)


def irradiance(sh: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Return the irradiance (…, 3) of unit ``normals`` (…, 3); negative lobes are kept."""
    return _monomials(normals) @ (_IRRADIANCE @ np.asarray(sh, dtype=np.float64))


def radiance(sh: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the light (…, 3) that arrives from unit ``directions`` (…, 3), never negative.

    Scaled by pi, so that light 1 from everywhere gives irradiance 1 in the units of this module.
    """
    return np.maximum(_monomials(directions) @ (_RADIANCE @ np.asarray(sh, dtype=np.float64)), 0.0)


def _monomials(directions: np.ndarray) -> np.ndarray:
    """Return (…, 10) values of 1, x, y, z, xy, yz, xz, x²-y², z², 0."""
    directions = np.asarray(directions, dtype=np.float64)
    x, y, z = directions[..., 0], directions[..., 1], directions[..., 2]
    values = np.zeros((*directions.shape[:-1], 10))
    values[..., 0] = 1.0
    values[..., 1:4] = directions
    values[..., 4], values[..., 5], values[..., 6] = x * y, y * z, x * z
    values[..., 7], values[..., 8] = x * x - y * y, z * z
    return values


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
