"""Output folders: whole files or none, the same for local paths and URLs."""

import pickle
import uuid

import pytest

from syrip_gen.dataset_files import LocalFolder, RemoteFolder, WriteError, open_folder


@pytest.fixture(params=["local", "remote"])
def folder(request, tmp_path):
    if request.param == "local":
        return open_folder(tmp_path / "out")
    return open_folder(f"memory://{uuid.uuid4().hex}/out")


def test_what_is_written_is_read(folder):
    folder.write_bytes("a/b/c.bin", b"123")
    folder.write_text("a/d.txt", "ä\nö\n")
    assert folder.read_bytes("a/b/c.bin") == b"123"
    assert [line.decode() for line in folder.read_lines("a/d.txt")] == ["ä\n", "ö\n"]
    assert folder.list("a") == ["b", "d.txt"]
    assert folder.exists("a/d.txt")
    assert not folder.exists("a/e.txt")


def test_write_replaces(folder):
    folder.write_bytes("x", b"old")
    folder.write_bytes("x", b"new")
    assert folder.read_bytes("x") == b"new"


def test_write_that_fails_half_way_leaves_the_old_file(folder):
    folder.write_bytes("x", b"old")

    def fail():
        with folder.open_write("x") as file:
            file.write(b"half")
            raise KeyError("stop")

    with pytest.raises(KeyError):
        fail()
    assert folder.read_bytes("x") == b"old"


def test_trees_and_files_are_removed_and_may_be_missing(folder):
    folder.write_bytes("a/b", b"1")
    folder.write_bytes("c", b"2")
    folder.remove_tree("a")
    folder.remove("c")
    folder.remove("c")
    folder.remove_tree("a")
    assert not folder.exists("a/b")
    assert not folder.exists("c")
    folder.write_bytes("a/b", b"3")
    assert folder.read_bytes("a/b") == b"3"


def test_list_of_nothing_is_empty(folder):
    assert folder.list("nowhere") == []


def test_folder_survives_pickling(folder):
    folder.write_bytes("x", b"1")
    assert pickle.loads(pickle.dumps(folder)).read_bytes("x") == b"1"


def test_kind_of_folder_follows_the_url(tmp_path):
    assert isinstance(open_folder("out"), LocalFolder)
    assert isinstance(open_folder(f"file://{tmp_path}/x"), LocalFolder)
    assert isinstance(open_folder("memory://x"), RemoteFolder)


def test_error_names_file_place_and_cause(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match=r"cannot write a/b in .*/file: Not a directory.*--resume"):
        LocalFolder(tmp_path / "file").write_bytes("a/b", b"")
