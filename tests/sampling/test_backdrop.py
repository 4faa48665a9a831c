import json
from dataclasses import replace

import numpy as np
import pytest

from syrip_gen.sampling.backdrop import BackdropPainter, crop_photo, photo_light
from syrip_gen.sampling.materials import MaterialLibrary
from syrip_gen.sampling.photos import open_photos
from syrip_gen.sampling.plan import plan_scene
from syrip_gen.sampling.scene import SceneSpec


@pytest.fixture(scope="module")
def specs(resources, bank):
    context = resources.plan_context(bank)
    return [plan_scene(context, 0, index) for index in range(30)]


def test_every_setting_paints_a_picture(resources, specs) -> None:
    seen = set()
    for spec in specs:
        backdrop = resources.backdrops.paint(spec)
        assert backdrop.picture.shape == (120, 160, 3)
        assert backdrop.has_support
        assert 8 < backdrop.picture.mean() < 253
        seen.add(spec.background.params["setting"])
    assert seen == {"bed", "blanket", "floor"}


def test_paper_rotations_float_before_a_panorama(resources, bank) -> None:
    context = resources.plan_context(bank)
    paper = replace(context, options=replace(context.options, rotations="paper"))
    backdrop = resources.backdrops.paint(plan_scene(paper, 0, 3))
    assert not backdrop.has_support
    assert backdrop.picture.std() > 3


def test_painting_twice_gives_the_same_bytes(resources, specs) -> None:
    painter = BackdropPainter(None, MaterialLibrary())
    for spec in specs[:6]:
        copy = SceneSpec.from_json(json.loads(json.dumps(spec.to_json())))
        np.testing.assert_array_equal(painter.paint(copy).picture, resources.backdrops.paint(spec).picture)


def test_brighter_light_gives_a_brighter_room(resources, specs) -> None:
    spec = specs[0]
    dim = replace(
        spec.light,
        sh=tuple(tuple(0.4 * c for c in row) for row in spec.light.sh),
        key_color=tuple(0.4 * c for c in spec.light.key_color),
    )
    bright = resources.backdrops.paint(spec).picture.mean()
    assert resources.backdrops.paint(replace(spec, light=dim)).picture.mean() < 0.85 * bright


def test_a_broken_photo_gives_way_to_the_next(photo_folder, specs) -> None:
    photos = open_photos(photo_folder)
    (photo_folder / "a.jpg").write_bytes(b"gone")
    painter = BackdropPainter(photos, MaterialLibrary())
    background = replace(
        specs[0].background, kind="photo", source="a.jpg",
        params={"setting": "plain", "photo": 0.0, "photo_crop": [1.0, 0.5, 0.5, 0.0], "far_blur": 0.0},
    )  # fmt: skip
    backdrop = painter.paint(replace(specs[0], background=background))
    assert backdrop.source == "b.png"
    assert "a.jpg" in backdrop.notes[0]
    assert not backdrop.has_support
    assert abs(int(backdrop.picture.mean()) - 120) <= 2


def test_crop_keeps_the_aspect_ratio_and_flips() -> None:
    photo = np.zeros((100, 300, 3), np.uint8)
    photo[:, :150] = 200
    window = crop_photo(photo, [1.0, 0.5, 0.5, 0.0], 160, 80)
    flipped = crop_photo(photo, [1.0, 0.5, 0.5, 1.0], 160, 80)
    assert window.shape == (80, 160, 3)
    assert window[:, :70].min() > 190
    assert window[:, 90:].max() < 10
    np.testing.assert_allclose(flipped[:, 90:].mean(), window[:, :70].mean(), atol=2)
    assert flipped[:, :70].max() < 10


def test_dark_photos_dim_the_body_and_red_ones_tint_it() -> None:
    dark = photo_light(np.full((50, 50, 3), 40, np.uint8))
    bright = photo_light(np.full((50, 50, 3), 180, np.uint8))
    red = photo_light(np.full((50, 50, 3), (160, 60, 60), np.uint8))
    assert dark.mean() < 0.8 * bright.mean()
    assert red[0] > 1.1 * red[2]
