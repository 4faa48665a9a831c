"""Appearances with everything but what a test is about held still."""

from syrip_gen.sampling.scene import AppearanceSpec, GarmentSpec

SKIN = {
    "tone": 4.0, "blood": 0.1, "blush": 0.7, "mottle": 0.5, "mottle_mix": 1.0, "vein": 0.3, "warmth": 0.0,
    "lip": 0.9, "brow": 0.5, "lash": 0.7, "shine": 0.13,
}  # fmt: skip
HAIR = {
    "hair_cover": 0.0, "hair_line": 0.0, "hair_red": 0.1, "hair_green": 0.08, "hair_blue": 0.06,
    "strand": 0.5, "curl": 0.3, "volume": 0.0,
}  # fmt: skip
EYES = {
    "iris_red": 0.2, "iris_green": 0.13, "iris_blue": 0.08, "pupil": 0.4, "gaze_x": 0.0, "gaze_y": 0.0,
    "closed": 0.0, "light_x": -0.3, "light_y": 0.4,
}  # fmt: skip


def garment(kind: str, color=(0.1, 0.9, 0.1), fabric: str = "plain", **params: float) -> GarmentSpec:
    return GarmentSpec(kind, fabric, color, {"trim": 0.0, **params})


def appearance(*garments: GarmentSpec, **changes: float) -> AppearanceSpec:
    def pick(table):
        return {name: changes.get(name, value) for name, value in table.items()}

    return AppearanceSpec(pick(SKIN), pick(HAIR), pick(EYES), garments, None, 0)
