import numpy as np
import pytest
from PIL import Image

from fidip.inference import pictures
from fidip.inference.pictures import read_photo
from fidip.inference.sources import find_sources


def picture():
    image = np.zeros((20, 30, 3), np.uint8)
    image[:5, :5] = (255, 0, 0)
    return image


def save_turned(path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture()).save(path, exif=exif)
    return path


@pytest.mark.parametrize(
    "orientation, shape, corner", [(1, (20, 30), (0, 0)), (6, (30, 20), (0, -1)), (3, (20, 30), (-1, -1))]
)
def test_exif_rotation_is_applied(orientation, shape, corner, tmp_path):
    pixels = read_photo(save_turned(tmp_path / "a.png", orientation))
    assert pixels.shape[:2] == shape
    assert pixels[corner].tolist() == [255, 0, 0]


def test_boxes_decide_whether_the_photo_is_turned(tmp_path):
    path = save_turned(tmp_path / "a.png", 6)
    assert read_photo(path, (30, 20)).shape[:2] == (20, 30)
    assert read_photo(path, (20, 30)).shape[:2] == (30, 20)
    with pytest.raises(ValueError, match=r"a\.png is 30x20 px, but its boxes were made for 99x99 px"):
        read_photo(path, (99, 99))


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "CMYK", "1"])
def test_every_mode_becomes_rgb(mode, tmp_path):
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.fromarray(picture()).convert(mode).save(path)
    pixels = read_photo(path)
    assert (pixels.shape, pixels.dtype) == ((20, 30, 3), np.uint8)


def test_16_bit_grey_keeps_its_range(tmp_path):
    values = np.linspace(0, 65535, 600).reshape(20, 30).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_allclose(read_photo(tmp_path / "a.png")[..., 0], values / 257, atol=1)


def test_damaged_files_are_refused(tmp_path):
    (tmp_path / "zero.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("no picture")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)).save(
        tmp_path / "a.jpg"
    )
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:8000])
    for name, reason in (("zero", "0 bytes"), ("text", "damaged format"), ("cut", "truncated")):
        with pytest.raises(ValueError, match=rf"{name}\.jpg .*{reason}"):
            read_photo(tmp_path / f"{name}.jpg")


def test_huge_photo_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    Image.new("1", (20_000, 12_000)).save(tmp_path / "bomb.png")
    with pytest.raises(ValueError, match=r"bomb\.png"):
        read_photo(tmp_path / "bomb.png")
    monkeypatch.setattr(pictures, "MAX_PIXELS", 500)
    save_turned(tmp_path / "a.png", 1)
    with pytest.raises(ValueError, match=r"a\.png has 30x20 px; the limit"):
        read_photo(tmp_path / "a.png")


def test_folder_is_searched_without_the_output(tmp_path):
    for name in ("b/x.jpg", "a.PNG", "clip.MOV", "notes.txt", ".hidden.jpg", "out/overlays/a.PNG"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = find_sources([str(tmp_path)], exclude=tmp_path / "out")
    assert [(s.kind, s.name) for s in found] == [
        ("photo", "a.PNG"),
        ("photo", "b/x.jpg"),
        ("video", "clip.MOV"),
    ]


def test_names_are_unique_and_repetitions_left_out(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        save_turned(tmp_path / folder / "a.png", 1)
    inputs = [str(tmp_path / "one/a.png"), str(tmp_path / "two/a.png"), str(tmp_path / "one")]
    assert [s.name for s in find_sources(inputs)] == ["a.png", "a-2.png"]


def test_kind_of_a_named_file_without_suffix(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "photo", format="PNG")
    assert find_sources([str(tmp_path / "photo")])[0].kind == "photo"


def test_cameras_are_numbers():
    assert [(s.kind, s.camera) for s in find_sources(["0", "camera:3"])] == [("camera", 0), ("camera", 3)]


def test_inputs_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jpg: no such file or folder"):
        find_sources([str(tmp_path / "nowhere.jpg")])
    with pytest.raises(ValueError, match="holds no photo or video"):
        find_sources([str(tmp_path)])
    with pytest.raises(ValueError, match="at least one"):
        find_sources([])
