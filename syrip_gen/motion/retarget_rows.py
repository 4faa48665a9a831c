"""Residuals of a moving body and their derivatives, compiled.

The unknowns of a frame are 75: a small rotation of the root in the world, root <- exp(w) root, the 69
axis-angle parameters of joints 1..23, and the translation.
"""

from typing import NamedTuple

import numpy as np

from syrip_gen.fitting.kinematics import Kinematics, compiled, forward, keypoint_jacobian, left_jacobian

__all__ = ["NUM_UNKNOWNS", "PIXEL_LOST", "Surface", "bone_rows", "ground_rows", "pin_rows", "pixel_rows"]

NUM_UNKNOWNS = 75
PIXEL_LOST = 1e6
"""Residual of a keypoint behind the camera."""
_NO_BETAS = np.zeros(0)


class Surface(NamedTuple):
    """Points of the body's surface that may touch the floor; V points in P parts."""

    kin: Kinematics
    """The points, as if they were keypoints; shape baked in."""
    first_pair: np.ndarray
    """(V + 1,) where the pairs of each point begin."""
    part: np.ndarray
    """(V,) part of each point."""
    num_parts: int


@compiled
def bone_rows(kin, ends, direction, weight, roots, pose, transl, residual, rows):
    """Fill residuals (T, 3 B) and, unless empty, rows (T, 3 B, 75): infant's minus source's unit vectors.

    Args:
        kin: Points of the body, shape baked in.
        ends: (B, 2) indices of the points that a bone joins.
        direction: (T, B, 3) goals.
        weight: (T, B) one over standard deviation, radians; 0 = unknown.
        roots: (T, 3, 3).
        pose: (T, 69).
        transl: (T, 3).
        residual: Output.
        rows: Output.
    """
    for t in range(roots.shape[0]):
        points, centers, rotations, terms = forward(kin, _NO_BETAS, roots[t], pose[t], transl[t])
        jacobian = np.empty((0, 3, 72))
        if rows.shape[0] > 0:
            jacobian = keypoint_jacobian(kin, pose[t], rotations, centers, terms)
        for b in range(ends.shape[0]):
            start, end = ends[b, 0], ends[b, 1]
            length = 0.0
            for a in range(3):
                length += (points[end, a] - points[start, a]) ** 2
            length = np.sqrt(length)
            for a in range(3):
                unit = (points[end, a] - points[start, a]) / length
                residual[t, 3 * b + a] = weight[t, b] * (unit - direction[t, b, a])
            if rows.shape[0] == 0:
                continue
            scale = weight[t, b] / length
            for c in range(72):
                along = 0.0
                for a in range(3):
                    along += (points[end, a] - points[start, a]) * (
                        jacobian[end, a, c] - jacobian[start, a, c]
                    )
                along /= length * length
                for a in range(3):
                    rows[t, 3 * b + a, c] = scale * (
                        jacobian[end, a, c]
                        - jacobian[start, a, c]
                        - along * (points[end, a] - points[start, a])
                    )


@compiled
def pixel_rows(kin, keypoints, pixels, weight, focal, roots, pose, transl, residual, rows):
    """Fill residuals (T, 2 K) and, unless empty, rows (T, 2 K, 75) of projected keypoints.

    Args:
        kin: Points of the body, shape baked in.
        keypoints: (K,) which of them are seen.
        pixels: (T, K, 2) where, relative to the principal point.
        weight: (T, K) one over standard deviation, 1/pixel; 0 = not seen.
        focal: Focal length, pixels.
        roots: (T, 3, 3) body to camera.
        pose: (T, 69).
        transl: (T, 3).
        residual: Output.
        rows: Output.
    """
    for t in range(roots.shape[0]):
        points, centers, rotations, terms = forward(kin, _NO_BETAS, roots[t], pose[t], transl[t])
        jacobian = np.empty((0, 3, 72))
        if rows.shape[0] > 0:
            jacobian = keypoint_jacobian(kin, pose[t], rotations, centers, terms)
        for i in range(keypoints.shape[0]):
            k = keypoints[i]
            depth = points[k, 2]
            if weight[t, i] == 0.0 or depth < 0.05:
                for a in range(2):
                    residual[t, 2 * i + a] = 0.0 if weight[t, i] == 0.0 else PIXEL_LOST
                continue
            for a in range(2):
                slope = points[k, a] / depth
                residual[t, 2 * i + a] = weight[t, i] * (focal * slope - pixels[t, i, a])
                if rows.shape[0] > 0:
                    scale = weight[t, i] * focal / depth
                    for c in range(72):
                        rows[t, 2 * i + a, c] = scale * (jacobian[k, a, c] - slope * jacobian[k, 2, c])
                    rows[t, 2 * i + a, 72 + a] = scale
                    rows[t, 2 * i + a, 74] = -scale * slope


@compiled
def _frames(pose, rotations, parents):
    """Return (24, 3, 3): columns are the axes about which a joint's parameters turn, in the world."""
    out = np.zeros((24, 3, 3))
    for a in range(3):
        out[0, a, a] = 1.0
    for j in range(1, 24):
        local = left_jacobian(pose[3 * j - 3 : 3 * j])
        for a in range(3):
            for b in range(3):
                for c in range(3):
                    out[j, a, b] += rotations[parents[j], a, c] * local[c, b]
    return out


@compiled
def _point_jacobian(surface, v, frames, centers, terms):
    """Return (3, 75): d surface point v / d unknowns."""
    kin = surface.kin
    out = np.zeros((3, 75))
    moment = np.zeros((24, 4))
    for i in range(surface.first_pair[v], surface.first_pair[v + 1]):
        for a in range(3):
            moment[kin.pair_joint[i], a] += terms[i, a]
        moment[kin.pair_joint[i], 3] += kin.pair_weight[i]
    for j in range(23, -1, -1):
        if j > 0:
            for a in range(4):
                moment[kin.parents[j], a] += moment[j, a]
        weight = moment[j, 3]
        x = moment[j, 0] - weight * centers[j, 0]
        y = moment[j, 1] - weight * centers[j, 1]
        z = moment[j, 2] - weight * centers[j, 2]
        for c in range(3):
            out[0, 3 * j + c] = frames[j, 1, c] * z - frames[j, 2, c] * y
            out[1, 3 * j + c] = frames[j, 2, c] * x - frames[j, 0, c] * z
            out[2, 3 * j + c] = frames[j, 0, c] * y - frames[j, 1, c] * x
    for a in range(3):
        out[a, 72 + a] = 1.0
    return out


@compiled
def _lowest(points, part, num_parts):
    """Return (P,) the lowest point of each part."""
    out = np.full(num_parts, -1, np.int64)
    for v in range(points.shape[0]):
        p = part[v]
        if out[p] < 0 or points[v, 2] < points[out[p], 2]:
            out[p] = v
    return out


@compiled
def ground_rows(surface, touch, clearance, sink, sigma, roots, pose, transl, residual, rows, lowest):
    """Fill residuals (T, 2 P + 1) and, unless empty, rows (T, 2 P + 1, 75) of the floor z = 0.

    The first P: how deep a part is in the floor; the next P: how far a part that touches the floor is from
    it; the last: how far the lowest point of all is from its height.

    Args:
        surface: Points of the surface.
        touch: (T, P) weight of a part's being on the floor, 0 = need not be.
        clearance: (T,) height (metres) of the lowest point of all.
        sink: Depth (metres) to which flesh gives way at no cost.
        sigma: (2,) standard deviations (metres) of depth, and of distance.
        roots: (T, 3, 3).
        pose: (T, 69).
        transl: (T, 3).
        residual: Output.
        rows: Output.
        lowest: (T, P) output, the lowest point of each part.
    """
    num = surface.num_parts
    for t in range(roots.shape[0]):
        points, centers, rotations, terms = forward(surface.kin, _NO_BETAS, roots[t], pose[t], transl[t])
        low = _lowest(points, surface.part, num)
        frames = np.empty((0, 3, 3))
        if rows.shape[0] > 0:
            frames = _frames(pose[t], rotations, surface.kin.parents)
        best = 0
        for p in range(num):
            lowest[t, p] = low[p]
            height = points[low[p], 2]
            if height < points[low[best], 2]:
                best = p
            residual[t, p] = min(height + sink, 0.0) / sigma[0]
            residual[t, num + p] = touch[t, p] * height / sigma[1]
            if rows.shape[0] > 0 and (touch[t, p] > 0.0 or residual[t, p] < 0.0):
                jacobian = _point_jacobian(surface, low[p], frames, centers, terms)
                for c in range(75):
                    if residual[t, p] < 0.0:
                        rows[t, p, c] = jacobian[2, c] / sigma[0]
                    rows[t, num + p, c] = touch[t, p] * jacobian[2, c] / sigma[1]
        residual[t, 2 * num] = (points[low[best], 2] - clearance[t]) / sigma[1]
        if rows.shape[0] > 0:
            jacobian = _point_jacobian(surface, low[best], frames, centers, terms)
            for c in range(75):
                rows[t, 2 * num, c] = jacobian[2, c] / sigma[1]


@compiled
def pin_rows(surface, pins, weight, roots, pose, transl, residual, before, after):
    """Fill residuals (T - 1, 2 P) and, unless empty, rows (T - 1, 2 P, 75) of points that must not slide.

    Args:
        surface: Points of the surface.
        pins: (T - 1, P) the point of each part that stays where it is from one frame to the next.
        weight: (T - 1, P) one over standard deviation of the slip, 1/metre; 0 = moves freely.
        roots: (T, 3, 3).
        pose: (T, 69).
        transl: (T, 3).
        residual: Output, horizontal slips.
        before: Output, derivatives by the unknowns of the first frame.
        after: Output, by those of the second.
    """
    for t in range(roots.shape[0]):
        if not ((t > 0 and weight[t - 1].max() > 0.0) or (t < weight.shape[0] and weight[t].max() > 0.0)):
            continue
        points, centers, rotations, terms = forward(surface.kin, _NO_BETAS, roots[t], pose[t], transl[t])
        frames = np.empty((0, 3, 3))
        if before.shape[0] > 0:
            frames = _frames(pose[t], rotations, surface.kin.parents)
        for step in range(2):
            i = t - 1 + step
            if i < 0 or i >= weight.shape[0]:
                continue
            sign = 1.0 if step == 0 else -1.0
            for p in range(surface.num_parts):
                if weight[i, p] == 0.0:
                    continue
                v = pins[i, p]
                for a in range(2):
                    residual[i, 2 * p + a] += sign * weight[i, p] * points[v, a]
                if before.shape[0] > 0:
                    jacobian = _point_jacobian(surface, v, frames, centers, terms)
                    target = after if step == 0 else before
                    for a in range(2):
                        for c in range(75):
                            target[i, 2 * p + a, c] = sign * weight[i, p] * jacobian[a, c]
