"""Where points lie in their triangles, and the texture and the vertices' values there.

Points are shaded in chunks, by loops that each do one thing. Some only look up: they move numbers from the
mesh and the texture into the rows of one small array. The others calculate, free of branches and of look-ups,
along those rows, and compile to vector instructions.
"""

import numpy as np
from numba import njit

from syrip_gen.rendering import shading_rows as at
from syrip_gen.rendering.colors import srgb_to_linear

__all__ = [
    "DECODED",
    "look_up_attributes",
    "look_up_corners",
    "look_up_texture",
    "place_points",
    "read_texels",
]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_BYTES = np.int32(0x00FF00FF)
DECODED = srgb_to_linear(np.arange(1021) / 1020.0).astype(np.float32)
"""Linear light of sRGB values in steps of a quarter."""


@njit(**_JIT)
def look_up_corners(begin, end, point_face, faces, records, corner_uv, face_level, levels, rows, wholes):
    """Fill in the corners of each point's triangle, in space and in the texture, and its texture level."""
    for s in range(begin, end):
        k = np.uint64(s - begin)
        f = np.uint64(point_face[s])
        for corner in range(3):
            vertex = np.uint64(faces[f, corner])
            for axis in range(3):
                rows[np.uint64(at.POSITIONS + (3 * corner + axis) * at.CHUNK) + k] = records[vertex, axis]
        for n in range(6):
            rows[np.uint64(at.CORNER_UV + n * at.CHUNK) + k] = corner_uv[f, n]
        level = np.uint64(face_level[f])
        wholes[np.uint64(at.START) + k] = levels[level, 0]
        rows[np.uint64(at.HEIGHT) + k] = levels[level, 1]
        rows[np.uint64(at.WIDTH) + k] = levels[level, 2]


@njit(**_JIT)
def place_points(rows, wholes):
    """Find where each point lies in its triangle and in the texture.

    The ray (x, y, 1) meets the triangle as in Möller and Trumbore, Fast, Minimum Storage Ray/Triangle
    Intersection, 1997; after a shear along the ray, which leaves two dimensions and keeps float32 exact
    enough. Points are kept inside their triangle. Texture coordinates wrap around.
    """
    one, zero, third = np.float32(1.0), np.float32(0.0), np.float32(1.0 / 3.0)
    steps, half = np.float32(256.0), np.float32(0.5)
    p, t = at.POSITIONS, at.CORNER_UV
    for k in range(at.CHUNK):
        x, y = rows[at.X + k], rows[at.Y + k]
        ax, ay, az = rows[p + k], rows[p + at.CHUNK + k], rows[p + 2 * at.CHUNK + k]
        bz, cz = rows[p + 5 * at.CHUNK + k] - az, rows[p + 8 * at.CHUNK + k] - az
        px, py = ax - az * x, ay - az * y
        bx, by = (rows[p + 3 * at.CHUNK + k] - ax) - x * bz, (rows[p + 4 * at.CHUNK + k] - ay) - y * bz
        cx, cy = (rows[p + 6 * at.CHUNK + k] - ax) - x * cz, (rows[p + 7 * at.CHUNK + k] - ay) - y * cz
        det = bx * cy - by * cx
        flat = det == zero
        inv = one / (one if flat else det)
        wb = min(max((py * cx - px * cy) * inv, zero), one)
        wb = third if flat else wb
        wc = min(max((px * by - py * bx) * inv, zero), one - wb)
        wc = third if flat else wc
        wa = one - wb - wc
        rows[at.WA + k], rows[at.WB + k], rows[at.WC + k] = wa, wb, wc
        u = wa * rows[t + k] + wb * rows[t + 2 * at.CHUNK + k] + wc * rows[t + 4 * at.CHUNK + k]
        v = wa * rows[t + at.CHUNK + k] + wb * rows[t + 3 * at.CHUNK + k] + wc * rows[t + 5 * at.CHUNK + k]
        rows[at.U + k] = np.floor(((u - np.floor(u)) * rows[at.WIDTH + k] - half) * steps + half)
        rows[at.V + k] = np.floor(((one - (v - np.floor(v))) * rows[at.HEIGHT + k] - half) * steps + half)
    for k in range(at.CHUNK):
        width, height = np.int32(rows[at.WIDTH + k]), np.int32(rows[at.HEIGHT + k])
        x, y = np.int32(rows[at.U + k]), np.int32(rows[at.V + k])
        tx, ty = np.int32(x & 255), np.int32(y & 255)
        i0, j0 = min(np.int32(x >> 8), np.int32(width - 1)), min(np.int32(y >> 8), np.int32(height - 1))
        i1 = np.int32(0) if i0 + 1 >= width else np.int32(i0 + 1)
        j1 = np.int32(0) if j0 + 1 >= height else np.int32(j0 + 1)
        i0 = np.int32(width - 1) if i0 < 0 else i0
        j0 = np.int32(height - 1) if j0 < 0 else j0
        i1, j1 = max(i1, np.int32(0)), max(j1, np.int32(0))
        start = wholes[at.START + k]
        wholes[at.TEXEL_A + k], wholes[at.TEXEL_B + k] = start + j0 * width + i0, start + j0 * width + i1
        wholes[at.TEXEL_C + k], wholes[at.TEXEL_D + k] = start + j1 * width + i0, start + j1 * width + i1
        both = np.int32((tx * ty + 128) >> 8)
        wholes[at.PART_A + k], wholes[at.PART_B + k] = 256 - tx - ty + both, tx - both
        wholes[at.PART_C + k], wholes[at.PART_D + k] = ty - both, both


@njit(**_JIT)
def read_texels(count, texels, decoded, rows, wholes):
    """Read the four texels around each point, blend them as sRGB, decode."""
    for n in range(4):
        for k in range(n * at.CHUNK, n * at.CHUNK + count):
            wholes[np.uint64(k)] = texels[np.uint64(wholes[np.uint64(k)])]
    for k in range(at.CHUNK):
        a, b, c, d = (
            wholes[at.TEXEL_A + k],
            wholes[at.TEXEL_B + k],
            wholes[at.TEXEL_C + k],
            wholes[at.TEXEL_D + k],
        )
        wa, wb, wc, wd = (
            wholes[at.PART_A + k],
            wholes[at.PART_B + k],
            wholes[at.PART_C + k],
            wholes[at.PART_D + k],
        )
        # Two channels a word: the shares add up to 256, so neither runs into the other.
        even = (a & _BYTES) * wa + (b & _BYTES) * wb + (c & _BYTES) * wc + (d & _BYTES) * wd
        odd = ((a >> 8) & _BYTES) * wa + ((b >> 8) & _BYTES) * wb
        odd += ((c >> 8) & _BYTES) * wc + ((d >> 8) & _BYTES) * wd
        wholes[at.TEXEL_A + k] = ((even & 0xFFFF) + 32) >> 6
        wholes[at.TEXEL_B + k] = ((odd & 0xFFFF) + 32) >> 6
        wholes[at.TEXEL_C + k] = (((even >> 16) & 0xFFFF) + 32) >> 6
        rows[at.GLOSS + k] = np.float32(np.int32((odd >> 16) & 0xFFFF)) * np.float32(1.0 / 65280.0)
    for k in range(count):
        i = np.uint64(k)
        rows[np.uint64(at.RED) + i] = decoded[np.uint64(wholes[np.uint64(at.TEXEL_A) + i])]
        rows[np.uint64(at.GREEN) + i] = decoded[np.uint64(wholes[np.uint64(at.TEXEL_B) + i])]
        rows[np.uint64(at.BLUE) + i] = decoded[np.uint64(wholes[np.uint64(at.TEXEL_C) + i])]


def look_up_texture(texels: np.ndarray, levels: np.ndarray, level: int, u: float, v: float) -> np.ndarray:
    """Return linear red, green, blue and gloss (4,) float32 at one point of one level of a texture."""
    rows = np.ones(at.FLOAT_ROWS * at.CHUNK, dtype=np.float32)
    wholes = np.zeros(at.WHOLE_ROWS * at.CHUNK, dtype=np.int32)
    wholes[at.START], rows[at.HEIGHT], rows[at.WIDTH] = levels[level]
    rows[[at.CORNER_UV + 2 * n * at.CHUNK for n in range(3)]] = u
    rows[[at.CORNER_UV + (2 * n + 1) * at.CHUNK for n in range(3)]] = v
    place_points(rows, wholes)
    read_texels(1, texels.view(np.int32), DECODED, rows, wholes)
    return rows[[at.RED, at.GREEN, at.BLUE, at.GLOSS]]


@njit(**_JIT)
def look_up_attributes(begin, end, point_face, faces, records, rows):
    """Interpolate what the vertices know."""
    for s in range(begin, end):
        k = np.uint64(s - begin)
        f = np.uint64(point_face[s])
        a, b, c = np.uint64(faces[f, 0]), np.uint64(faces[f, 1]), np.uint64(faces[f, 2])
        wa, wb, wc = rows[np.uint64(at.WA) + k], rows[np.uint64(at.WB) + k], rows[np.uint64(at.WC) + k]
        for n in range(at.RECORD - 3):
            value = wa * records[a, n + 3] + wb * records[b, n + 3] + wc * records[c, n + 3]
            rows[np.uint64(at.ATTRIBUTES + n * at.CHUNK) + k] = value
