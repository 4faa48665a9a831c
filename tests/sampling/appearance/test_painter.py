import dataclasses

import numpy as np
import pytest

from syrip_gen.sampling.appearance import Painter, paint
from syrip_gen.sampling.appearance.skin import PHOTOGRAPHED_TONES
from tests.sampling.appearance.specs import appearance, garment

SEAM_LEVELS = 10


def luminance(texture):
    return texture @ np.array([0.299, 0.587, 0.114])


def skin_texels(painter):
    """Trunk texels: no hair, lips or eyes."""
    weights = painter.vertices.weight(3, 6)
    on_trunk = np.zeros(painter.size**2, bool)
    on_trunk[painter.flat[np.abs(painter.fields[:, 0] - 0.09) < 0.03]] = True
    assert weights.max() > 0.5
    return on_trunk


def test_painting_is_a_pure_function_of_the_appearance(infant, painter):
    spec = appearance(garment("diaper"), hair_cover=0.9, volume=0.004)
    first = paint(spec, painter)
    paint(appearance(tone=9.0), painter)
    again = paint(spec, Painter(infant, size=256))
    for name in ("texture", "gloss", "offset_m"):
        assert np.array_equal(getattr(first, name), getattr(again, name)), name


@pytest.mark.parametrize("tone", range(1, 11))
def test_skin_has_the_colour_of_its_tone(painter, tone):
    texture = paint(appearance(tone=float(tone)), painter).texture.reshape(-1, 3)[skin_texels(painter)]
    assert np.abs(texture.mean(axis=0) - PHOTOGRAPHED_TONES[tone - 1]).max() < 22
    assert texture.std(axis=0).max() > 1  # no flat colour


def test_the_palette_darkens_along_the_monk_scale(painter):
    trunk = skin_texels(painter)
    pictures = [paint(appearance(tone=float(tone)), painter).texture for tone in range(1, 11)]
    assert (np.diff([luminance(p.reshape(-1, 3)[trunk]).mean() for p in pictures]) < -4).all()


def test_palms_and_soles_of_dark_skin_are_lighter(painter):
    image = luminance(paint(appearance(tone=9.0), painter).texture).reshape(-1)
    sole = painter.skin_layers[:, 7] > 230
    back = (painter.skin_layers[:, 7] < 20) & (painter.fields[:, 2] > painter.anatomy.leg_length)
    assert image[painter.flat[sole]].mean() > 1.15 * image[painter.flat[back]].mean()


def test_texture_is_continuous_across_uv_seams(painter, infant):
    painted = paint(appearance(garment("onesie_long", fabric="plain"), hair_cover=0.8), painter)
    assert seam_difference(painter, infant, painted.texture) < SEAM_LEVELS


def test_reduced_textures_stay_continuous_across_uv_seams(painter, infant):
    texture = paint(appearance(garment("onesie_long", fabric="plain"), hair_cover=0.8), painter).texture
    reduced = texture.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert seam_difference(painter, infant, reduced) < SEAM_LEVELS


def test_the_seam_measure_notices_a_seam(painter, infant):
    ramp = np.linspace(0, 255, painter.size).astype(np.uint8)
    texture = np.tile(ramp[None, :, None], (painter.size, 1, 3))
    assert seam_difference(painter, infant, texture) > 3 * SEAM_LEVELS


def seam_difference(painter, infant, texture) -> float:
    """Return the mean difference of the texture, in levels, between the places that one vertex has in UV
    space."""
    pairs = np.unique(np.stack([infant.faces.ravel(), painter.uv_faces.ravel()], axis=1), axis=0)
    order = pairs[:-1][pairs[:-1, 0] == pairs[1:, 0]], pairs[1:][pairs[:-1, 0] == pairs[1:, 0]]
    hidden = np.isin(
        order[0][:, 0], np.concatenate([infant.regions[n] for n in infant.regions if "eye" in n])
    )
    sides = [read(texture, painter.uv[side[~hidden, 1]]) for side in order]
    assert len(sides[0]) > 200
    return float(np.abs(sides[0] - sides[1]).mean())


def read(texture, uv):
    """Bilinear look-up, v up."""
    x, y = uv[:, 0] * texture.shape[1] - 0.5, (1 - uv[:, 1]) * texture.shape[0] - 0.5
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    tx, ty = (x - x0)[:, None], (y - y0)[:, None]
    t = np.pad(texture.astype(float), ((1, 1), (1, 1), (0, 0)), mode="edge")
    x0, y0 = x0 + 1, y0 + 1
    top = t[y0, x0] * (1 - tx) + t[y0, x0 + 1] * tx
    return top * (1 - ty) + (t[y0 + 1, x0] * (1 - tx) + t[y0 + 1, x0 + 1] * tx) * ty


def test_eyes_are_dark_in_the_middle_and_white_around(painter):
    image = luminance(paint(appearance(), painter).texture).reshape(-1)
    place = painter.eyes.place
    radius = np.hypot(*place.T)
    catchlight = np.hypot(place[:, 0] + 0.3, place[:, 1] - 0.4) < 0.35
    open_sky = painter.eyes.open_sky > 0.6
    pupil = image[painter.eyes.flat[(radius < 0.3) & ~catchlight]]
    sclera = image[painter.eyes.flat[(radius > 1.2) & (radius < 2) & open_sky & (np.abs(place[:, 1]) < 0.5)]]
    assert pupil.mean() < 45
    assert sclera.mean() > 110


def test_closed_eyes_are_skin(painter):
    texture = paint(appearance(closed=1.0), painter).texture.reshape(-1, 3)
    lid = painter.eyes.flat[(painter.eyes.place[:, 1] > 0) & (np.hypot(*painter.eyes.place.T) < 0.6)]
    assert luminance(texture[lid]).mean() > 100


def test_eyes_get_room_in_the_texture(painter, infant):
    ball = infant.regions["eye_front_left"]
    span = np.ptp(painter.uv[np.unique(painter.uv_faces[np.isin(infant.faces, ball).all(axis=1)])], axis=0)
    old = np.ptp(infant.uv[np.unique(infant.uv_faces[np.isin(infant.faces, ball).all(axis=1)])], axis=0)
    assert span.min() > 2 * old.min()


def test_gloss_tells_eyes_from_skin_from_cloth(painter):
    gloss = paint(appearance(garment("sleeper")), painter).gloss.reshape(-1)
    assert gloss[painter.eyes.flat].min() > 200
    assert (gloss[painter.flat[painter.fields[:, 2] > 0.1]] == 0).all()


def test_hair_darkens_and_raises_the_scalp_only(painter):
    bald, hairy = (paint(appearance(hair_cover=c, volume=v), painter) for c, v in ((0, 0), (1, 0.005)))
    assert bald.offset_m.max() == 0
    raised = hairy.offset_m > 0.002
    assert raised.sum() > 100
    assert painter.vertices.weight(15)[raised].min() > 0.3
    assert not raised[np.concatenate(painter.anatomy.eyeballs)].any()
    changed = np.abs(bald.texture.astype(int) - hairy.texture).max(axis=-1).reshape(-1)[painter.flat] > 30
    assert 0.05 < changed.mean() < 0.5


def test_the_cache_keeps_the_latest(painter):
    spec = appearance(tone=2.0)
    assert painter.paint(spec) is painter.paint(dataclasses.replace(spec))
    assert not painter.paint(spec).texture.flags.writeable


def test_measurements_are_kept_and_read_again(infant, painter, tmp_path):
    spec = appearance(garment("sleeper", fabric="stars"), hair_cover=0.9, volume=0.004)
    first = paint(spec, Painter(infant, size=256, folder=tmp_path))
    (file,) = tmp_path.iterdir()
    written = file.stat().st_mtime_ns
    again = paint(spec, Painter(infant, size=256, folder=tmp_path))
    assert file.stat().st_mtime_ns == written
    for name in ("texture", "gloss", "offset_m"):
        assert np.array_equal(getattr(first, name), getattr(paint(spec, painter), name)), name
        assert np.array_equal(getattr(first, name), getattr(again, name)), name


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip"])
def test_damaged_measurements_are_made_again(infant, painter, tmp_path, damage):
    Painter(infant, size=256, folder=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    mended = Painter(infant, size=256, folder=tmp_path)
    assert np.array_equal(mended.fields, painter.fields)
    assert file.stat().st_size > 1_000_000


def test_other_bodies_and_unwritable_folders_get_their_own_measurements(infant, painter, tmp_path):
    Painter(infant, size=256, folder=tmp_path)
    taller = dataclasses.replace(infant, v_template=infant.v_template * 1.1)
    assert Painter(taller, size=256, folder=tmp_path).anatomy.stature > 1.05 * painter.anatomy.stature
    assert len(list(tmp_path.iterdir())) == 2
    (tmp_path / "file").touch()
    assert np.array_equal(Painter(infant, size=256, folder=tmp_path / "file").fields, painter.fields)


def test_eyes_are_painted_on_bodies_without_separate_eyeballs_or_regions(infant, painter):
    # Triangles without area tie the eyeballs to the head, as in meshes that are one piece.
    ties = [[ball[0], infant.faces[0, 0], infant.faces[0, 0]] for ball in painter.anatomy.eyeballs]
    foreign_body = dataclasses.replace(
        infant,
        regions={},
        faces=np.concatenate([infant.faces, ties]).astype(np.int32),
        uv_faces=np.concatenate([infant.uv_faces, np.zeros((2, 3), np.int32)]),
    )
    foreign = Painter(foreign_body, size=512)
    assert foreign.anatomy.eyeballs == ()
    painted = paint(appearance(garment("diaper"), tone=1.0), foreign)
    image = luminance(painted.texture).reshape(-1)
    middle = foreign.eyes.flat[(np.hypot(*foreign.eyes.place.T) < 0.6) & (foreign.eyes.opening == 1)]
    assert len(middle) > 3
    assert image[middle].mean() < 0.6 * image[skin_texels(foreign)].mean()


def test_missing_parameters_are_named(painter):
    with pytest.raises(ValueError, match="'tone'"):
        paint(dataclasses.replace(appearance(), skin={}), painter)
