"""The colour of single points of the body: texture, ambient and key light, gloss; chunk by chunk."""

import numpy as np
from numba import njit

from syrip_gen.rendering import shading_rows as at
from syrip_gen.rendering.point_lookup import look_up_attributes, look_up_corners, place_points, read_texels

__all__ = ["BETWEEN_WALLS", "shade_points"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_WRAP = (np.float32(0.30), np.float32(0.16), np.float32(0.10))
"""How far the key light wraps past the terminator of skin in red, green, blue: scattering under the skin."""
_CLOTH_WRAP = np.float32(0.10)
BETWEEN_WALLS = np.float32(0.85)
"""Share of the blocked directions that end on surfaces as bright as the point itself."""


@njit(**_JIT, inline="always")
def _key_light(gloss, ndl):
    """Return the share (r, g, b) of the key light that a surface scatters; it wraps past the terminator."""
    one, zero = np.float32(1.0), np.float32(0.0)
    skin = min(gloss * np.float32(10.0), one)  # gloss 0 is cloth and hair: no scattering under the surface
    wr = _CLOTH_WRAP + skin * (_WRAP[0] - _CLOTH_WRAP)
    wg = _CLOTH_WRAP + skin * (_WRAP[1] - _CLOTH_WRAP)
    wb = _CLOTH_WRAP + skin * (_WRAP[2] - _CLOTH_WRAP)
    return (
        max(ndl + wr, zero) * (one - wr),
        max(ndl + wg, zero) * (one - wg),
        max(ndl + wb, zero) * (one - wb),
    )


@njit(**_JIT, inline="always")
def _highlights(gloss, ndl, ndh, vdh, ndv):
    """Return how much of the key light and of the ambient light is mirrored.

    Normalised Blinn-Phong with Schlick's Fresnel term for the key light; the power x^n of the cosine near 1
    is (1 + n (1 - x) / 4)^-4.
    """
    one, zero = np.float32(1.0), np.float32(0.0)
    exponent = np.float32(10.0) + np.float32(400.0) * gloss * gloss
    amount = min(np.float32(2.5) * gloss, one)
    away = one - vdh
    away4 = away * away * away * away
    fresnel = np.float32(0.035) + np.float32(0.965) * away4 * away
    falloff = one / (one + exponent * (one - max(ndh, zero)) * np.float32(0.25))
    falloff *= falloff
    lobe = falloff * falloff * (exponent + np.float32(8.0)) * np.float32(0.125)
    key = amount * fresnel * lobe * ndl
    graze = (one - ndv) * (one - ndv)
    rim = amount * (np.float32(0.018) + np.float32(0.12) * graze * graze)
    return key, rim


@njit(**_JIT)
def _light(rows, m, lx, ly, lz, key_r, key_g, key_b, ground_r, ground_g, ground_b):
    """Turn the gathered values of one chunk into linear colours, in place of the texture's."""
    one, zero = np.float32(1.0), np.float32(0.0)
    r0, r1, r2, r3, r4, r5, r6, r7, r8 = (
        m[0, 0], m[0, 1], m[0, 2], m[0, 3], m[0, 4], m[0, 5], m[0, 6], m[0, 7], m[0, 8],
    )  # fmt: skip
    g0, g1, g2, g3, g4, g5, g6, g7, g8 = (
        m[1, 0], m[1, 1], m[1, 2], m[1, 3], m[1, 4], m[1, 5], m[1, 6], m[1, 7], m[1, 8],
    )  # fmt: skip
    b0, b1, b2, b3, b4, b5, b6, b7, b8 = (
        m[2, 0], m[2, 1], m[2, 2], m[2, 3], m[2, 4], m[2, 5], m[2, 6], m[2, 7], m[2, 8],
    )  # fmt: skip
    for k in range(at.CHUNK):
        red, green, blue, gloss = rows[at.RED + k], rows[at.GREEN + k], rows[at.BLUE + k], rows[at.GLOSS + k]
        nx, ny, nz = rows[at.NORMAL_X + k], rows[at.NORMAL_Y + k], rows[at.NORMAL_Z + k]
        inv = one / np.sqrt(max(nx * nx + ny * ny + nz * nz, np.float32(1e-12)))
        nx, ny, nz = nx * inv, ny * inv, nz * inv
        # lighting.sh_irradiance, written out: a call would keep the loop from becoming vector code.
        xy, yz, xz, xxyy, zz = nx * ny, ny * nz, nx * nz, nx * nx - ny * ny, nz * nz
        er = r0 + r1 * nx + r2 * ny + r3 * nz + r4 * xy + r5 * yz + r6 * xz + r7 * xxyy + r8 * zz
        eg = g0 + g1 * nx + g2 * ny + g3 * nz + g4 * xy + g5 * yz + g6 * xz + g7 * xxyy + g8 * zz
        eb = b0 + b1 * nx + b2 * ny + b3 * nz + b4 * xy + b5 * yz + b6 * xz + b7 * xxyy + b8 * zz
        # Creases are filled by light from their own walls, most of it in the colour that these reflect best.
        ambient, bounce, walls = rows[at.AMBIENT + k], rows[at.BOUNCE + k], BETWEEN_WALLS * rows[at.WALLS + k]
        er = max(er, zero) * ambient / (one - walls * red) + bounce * ground_r
        eg = max(eg, zero) * ambient / (one - walls * green) + bounce * ground_g
        eb = max(eb, zero) * ambient / (one - walls * blue) + bounce * ground_b
        visible = rows[at.KEY + k]
        ndl = nx * lx + ny * ly + nz * lz
        kr, kg, kb = _key_light(gloss, ndl)
        red *= er + key_r * visible * kr
        green *= eg + key_g * visible * kg
        blue *= eb + key_b * visible * kb

        x, y = rows[at.X + k], rows[at.Y + k]
        length = one / np.sqrt(x * x + y * y + one)
        vx, vy, vz = -x * length, -y * length, -length  # towards the camera
        hx, hy, hz = lx + vx, ly + vy, lz + vz
        inv_h = one / np.sqrt(max(hx * hx + hy * hy + hz * hz, np.float32(1e-6)))
        ndh = (nx * hx + ny * hy + nz * hz) * inv_h
        vdh = max((vx * hx + vy * hy + vz * hz) * inv_h, zero)
        ndv = max(nx * vx + ny * vy + nz * vz, zero)
        key, rim = _highlights(gloss, max(ndl, zero) * visible, ndh, vdh, ndv)
        rows[at.RED + k] = red + key * key_r + rim * er
        rows[at.GREEN + k] = green + key * key_g + rim * eg
        rows[at.BLUE + k] = blue + key * key_b + rim * eb


@njit(**_JIT)
def shade_points(
    columns, lines, point_face, fx, fy, cx, cy, records, faces, corner_uv, face_level, texels, levels,
    matrix, key_direction, key_color, ground_color, decoded, out,
):  # fmt: skip
    """Write the linear colour of each point.

    Args:
        columns: (S,) int32 lattice columns: half pixels from the picture's left edge; lines from its top.
        lines: See ``columns``.
        point_face: (S,) int32 triangle of each point.
        fx: Focal lengths and principal point, px.
        fy: See ``fx``.
        cx: See ``fx``.
        cy: See ``fx``.
        records: (V, 10) float32, :class:`syrip_gen.rendering.vertex_light.VertexLight`.
        faces: (F, 3) int32.
        corner_uv: (F, 6) float32 u, v of each triangle's three corners.
        face_level: (F,) uint8, :func:`syrip_gen.rendering.texturing.choose_levels`.
        texels: (N,) int32, :func:`syrip_gen.rendering.texturing.build_pyramid`.
        levels: (L, 3) int32, :func:`syrip_gen.rendering.texturing.plan_pyramid`.
        matrix: (3, 10) float32, :func:`syrip_gen.rendering.lighting.irradiance_matrix`.
        key_direction: (3,) float32 towards the key light.
        key_color: (3,) float32.
        ground_color: (3,) float32 linear colour of the light that the ground throws back.
        decoded: :data:`syrip_gen.rendering.point_lookup.DECODED`.
        out: (S, 3) float32, written.
    """
    rows = np.ones(at.FLOAT_ROWS * at.CHUNK, dtype=np.float32)
    wholes = np.zeros(at.WHOLE_ROWS * at.CHUNK, dtype=np.int32)
    x_scale, y_scale = np.float32(0.5 / fx), np.float32(0.5 / fy)
    x_shift, y_shift = np.float32(2.0 * cx), np.float32(2.0 * cy)
    count = point_face.shape[0]
    for begin in range(0, count, at.CHUNK):
        end = min(begin + at.CHUNK, count)
        for k in range(end - begin):
            rows[at.X + k] = (np.float32(columns[begin + k]) - x_shift) * x_scale
            rows[at.Y + k] = (np.float32(lines[begin + k]) - y_shift) * y_scale
        look_up_corners(begin, end, point_face, faces, records, corner_uv, face_level, levels, rows, wholes)
        place_points(rows, wholes)
        read_texels(end - begin, texels, decoded, rows, wholes)
        look_up_attributes(begin, end, point_face, faces, records, rows)
        _light(
            rows, matrix, key_direction[0], key_direction[1], key_direction[2],
            key_color[0], key_color[1], key_color[2], ground_color[0], ground_color[1], ground_color[2],
        )  # fmt: skip
        for s in range(begin, end):
            k = s - begin
            out[s, 0], out[s, 1], out[s, 2] = rows[at.RED + k], rows[at.GREEN + k], rows[at.BLUE + k]
