"""The colour of single points of the body: texture, ambient and key light, gloss.

Points are shaded in chunks, by loops that each do one thing. Some only look up: they move numbers from the
mesh and the texture into the rows of one small array. The others calculate, free of branches and of look-ups,
along those rows, and compile to vector instructions.
"""

import numpy as np
from numba import njit

from syrip_gen.rendering.colors import srgb_to_linear

__all__ = ["BETWEEN_WALLS", "DECODED", "RECORD", "look_up_texture", "shade_points"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_CHUNK = 128
(_RED, _GREEN, _BLUE, _GLOSS, _X, _Y, _WA, _WB, _WC, _U, _V, _HEIGHT, _WIDTH) = (
    _CHUNK * k for k in range(13)
)
_POSITIONS, _CORNER_UV, _ATTRIBUTES = _CHUNK * 13, _CHUNK * 22, _CHUNK * 28
(_NORMAL_X, _NORMAL_Y, _NORMAL_Z, _KEY, _AMBIENT, _BOUNCE, _WALLS) = (
    _ATTRIBUTES + _CHUNK * k for k in range(7)
)
"""Where the rows of numbers start; positions (x, y, z) and texture coordinates (u, v) corner by corner."""
_FLOAT_ROWS = 35
(_TEXEL_A, _TEXEL_B, _TEXEL_C, _TEXEL_D, _PART_A, _PART_B, _PART_C, _PART_D, _START) = (
    _CHUNK * k for k in range(9)
)
"""Where the rows of whole numbers start: the four texels around a point, their shares in 256ths."""
_WHOLE_ROWS = 9
RECORD = 10
"""Numbers a vertex, see :class:`syrip_gen.rendering.vertex_light.VertexLight`."""
_BYTES = np.int32(0x00FF00FF)
DECODED = srgb_to_linear(np.arange(1021) / 1020.0).astype(np.float32)
"""Linear light of sRGB values in steps of a quarter."""
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
def _look_up_corners(begin, end, point_face, faces, records, corner_uv, face_level, levels, rows, wholes):
    """Fill in the corners of each point's triangle, in space and in the texture, and its texture level."""
    for s in range(begin, end):
        k = np.uint64(s - begin)
        f = np.uint64(point_face[s])
        for corner in range(3):
            vertex = np.uint64(faces[f, corner])
            for axis in range(3):
                rows[np.uint64(_POSITIONS + (3 * corner + axis) * _CHUNK) + k] = records[vertex, axis]
        for n in range(6):
            rows[np.uint64(_CORNER_UV + n * _CHUNK) + k] = corner_uv[f, n]
        level = np.uint64(face_level[f])
        wholes[np.uint64(_START) + k] = levels[level, 0]
        rows[np.uint64(_HEIGHT) + k] = levels[level, 1]
        rows[np.uint64(_WIDTH) + k] = levels[level, 2]


@njit(**_JIT)
def _place(rows, wholes):
    """Find where each point lies in its triangle and in the texture.

    The ray (x, y, 1) meets the triangle as in Möller and Trumbore, Fast, Minimum Storage Ray/Triangle
    Intersection, 1997; after a shear along the ray, which leaves two dimensions and keeps float32 exact
    enough. Points are kept inside their triangle. Texture coordinates wrap around.
    """
    one, zero, third = np.float32(1.0), np.float32(0.0), np.float32(1.0 / 3.0)
    steps, half = np.float32(256.0), np.float32(0.5)
    p, t = _POSITIONS, _CORNER_UV
    for k in range(_CHUNK):
        x, y = rows[_X + k], rows[_Y + k]
        ax, ay, az = rows[p + k], rows[p + _CHUNK + k], rows[p + 2 * _CHUNK + k]
        bz, cz = rows[p + 5 * _CHUNK + k] - az, rows[p + 8 * _CHUNK + k] - az
        px, py = ax - az * x, ay - az * y
        bx, by = (rows[p + 3 * _CHUNK + k] - ax) - x * bz, (rows[p + 4 * _CHUNK + k] - ay) - y * bz
        cx, cy = (rows[p + 6 * _CHUNK + k] - ax) - x * cz, (rows[p + 7 * _CHUNK + k] - ay) - y * cz
        det = bx * cy - by * cx
        flat = det == zero
        inv = one / (one if flat else det)
        wb = min(max((py * cx - px * cy) * inv, zero), one)
        wb = third if flat else wb
        wc = min(max((px * by - py * bx) * inv, zero), one - wb)
        wc = third if flat else wc
        wa = one - wb - wc
        rows[_WA + k], rows[_WB + k], rows[_WC + k] = wa, wb, wc
        u = wa * rows[t + k] + wb * rows[t + 2 * _CHUNK + k] + wc * rows[t + 4 * _CHUNK + k]
        v = wa * rows[t + _CHUNK + k] + wb * rows[t + 3 * _CHUNK + k] + wc * rows[t + 5 * _CHUNK + k]
        rows[_U + k] = np.floor(((u - np.floor(u)) * rows[_WIDTH + k] - half) * steps + half)
        rows[_V + k] = np.floor(((one - (v - np.floor(v))) * rows[_HEIGHT + k] - half) * steps + half)
    for k in range(_CHUNK):
        width, height = np.int32(rows[_WIDTH + k]), np.int32(rows[_HEIGHT + k])
        x, y = np.int32(rows[_U + k]), np.int32(rows[_V + k])
        tx, ty = np.int32(x & 255), np.int32(y & 255)
        i0, j0 = min(np.int32(x >> 8), np.int32(width - 1)), min(np.int32(y >> 8), np.int32(height - 1))
        i1 = np.int32(0) if i0 + 1 >= width else np.int32(i0 + 1)
        j1 = np.int32(0) if j0 + 1 >= height else np.int32(j0 + 1)
        i0 = np.int32(width - 1) if i0 < 0 else i0
        j0 = np.int32(height - 1) if j0 < 0 else j0
        i1, j1 = max(i1, np.int32(0)), max(j1, np.int32(0))
        start = wholes[_START + k]
        wholes[_TEXEL_A + k], wholes[_TEXEL_B + k] = start + j0 * width + i0, start + j0 * width + i1
        wholes[_TEXEL_C + k], wholes[_TEXEL_D + k] = start + j1 * width + i0, start + j1 * width + i1
        both = np.int32((tx * ty + 128) >> 8)
        wholes[_PART_A + k], wholes[_PART_B + k] = 256 - tx - ty + both, tx - both
        wholes[_PART_C + k], wholes[_PART_D + k] = ty - both, both


@njit(**_JIT)
def _look_up_texture(count, texels, decoded, rows, wholes):
    """Read the four texels around each point, blend them as sRGB, decode."""
    for n in range(4):
        for k in range(n * _CHUNK, n * _CHUNK + count):
            wholes[np.uint64(k)] = texels[np.uint64(wholes[np.uint64(k)])]
    for k in range(_CHUNK):
        a, b, c, d = wholes[_TEXEL_A + k], wholes[_TEXEL_B + k], wholes[_TEXEL_C + k], wholes[_TEXEL_D + k]
        wa, wb, wc, wd = wholes[_PART_A + k], wholes[_PART_B + k], wholes[_PART_C + k], wholes[_PART_D + k]
        # Two channels a word: the shares add up to 256, so neither runs into the other.
        even = (a & _BYTES) * wa + (b & _BYTES) * wb + (c & _BYTES) * wc + (d & _BYTES) * wd
        odd = ((a >> 8) & _BYTES) * wa + ((b >> 8) & _BYTES) * wb
        odd += ((c >> 8) & _BYTES) * wc + ((d >> 8) & _BYTES) * wd
        wholes[_TEXEL_A + k] = ((even & 0xFFFF) + 32) >> 6
        wholes[_TEXEL_B + k] = ((odd & 0xFFFF) + 32) >> 6
        wholes[_TEXEL_C + k] = (((even >> 16) & 0xFFFF) + 32) >> 6
        rows[_GLOSS + k] = np.float32(np.int32((odd >> 16) & 0xFFFF)) * np.float32(1.0 / 65280.0)
    for k in range(count):
        i = np.uint64(k)
        rows[np.uint64(_RED) + i] = decoded[np.uint64(wholes[np.uint64(_TEXEL_A) + i])]
        rows[np.uint64(_GREEN) + i] = decoded[np.uint64(wholes[np.uint64(_TEXEL_B) + i])]
        rows[np.uint64(_BLUE) + i] = decoded[np.uint64(wholes[np.uint64(_TEXEL_C) + i])]


def look_up_texture(texels: np.ndarray, levels: np.ndarray, level: int, u: float, v: float) -> np.ndarray:
    """Return linear red, green, blue and gloss (4,) float32 at one point of one level of a texture."""
    rows = np.ones(_FLOAT_ROWS * _CHUNK, dtype=np.float32)
    wholes = np.zeros(_WHOLE_ROWS * _CHUNK, dtype=np.int32)
    wholes[_START], rows[_HEIGHT], rows[_WIDTH] = levels[level]
    rows[[_CORNER_UV + 2 * n * _CHUNK for n in range(3)]] = u
    rows[[_CORNER_UV + (2 * n + 1) * _CHUNK for n in range(3)]] = v
    _place(rows, wholes)
    _look_up_texture(1, texels.view(np.int32), DECODED, rows, wholes)
    return rows[[_RED, _GREEN, _BLUE, _GLOSS]]


@njit(**_JIT)
def _look_up_attributes(begin, end, point_face, faces, records, rows):
    """Interpolate what the vertices know."""
    for s in range(begin, end):
        k = np.uint64(s - begin)
        f = np.uint64(point_face[s])
        a, b, c = np.uint64(faces[f, 0]), np.uint64(faces[f, 1]), np.uint64(faces[f, 2])
        wa, wb, wc = rows[np.uint64(_WA) + k], rows[np.uint64(_WB) + k], rows[np.uint64(_WC) + k]
        for n in range(RECORD - 3):
            value = wa * records[a, n + 3] + wb * records[b, n + 3] + wc * records[c, n + 3]
            rows[np.uint64(_ATTRIBUTES + n * _CHUNK) + k] = value


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
    for k in range(_CHUNK):
        red, green, blue, gloss = rows[_RED + k], rows[_GREEN + k], rows[_BLUE + k], rows[_GLOSS + k]
        nx, ny, nz = rows[_NORMAL_X + k], rows[_NORMAL_Y + k], rows[_NORMAL_Z + k]
        inv = one / np.sqrt(max(nx * nx + ny * ny + nz * nz, np.float32(1e-12)))
        nx, ny, nz = nx * inv, ny * inv, nz * inv
        # lighting.sh_irradiance, written out: a call would keep the loop from becoming vector code.
        xy, yz, xz, xxyy, zz = nx * ny, ny * nz, nx * nz, nx * nx - ny * ny, nz * nz
        er = r0 + r1 * nx + r2 * ny + r3 * nz + r4 * xy + r5 * yz + r6 * xz + r7 * xxyy + r8 * zz
        eg = g0 + g1 * nx + g2 * ny + g3 * nz + g4 * xy + g5 * yz + g6 * xz + g7 * xxyy + g8 * zz
        eb = b0 + b1 * nx + b2 * ny + b3 * nz + b4 * xy + b5 * yz + b6 * xz + b7 * xxyy + b8 * zz
        # Creases are filled by light from their own walls, most of it in the colour that these reflect best.
        ambient, bounce, walls = rows[_AMBIENT + k], rows[_BOUNCE + k], BETWEEN_WALLS * rows[_WALLS + k]
        er = max(er, zero) * ambient / (one - walls * red) + bounce * ground_r
        eg = max(eg, zero) * ambient / (one - walls * green) + bounce * ground_g
        eb = max(eb, zero) * ambient / (one - walls * blue) + bounce * ground_b
        visible = rows[_KEY + k]
        ndl = nx * lx + ny * ly + nz * lz
        kr, kg, kb = _key_light(gloss, ndl)
        red *= er + key_r * visible * kr
        green *= eg + key_g * visible * kg
        blue *= eb + key_b * visible * kb

        x, y = rows[_X + k], rows[_Y + k]
        length = one / np.sqrt(x * x + y * y + one)
        vx, vy, vz = -x * length, -y * length, -length  # towards the camera
        hx, hy, hz = lx + vx, ly + vy, lz + vz
        inv_h = one / np.sqrt(max(hx * hx + hy * hy + hz * hz, np.float32(1e-6)))
        ndh = (nx * hx + ny * hy + nz * hz) * inv_h
        vdh = max((vx * hx + vy * hy + vz * hz) * inv_h, zero)
        ndv = max(nx * vx + ny * vy + nz * vz, zero)
        key, rim = _highlights(gloss, max(ndl, zero) * visible, ndh, vdh, ndv)
        rows[_RED + k] = red + key * key_r + rim * er
        rows[_GREEN + k] = green + key * key_g + rim * eg
        rows[_BLUE + k] = blue + key * key_b + rim * eb


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
        decoded: :data:`DECODED`.
        out: (S, 3) float32, written.
    """
    rows = np.ones(_FLOAT_ROWS * _CHUNK, dtype=np.float32)
    wholes = np.zeros(_WHOLE_ROWS * _CHUNK, dtype=np.int32)
    x_scale, y_scale = np.float32(0.5 / fx), np.float32(0.5 / fy)
    x_shift, y_shift = np.float32(2.0 * cx), np.float32(2.0 * cy)
    count = point_face.shape[0]
    for begin in range(0, count, _CHUNK):
        end = min(begin + _CHUNK, count)
        for k in range(end - begin):
            rows[_X + k] = (np.float32(columns[begin + k]) - x_shift) * x_scale
            rows[_Y + k] = (np.float32(lines[begin + k]) - y_shift) * y_scale
        _look_up_corners(begin, end, point_face, faces, records, corner_uv, face_level, levels, rows, wholes)
        _place(rows, wholes)
        _look_up_texture(end - begin, texels, decoded, rows, wholes)
        _look_up_attributes(begin, end, point_face, faces, records, rows)
        _light(
            rows, matrix, key_direction[0], key_direction[1], key_direction[2],
            key_color[0], key_color[1], key_color[2], ground_color[0], ground_color[1], ground_color[2],
        )  # fmt: skip
        for s in range(begin, end):
            k = s - begin
            out[s, 0], out[s, 1], out[s, 2] = rows[_RED + k], rows[_GREEN + k], rows[_BLUE + k]
