"""SceneSpec: everything that decides one image, as plain JSON-able data.

Frames: *world* is metres, z up, the support (floor, bed, mat) is the plane z = 0. *camera* is OpenCV's: x
right, y down, z forward. ``T_cam_world`` maps world to camera.
"""

from dataclasses import dataclass
from typing import Any

__all__ = [
    "AppearanceSpec",
    "BackgroundSpec",
    "BodySpec",
    "CameraSpec",
    "EffectsSpec",
    "GarmentSpec",
    "LightSpec",
    "SceneSpec",
]

Vector = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class BodySpec:
    """SMPL-family parameters in the world frame (v = lbs(betas, pose) + transl)."""

    betas: Vector
    """(S,) unit-variance shape coefficients."""
    global_orient: Vector
    """(3,) axis-angle of the root, radians, body to world."""
    body_pose: Vector
    """(69,) axis-angle of joints 1..23 relative to their parents, radians."""
    transl: Vector
    """(3,) metres."""


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """A pinhole camera without skew or distortion."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    T_cam_world: tuple[Vector, ...]
    """4x4 row-major rigid transform."""


@dataclass(frozen=True, slots=True)
class GarmentSpec:
    """One garment: which parts it covers and what it is made of."""

    kind: str
    """Name in the garment catalogue (diaper, onesie_short, sleeper ...)."""
    fabric: str
    """Name of a fabric swatch or procedural pattern."""
    color: Vector
    """(3,) linear-ish sRGB base colour 0..1."""
    params: dict[str, float]
    """Further numbers of the kind: hem lengths, thickness in metres, pattern scale ..."""


@dataclass(frozen=True, slots=True)
class AppearanceSpec:
    """Skin, hair, eyes and clothes; or one UV texture file that replaces all of them."""

    skin: dict[str, float | str]
    """Monk tone index 1..10 and its variations."""
    hair: dict[str, float | str]
    eyes: dict[str, float | str]
    garments: tuple[GarmentSpec, ...]
    texture_file: str | None
    """Image of a user's ``--textures`` folder, relative to it; None = painted appearance."""
    texture_seed: int
    """Seed of the painter's own noise."""


@dataclass(frozen=True, slots=True)
class BackgroundSpec:
    """What is behind and below the infant."""

    kind: str
    """``photo`` (one of the user's pictures behind the scene) or ``room`` (shipped materials only)."""
    source: str
    """Name of the photo, swatch or HDRI within its collection."""
    params: dict[str, float | str | list[float]]
    """Crop, flip, scale, tints, second materials ..."""


@dataclass(frozen=True, slots=True)
class LightSpec:
    """Distant light as second-order harmonics plus one soft key light that casts the contact shadow."""

    sh: tuple[Vector, ...]
    """(9, 3) RGB irradiance coefficients in the world frame, order L00 L1-1 L10 L11 L2-2 L2-1 L20 L21 L22."""
    key_direction: Vector
    """(3,) unit vector from the scene towards the key light, world frame."""
    key_color: Vector
    """(3,) RGB strength of the key light; zeros = none."""
    shadow_softness: float
    """Angular radius of the key light, radians."""


@dataclass(frozen=True, slots=True)
class EffectsSpec:
    """What the camera does to the picture, applied after rendering in this order."""

    exposure_ev: float
    white_balance: Vector
    """(3,) gains."""
    gamma: float
    saturation: float
    blur_sigma_px: float
    noise_sigma: float
    """Standard deviation, 0..1 scale."""
    jpeg_quality: int
    noise_seed: int


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """One image. A pure function of (config, root seed, index)."""

    index: int
    seed: int
    pose_index: int
    """Row of the fit bank that the pose was jittered from."""
    pose_id: str
    """Stable name of that pose: file stem, image id and annotation id."""
    posture: str
    """Supine, Prone, Side, Sitting, Standing, Crawling (estimated when the input does not say)."""
    body: BodySpec
    camera: CameraSpec
    appearance: AppearanceSpec
    background: BackgroundSpec
    light: LightSpec
    effects: EffectsSpec

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, tuples and numbers, shared with the spec: copy before changing them."""
        nested = ("body", "camera", "appearance", "background", "light", "effects")
        data = _fields(self) | {name: _fields(getattr(self, name)) for name in nested}
        data["appearance"]["garments"] = [_fields(garment) for garment in self.appearance.garments]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "SceneSpec":
        """Rebuild a spec from :meth:`to_json` (after a JSON round trip, too)."""
        appearance = dict(data["appearance"])
        appearance["garments"] = tuple(
            GarmentSpec(**{**g, "color": tuple(g["color"])}) for g in appearance["garments"]
        )
        camera = dict(data["camera"])
        camera["T_cam_world"] = tuple(tuple(row) for row in camera["T_cam_world"])
        light = {k: tuple(v) if isinstance(v, list | tuple) else v for k, v in data["light"].items()}
        light["sh"] = tuple(tuple(row) for row in light["sh"])
        effects = dict(data["effects"])
        effects["white_balance"] = tuple(effects["white_balance"])
        scalars = {k: data[k] for k in ("index", "seed", "pose_index", "pose_id", "posture")}
        return cls(
            **scalars,
            body=BodySpec(**{k: tuple(v) for k, v in data["body"].items()}),
            camera=CameraSpec(**camera),
            appearance=AppearanceSpec(**appearance),
            background=BackgroundSpec(**data["background"]),
            light=LightSpec(**light),
            effects=EffectsSpec(**effects),
        )


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}
