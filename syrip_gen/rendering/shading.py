"""Colour every pixel of the body and blend it over the picture behind it.

The sample lattice has half-pixel spacing: sample (row 2j+1, column 2i+1) is the centre of pixel (j, i), and the nine
samples of a pixel, shared with its neighbours, weigh 1-2-1 in each direction (the trapezoid rule of a box filter).
A pixel is shaded once when its samples belong to one continuous surface, otherwise once per surface.
"""

import numpy as np
from numba import njit

from syrip_gen.rendering.colors import encode_linear
from syrip_gen.rendering.lighting import sh_irradiance
from syrip_gen.rendering.texturing import fetch

__all__ = ["composite_body", "shade_sample"]

_JIT = {"nogil": True, "cache": True, "error_model": "numpy"}
_SAME_SURFACE = np.float32(0.012)
"""Relative depth difference up to which samples of one pixel count as one surface."""
_LOD_BIAS = -0.35
_WRAP = (np.float32(0.30), np.float32(0.16), np.float32(0.10))
"""How far the key light wraps past the terminator of skin in red, green, blue: light scattered under the skin."""
_CLOTH_WRAP = np.float32(0.10)


@njit(**_JIT)
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
    b1 = -(v0x * px + v0y * py + v0z * pz) / det
    qx, qy, qz = v0z * e1y - v0y * e1z, v0x * e1z - v0z * e1x, v0y * e1x - v0x * e1y
    b2 = (x * qx + y * qy + qz) / det
    b1, b2 = max(b1, 0.0), max(b2, 0.0)
    b0 = max(1.0 - b1 - b2, 0.0)
    total = b0 + b1 + b2
    return np.float32(b0 / total), np.float32(b1 / total), np.float32(b2 / total)


@njit(**_JIT)
def _level_of_detail(f, xy, inv_z, faces, uv, uv_faces, height, width):
    """Return log2 of the texels that one pixel spans on triangle ``f`` (its mean over directions)."""
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    if not (inv_z[a] > 0.0 and inv_z[b] > 0.0 and inv_z[c] > 0.0):
        return 0.0
    x1, y1 = xy[b, 0] - xy[a, 0], xy[b, 1] - xy[a, 1]
    x2, y2 = xy[c, 0] - xy[a, 0], xy[c, 1] - xy[a, 1]
    area = abs(x1 * y2 - x2 * y1) / (4.0 * 65536.0)  # half-pixel lattice in 1/256 steps -> px²
    ta, tb, tc = uv_faces[f, 0], uv_faces[f, 1], uv_faces[f, 2]
    s1, t1 = uv[tb, 0] - uv[ta, 0], uv[tb, 1] - uv[ta, 1]
    s2, t2 = uv[tc, 0] - uv[ta, 0], uv[tc, 1] - uv[ta, 1]
    texels = abs(s1 * t2 - s2 * t1) * height * width
    if texels <= 0.0:
        return 0.0
    return 0.5 * np.log2(texels / max(area, 1e-3)) + _LOD_BIAS


@njit(**_JIT)
def shade_sample(x, y, f, mesh, texture, light, linear_of_srgb):
    """Return the linear colour of triangle ``f`` where the ray (x, y, 1) meets it.

    Args:
        x: Ray slope along the camera's x; y likewise.
        y: See ``x``.
        f: Triangle.
        mesh: vertices, normals, per-vertex light (V, 4: ambient red, green, blue, key), faces, uv, uv_faces, xy, inv_z.
        texture: texels and levels of the pyramid.
        light: irradiance matrix (3, 10), key direction (3,), key colour (3,).
        linear_of_srgb: (256,) float32.
    """
    vertices, normals, vertex_light, faces, uv, uv_faces, xy, inv_z = mesh
    texels, levels = texture
    matrix, key_direction, key_color = light
    one, zero = np.float32(1.0), np.float32(0.0)
    b0, b1, b2 = _surface_point(x, y, f, vertices, faces)
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    nx = b0 * normals[a, 0] + b1 * normals[b, 0] + b2 * normals[c, 0]
    ny = b0 * normals[a, 1] + b1 * normals[b, 1] + b2 * normals[c, 1]
    nz = b0 * normals[a, 2] + b1 * normals[b, 2] + b2 * normals[c, 2]
    inv = one / np.sqrt(max(nx * nx + ny * ny + nz * nz, np.float32(1e-12)))
    nx, ny, nz = nx * inv, ny * inv, nz * inv
    ta, tb, tc = uv_faces[f, 0], uv_faces[f, 1], uv_faces[f, 2]
    u = b0 * uv[ta, 0] + b1 * uv[tb, 0] + b2 * uv[tc, 0]
    v = b0 * uv[ta, 1] + b1 * uv[tb, 1] + b2 * uv[tc, 1]
    lod = _level_of_detail(f, xy, inv_z, faces, uv, uv_faces, levels[0, 1], levels[0, 2])
    red, green, blue, gloss = fetch(texels, levels, lod, u, v, linear_of_srgb)

    amb_r = b0 * vertex_light[a, 0] + b1 * vertex_light[b, 0] + b2 * vertex_light[c, 0]
    amb_g = b0 * vertex_light[a, 1] + b1 * vertex_light[b, 1] + b2 * vertex_light[c, 1]
    amb_b = b0 * vertex_light[a, 2] + b1 * vertex_light[b, 2] + b2 * vertex_light[c, 2]
    visible = b0 * vertex_light[a, 3] + b1 * vertex_light[b, 3] + b2 * vertex_light[c, 3]
    er, eg, eb = sh_irradiance(matrix, nx, ny, nz)
    er, eg, eb = er * amb_r, eg * amb_g, eb * amb_b

    lx, ly, lz = key_direction[0], key_direction[1], key_direction[2]
    ndl = nx * lx + ny * ly + nz * lz
    skin = min(gloss * np.float32(10.0), one)  # gloss 0 is cloth and hair: no scattering under the surface
    wr = _CLOTH_WRAP + skin * (_WRAP[0] - _CLOTH_WRAP)
    wg = _CLOTH_WRAP + skin * (_WRAP[1] - _CLOTH_WRAP)
    wb = _CLOTH_WRAP + skin * (_WRAP[2] - _CLOTH_WRAP)
    er += key_color[0] * visible * max(ndl + wr, zero) / (one + wr)
    eg += key_color[1] * visible * max(ndl + wg, zero) / (one + wg)
    eb += key_color[2] * visible * max(ndl + wb, zero) / (one + wb)
    red, green, blue = red * er, green * eg, blue * eb
    if gloss > zero:
        # Normalised Blinn-Phong with Schlick's Fresnel for the key light, and the ambient light mirrored.
        length = one / np.sqrt(np.float32(x * x + y * y + 1.0))
        vx, vy, vz = np.float32(-x) * length, np.float32(-y) * length, -length
        ndv = max(nx * vx + ny * vy + nz * vz, zero)
        hx, hy, hz = lx + vx, ly + vy, lz + vz
        inv_h = one / np.sqrt(max(hx * hx + hy * hy + hz * hz, np.float32(1e-6)))
        ndh = max((nx * hx + ny * hy + nz * hz) * inv_h, zero)
        vdh = max((vx * hx + vy * hy + vz * hz) * inv_h, zero)
        exponent = np.float32(10.0) + np.float32(400.0) * gloss * gloss
        amount = min(np.float32(2.5) * gloss, one)
        fresnel = np.float32(0.035) + np.float32(0.965) * (one - vdh) ** 5
        key = amount * fresnel * (exponent + np.float32(8.0)) * np.float32(0.125) * ndh**exponent
        key *= visible * max(ndl, zero)
        rim = amount * (np.float32(0.03) + np.float32(0.25) * gloss * (one - ndv) ** 4)
        red += key * key_color[0] + rim * er
        green += key * key_color[1] + rim * eg
        blue += key * key_color[2] + rim * eb
    return red, green, blue


@njit(**_JIT)
def composite_body(camera, bounds, inverse_depth, face_index, mesh, texture, light, tables, rgb, depth):
    """Shade and blend all pixels inside ``bounds`` over ``rgb``, in linear light.

    Args:
        camera: fx, fy, cx, cy, px.
        bounds: First column, first row, end column, end row of the pixels that the body may touch.
        inverse_depth: (2h+1, 2w+1) float32 of the half-pixel lattice.
        face_index: The same shape, int32.
        mesh: See :func:`shade_sample`, with texture and light.
        texture: See ``mesh``.
        light: See ``mesh``.
        tables: sRGB-to-linear (256,) and linear-to-sRGB (8192,) tables.
        rgb: (h, w, 3) uint8: background in, picture out.
        depth: (h, w) float32, written where a pixel's centre is covered.
    """
    fx, fy, cx, cy = camera
    linear_of_srgb, srgb_of_linear = tables
    for j in range(bounds[1], bounds[3]):
        for i in range(bounds[0], bounds[2]):
            r, c = 2 * j + 1, 2 * i + 1
            center = face_index[r, c]
            nearest, farthest = np.float32(0.0), np.float32(1e30)
            for dr in range(-1, 2):
                for dc in range(-1, 2):
                    value = inverse_depth[r + dr, c + dc]
                    nearest = max(nearest, value)
                    farthest = min(farthest, value)
            if nearest == 0.0:
                continue
            if center >= 0:
                depth[j, i] = np.float32(1.0) / inverse_depth[r, c]
            if nearest - farthest <= _SAME_SURFACE * nearest:
                x, y = (i + 0.5 - cx) / fx, (j + 0.5 - cy) / fy
                red, green, blue = shade_sample(x, y, center, mesh, texture, light, linear_of_srgb)
            else:
                red, green, blue = _resolve_edge(
                    i, j, camera, inverse_depth, face_index, mesh, texture, light, linear_of_srgb, rgb
                )
            rgb[j, i, 0] = encode_linear(red, srgb_of_linear)
            rgb[j, i, 1] = encode_linear(green, srgb_of_linear)
            rgb[j, i, 2] = encode_linear(blue, srgb_of_linear)


@njit(**_JIT)
def _resolve_edge(i, j, camera, inverse_depth, face_index, mesh, texture, light, linear_of_srgb, rgb):
    """Return the linear colour of a pixel that several surfaces share: each is shaded once, weighted by its samples."""
    fx, fy, cx, cy = camera
    red, green, blue, covered = np.float32(0.0), np.float32(0.0), np.float32(0.0), 0
    taken = 0  # bit set of the nine samples already counted
    while True:
        best, best_k = np.float32(0.0), -1
        for k in range(9):  # the nearest surface that is left, seen at its sample with the largest weight
            value = inverse_depth[2 * j + k // 3, 2 * i + k % 3]
            if value > best and not (taken >> k) & 1:
                best, best_k = value, k
        if best_k < 0:
            break
        weight, heaviest, chosen = 0, 0, best_k
        for k in range(9):
            value = inverse_depth[2 * j + k // 3, 2 * i + k % 3]
            if value > 0.0 and not (taken >> k) & 1 and best - value <= _SAME_SURFACE * best:
                w = (2 - abs(k // 3 - 1)) * (2 - abs(k % 3 - 1))
                taken |= 1 << k
                weight += w
                if w > heaviest:
                    heaviest, chosen = w, k
        x, y = (i + 0.5 * (chosen % 3) - cx) / fx, (j + 0.5 * (chosen // 3) - cy) / fy
        f = face_index[2 * j + chosen // 3, 2 * i + chosen % 3]
        sr, sg, sb = shade_sample(x, y, f, mesh, texture, light, linear_of_srgb)
        # A highlight brighter than white would eat into the edge: clip before blending.
        one = np.float32(1.0)
        red += weight * min(sr, one)
        green += weight * min(sg, one)
        blue += weight * min(sb, one)
        covered += weight
    rest, total = np.float32(16 - covered), np.float32(1.0 / 16.0)
    red = (red + rest * linear_of_srgb[rgb[j, i, 0]]) * total
    green = (green + rest * linear_of_srgb[rgb[j, i, 1]]) * total
    blue = (blue + rest * linear_of_srgb[rgb[j, i, 2]]) * total
    return red, green, blue
