import os
import threading
import time

import pytest

from fidip.labelling.pictures import FolderPictures
from fidip.labelling.records import ImageRow
from fidip.labelling.server.picture_bytes import BrowserPicture
from fidip.labelling.server.picture_service import NoPicture, PictureService, _Remembered
from tests.fidip.labelling.server.projects import write_picture

ROW = ImageRow(1, "a.jpg", 64, 48, "ok", "unreviewed", False, 0, "ai:test")


@pytest.fixture
def service(tmp_path):
    write_picture(tmp_path / "a.jpg")
    return PictureService(FolderPictures(tmp_path))


def test_original_bytes_where_nothing_must_change(service, tmp_path):
    assert service.get(ROW).data == (tmp_path / "a.jpg").read_bytes()
    assert service.get(ROW).data == service.get(ROW, width=64).data  # and again from what is remembered


def test_tag_changes_with_file_and_width(service, tmp_path):
    tags = {service.get(ROW).etag, service.get(ROW, width=32).etag}
    write_picture(tmp_path / "a.jpg", seed=1)
    tags.add(service.get(ROW, width=32).etag)
    assert len(tags) == 3


def test_known_picture_is_not_read_again(service):
    tag = service.get(ROW, width=32).etag
    assert service.get(ROW, width=32, known=f'"other", {tag}').data is None


def test_file_that_was_replaced_is_not_answered_from_memory(service, tmp_path):
    """Even by one with the same size and time stamp, as a copying program may leave it."""
    old, new = tmp_path / "a.jpg", write_picture(tmp_path / "new.jpg", seed=1)
    length = max(old.stat().st_size, new.stat().st_size)
    for path in (old, new):
        path.write_bytes(path.read_bytes().ljust(length, b"\0"))
        os.utime(path, (1, 1))
    before = service.get(ROW, width=32)
    new.replace(old)
    assert service.get(ROW, width=32).data != before.data


@pytest.mark.parametrize(
    "harm, state, words",
    [
        (lambda path: path.unlink(), "missing", "moved or deleted"),
        (lambda path: path.write_bytes(b""), "unreadable", "does not decode"),
        (lambda path: path.write_bytes(path.read_bytes()[:-800]), "unreadable", "truncated"),
        (lambda path: write_picture(path, 48, 64), "unreadable", "48 x 64 px"),
        (lambda path: os.truncate(path, 600_000_000), "unreadable", "larger than 500 MB"),
    ],
    ids=["gone", "empty", "cut", "another", "huge"],
)
def test_why_a_picture_cannot_be_shown(service, tmp_path, harm, state, words):
    service.get(ROW, width=32)
    harm(tmp_path / "a.jpg")
    with pytest.raises(NoPicture, match=words) as problem:
        service.get(ROW, width=32)
    assert problem.value.state == state
    assert "'a.jpg'" in problem.value.reason


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_picture_without_permission(service, tmp_path):
    (tmp_path / "a.jpg").chmod(0)
    with pytest.raises(NoPicture, match="Permission denied") as problem:
        service.get(ROW)
    assert problem.value.state == "unreadable"


def test_folder_that_is_gone_as_a_whole(service, tmp_path):
    tmp_path.rename(tmp_path.with_name("moved"))
    with pytest.raises(NoPicture) as problem:
        service.get(ROW)
    assert problem.value.state == "missing"
    tmp_path.with_name("moved").rename(tmp_path)
    assert service.get(ROW).data


def test_image_that_was_unreadable_when_it_was_added_says_what_to_do(service):
    row = ImageRow(1, "a.jpg", 0, 0, "unreadable", "unreviewed", False, 0, "import")
    with pytest.raises(NoPicture, match="run syrip label again"):
        service.get(row)


def test_memory_stays_within_its_budget():
    remembered = _Remembered(10_000)
    made = []

    def make(number):
        made.append(number)
        return BrowserPicture("image/jpeg", bytes(2000))

    for number in (0, 1, 2, 0, 3, 0, 4, 0):  # 0 is used again and again
        remembered.get((number,), lambda number=number: make(number))
    assert made == [0, 1, 2, 3, 4]
    assert remembered._used_bytes <= 10_000
    remembered.get((1,), lambda: make(1))
    assert made[-1] == 1
    remembered.get(("large",), lambda: BrowserPicture("image/jpeg", bytes(20_000)))
    assert remembered._used_bytes <= 10_000


def test_what_two_threads_want_is_made_once():
    remembered = _Remembered(10_000)
    made, got = [], []

    def make():
        time.sleep(0.05)
        made.append(1)
        return BrowserPicture("image/jpeg", b"x")

    threads = [threading.Thread(target=lambda: got.append(remembered.get((1,), make))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(got)) == (1, 6)


def test_failure_reaches_all_who_waited_and_is_not_remembered():
    remembered = _Remembered(10_000)
    errors = []

    def fail():
        time.sleep(0.05)
        raise ValueError("broken")

    def ask():
        try:
            remembered.get((1,), fail)
        except ValueError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == ["broken"] * 4
    assert remembered.get((1,), lambda: BrowserPicture("image/png", b"x")).data == b"x"
