import json
from collections import Counter

import numpy as np

from syrip_gen.sampling.appearance import appearance_of_image, paint, sample_appearance
from syrip_gen.sampling.appearance.garments import GARMENTS
from syrip_gen.sampling.appearance.sampler import IMAGES_PER_BLOCK

MANY = [sample_appearance(np.random.default_rng(i)) for i in range(600)]


def test_all_ten_tones_come_up_equally_often():
    tones = Counter(round(a.skin["tone"]) for a in MANY)
    assert set(tones) == set(range(1, 11))
    assert min(tones.values()) > 25


def test_every_kind_of_garment_comes_up():
    assert {g.kind for a in MANY for g in a.garments} == set(GARMENTS)


def test_some_are_naked_and_some_wear_only_a_diaper():
    outfits = Counter(tuple(g.kind for g in a.garments) for a in MANY)
    assert 10 < outfits[()] < 80
    assert 60 < outfits[("diaper",)] < 180


def test_fair_hair_and_blue_eyes_only_on_fair_skin():
    dark = [a for a in MANY if a.skin["tone"] > 6]
    assert max(a.hair["hair_red"] for a in dark) < 0.35
    assert all(a.eyes["iris_blue"] < a.eyes["iris_red"] for a in dark)


def test_specs_are_plain_json():
    spec = MANY[0]
    assert json.loads(json.dumps(spec.skin)) == spec.skin
    for garment in spec.garments:
        assert json.loads(json.dumps(garment.params)) == garment.params
        assert all(type(c) is float for c in garment.color)


def test_images_share_appearances_within_a_block_only():
    first = [repr(appearance_of_image(3, i)) for i in range(IMAGES_PER_BLOCK)]
    second = [repr(appearance_of_image(3, i + IMAGES_PER_BLOCK)) for i in range(IMAGES_PER_BLOCK)]
    assert 8 <= len(set(first)) <= 16  # four infants, four outfits
    for part in ("skin", "garments"):
        drawn = [appearance_of_image(3, i) for i in range(IMAGES_PER_BLOCK)]
        assert 3 <= len({repr(getattr(spec, part)) for spec in drawn}) <= 4
    assert not set(first) & set(second)
    assert first == [repr(appearance_of_image(3, i)) for i in range(IMAGES_PER_BLOCK)]
    assert repr(appearance_of_image(4, 0)) not in first


def test_sampled_appearances_paint(painter):
    for spec in MANY[:12]:
        painted = paint(spec, painter)
        assert painted.texture.shape == (256, 256, 3)
        assert np.isfinite(painted.offset_m).all()
        assert painted.offset_m.min() >= 0
