"""The garment catalogue: which part of the body each kind covers, and how far it stands off.

A garment is where linear limits on the body's fields hold (:data:`anatomy.FIELDS`), so every hem is a smooth
curve in rest space that no triangle edge shows in. Layers are worn in the order of
:class:`AppearanceSpec.garments`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from syrip_gen.sampling.appearance.anatomy import FIELDS, Anatomy
from syrip_gen.sampling.appearance.surface import Samples
from syrip_gen.sampling.scene import GarmentSpec

__all__ = ["GARMENTS", "Cut", "GarmentKind", "coverage", "cut_garment", "stand_off"]

HEM_RAMP = 0.005
"""Metres over which a garment rises from the skin at its hem."""


@dataclass(frozen=True, slots=True)
class GarmentKind:
    """What all garments of one kind share. Lengths are shares of the limb; thickness is in metres."""

    neck: bool = False
    """Has a neckline and covers the trunk below it."""
    sleeve: float | None = None
    """End of the sleeve: 0 shoulder, 1 wrist; None = no limit on the arms."""
    leg: float | None = None
    """End of the trouser leg: 0 hip, 1 ankle; None = no limit."""
    loop: float | None = None
    """Leg opening of a diaper, metres below the hip on a tilted axis at a stature of 65 cm; None = none."""
    waist: float | None = None
    """Upper edge, metres above the pelvis joint at a stature of 65 cm; None = reaches the neck."""
    hem: float | None = None
    """Lower edge on the trunk, metres above the pelvis joint; None = none."""
    thickness: float = 0.002
    looseness: float = 0.0012
    """Height of the folds, metres."""
    trim: float = 0.008
    """Width of cuffs and collars, metres."""
    special: str = ""
    """``sock``, ``mitten``, ``hat``, ``headband`` or ``bib``: cut in a way of its own."""


GARMENTS: Mapping[str, GarmentKind] = MappingProxyType(
    {
        "diaper": GarmentKind(waist=0.052, loop=0.020, thickness=0.005, looseness=0.0014, trim=0.0),
        "onesie_short": GarmentKind(neck=True, sleeve=0.36, loop=0.024),
        "onesie_long": GarmentKind(neck=True, sleeve=0.97, loop=0.024),
        "bodysuit_sleeveless": GarmentKind(neck=True, sleeve=-0.02, loop=0.022),
        "sleeper": GarmentKind(neck=True, sleeve=0.99, thickness=0.0028, looseness=0.0020),
        "pyjamas": GarmentKind(neck=True, sleeve=0.97, leg=0.96, thickness=0.0025, looseness=0.0020),
        "romper": GarmentKind(neck=True, sleeve=0.30, leg=0.36, thickness=0.003, looseness=0.0022),
        "tshirt": GarmentKind(neck=True, sleeve=0.42, hem=0.0, thickness=0.003, looseness=0.0020),
        "shirt_long": GarmentKind(neck=True, sleeve=0.97, hem=-0.005, thickness=0.003, looseness=0.0020),
        "vest": GarmentKind(neck=True, sleeve=-0.03, hem=-0.002, thickness=0.0025),
        "dress": GarmentKind(neck=True, sleeve=0.20, leg=0.40, thickness=0.005, looseness=0.0030),
        "trousers": GarmentKind(waist=0.058, leg=0.93, thickness=0.0030, looseness=0.0024),
        "leggings": GarmentKind(waist=0.060, leg=0.97, thickness=0.0018, looseness=0.0012),
        "shorts": GarmentKind(waist=0.055, leg=0.42, thickness=0.0035, looseness=0.0022),
        "socks": GarmentKind(leg=0.84, special="sock", thickness=0.0022, looseness=0.0008),
        "mittens": GarmentKind(sleeve=0.98, special="mitten", thickness=0.0025, looseness=0.0008),
        "hat": GarmentKind(special="hat", thickness=0.0035, looseness=0.0010, trim=0.012),
        "headband": GarmentKind(special="headband", thickness=0.0020, looseness=0.0004, trim=0.0),
        "bib": GarmentKind(special="bib", thickness=0.0030, looseness=0.0010, trim=0.004),
    }
)
"""Every kind of garment by name."""


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A garment cut for one body."""

    field: np.ndarray
    """(K,) int64 column of the fields that each limit is on."""
    sign: np.ndarray
    """(K,) float32: +1 keeps what is above the limit, -1 what is below."""
    limit: np.ndarray
    """(K,) float32 metres."""
    thickness: float
    looseness: float
    trim: float


def cut_garment(spec: GarmentSpec, anatomy: Anatomy) -> Cut:
    """Turn a garment's kind and parameters into limits on the fields of one body.

    ``spec.params`` may override the catalogue: sleeve, leg, waist, hem, loop, neck_open, thickness,
    looseness, trim.

    Raises:
        ValueError: When the catalogue has no such kind.
    """
    if spec.kind not in GARMENTS:
        raise ValueError(f"unknown garment {spec.kind!r}; expected one of {', '.join(GARMENTS)}")
    kind, p, unit = GARMENTS[spec.kind], spec.params, anatomy.stature / 0.65
    sleeve, leg, waist = p.get("sleeve", kind.sleeve), p.get("leg", kind.leg), p.get("waist", kind.waist)
    hem, loop = p.get("hem", kind.hem), p.get("loop", kind.loop)
    limits: list[tuple[str, float, float]] = []
    if kind.special == "sock":
        limits = [("leg", 1, leg * anatomy.leg_length)]
    elif kind.special == "mitten":
        limits = [("arm", 1, sleeve * anatomy.arm_length)]
    elif kind.special == "hat":
        limits = [("hat", 1, p.get("rim", 0.0) * unit)]
    elif kind.special == "headband":
        rim = p.get("rim", 0.006) * unit
        limits = [("hat", 1, rim), ("hat", -1, rim + p.get("width", 0.026) * unit)]
    elif kind.special == "bib":
        limits = [("bib", 1, 0.0), ("front", 1, 0.0), ("body", 1, 0.0), ("neck", 1, 0.001)]
    else:
        limits += [("body", 1, 0.0), ("neck", 1, p.get("neck_open", 0.002) * unit)] if kind.neck else []
        limits += [("arm", -1, sleeve * anatomy.arm_length)] if sleeve is not None else []
        limits += [("leg", -1, leg * anatomy.leg_length)] if leg is not None else []
        limits += [("height", -1, waist * unit)] if waist is not None else []
        limits += [("height", 1, hem * unit)] if hem is not None else []
        limits += [("loop", -1, loop * unit)] if loop is not None else []
    return Cut(
        field=np.array([FIELDS.index(name) for name, _, _ in limits], np.int64),
        sign=np.array([sign for _, sign, _ in limits], np.float32),
        limit=np.array([limit for _, _, limit in limits], np.float32),
        thickness=p.get("thickness", kind.thickness) * unit,
        looseness=p.get("looseness", kind.looseness) * unit,
        trim=p.get("trim", kind.trim) * unit,
    )


def coverage(cut: Cut, fields: np.ndarray) -> np.ndarray:
    """Return how far inside the garment each point lies, metres, (N,); negative outside."""
    return (cut.sign * (fields[:, cut.field] - cut.limit)).min(axis=1)


def stand_off(kind: str, cut: Cut, s: Samples, fold: np.ndarray, fill: np.ndarray, unit: float) -> np.ndarray:
    """Return how far the cloth lifts the surface along its normal, (V,) metres.

    Args:
        kind: Name in the catalogue.
        cut: The garment cut for this body.
        s: The body's vertices.
        fold: (V,) fold heights of :func:`cloth.folds`.
        fill: (V,) metres from the skin up to the cloth that spans its hollows.
        unit: Stature / 65 cm.
    """
    inside = coverage(cut, s.fields)
    ramp = np.clip(inside / (HEM_RAMP * unit) + 0.35, 0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    height = cut.thickness + np.minimum(fill, 0.012 * unit) + cut.looseness * fold
    if kind == "diaper":
        low = s.fields[:, 0] / unit
        crotch = np.exp(-(((low + 0.035) / 0.035) ** 2)) * np.exp(-((s.position[:, 0] / (0.045 * unit)) ** 2))
        seat = np.exp(-(((low + 0.02) / 0.04) ** 2)) * np.clip(-s.normal[:, 2], 0, 1)
        height = height + unit * (0.008 * crotch + 0.006 * seat)
    elif kind in ("dress", "romper", "shorts"):
        leg = np.clip(s.fields[:, 2] / (0.08 * unit), 0, 1)
        height = height + 0.006 * unit * leg
    elif kind == "hat":
        height = height + 0.004 * unit * np.clip(inside / (0.05 * unit), 0, 1)
    return np.maximum(height, 0.0005) * ramp
