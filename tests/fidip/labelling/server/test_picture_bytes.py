import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from fidip.data.images import read_image
from fidip.inference.pictures import read_photo
from fidip.labelling.server.picture_bytes import BadPicture, browser_picture

ORIENTATION = 0x0112


def scene(width=96, height=64):
    """Red left top, green right top, blue left bottom, grey right bottom."""
    image = np.full((height, width, 3), 128, np.uint8)
    image[: height // 2, : width // 2] = (255, 0, 0)
    image[: height // 2, width // 2 :] = (0, 255, 0)
    image[height // 2 :, : width // 2] = (0, 0, 255)
    return Image.fromarray(image)


def file_of(image, kind="JPEG", orientation=None, **options):
    out = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
        options["exif"] = exif
    image.save(out, kind, **options)
    out.seek(0)
    return out


def shown(picture, file):
    """Return what a browser shows: the picture with its own EXIF orientation applied, and its type."""
    data = picture.data if picture.data is not None else file.getvalue()
    image = Image.open(io.BytesIO(data))
    turns = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}
    turn = turns.get(image.getexif().get(ORIENTATION, 1))
    image = image.convert("RGB")
    return np.asarray(image.transpose(turn) if turn is not None else image).astype(int)


def corner(pixels, bottom=False, right=False):
    return pixels[-8 if bottom else 8, -8 if right else 8]


@pytest.mark.parametrize(
    "kind, media_type", [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_what_browsers_show_goes_out_as_it_is(kind, media_type):
    for width in (None, 96, 5000):
        picture = browser_picture(file_of(scene(), kind), size=(96, 64), width=width)
        assert (picture.media_type, picture.data) == (media_type, None)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "GIF", "PPM"])
def test_what_they_do_not_show_is_encoded(kind):
    file = file_of(scene(), kind)
    picture = browser_picture(file, size=(96, 64))
    assert picture.media_type == "image/jpeg"
    assert np.abs(corner(shown(picture, file)) - (255, 0, 0)).max() < 12


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
@pytest.mark.parametrize("size", [(400, 300), (401, 299), (1000, 90)])
def test_narrower_pictures_keep_proportions_and_content(kind, size):
    file = file_of(scene(*size), kind)
    pixels = shown(browser_picture(file, size=size, width=100), file)
    assert pixels.shape == (max(1, round(size[1] * 100 / size[0])), 100, 3)
    assert np.abs(pixels[0, 10] - (255, 0, 0)).max() < 12
    assert np.abs(pixels[0, -10] - (0, 255, 0)).max() < 12


def test_narrower_picture_is_the_same_picture_in_pixel_corners():
    """A dot keeps its place to a fraction of a pixel: points are dragged on pictures of any size."""
    image = np.zeros((1200, 1600), np.uint8)
    cv2.circle(image, (1101, 347), 60, 255, -1)  # centre of that pixel: (1101.5, 347.5)
    file = file_of(Image.fromarray(image).convert("RGB"), "JPEG", quality=95)
    for width in (1100, 800, 333):
        grey = shown(browser_picture(file, size=(1600, 1200), width=width), file)[..., 0]
        weights = np.where(grey > 30, grey, 0)
        y, x = (np.indices(grey.shape) + 0.5).reshape(2, -1) @ weights.ravel() / weights.sum()
        scale = 1600 / width
        assert np.hypot(x - 1101.5 / scale, y - 347.5 / scale) < 0.1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "TIFF tiff_lzw"])
@pytest.mark.parametrize("orientation, turned", [(6, (64, 96)), (8, (64, 96))])
@pytest.mark.parametrize("width", [None, 40])
def test_turned_phone_pictures_are_upright(kind, orientation, turned, width):
    kind, *compression = kind.split()
    file = file_of(scene(), kind, orientation, **({"compression": compression[0]} if compression else {}))
    pixels = shown(browser_picture(file, size=turned, width=width), file)
    across = width or turned[0]
    assert pixels.shape[1::-1] == (across, round(turned[1] * across / turned[0]))
    right, bottom = {6: (True, False), 8: (False, True)}[orientation]
    assert np.abs(corner(pixels, bottom, right) - (255, 0, 0)).max() < 15


@pytest.mark.parametrize("orientation", [5, 7])
def test_mirrored_pictures_are_mirrored_back(orientation):
    """These occur where a phone's front camera was used; Pillow's own rule is the measure."""
    from PIL import ImageOps

    file = file_of(scene(), "PNG", orientation)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(file)).convert("RGB")).astype(int)
    file.seek(0)
    pixels = shown(browser_picture(file, size=wanted.shape[1::-1]), file)
    assert np.abs(pixels - wanted).mean() < 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_half_turns_are_shown_as_training_reads_them(kind, orientation, tmp_path):
    """No size tells whether they were applied, so nobody applies them: not the page, not the loaders."""
    file = file_of(scene(), kind, orientation)
    (tmp_path / "photo").write_bytes(file.getvalue())
    pixels = shown(browser_picture(file, size=(96, 64)), file)
    assert np.abs(pixels - read_image(tmp_path / "photo", (96, 64)).astype(int)).mean() < 3
    assert np.abs(pixels - read_photo(tmp_path / "photo", (96, 64)).astype(int)).mean() < 3


def test_square_pictures_are_shown_as_training_reads_them(tmp_path):
    file = file_of(scene().crop((0, 0, 64, 64)), "JPEG", 6)
    (tmp_path / "photo").write_bytes(file.getvalue())
    pixels = shown(browser_picture(file, size=(64, 64)), file)
    assert np.abs(pixels - read_image(tmp_path / "photo", (64, 64)).astype(int)).mean() < 3


@pytest.mark.parametrize("width", [None, 48])
def test_labels_of_the_unturned_picture_get_the_unturned_picture(width):
    """COCO's labels ignore EXIF: the size that the label was made for decides."""
    file = file_of(scene(), "JPEG", 6)
    pixels = shown(browser_picture(file, size=(96, 64), width=width), file)
    assert pixels.shape[1] == (width or 96)
    assert np.abs(corner(pixels) - (255, 0, 0)).max() < 15


def test_damaged_exif_does_not_hide_a_picture():
    out = io.BytesIO()
    scene().save(out, "JPEG", exif=b"Exif\0\0" + b"\xff" * 40)
    assert browser_picture(out, size=(96, 64), width=48).data
    for value in (0, 9, 65535):
        assert browser_picture(file_of(scene(), "JPEG", value), size=(96, 64)).data is None


def test_picture_of_another_size_is_not_that_of_the_label():
    with pytest.raises(BadPicture, match=r"is 96 x 64 px, but its label was made for 64 x 64 px"):
        browser_picture(file_of(scene()), size=(64, 64))


def test_sixteen_bits_keep_their_brightness():
    ramp = np.linspace(0, 65535, 96 * 64).astype(np.uint16).reshape(64, 96)
    file = io.BytesIO(cv2.imencode(".png", ramp)[1].tobytes())
    pixels = shown(browser_picture(file, size=(96, 64), width=48), file)
    assert pixels[0, 0].max() < 10
    assert abs(pixels[16, 0].mean() - 128) < 10
    assert pixels[-1, -1].min() > 245


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "RGBA", "YCbCr"])
def test_every_mode_can_be_shown_smaller(mode):
    kind = {"CMYK": "TIFF", "YCbCr": "TIFF"}.get(mode, "PNG")
    file = file_of(scene().convert(mode), kind)
    assert shown(browser_picture(file, size=(96, 64), width=48), file).shape == (32, 48, 3)


def test_transparent_overlays_stay_transparent():
    image = scene().convert("RGBA")
    image.putalpha(Image.fromarray(np.tile(np.repeat([0, 255], 48).astype(np.uint8), (64, 1))))
    picture = browser_picture(file_of(image, "PNG"), width=48)
    alpha = np.asarray(Image.open(io.BytesIO(picture.data)).getchannel("A"))
    assert picture.media_type == "image/png"
    assert (alpha[:, :20].max(), alpha[:, 28:].min()) == (0, 255)


def test_moving_pictures_stand_still_on_their_first_frame():
    for kind in ("GIF", "WEBP", "PNG"):
        frames = [scene(), Image.new("RGB", (96, 64))]
        file = file_of(frames[0], kind, save_all=True, append_images=frames[1:])
        picture = browser_picture(file, size=(96, 64))
        assert picture.data is not None
        assert np.abs(corner(shown(picture, file)) - (255, 0, 0)).max() < 15


def png_header(width, height):
    """A PNG that says to be huge: a few hundred bytes that unpack to gigabytes."""
    chunks = b""
    content = zlib.compress(b"\0" * 1000)
    for kind, data in ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", content)):
        chunks += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + chunks)


@pytest.mark.parametrize("side", [10_001, 13_500, 60_000])
def test_pictures_over_the_pixel_limit_are_refused_unpacked(side):
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadPicture, match="100 million pixels"):
        browser_picture(png_header(side, side), width=100)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_damaged_files_are_refused_in_one_line(kind):
    whole = file_of(scene(), kind).getvalue()
    for keep in (0, 10, 30):
        assert refusal(whole[:keep], 48) == refusal(whole[:keep], None) == "does not decode as a picture"
    assert refusal(whole[: len(whole) // 2], 48)
    assert refusal(whole[: len(whole) // 2], None)
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[int(rng.integers(len(whole)))] = int(rng.integers(256))
        assert "\n" not in refusal(bytes(damaged), 48)


def refusal(data, width):
    """Return why these bytes are no picture; "" if they are one."""
    try:
        browser_picture(io.BytesIO(data), width=width)
    except BadPicture as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kind", ["EPS", "PCX", "TGA", "SGI", "ICO", "PDF"])
def test_rare_formats_are_not_even_tried(kind):
    """Every decoder more is one more that damaged and hostile files can break."""
    image = scene().resize((64, 64)) if kind == "ICO" else scene()
    assert refusal(file_of(image, kind).getvalue(), None) == "does not decode as a picture"


def test_colour_profile_goes_along():
    profile = b"\0" * 128
    picture = browser_picture(file_of(scene(), "JPEG", icc_profile=profile), width=48)
    assert Image.open(io.BytesIO(picture.data)).info["icc_profile"] == profile
