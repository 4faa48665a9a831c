"""The colour of single points of the body: texture, ambient and key light, gloss.

The functions take arrays one by one: unpacking a tuple of arrays inside a compiled loop counts references,
which costs ten times the shading.
"""

import numpy as np
from numba import njit

from syrip_gen.rendering.lighting import sh_irradiance
from syrip_gen.rendering.texturing import fetch

__all__ = ["BETWEEN_WALLS", "shade_points"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy", "fastmath": True}
_WRAP = (np.float32(0.30), np.float32(0.16), np.float32(0.10))
"""How far the key light wraps past the terminator of skin in red, green, blue: scattering under the skin."""
_CLOTH_WRAP = np.float32(0.10)
BETWEEN_WALLS = np.float32(0.85)
"""Share of the blocked directions that end on surfaces as bright as the point itself."""


@njit(**_JIT, inline="always")
def _surface_point(x, y, f, vertices, faces):
    """Return the barycentric coordinates at which the ray (x, y, 1) meets triangle ``f``, kept inside it."""
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    v0x, v0y, v0z = np.float64(vertices[a, 0]), np.float64(vertices[a, 1]), np.float64(vertices[a, 2])
    e1x, e1y, e1z = vertices[b, 0] - v0x, vertices[b, 1] - v0y, vertices[b, 2] - v0z
    e2x, e2y, e2z = vertices[c, 0] - v0x, vertices[c, 1] - v0y, vertices[c, 2] - v0z
    # Möller and Trumbore, Fast, Minimum Storage Ray/Triangle Intersection, 1997, from the origin.
    px, py, pz = y * e2z - e2y, e2x - x * e2z, x * e2y - y * e2x
    det = e1x * px + e1y * py + e1z * pz
    if det == 0.0:
        return np.float32(1 / 3), np.float32(1 / 3), np.float32(1 / 3)
    inv = 1.0 / det
    b1 = -(v0x * px + v0y * py + v0z * pz) * inv
    qx, qy, qz = v0z * e1y - v0y * e1z, v0x * e1z - v0z * e1x, v0y * e1x - v0x * e1y
    b2 = (x * qx + y * qy + qz) * inv
    b1 = min(max(b1, 0.0), 1.0)
    b2 = min(max(b2, 0.0), 1.0 - b1)
    return np.float32(1.0 - b1 - b2), np.float32(b1), np.float32(b2)


@njit(**_JIT, inline="always")
def _mix(values, k, a, b, c, wa, wb, wc):
    return wa * values[a, k] + wb * values[b, k] + wc * values[c, k]


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
def shade_points(
    columns, rows, point_face, fx, fy, cx, cy,
    vertices, attributes, faces, uv, uv_faces,
    face_level, texels, levels, matrix, key_direction, key_color, linear_of_srgb, out,
):  # fmt: skip
    """Write the linear colour of each point.

    Args:
        columns: (S,) int32 lattice columns: half pixels from the left edge of the picture; rows from the top.
        rows: See ``columns``.
        point_face: (S,) int32 triangle of each point.
        fx: Focal lengths and principal point, px.
        fy: See ``fx``.
        cx: See ``fx``.
        cy: See ``fx``.
        vertices: (V, 3) float32 camera frame.
        attributes: (V, 9) float32, :func:`syrip_gen.rendering.vertex_light.light_vertices`.
        faces: (F, 3) int32.
        uv: (U, 2) float32.
        uv_faces: (F, 3) int32.
        face_level: (F,) uint8, :func:`syrip_gen.rendering.texturing.choose_levels`.
        texels: See :func:`syrip_gen.rendering.texturing.build_pyramid`; levels too.
        levels: See ``texels``.
        matrix: (3, 10) float32, :func:`syrip_gen.rendering.lighting.irradiance_matrix`.
        key_direction: (3,) float32 towards the key light.
        key_color: (3,) float32.
        linear_of_srgb: (256,) float32.
        out: (S, 3) float32, written.
    """
    one, zero = np.float32(1.0), np.float32(0.0)
    inv_fx, inv_fy = 1.0 / fx, 1.0 / fy
    lx, ly, lz = key_direction[0], key_direction[1], key_direction[2]
    for s in range(point_face.shape[0]):
        f = point_face[s]
        x, y = (0.5 * columns[s] - cx) * inv_fx, (0.5 * rows[s] - cy) * inv_fy
        b0, b1, b2 = _surface_point(x, y, f, vertices, faces)
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ta, tb, tc = uv_faces[f, 0], uv_faces[f, 1], uv_faces[f, 2]
        u, v = _mix(uv, 0, ta, tb, tc, b0, b1, b2), _mix(uv, 1, ta, tb, tc, b0, b1, b2)
        red, green, blue, gloss = fetch(texels, levels, face_level[f], u, v, linear_of_srgb)

        nx = b0 * attributes[a, 0] + b1 * attributes[b, 0] + b2 * attributes[c, 0]
        ny = b0 * attributes[a, 1] + b1 * attributes[b, 1] + b2 * attributes[c, 1]
        nz = b0 * attributes[a, 2] + b1 * attributes[b, 2] + b2 * attributes[c, 2]
        visible = b0 * attributes[a, 3] + b1 * attributes[b, 3] + b2 * attributes[c, 3]
        ambient = b0 * attributes[a, 4] + b1 * attributes[b, 4] + b2 * attributes[c, 4]
        bounce_r = b0 * attributes[a, 5] + b1 * attributes[b, 5] + b2 * attributes[c, 5]
        bounce_g = b0 * attributes[a, 6] + b1 * attributes[b, 6] + b2 * attributes[c, 6]
        bounce_b = b0 * attributes[a, 7] + b1 * attributes[b, 7] + b2 * attributes[c, 7]
        inv = one / np.sqrt(max(nx * nx + ny * ny + nz * nz, np.float32(1e-12)))
        nx, ny, nz = nx * inv, ny * inv, nz * inv
        er, eg, eb = sh_irradiance(matrix, nx, ny, nz)
        # Creases are filled by light from their own walls, most of it in the colour that these reflect best.
        walls = BETWEEN_WALLS * (b0 * attributes[a, 8] + b1 * attributes[b, 8] + b2 * attributes[c, 8])
        er = er * ambient / (one - walls * red) + bounce_r
        eg = eg * ambient / (one - walls * green) + bounce_g
        eb = eb * ambient / (one - walls * blue) + bounce_b
        ndl = nx * lx + ny * ly + nz * lz
        kr, kg, kb = _key_light(gloss, ndl)
        red *= er + key_color[0] * visible * kr
        green *= eg + key_color[1] * visible * kg
        blue *= eb + key_color[2] * visible * kb
        if gloss > zero:
            x32, y32 = np.float32(x), np.float32(y)
            length = one / np.sqrt(x32 * x32 + y32 * y32 + one)
            vx, vy, vz = -x32 * length, -y32 * length, -length
            hx, hy, hz = lx + vx, ly + vy, lz + vz
            inv_h = one / np.sqrt(max(hx * hx + hy * hy + hz * hz, np.float32(1e-6)))
            ndh = (nx * hx + ny * hy + nz * hz) * inv_h
            vdh = max((vx * hx + vy * hy + vz * hz) * inv_h, zero)
            ndv = max(nx * vx + ny * vy + nz * vz, zero)
            key, rim = _highlights(gloss, max(ndl, zero) * visible, ndh, vdh, ndv)
            red += key * key_color[0] + rim * er
            green += key * key_color[1] + rim * eg
            blue += key * key_color[2] + rim * eb
        out[s, 0], out[s, 1], out[s, 2] = red, green, blue
