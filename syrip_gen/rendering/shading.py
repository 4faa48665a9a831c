"""The colour of single points of the body: texture, ambient and key light, gloss.

Points are shaded in chunks. A first loop gathers what each point needs from the mesh and the texture into one
small array; a second one, free of branches and of look-ups, lights the chunk, and compiles to vector
instructions.
"""

import numpy as np
from numba import njit

from syrip_gen.rendering.texturing import fetch

__all__ = ["BETWEEN_WALLS", "shade_points"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_CHUNK = 128
_ROWS = 15
_RED, _GREEN, _BLUE, _GLOSS, _X, _Y, _ATTRIBUTES = (_CHUNK * row for row in range(7))
(_NORMAL_X, _NORMAL_Y, _NORMAL_Z, _KEY, _AMBIENT, _BOUNCE_R, _BOUNCE_G, _BOUNCE_B, _WALLS) = (
    _ATTRIBUTES + _CHUNK * row for row in range(9)
)
"""Where each quantity of a chunk starts; the last nine are the columns of ``light_vertices``."""
_WRAP = (np.float32(0.30), np.float32(0.16), np.float32(0.10))
"""How far the key light wraps past the terminator of skin in red, green, blue: scattering under the skin."""
_CLOTH_WRAP = np.float32(0.10)
BETWEEN_WALLS = np.float32(0.85)
"""Share of the blocked directions that end on surfaces as bright as the point itself."""


@njit(**_JIT, inline="always")
def _surface_point(x, y, f, vertices, faces):
    """Return the barycentric coordinates at which the ray (x, y, 1) meets triangle ``f``, kept inside it.

    Möller and Trumbore, Fast, Minimum Storage Ray/Triangle Intersection, 1997; after a shear along the ray,
    which leaves two dimensions and keeps float32 exact enough.
    """
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    ax, ay, az = vertices[a, 0], vertices[a, 1], vertices[a, 2]
    bz, cz = vertices[b, 2] - az, vertices[c, 2] - az
    px, py = ax - az * x, ay - az * y
    bx, by = (vertices[b, 0] - ax) - x * bz, (vertices[b, 1] - ay) - y * bz
    cx, cy = (vertices[c, 0] - ax) - x * cz, (vertices[c, 1] - ay) - y * cz
    det = bx * cy - by * cx
    one, zero = np.float32(1.0), np.float32(0.0)
    if det == zero:
        return np.float32(1 / 3), np.float32(1 / 3), np.float32(1 / 3)
    inv = one / det
    wb = min(max((py * cx - px * cy) * inv, zero), one)
    wc = min(max((px * by - py * bx) * inv, zero), one - wb)
    return one - wb - wc, wb, wc


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
def _gather(
    begin, end, columns, rows, point_face, fx, fy, cx, cy, vertices, attributes, faces, uv, uv_faces,
    face_level, texels, levels, linear_of_srgb, chunk,
):  # fmt: skip
    """Fill ``chunk`` with texture, ray and attributes of the points from ``begin`` to ``end``."""
    inv_fx, inv_fy = 1.0 / fx, 1.0 / fy
    for s in range(begin, end):
        k = s - begin
        f = point_face[s]
        x, y = np.float32((0.5 * columns[s] - cx) * inv_fx), np.float32((0.5 * rows[s] - cy) * inv_fy)
        wa, wb, wc = _surface_point(x, y, f, vertices, faces)
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ta, tb, tc = uv_faces[f, 0], uv_faces[f, 1], uv_faces[f, 2]
        u = wa * uv[ta, 0] + wb * uv[tb, 0] + wc * uv[tc, 0]
        v = wa * uv[ta, 1] + wb * uv[tb, 1] + wc * uv[tc, 1]
        red, green, blue, gloss = fetch(texels, levels, face_level[f], u, v, linear_of_srgb)
        chunk[_RED + k], chunk[_GREEN + k], chunk[_BLUE + k], chunk[_GLOSS + k] = red, green, blue, gloss
        chunk[_X + k], chunk[_Y + k] = x, y
        for m in range(9):
            value = wa * attributes[a, m] + wb * attributes[b, m] + wc * attributes[c, m]
            chunk[_ATTRIBUTES + m * _CHUNK + k] = value


@njit(**_JIT)
def _light(chunk, m, lx, ly, lz, key_r, key_g, key_b):
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
    for k in range(_CHUNK):
        red, green, blue, gloss = chunk[_RED + k], chunk[_GREEN + k], chunk[_BLUE + k], chunk[_GLOSS + k]
        nx, ny, nz = chunk[_NORMAL_X + k], chunk[_NORMAL_Y + k], chunk[_NORMAL_Z + k]
        inv = one / np.sqrt(max(nx * nx + ny * ny + nz * nz, np.float32(1e-12)))
        nx, ny, nz = nx * inv, ny * inv, nz * inv
        # lighting.sh_irradiance, written out: a call would keep the loop from becoming vector code.
        xy, yz, xz, xxyy, zz = nx * ny, ny * nz, nx * nz, nx * nx - ny * ny, nz * nz
        er = r0 + r1 * nx + r2 * ny + r3 * nz + r4 * xy + r5 * yz + r6 * xz + r7 * xxyy + r8 * zz
        eg = g0 + g1 * nx + g2 * ny + g3 * nz + g4 * xy + g5 * yz + g6 * xz + g7 * xxyy + g8 * zz
        eb = b0 + b1 * nx + b2 * ny + b3 * nz + b4 * xy + b5 * yz + b6 * xz + b7 * xxyy + b8 * zz
        # Creases are filled by light from their own walls, most of it in the colour that these reflect best.
        ambient, walls = chunk[_AMBIENT + k], BETWEEN_WALLS * chunk[_WALLS + k]
        er = max(er, zero) * ambient / (one - walls * red) + chunk[_BOUNCE_R + k]
        eg = max(eg, zero) * ambient / (one - walls * green) + chunk[_BOUNCE_G + k]
        eb = max(eb, zero) * ambient / (one - walls * blue) + chunk[_BOUNCE_B + k]
        visible = chunk[_KEY + k]
        ndl = nx * lx + ny * ly + nz * lz
        kr, kg, kb = _key_light(gloss, ndl)
        red *= er + key_r * visible * kr
        green *= eg + key_g * visible * kg
        blue *= eb + key_b * visible * kb

        x, y = chunk[_X + k], chunk[_Y + k]
        length = one / np.sqrt(x * x + y * y + one)
        vx, vy, vz = -x * length, -y * length, -length  # towards the camera
        hx, hy, hz = lx + vx, ly + vy, lz + vz
        inv_h = one / np.sqrt(max(hx * hx + hy * hy + hz * hz, np.float32(1e-6)))
        ndh = (nx * hx + ny * hy + nz * hz) * inv_h
        vdh = max((vx * hx + vy * hy + vz * hz) * inv_h, zero)
        ndv = max(nx * vx + ny * vy + nz * vz, zero)
        key, rim = _highlights(gloss, max(ndl, zero) * visible, ndh, vdh, ndv)
        chunk[_RED + k] = red + key * key_r + rim * er
        chunk[_GREEN + k] = green + key * key_g + rim * eg
        chunk[_BLUE + k] = blue + key * key_b + rim * eb


@njit(**_JIT)
def shade_points(
    columns, rows, point_face, fx, fy, cx, cy, vertices, attributes, faces, uv, uv_faces,
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
    chunk = np.zeros(_ROWS * _CHUNK, dtype=np.float32)
    count = point_face.shape[0]
    for begin in range(0, count, _CHUNK):
        end = min(begin + _CHUNK, count)
        _gather(
            begin, end, columns, rows, point_face, fx, fy, cx, cy, vertices, attributes, faces, uv, uv_faces,
            face_level, texels, levels, linear_of_srgb, chunk,
        )  # fmt: skip
        _light(
            chunk, matrix, key_direction[0], key_direction[1], key_direction[2],
            key_color[0], key_color[1], key_color[2],
        )  # fmt: skip
        for s in range(begin, end):
            k = s - begin
            out[s, 0], out[s, 1], out[s, 2] = chunk[_RED + k], chunk[_GREEN + k], chunk[_BLUE + k]
