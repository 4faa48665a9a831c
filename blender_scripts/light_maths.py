"""Spherical-harmonics light for a path tracer: a map of radiance that gives the irradiance asked for.

Units: irradiance 1 makes a surface of albedo 1 show as linear 1, and so does radiance 1 from everywhere;
Cycles' background strength means the same.
"""

import numpy as np

__all__ = ["MAP_HEIGHT", "irradiance", "map_directions", "map_irradiance", "radiance_map"]

MAP_HEIGHT = 32
_NUM_NORMALS, _NUM_STEPS = 400, 40
# Ramamoorthi and Hanrahan, An Efficient Representation for Irradiance Environment Maps, 2001, eq. 12.
_C1, _C2, _C3, _C4, _C5 = 0.429043, 0.511664, 0.743125, 0.886227, 0.247708
_Y = np.array([0.282095, 0.488603, 0.488603, 0.488603, 1.092548, 1.092548, 0.315392, 1.092548, 0.546274])


def irradiance(sh: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Return the irradiance (N, 3) on unit ``normals`` (N, 3) of nine coefficients (9, 3); not below 0.

    Order of the coefficients: L00 L1-1 L10 L11 L2-2 L2-1 L20 L21 L22.
    """
    factors = [_C4, 2 * _C2, 2 * _C2, 2 * _C2, 2 * _C1, 2 * _C1, 1.0, 2 * _C1, _C1]
    basis = _monomials(normals) * factors
    z = normals[:, 2]
    basis[:, 6] = _C3 * z * z - _C5
    return np.maximum(basis @ sh, 0.0)


def _monomials(d: np.ndarray) -> np.ndarray:
    x, y, z = d.T
    return np.stack([np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], axis=1)


def map_directions(height: int = MAP_HEIGHT) -> tuple[np.ndarray, np.ndarray]:
    """Return (h·2h, 3) directions of an equirectangular map and the (h·2h,) share of the sphere of each.

    Rows go from -z to z and columns as Cycles reads panoramas: -y in the middle of the left half, x in the
    middle.
    """
    v = np.pi * ((np.arange(height) + 0.5) / height - 0.5)
    u = -2 * np.pi * ((np.arange(2 * height) + 0.5) / (2 * height) - 0.5)
    v, u = np.meshgrid(v, u, indexing="ij")
    directions = np.stack([np.cos(v) * np.cos(u), np.cos(v) * np.sin(u), np.sin(v)], axis=-1).reshape(-1, 3)
    edges = np.sin(np.pi * (np.arange(height + 1) / height - 0.5))
    share = np.repeat(np.diff(edges) / 2, 2 * height) / (2 * height)
    return directions, share


def radiance_map(sh: np.ndarray, height: int = MAP_HEIGHT) -> np.ndarray:
    """Return (height, 2·height, 3) radiance, nowhere negative, whose irradiance is that of ``sh``.

    Undoing the cosine lobe of the coefficients gives negative light for strongly directed ones. So the
    result is found by Richardson and Lucy's deconvolution: it starts from that, clamped, and stays positive.

    Args:
        sh: (9, 3) irradiance coefficients, in the axes of :func:`map_directions`.
        height: Rows of the map.
    """
    directions, share = map_directions(height)
    radiance = np.maximum(np.pi * (_monomials(directions) * _Y) @ sh, 0.0)
    normals = _spread_directions(_NUM_NORMALS)
    lobe = np.maximum(normals @ directions.T, 0.0) * (4 * share)  # rows sum to 1
    wanted = irradiance(sh, normals)
    radiance = np.maximum(radiance, 0.02 * wanted.mean(axis=0) + 1e-9)
    weight = lobe.sum(axis=0)[:, None]
    for _ in range(_NUM_STEPS):
        radiance *= (lobe.T @ (wanted / np.maximum(lobe @ radiance, 1e-9))) / weight
    return radiance.reshape(height, 2 * height, 3)


def map_irradiance(radiance: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Return the irradiance (N, 3) on unit ``normals`` (N, 3) of a map (h, 2h, 3)."""
    directions, share = map_directions(radiance.shape[0])
    return (np.maximum(normals @ directions.T, 0.0) * (4 * share)) @ radiance.reshape(-1, 3)


def _spread_directions(count: int) -> np.ndarray:
    """Return (count, 3) unit vectors, evenly spread (a Fibonacci spiral)."""
    k = np.arange(count) + 0.5
    z, angle = 1.0 - 2.0 * k / count, np.pi * (3.0 - np.sqrt(5.0)) * k
    r = np.sqrt(1.0 - z * z)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=1)
