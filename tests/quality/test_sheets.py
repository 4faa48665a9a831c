import io

import numpy as np
import pytest
from PIL import Image

from syrip_gen.quality import sheets
from syrip_gen.quality.sheets import BACKGROUND, contact_sheet, decode_picture, encode_jpeg, fit_into


def plain(width, height, value):
    return np.full((height, width, 3), value, np.uint8)


def test_grid_has_one_cell_a_picture():
    sheet = contact_sheet([plain(64, 48, 10 * n) for n in range(5)], columns=3, cell_width=64, gap=4)
    assert sheet.shape == (2 * (48 + 4) + 4, 3 * (64 + 4) + 4, 3)
    for n in range(5):
        row, column = divmod(n, 3)
        assert (sheet[4 + row * 52 + 24, 4 + column * 68 + 32] == 10 * n).all()
    assert (sheet[-10, -10] == BACKGROUND).all()


def test_fewer_pictures_than_columns_leave_no_hole():
    assert contact_sheet([plain(64, 48, 0)], cell_width=64, gap=4).shape == (56, 72, 3)


def test_tall_picture_is_shown_whole_in_the_middle():
    cell = fit_into(plain(50, 100, 7), 80, 60)
    assert cell.shape == (60, 80, 3)
    assert (cell[30, 40] == 7).all()
    assert (cell[30, 5] == BACKGROUND).all()


def test_no_picture_is_an_error():
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet([])


def test_jpeg_round_trip_keeps_the_order_of_colours():
    picture = plain(32, 32, 0)
    picture[..., 0] = 200
    np.testing.assert_allclose(decode_picture(encode_jpeg(picture, 95))[16, 16], (200, 0, 0), atol=4)


@pytest.mark.parametrize("data", [b"", b"no picture", encode_jpeg(plain(32, 32, 0))[:100]])
def test_broken_pictures_are_refused(data):
    with pytest.raises(ValueError, match="picture"):
        decode_picture(data)


def test_picture_bombs_are_refused_before_they_unpack(monkeypatch):
    monkeypatch.setattr(sheets, "MAX_PIXELS", 1000)
    file = io.BytesIO()
    Image.new("RGB", (100, 100)).save(file, "PNG")
    with pytest.raises(ValueError, match="100x100 is more than"):
        decode_picture(file.getvalue())
