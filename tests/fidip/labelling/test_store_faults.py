"""Kills, full disks, locks, damage: nothing that was saved is lost, and one clear line each."""

import os
import shutil
import signal
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from fidip.labelling import database
from fidip.labelling.database import MIGRATIONS, open_database
from fidip.labelling.errors import StoreError
from fidip.labelling.store import LabelStore
from tests.fidip.labelling.projects import label, make_store, new_image, output_of, person, program


@pytest.fixture
def project(tmp_path):
    """Path of a closed project with one image that was saved once."""
    with make_store(tmp_path, "a.jpg") as store:
        store.save(1, 0, label(status="reviewed"), action="review", who="Ann")
    return store.path


def assert_one_line(caught):
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def assert_refused(path, error, text):
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(error, match=text) as caught:
        LabelStore.open(path)
    assert_one_line(caught)
    assert before is None or path.read_bytes() == before


SAVER = """
import sys
from fidip.labelling.documents import ImageLabel
from fidip.labelling.store import LabelStore
store = LabelStore.open(sys.argv[1])
while True:
    for image in (1, 2):
        state = store.image(image)
        note = f"{image} {state.row.revision + 1}"
        done = store.save(image, state.row.revision, ImageLabel(note=note), action="note", who="Ann")
        print(note, flush=True)
"""


def test_a_killed_process_loses_no_acknowledged_save(tmp_path):
    with make_store(tmp_path, "a.jpg", "b.jpg") as store:
        path = store.path
    acknowledged = []
    for number in (20, 31, 45):
        saver = program(SAVER, path)
        acknowledged += [saver.stdout.readline().split() for _ in range(number)]
        saver.send_signal(signal.SIGKILL)
        acknowledged += [line.split() for line in saver.communicate()[0].splitlines()]
        assert saver.returncode == -signal.SIGKILL
    with LabelStore.open(path) as store:
        for image, revision in acknowledged:
            assert store.revision(int(image), int(revision)).label.note == f"{image} {revision}"
        for image in (1, 2):
            numbers = [r.revision for r in store.history(image)]
            assert numbers == list(range(len(numbers)))
            assert store.image(image).row.revision == numbers[-1]
        assert len(acknowledged) >= 96
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_saves_are_synchronous_and_logged_ahead(project):
    connection = open_database(project)
    with closing(connection):
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_newer_project_is_left_alone(project):
    with closing(sqlite3.connect(project)) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert_refused(
        project, ValueError, r"newer version of syrip \(project version 99, this one knows 1\); update"
    )


def test_what_is_no_project(tmp_path, project):
    text = tmp_path / "text.project"
    text.write_text("hello" * 100)
    assert_refused(text, ValueError, "text.project is no project of 'syrip label'")
    empty = tmp_path / "empty.project"
    empty.touch()
    assert_refused(empty, ValueError, "is no project")
    other = tmp_path / "other.project"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE images (id)")
    assert_refused(other, ValueError, "is a database, but no project of 'syrip label'")
    assert_refused(tmp_path, ValueError, "is no file; expected the project file")
    assert_refused(tmp_path / "none.project", FileNotFoundError, "none.project: no such project file")


@pytest.mark.parametrize("damage", ["page", "cut", "garbage"])
def test_a_damaged_project_is_left_alone(project, damage):
    data = bytearray(project.read_bytes())
    if damage == "page":
        data[4096 * 2 : 4096 * 3] = os.urandom(4096)
    elif damage == "cut":
        del data[4096 * 3 :]
    else:
        data[100:4096] = b"\xff" * (4096 - 100)
    project.write_bytes(data)
    assert_refused(project, ValueError, "is damaged .*; nothing was changed. Restore it from a backup")


def test_a_locked_project(project, monkeypatch):
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.1)
    with LabelStore.open(project) as store, closing(sqlite3.connect(project, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.image(1).row.revision == 1  # reading goes on
        with pytest.raises(StoreError, match=r"kept the project locked .*; nothing was changed") as caught:
            store.save(1, 1, label(), action="move", who="Bo")
        assert_one_line(caught)
        with pytest.raises(StoreError, match="kept the project locked"):
            LabelStore.open(project)
        other.execute("ROLLBACK")
        assert store.save(1, 1, label(), action="move", who="Bo").row.revision == 2


def save_often(store, document):
    for revision in range(1, 50):
        store.save(1, revision, document, action="move", who="Bo")


def test_a_full_disk(project):
    with LabelStore.open(project) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        big = label(*(person(n) for n in range(1, 101)))
        with pytest.raises(StoreError, match=r"the disk is full; nothing was changed\. Make") as caught:
            save_often(store, big)
        assert_one_line(caught)
        newest = store.image(1).row.revision
        assert len(store.history(1)) == newest + 1
        store._connection.execute("PRAGMA max_page_count = 1000000")
        assert store.save(1, newest, big, action="move", who="Bo").row.revision == newest + 1


FULL = """
import resource, signal, sys
from pathlib import Path
from fidip.labelling.store import LabelStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
folder = Path(sys.argv[1])
try:
    LabelStore.create(folder / "o.json.project", kind="label", root=folder, output=folder / "o.json")
except OSError as error:
    print(type(error).__name__, error)
print(sorted(p.name for p in folder.iterdir()))
"""


def test_no_room_for_a_new_project(tmp_path):
    error, files = output_of(program(FULL, tmp_path)).splitlines()
    assert error.startswith(f"StoreError {tmp_path}/o.json.project: ")
    assert "nothing was changed" in error
    assert files == "[]"


READ_ONLY = """
import os, sys
from pathlib import Path
from fidip.labelling.store import LabelStore
folder = Path(sys.argv[1])
if os.geteuid() == 0:
    os.setuid(65534)
for make in (
    lambda: LabelStore.create(folder / "o.json.project", kind="label", root=folder, output=folder / "o.json"),
    lambda: LabelStore.open(folder / "real.json.project"),
):
    try:
        make()
        print("made")
    except (ValueError, OSError) as error:
        print(type(error).__name__, error)
"""


def test_a_read_only_folder():
    folder = Path(tempfile.mkdtemp(prefix="syrip-read-only-"))  # where every user can get to
    try:
        make_store(folder, "a.jpg").close()
        before = (folder / "real.json.project").read_bytes()
        (folder / "real.json.project").chmod(0o444)
        folder.chmod(0o555)
        new, old = output_of(program(READ_ONLY, folder)).splitlines()
        assert new.startswith(
            f"ValueError {folder}/o.json.project: no file can be made in {folder}; choose another"
        )
        assert old.startswith(
            f"StoreError {folder}/real.json.project: the project cannot be written (read-only"
        )
        assert (folder / "real.json.project").read_bytes() == before
        assert os.listdir(folder) == ["real.json.project"]
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_project_is_not_made_twice(project):
    before = project.read_bytes()
    with pytest.raises(ValueError, match="exists already; open it, or choose another output file"):
        LabelStore.create(project, kind="label", root=project.parent, output=project.parent / "real.json")
    assert project.read_bytes() == before


def test_an_old_project_is_brought_up_to_date(project):
    more = (*MIGRATIONS, ["ALTER TABLE images ADD COLUMN colour TEXT NOT NULL DEFAULT 'none'"])
    with closing(open_database(project, more)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("SELECT colour, who FROM images").fetchall() == [("none", "Ann")]
    assert_refused(project, ValueError, "project version 2, this one knows 1")


def test_a_step_that_fails_leaves_the_old_version(project):
    more = (*MIGRATIONS, ["CREATE TABLE extra (id)", "ALTER TABLE gone ADD COLUMN x"])
    with pytest.raises(StoreError, match=r"no such table: gone.*nothing was changed"):
        open_database(project, more)
    with LabelStore.open(project) as store:
        assert store.image(1).row.revision == 1
        tables = store._connection.execute("SELECT name FROM sqlite_master WHERE name = 'extra'").fetchall()
        assert tables == []


def test_closing_leaves_one_file(project):
    assert os.listdir(project.parent) == ["real.json.project"]


def test_a_project_can_be_read_while_it_is_open(project):
    with LabelStore.open(project) as first, LabelStore.open(project) as second:
        first.add_images([new_image("b.jpg")])
        assert [row.name for row in second.images()] == ["a.jpg", "b.jpg"]
        assert second.changes(2)[1][0].name == "b.jpg"


def no_links(*_):
    raise PermissionError(1, "Operation not permitted")


def test_a_project_on_a_file_system_without_links(tmp_path, monkeypatch):
    monkeypatch.setattr("fidip.labelling.database.os.link", no_links)  # as on exFAT
    with make_store(tmp_path, "a.jpg") as store:
        assert store.counts().total == 1
        with pytest.raises(ValueError, match="exists already"):
            make_store(tmp_path)
        assert store.counts().total == 1
    assert os.listdir(tmp_path) == ["real.json.project"]


def test_a_project_that_would_overwrite_a_file_elsewhere(tmp_path):
    (tmp_path / "theirs").mkdir()
    path = tmp_path / "theirs/review.project"
    with pytest.raises(ValueError, match=r"its output .*/victim\.json lies outside its folder; nothing was"):
        LabelStore.create(path, kind="review", root=tmp_path, output=tmp_path / "victim.json")
    assert not path.exists()
    with LabelStore.create(path, kind="review", root=tmp_path, output=path.with_name("own.json")) as store:
        store._connection.execute(
            """UPDATE settings SET value = '"../victim.json"' WHERE name = 'output_from_here'"""
        )
    assert_refused(
        path, ValueError, r"its output .*/victim\.json lies outside its folder; nothing was changed"
    )
