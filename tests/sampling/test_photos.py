import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from syrip_gen.sampling.photos import BrokenPhoto, decode_photo, open_photos


def jpeg(value: int, size: tuple[int, int] = (90, 120)) -> bytes:
    return cv2.imencode(".jpg", np.full((*size, 3), value, np.uint8))[1].tobytes()


def test_folder_skips_and_counts(photo_folder) -> None:
    photos = open_photos(photo_folder)
    assert photos.names == ["a.jpg", "b.png", "deep/c.jpg"]
    assert photos.skipped == {"unsupported": 1, "broken": 1}
    assert photos.read(2, 64).shape == (90, 120, 3)
    assert abs(int(photos.read(1, 64).mean()) - 120) <= 2


@pytest.mark.parametrize("suffix", [".jpeg", ".PNG", ".webp", ".bmp", ".tiff"])
def test_every_promised_format_is_read(tmp_path, suffix) -> None:
    Image.new("RGB", (64, 48), (200, 30, 10)).save(tmp_path / f"a{suffix}")
    picture = open_photos(tmp_path).read(0, 32)
    assert picture.shape == (48, 64, 3)
    assert abs(int(picture[..., 0].mean()) - 200) < 6


def test_list_file_names_photos_beside_it(photo_folder) -> None:
    listing = photo_folder / "train_img.txt"
    listing.write_text("deep/c.jpg\n\na.jpg\n../secret.jpg\nmissing.jpg\n")
    photos = open_photos(listing)
    assert photos.names == ["deep/c.jpg", "a.jpg"]
    assert photos.skipped == {"outside the folder": 1, "missing": 1}


def test_folder_without_images_is_an_error(tmp_path) -> None:
    (tmp_path / "readme.txt").write_text("nothing here")
    with pytest.raises(ValueError, match=r"no usable photo \(1 unsupported\)"):
        open_photos(tmp_path)


def test_missing_folder_is_an_error(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        open_photos(tmp_path / "nowhere")


def test_a_single_image_is_an_error(photo_folder) -> None:
    with pytest.raises(ValueError, match="is one image"):
        open_photos(photo_folder / "a.jpg")


def test_a_binary_file_is_an_error(tmp_path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xff\xfe\x00binary\x80")
    with pytest.raises(ValueError, match="neither a folder, an LMDB nor a text list"):
        open_photos(path)


def test_photos_over_the_pixel_limit_are_skipped(photo_folder) -> None:
    cv2.imwrite(str(photo_folder / "huge.png"), np.zeros((200, 200, 3), np.uint8))
    assert open_photos(photo_folder, max_pixels=20_000).skipped["too large"] == 1


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    """A PNG header that claims 30,000 x 30,000 px, without the pixels."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    from zlib import crc32

    chunk = b"IHDR" + header
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", crc32(chunk))
    with pytest.raises(BrokenPhoto, match=r"not a readable image|the limit is"):
        decode_photo(data, "bomb.png", 64, 1_000_000)


def test_a_truncated_jpeg_is_broken_or_decoded_whole() -> None:
    data = jpeg(100, (480, 640))
    with pytest.raises(BrokenPhoto, match=r"x\.jpg"):
        decode_photo(data[:60], "x.jpg", 64, 10**7)


def test_large_jpegs_are_decoded_small_but_not_too_small() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (1600, 1200), (10, 200, 30)).save(buffer, "JPEG")
    picture = decode_photo(buffer.getvalue(), "x.jpg", 256, 10**7)
    assert picture.shape == (300, 400, 3)
    assert picture[0, 0, 1] > 190


def test_a_photo_that_vanishes_is_broken(photo_folder) -> None:
    photos = open_photos(photo_folder)
    (photo_folder / "a.jpg").unlink()
    with pytest.raises(BrokenPhoto, match=r"a\.jpg"):
        photos.read(0, 64)


def test_lsun_lmdb(tmp_path) -> None:
    lmdb = pytest.importorskip("lmdb", reason="extra 'lsun' is not installed")
    with lmdb.open(str(tmp_path / "db"), map_size=1 << 20) as env, env.begin(write=True) as transaction:
        webp = cv2.imencode(".webp", np.full((64, 80, 3), 90, np.uint8))[1].tobytes()
        for key, value in ((b"bb", jpeg(200)), (b"aa", webp), (b"cc", b"broken")):
            transaction.put(key, value)
    photos = open_photos(tmp_path / "db")
    assert list(photos.names) == ["aa", "bb", "cc"]
    assert photos.read(0, 32).shape == (64, 80, 3)
    assert abs(int(photos.read(1, 32).mean()) - 200) <= 2
    with pytest.raises(BrokenPhoto, match="cc"):
        photos.read(2, 32)


def test_empty_lmdb_is_an_error(tmp_path) -> None:
    lmdb = pytest.importorskip("lmdb", reason="extra 'lsun' is not installed")
    lmdb.open(str(tmp_path / "db"), map_size=1 << 20).close()
    with pytest.raises(ValueError, match="holds no photo"):
        open_photos(tmp_path / "db")
