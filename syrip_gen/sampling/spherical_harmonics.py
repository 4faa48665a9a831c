"""Second-order spherical-harmonics irradiance (Ramamoorthi and Hanrahan 2001): evaluate, rotate, project.

Nine coefficients an RGB channel in the order L00 L1-1 L10 L11 L2-2 L2-1 L20 L21 L22, used as SURREAL's shader
does: the polynomial of eq. 13 multiplies the albedo, so a constant light of L00 = 1 / 0.886 shows the albedo
itself.
"""

import numpy as np

__all__ = ["directional_sh", "evaluate", "irradiance_matrix", "project_equirect", "rotate"]

C1, C2, C3, C4, C5 = 0.429043, 0.511664, 0.743125, 0.886227, 0.247708


def irradiance_matrix(sh: np.ndarray) -> np.ndarray:
    """Return (C, 4, 4) symmetric matrices M with irradiance [n 1] M [n 1]^T (eq. 12).

    Args:
        sh: (9, C) coefficients.
    """
    L00, L1m1, L10, L11, L2m2, L2m1, L20, L21, L22 = np.asarray(sh, dtype=np.float64)
    rows = [
        [C1 * L22, C1 * L2m2, C1 * L21, C2 * L11],
        [C1 * L2m2, -C1 * L22, C1 * L2m1, C2 * L1m1],
        [C1 * L21, C1 * L2m1, C3 * L20, C2 * L10],
        [C2 * L11, C2 * L1m1, C2 * L10, C4 * L00 - C5 * L20],
    ]
    return np.moveaxis(np.array(rows), -1, 0)


def evaluate(sh: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Return (..., C) irradiance at unit ``normals`` (..., 3); may be negative, as the expansion rings."""
    homogeneous = np.concatenate([normals, np.ones((*np.shape(normals)[:-1], 1))], axis=-1)
    return np.einsum("...a,cab,...b->...c", homogeneous, irradiance_matrix(sh), homogeneous)


def rotate(sh: np.ndarray, R: np.ndarray) -> np.ndarray:
    """Return the coefficients of a light that is turned by ``R``.

    evaluate(rotate(sh, R), R n) = evaluate(sh, n).

    Args:
        sh: (9, C) coefficients in the old frame.
        R: (3, 3) rotation from the old frame to the new one (world to camera, say).
    """
    T = np.eye(4)
    T[:3, :3] = R
    M = T @ irradiance_matrix(sh) @ T.T
    # On the unit sphere x^2 + y^2 + z^2 = 1: move the trace that L20 does not own into the constant.
    spill = (M[:, 0, 0] + M[:, 1, 1]) / 2
    L20 = (M[:, 2, 2] - spill) / C3
    L22 = (M[:, 0, 0] - M[:, 1, 1]) / (2 * C1)
    L00 = (M[:, 3, 3] + spill + C5 * L20) / C4
    return np.stack(
        [
            L00, M[:, 1, 3] / C2, M[:, 2, 3] / C2, M[:, 0, 3] / C2,
            M[:, 0, 1] / C1, M[:, 1, 2] / C1, L20, M[:, 0, 2] / C1, L22,
        ]
    )  # fmt: skip


def project_equirect(radiance: np.ndarray) -> np.ndarray:
    """Project a panorama onto (9, C) coefficients, divided by pi so that they multiply albedo.

    Args:
        radiance: (H, W, C) linear radiance; first row = straight up, columns run around the vertical (z)
            axis.
    """
    directions, solid_angle = equirect_directions(*radiance.shape[:2])
    return np.einsum("bhw,hwc,hw->bc", _basis(directions), radiance, solid_angle) / np.pi


def directional_sh(direction: np.ndarray, color: np.ndarray) -> np.ndarray:
    """Return the (9, C) coefficients of a lamp that is small and far away.

    :func:`evaluate` then approximates color * max(n . direction, 0): off by less than 0.1 of ``color``, most
    for surfaces that the light grazes (0.09) or that face the lamp (0.06).

    Args:
        direction: (3,) unit vector towards the lamp.
        color: (C,) irradiance on a surface that faces it.
    """
    return _basis(np.asarray(direction, dtype=np.float64))[:, None] * np.asarray(color, dtype=np.float64)


def _basis(directions: np.ndarray) -> np.ndarray:
    """Return the (9, ...) real spherical harmonics at unit directions (..., 3)."""
    x, y, z = np.moveaxis(directions, -1, 0)
    return np.stack(
        [
            np.full_like(x, 0.282095), 0.488603 * y, 0.488603 * z, 0.488603 * x,
            1.092548 * x * y, 1.092548 * y * z, 0.315392 * (3 * z * z - 1), 1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ]
    )  # fmt: skip


def equirect_directions(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ((H, W, 3) unit directions, (H, W) solid angles) of a panorama's pixel centres, z up."""
    polar = (np.arange(height) + 0.5) / height * np.pi
    azimuth = (np.arange(width) + 0.5) / width * 2 * np.pi
    sine = np.sin(polar)[:, None]
    directions = np.stack(
        [sine * np.cos(azimuth), sine * np.sin(azimuth), np.repeat(np.cos(polar)[:, None], width, 1)], axis=-1
    )
    solid_angle = np.repeat(sine * (np.pi / height) * (2 * np.pi / width), width, axis=1)
    return directions, solid_angle
