import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fidip.labelling.media import find_media, frames_folder, natural_key
from tests.fidip.inference.clips import dot_clip


def save(path, size=(30, 20), orientation=1, **more):
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.zeros((size[1], size[0], 3), np.uint8)).save(path, exif=exif, **more)
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return dot_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", frames=4)


def names(folder, output=Path("/nowhere/real.json")):
    return [photo.path.relative_to(folder).as_posix() for photo in find_media([folder], output).photos]


def test_photos_of_all_kinds_come_in_natural_order(tmp_path):
    for name in (
        "b/img10.jpg",
        "b/img9.png",
        "img2.webp",
        "IMG1.bmp",
        "a.tif",
        ".hidden.jpg",
        ".trash/x.jpg",
    ):
        save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("BM, II* and other words are no picture")
    (tmp_path / "labels.json").write_text("{}")
    assert names(tmp_path) == ["a.tif", "b/img9.png", "b/img10.jpg", "IMG1.bmp", "img2.webp"]


def test_content_decides_not_the_name(tmp_path, clip):
    shutil.copy(save(tmp_path / "photo.jpg"), tmp_path / "no_suffix")
    shutil.copy(tmp_path / "photo.jpg", tmp_path / "old.dat")
    shutil.copy(clip, tmp_path / "recording")
    found = find_media([tmp_path], tmp_path / "real.json")
    assert [photo.path.name for photo in found.photos] == ["no_suffix", "old.dat", "photo.jpg"]
    assert [video.name for video in found.videos] == ["recording"]
    assert not any(photo.problem for photo in found.photos)


def test_sizes_are_those_of_the_turned_photo(tmp_path):
    for orientation in range(1, 10):
        save(tmp_path / f"{orientation}.jpg", orientation=orientation)
    photos = find_media([tmp_path], tmp_path / "x.json").photos
    turned = [int(photo.path.stem) for photo in photos if photo.size == (20, 30)]
    assert turned == [5, 6, 7, 8]
    assert {photo.size for photo in photos} == {(20, 30), (30, 20)}


def test_files_that_cannot_be_used_are_listed_with_the_reason(tmp_path, monkeypatch):
    save(tmp_path / "a.jpg")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.png").write_text("no picture at all")
    (tmp_path / "phone.jpg").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    save(tmp_path / "sub/wide.png", (300, 200))
    (tmp_path / "outside.jpg").symlink_to(save(tmp_path.parent / f"{tmp_path.name}.jpg"))
    monkeypatch.setattr("fidip.labelling.media.MAX_PIXELS", 10_000)
    found = {photo.path.name: photo.problem for photo in find_media([tmp_path], tmp_path / "x.json").photos}
    assert found["a.jpg"] == ""
    assert found["empty.jpg"] == "empty (0 bytes)"
    assert "does not decode as a picture; expected one of JPEG" in found["text.png"]
    assert "HEIC" in found["phone.jpg"]
    assert "300x200 px; the limit is" in found["wide.png"]
    assert "a link to a file outside the folder" in found["outside.jpg"]


def test_frames_of_an_earlier_run_are_no_photos(tmp_path, clip):
    save(tmp_path / "a.jpg")
    shutil.copy(clip, tmp_path / "clip.mp4")
    output = tmp_path / "real.json"
    save(frames_folder(output) / "clip" / "frame000000.jpg")
    save(tmp_path / "other_frames" / "x.jpg")
    assert names(tmp_path, output) == ["a.jpg", "other_frames/x.jpg"]


def test_root_is_the_deepest_folder_that_holds_photos_and_frames(tmp_path, clip):
    photos, out = tmp_path / "photos", tmp_path / "out"
    save(photos / "sub/a.jpg")
    assert find_media([photos], out / "real.json").root == photos
    assert find_media([photos / "sub/a.jpg"], out / "real.json").root == photos / "sub"
    assert find_media([clip], out / "real.json").root == out / "real_frames"
    assert find_media([photos, clip], out / "real.json").root == tmp_path


def test_videos_of_one_name_get_folders_of_their_own(tmp_path, clip):
    for place in ("a/clip.mp4", "b/clip.mp4", "b/clip.mov"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        shutil.copy(clip, tmp_path / place)
    found = find_media([tmp_path / "a/clip.mp4", tmp_path / "b"], tmp_path / "real.json")
    assert [video.name for video in found.videos] == ["clip.mp4", "clip-2.mov", "clip-3.mp4"]


def test_named_twice_is_there_once(tmp_path):
    save(tmp_path / "a.jpg")
    assert len(find_media([tmp_path, tmp_path, tmp_path / "a.jpg"], tmp_path / "x.json").photos) == 1


@pytest.mark.skipif(os.name == "nt", reason="no pipes among files")
def test_pipes_are_passed_over_and_links_to_nowhere_are_listed(tmp_path):
    save(tmp_path / "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    found = find_media([tmp_path], tmp_path / "x.json").photos
    assert {photo.path.name: photo.problem for photo in found} == {
        "a.jpg": "",
        "gone.jpg": "cannot be read (No such file or directory)",
    }


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs folders that cannot be read")
def test_folders_that_cannot_be_searched_are_told(tmp_path):
    save(tmp_path / "a.jpg")
    save(tmp_path / "locked/b.jpg").parent.chmod(0)
    found = find_media([tmp_path], tmp_path / "x.json")
    (tmp_path / "locked").chmod(0o700)
    assert len(found.photos) == 1
    assert "locked: cannot be searched (Permission denied)" in found.notes[0]


@pytest.mark.skipif(os.name == "nt", reason="Windows names are Unicode")
def test_names_that_are_no_unicode_pass(tmp_path):
    shutil.copy(save(tmp_path / "a.jpg"), os.fsencode(tmp_path) + b"/b\xff.jpg")
    assert names(tmp_path) == ["a.jpg", "b\udcff.jpg"]


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda p: [], ValueError, "name at least one folder, photo or video"),
        (lambda p: [p / "nowhere"], FileNotFoundError, "nowhere: no such folder or file"),
        (lambda p: [p], ValueError, "no photo (JPEG, PNG, WebP, BMP, TIFF) or video in this folder or below"),
        (lambda p: [p / "notes.txt"], ValueError, "notes.txt: neither a photo"),
    ],
)
def test_nothing_to_label_is_said_in_one_line(make, error, message, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(error) as raised:
        find_media(make(tmp_path), tmp_path / "real.json")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_natural_key_counts():
    texts = ["a10", "a9", "A1", "a", "10", "9b", "9a", "a9/z", "a9/b10", "a9/b9"]
    assert sorted(texts, key=natural_key) == [
        "9a",
        "9b",
        "10",
        "a",
        "A1",
        "a9",
        "a9/b9",
        "a9/b10",
        "a9/z",
        "a10",
    ]


def test_folders_named_by_a_way_round_are_the_same(tmp_path, monkeypatch, clip):
    save(tmp_path / "photos/a.jpg")
    shutil.copy(clip, tmp_path / "photos/clip.mp4")
    (tmp_path / "labels").mkdir()
    monkeypatch.chdir(tmp_path / "labels")
    found = find_media(["../photos", "../labels/../photos/a.jpg"], Path("../labels/real.json"))
    assert [photo.path for photo in found.photos] == [tmp_path / "photos/a.jpg"]
    assert found.root == tmp_path


def test_the_parent_of_a_linked_folder_is_that_of_the_folder_itself(tmp_path):
    save(tmp_path / "disk/photos/a.jpg")
    (tmp_path / "disk/labels").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "disk/labels")
    found = find_media([tmp_path / "link/../photos"], tmp_path / "real.json")
    assert found.root == tmp_path / "disk/photos"


def test_several_drives_are_refused_in_one_line(tmp_path, monkeypatch):
    def commonpath(paths):  # as on Windows
        raise ValueError("Paths don't have the same drive")

    save(tmp_path / "a.jpg")
    monkeypatch.setattr("fidip.labelling.media.os.path.commonpath", commonpath)
    with pytest.raises(ValueError, match=r"lie on several drives .*; put them and the output \(-o\) on one"):
        find_media([tmp_path], tmp_path / "real.json")


def test_links_in_a_circle_are_listed(tmp_path):
    save(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").symlink_to(tmp_path / "b.jpg")
    photos = find_media([tmp_path], tmp_path / "real.json").photos
    assert [photo.problem for photo in photos] == ["", "cannot be read (Too many levels of symbolic links)"]
