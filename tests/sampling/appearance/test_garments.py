import numpy as np
import pytest

from syrip_gen.sampling.appearance import paint
from syrip_gen.sampling.appearance.garments import GARMENTS, coverage, cut_garment, stand_off
from tests.sampling.appearance.specs import appearance, garment

# For every kind: places that must be covered, and places that must be bare.
COVERED = {
    "diaper": ("seat", "chest knee foot face elbow hand shoulder navel"),
    "onesie_short": ("seat navel chest shoulder", "knee foot face wrist hand"),
    "onesie_long": ("seat navel chest shoulder elbow", "knee foot face hand"),
    "bodysuit_sleeveless": ("seat navel chest", "knee foot face elbow hand"),
    "sleeper": ("seat navel chest shoulder elbow knee ankle foot", "face hand"),
    "pyjamas": ("seat navel chest shoulder elbow knee", "face hand foot"),
    "romper": ("seat navel chest shoulder", "ankle foot face wrist hand"),
    "tshirt": ("navel chest shoulder", "knee foot face wrist hand"),
    "shirt_long": ("navel chest shoulder elbow", "knee foot face hand"),
    "vest": ("navel chest", "knee foot face elbow hand"),
    "dress": ("seat navel chest", "ankle foot face elbow wrist hand"),
    "trousers": ("seat knee", "chest foot face elbow hand"),
    "leggings": ("seat knee", "chest foot face elbow hand"),
    "shorts": ("seat", "chest ankle foot face elbow hand"),
    "socks": ("foot", "knee seat chest face hand"),
    "mittens": ("hand", "elbow seat chest face foot"),
    "hat": ("crown", "face chest hand foot"),
    "headband": ("", "crown face chest hand foot"),
    "bib": ("collar", "face hand foot seat knee"),
}


def near(painter, place: str) -> np.ndarray:
    """Return the vertices nearest to a place of the body, both sides where there are two."""
    anatomy, j = painter.anatomy, painter.anatomy.joints
    gap = anatomy.eye_gap
    pairs = {"knee": 4, "ankle": 7, "foot": 10, "shoulder": 16, "elbow": 18, "wrist": 20, "hand": 22}
    points = {
        "seat": [j[0] + [0, 0, -0.1]],
        "navel": [j[6] + [0, 0, 0.1]],
        "chest": [j[9] + [0, 0, 0.1]],
        "collar": [j[9] + [0, 0.3 * (j[12, 1] - j[9, 1]), 0.1]],
        "face": [anatomy.face_origin + np.array([0, -0.4, 0.3]) * gap],
        "crown": [anatomy.head_center + np.array([0, 0.3, 0])],
    }.get(place) or [j[pairs[place]], j[pairs[place] + 1]]
    distance = [np.linalg.norm(painter.vertices.position - p, axis=1) for p in points]
    return np.concatenate([np.argsort(d)[:10] for d in distance])


def test_every_kind_is_tested():
    assert set(COVERED) == set(GARMENTS)


@pytest.mark.parametrize("kind", GARMENTS)
def test_garments_cover_what_they_should(painter, kind):
    inside = coverage(cut_garment(garment(kind), painter.anatomy), painter.vertices.fields)
    covered, bare = COVERED[kind]
    assert (inside > 0).sum() > 100
    for place in covered.split():
        assert (inside[near(painter, place)] > 0).mean() > 0.9, place
    for place in bare.split():
        assert (inside[near(painter, place)] < 0).mean() > 0.9, place


def test_a_hat_covers_the_crown_and_leaves_the_face(painter):
    inside = coverage(cut_garment(garment("hat"), painter.anatomy), painter.vertices.fields)
    position, anatomy = painter.vertices.position, painter.anatomy
    assert inside[position[:, 1].argmax()] > 0
    assert (inside[np.concatenate(anatomy.eyeballs)] < 0).all()


@pytest.mark.parametrize("kind", GARMENTS)
def test_every_garment_paints_without_holes(painter, kind):
    painted = paint(appearance(garment(kind)), painter)
    assert np.isfinite(painted.offset_m).all()
    assert 0.001 < painted.offset_m.max() < 0.04
    green = painted.texture[..., 1].astype(int) - painted.texture[..., 0]
    inside = coverage(cut_garment(garment(kind), painter.anatomy), painter.fields)
    deep = painter.flat[inside > 0.006]
    assert (green.reshape(-1)[deep] > 20).mean() > 0.99
    far = painter.flat[inside < -0.012]
    assert (green.reshape(-1)[far] < 20).all()


@pytest.mark.parametrize("kind", GARMENTS)
def test_cloth_rises_smoothly_at_the_hem(painter, infant, kind):
    cut = cut_garment(garment(kind, looseness=0.0), painter.anatomy)
    lift = stand_off(kind, cut, painter.vertices, painter.fold, np.zeros_like(painter.fold), painter.unit)
    inside = coverage(cut, painter.vertices.fields)
    assert (lift[inside < -0.003] == 0).all()
    edges = infant.faces[:, [0, 1]]
    position = painter.vertices.position
    length = np.linalg.norm(position[edges[:, 0]] - position[edges[:, 1]], axis=1)
    at_hem = (np.abs(inside[edges]) < 0.002).all(axis=1) & (length > 1e-4)
    assert (np.abs(np.diff(lift[edges], axis=1))[at_hem, 0] < cut.thickness + 0.004).all()


def test_longer_sleeves_cover_more(painter):
    short, long = (
        coverage(cut_garment(garment("tshirt", sleeve=s), painter.anatomy), painter.vertices.fields) > 0
        for s in (0.2, 0.6)
    )
    assert (long | ~short).all()
    assert long.sum() > short.sum()


def test_unknown_garment_names_the_known_ones(painter):
    with pytest.raises(ValueError, match=r"unknown garment 'cape'; expected one of diaper"):
        cut_garment(garment("cape"), painter.anatomy)
