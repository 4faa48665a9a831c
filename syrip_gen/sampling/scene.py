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
    "FocusSpec",
    "GarmentSpec",
    "LampSpec",
    "LightSpec",
    "MotionSpec",
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
class LampSpec:
    """One more soft lamp beside the key light."""

    direction: Vector
    """(3,) unit vector from the scene towards the lamp, world frame."""
    distance_m: float
    """From the origin of the world to the lamp, metres."""
    radius_m: float
    """Of the lamp's disc, metres."""
    color: Vector
    """(3,) RGB irradiance on a surface at the origin that faces the lamp, units of ``key_color``."""


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
    lamps: tuple[LampSpec, ...] = ()
    """Up to three lamps beside the key light; not contained in ``sh``."""


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
class FocusSpec:
    """A lens with depth of field."""

    distance_m: float
    """Depth along the camera's axis that is sharp, metres."""
    fstop: float
    """Aperture of a lens of the camera's angle of view on a 36 mm wide sensor."""


@dataclass(frozen=True, slots=True)
class MotionSpec:
    """Where in a clip a picture was taken."""

    clip: str
    frame: int
    """Number of the frame in the clip's sequence, from 0."""
    time_s: float
    """Since the clip's first frame, seconds."""
    take: int
    """Number of the take (one infant, room, light and camera), from 0."""
    shutter_open: BodySpec | None = None
    """The body when the shutter opens, half an exposure before the frame; None = no motion blur."""
    shutter_close: BodySpec | None = None
    """The body when it closes."""


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
    motion: MotionSpec | None = None
    """None for pictures that are not of a clip."""
    focus: FocusSpec | None = None
    """None = everything is sharp."""

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, tuples and numbers, shared with the spec: copy before changing them.

        What is not there (lamps, motion, focus) is left out.
        """
        nested = ("body", "camera", "appearance", "background", "light", "effects")
        data = _fields(self) | {name: _fields(getattr(self, name)) for name in nested}
        data["appearance"]["garments"] = [_fields(garment) for garment in self.appearance.garments]
        data["light"]["lamps"] = [_fields(lamp) for lamp in self.light.lamps]
        if not self.light.lamps:
            del data["light"]["lamps"]
        for name in ("motion", "focus"):
            if data[name] is None:
                del data[name]
            else:
                data[name] = _without_nothing(_fields(data[name]))
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
        effects = dict(data["effects"])
        effects["white_balance"] = tuple(effects["white_balance"])
        scalars = {k: data[k] for k in ("index", "seed", "pose_index", "pose_id", "posture")}
        return cls(
            **scalars,
            body=_body_of(data["body"]),
            camera=CameraSpec(**camera),
            appearance=AppearanceSpec(**appearance),
            background=BackgroundSpec(**data["background"]),
            light=_light_of(data["light"]),
            effects=EffectsSpec(**effects),
            motion=_motion_of(data["motion"]) if "motion" in data else None,
            focus=FocusSpec(**data["focus"]) if "focus" in data else None,
        )


def _fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _without_nothing(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is None; bodies become dicts."""
    plain = {key: _fields(value) if isinstance(value, BodySpec) else value for key, value in data.items()}
    return {key: value for key, value in plain.items() if value is not None}


def _body_of(data: dict[str, Any]) -> BodySpec:
    return BodySpec(**{key: tuple(value) for key, value in data.items()})


def _light_of(data: dict[str, Any]) -> LightSpec:
    light = {key: tuple(value) if isinstance(value, list | tuple) else value for key, value in data.items()}
    light["sh"] = tuple(tuple(row) for row in light["sh"])
    light["lamps"] = tuple(
        LampSpec(**{**lamp, "direction": tuple(lamp["direction"]), "color": tuple(lamp["color"])})
        for lamp in light.get("lamps", ())
    )
    return LightSpec(**light)


def _motion_of(data: dict[str, Any]) -> MotionSpec:
    bodies = {name: _body_of(data[name]) for name in ("shutter_open", "shutter_close") if name in data}
    return MotionSpec(**{**data, **bodies})
