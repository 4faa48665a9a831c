import numpy as np
import pytest
from PIL import Image

from syrip_gen.sampling.appearance import TextureFolder


def write(path, size=(128, 128), mode="RGB", color=(200, 10, 30)):
    Image.new(mode, size, color if mode == "RGB" else (*color, 255)).save(path)


def test_usable_textures_are_read_in_name_order(tmp_path):
    write(tmp_path / "b.png", mode="RGBA")
    write(tmp_path / "a.jpg")
    folder = TextureFolder(tmp_path)
    assert folder.names == ("a.jpg", "b.png")
    texture = folder.read("b.png")
    assert texture.shape == (128, 128, 3)
    assert texture[0, 0].tolist() == [200, 10, 30]
    assert not texture.flags.writeable


def test_broken_and_foreign_files_are_skipped_and_counted(tmp_path):
    write(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "good.png").read_bytes()[:60])
    (tmp_path / "evil.jpg").write_bytes(b"\xff\xd8 not a picture")
    (tmp_path / "notes.txt").write_text("x")
    write(tmp_path / "icon.png", size=(16, 16))
    folder = TextureFolder(tmp_path)
    assert folder.names == ("good.png",)
    assert folder.skipped == {"broken": 2, "not an image": 1, "too small": 1}


def test_images_over_the_pixel_limit_are_refused(tmp_path):
    write(tmp_path / "small.png")
    write(tmp_path / "huge.png", size=(300, 300))
    folder = TextureFolder(tmp_path, max_pixels=20_000)
    assert folder.names == ("small.png",)
    assert folder.skipped == {"too large": 1}


def test_large_textures_are_reduced(tmp_path):
    write(tmp_path / "big.png", size=(2048, 2048))
    assert TextureFolder(tmp_path).read("big.png").shape == (1024, 1024, 3)


def test_a_folder_without_textures_says_so(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(ValueError, match=r"no usable image \(1 not an image\)"):
        TextureFolder(tmp_path)


def test_a_missing_folder_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        TextureFolder(tmp_path / "none")


def test_names_outside_the_folder_are_refused(tmp_path):
    write(tmp_path / "a.png")
    (tmp_path / "inner").mkdir()
    write(tmp_path / "inner" / "b.png")
    with pytest.raises(ValueError, match=r"'../a.png' is not among the 1 usable"):
        TextureFolder(tmp_path / "inner").read("../a.png")


def test_reading_twice_gives_equal_pixels(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)).save(tmp_path / "a.png")
    assert np.array_equal(TextureFolder(tmp_path).read("a.png"), TextureFolder(tmp_path).read("a.png"))
