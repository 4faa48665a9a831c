"""Pictures are found inside their folder, and nothing else is."""

import os

import pytest

from fidip.labelling.pictures import FolderPictures, inside
from tests.fidip.labelling.projects import make_store


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "photos"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a.jpg").write_bytes(b"a")
    (tmp_path / "secret.txt").write_text("secret")
    return root


def test_a_picture(root):
    assert inside(root, "sub/a.jpg") == root / "sub" / "a.jpg"
    assert inside(root, "./sub//a.jpg") == root / "sub" / "a.jpg"


@pytest.mark.parametrize(
    "name", ["../secret.txt", "sub/../../secret.txt", "/etc/passwd", "", ".", "..", "a\0b"]
)
def test_names_that_lead_out(root, name):
    with pytest.raises(ValueError, match="image name"):
        inside(root, name)


@pytest.mark.parametrize(
    "name", ["..\\secret.txt", "sub/none.jpg", "sub", "%2e%2e/secret.txt", "n" * 300, "\ud800"]
)
def test_names_of_nothing(root, name):
    with pytest.raises(FileNotFoundError, match=r"cannot be opened|is not in the image folder"):
        inside(root, name)


def test_links_that_lead_out(root, tmp_path):
    (root / "link.jpg").symlink_to(tmp_path / "secret.txt")
    (root / "folder").symlink_to(tmp_path)
    for name in ("link.jpg", "folder/secret.txt"):
        with pytest.raises(ValueError, match="leads out of the image folder"):
            inside(root, name)


def test_links_that_stay_inside(root):
    (root / "link.jpg").symlink_to(root / "sub" / "a.jpg")
    assert inside(root, "link.jpg") == root / "sub" / "a.jpg"


def test_links_in_a_circle(root):
    (root / "x").symlink_to(root / "y")
    (root / "y").symlink_to(root / "x")
    with pytest.raises(FileNotFoundError):
        inside(root, "x")


def test_special_files(root):
    os.mkfifo(root / "pipe.jpg")
    with pytest.raises(FileNotFoundError):
        inside(root, "pipe.jpg")


def test_a_root_that_is_a_link(root, tmp_path):
    (tmp_path / "here").symlink_to(root)
    assert inside(tmp_path / "here", "sub/a.jpg").read_bytes() == b"a"


def test_folder_pictures(root, tmp_path):
    pictures = FolderPictures(root)
    with make_store(tmp_path, "sub/a.jpg") as store:
        (row,) = store.images()
    assert pictures.path_of(row).read_bytes() == b"a"
    assert pictures.overlays(row) == ()
    with pytest.raises(FileNotFoundError, match="there is no overlay 'mesh'"):
        pictures.path_of(row, "mesh")
