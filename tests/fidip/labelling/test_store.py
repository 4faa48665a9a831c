"""A labelling project: revisions, conflicts, names, lists."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fidip.labelling.documents import Doubt
from fidip.labelling.errors import Conflict, UnknownImage
from fidip.labelling.records import Frame
from fidip.labelling.store import LabelStore, project_path
from syrip_gen.keypoints.catalog import MPII16
from tests.fidip.labelling.projects import (
    STRANGE_NAMES,
    label,
    make_store,
    new_image,
    output_of,
    person,
    program,
)


@pytest.fixture
def store(tmp_path):
    with make_store(tmp_path, "a.jpg", "b.jpg", "c.jpg") as store:
        yield store


def reviewed(x=12.0):
    return label(person(x=x), status="reviewed")


def test_a_save_is_a_new_revision(store):
    before = datetime.now(UTC)
    state = store.save(1, 0, reviewed(), action="move", who="Ann")
    assert (state.row.revision, state.row.status, state.who, state.action) == (1, "reviewed", "Ann", "move")
    assert state.label == reviewed()
    assert (state.first, state.first_who) == (label(), "ai:thunder")
    assert state.when.endswith("Z")
    when = datetime.fromisoformat(state.when)
    assert abs((when - before).total_seconds()) < 30


def test_history_says_who_and_when(store):
    store.save(1, 0, reviewed(), action="move", who="Ann")
    store.save(1, 1, label(), action="undo", who="Bo")
    entries = [(r.revision, r.action, r.who) for r in store.history(1)]
    assert entries == [(0, "first", "ai:thunder"), (1, "move", "Ann"), (2, "undo", "Bo")]
    times = [datetime.fromisoformat(r.when) for r in store.history(1)]
    assert times == sorted(times)
    assert store.revision(1, 1).label == reviewed()
    assert store.revision(1, 0).label == store.revision(1, 2).label == label()


def test_a_save_with_an_old_base_is_refused(store):
    store.save(1, 0, reviewed(), action="move", who="Ann")
    with pytest.raises(
        Conflict, match=r"image 1 was changed by Ann \(revision 1\); nothing was saved"
    ) as caught:
        store.save(1, 0, label(person(x=30.0)), action="move", who="Bo")
    assert caught.value.current.label == reviewed()
    assert len(store.history(1)) == 2


def test_a_base_that_is_not_there_yet_is_refused(store):
    with pytest.raises(Conflict):
        store.save(1, 7, reviewed(), action="move", who="Ann")


@pytest.mark.parametrize(
    "document, action, who, text",
    [
        ({"people": "x"}, "move", "Ann", "people: "),
        (label(person(x=60.0)), "move", "Ann", "lies outside the picture of 64 x 48 px"),
        (label(), "", "Ann", "action: expected a text of 1 to 60 characters, got ''"),
        (label(), "move", "n" * 201, "who: expected a text of 1 to 200 characters"),
    ],
)
def test_a_wrong_save_changes_nothing(store, document, action, who, text):
    before = store.image(1)
    with pytest.raises(ValueError, match=text):
        store.save(1, 0, document, action=action, who=who)
    assert store.image(1) == before
    assert store.last_change() == 1


def test_images_that_are_not_there(store):
    for call in (
        lambda: store.image(9),
        lambda: store.history(9),
        lambda: store.revision(1, 5),
        lambda: store.save(9, 0, label(), action="x", who="y"),
        lambda: store.set_file_state(9, "missing"),
    ):
        with pytest.raises(UnknownImage, match="the project has no"):
            call()


def test_rows_are_in_the_order_of_ids(store):
    store.add_images([new_image("z.jpg", id=77), new_image("y.jpg")])
    assert [(row.id, row.name) for row in store.images()][-2:] == [(77, "z.jpg"), (78, "y.jpg")]


def test_adding_is_all_or_nothing(store):
    with pytest.raises(ValueError, match=r"image 'b.jpg' \(id new\) is in the project already"):
        store.add_images([new_image("new.jpg"), new_image("b.jpg")])
    with pytest.raises(ValueError, match="id 2"):
        store.add_images([new_image("new.jpg", id=2)])
    assert len(store.images()) == 3


@pytest.mark.parametrize(
    "change, text",
    [
        ({"name": "../up.jpg"}, "image name '../up.jpg' leaves the image folder"),
        ({"name": "/etc/passwd"}, "leaves the image folder"),
        ({"name": ""}, "expected 1 to 4096 characters without NUL"),
        ({"name": "a\0b"}, "without NUL"),
        ({"width": 0}, "expected a size of 1 to 65535 px, got 0 x 48"),
        ({"height": 70_000}, "expected a size of 1 to 65535 px"),
        ({"id": -1}, "expected an id of 0 to 1000000000000, got -1"),
        ({"state": "lost"}, "file state 'lost': expected one of ok, unreadable, missing"),
        ({"label": label(person(x=60.0))}, "image 'n.jpg', person 1: .* lies outside the picture"),
    ],
)
def test_images_that_cannot_be_added(store, change, text):
    with pytest.raises(ValueError, match=text):
        store.add_images([replace(new_image("n.jpg"), **change)])
    assert len(store.images()) == 3


def test_strange_names_are_kept(tmp_path):
    with make_store(tmp_path, *STRANGE_NAMES) as store:
        store.save(7, 0, reviewed(), action="mö've", who="Ann '); DROP TABLE images; -- \udcff")
    with LabelStore.open(project_path(tmp_path / "real.json")) as store:
        assert [row.name for row in store.images()] == list(STRANGE_NAMES)
        assert store.image(7).row.name == STRANGE_NAMES[6]
        assert store.history(7)[1].who == "Ann '); DROP TABLE images; -- \udcff"
        with pytest.raises(ValueError, match="in the project already"):
            store.add_images([new_image(STRANGE_NAMES[6])])


def test_doubts_are_kept(store):
    doubts = (Doubt(person=1, keypoint=9, kind="flip", text="left and right"), Doubt(person=1, kind="limb"))
    (image_id,) = store.add_images([new_image("d.jpg", doubts=doubts)])
    state = store.save(image_id, 0, reviewed(), action="review", who="Ann")
    assert state.doubts == doubts
    assert state.row.doubtful
    assert (store.counts().doubtful, store.counts().doubtful_left) == (1, 0)
    assert not store.save(image_id, 1, label(), action="again", who="ai:new", doubts=()).row.doubtful


def test_counts(store):
    store.save(1, 0, reviewed(), action="review", who="Ann")
    store.save(2, 0, label(status="rejected"), action="reject", who="Ann")
    store.set_file_state(3, "unreadable", "not a picture")
    counts = store.counts()
    assert (counts.total, counts.reviewed, counts.unreviewed, counts.rejected) == (3, 1, 1, 1)
    assert counts.unreadable == 1


def test_a_file_that_is_gone_keeps_its_labels(store):
    store.save(1, 0, reviewed(), action="move", who="Ann")
    store.set_file_state(1, "missing", "moved?")
    state = store.image(1)
    assert (state.row.state, state.note, state.label) == ("missing", "moved?", reviewed())
    store.set_file_state(1, "ok")
    assert (store.image(1).row.state, store.image(1).note) == ("ok", "")


def test_unreadable_images_need_no_size(store):
    (image_id,) = store.add_images(
        [replace(new_image("u.jpg"), width=0, height=0, state="unreadable", note="truncated", label=label())]
    )
    assert store.image(image_id).note == "truncated"


def test_frames_of_videos(store):
    (image_id,) = store.add_images([new_image("f.jpg", frame=Frame("my \udcff video.mp4", 30, 1.25))])
    assert store.image(image_id).row.frame == Frame("my \udcff video.mp4", 30, 1.25)
    assert store.images()[0].frame is None


def test_changes_since(store):
    start = store.last_change()
    assert store.changes(start) == (start, [])
    store.save(2, 0, reviewed(), action="move", who="Ann")
    store.set_file_state(1, "missing")
    last, rows = store.changes(start)
    assert last == store.last_change() == start + 2
    assert [(row.id, row.who) for row in rows] == [(1, "ai:thunder"), (2, "Ann")]
    assert [row.id for row in store.changes(start + 1)[1]] == [1]
    assert len(store.changes(0)[1]) == 3


def test_a_change_of_another_process_between_two_reads_is_told(store, monkeypatch):
    start = store.last_change()
    read = store._read

    def read_and_let_others_save(query, *values):
        rows = read(query, *values)
        with LabelStore.open(store.path) as other:
            if other.image(2).row.revision == 0:
                other.save(2, 0, reviewed(), action="move", who="Bo")
        return rows

    monkeypatch.setattr(store, "_read", read_and_let_others_save)
    last, rows = store.changes(start)
    told = [row.id for row in [*rows, *store.changes(last)[1]]]
    assert told == [2]


def test_listeners_hear_of_every_change(store):
    heard = []
    store.on_change(lambda: heard.append(store.last_change()))
    store.save(1, 0, reviewed(), action="move", who="Ann")
    with pytest.raises(Conflict):
        store.save(1, 0, reviewed(), action="move", who="Ann")
    store.add_images([new_image("new.jpg")])
    assert heard == [2, 3]


def test_settings_and_schema(tmp_path):
    with make_store(tmp_path, schema=MPII16, settings={"model": "thunder", "π": [1, None]}) as store:
        store.set_settings(seen=True)
    with LabelStore.open(store.path) as again:
        assert (again.kind, again.schema) == ("label", MPII16)
        assert again.settings == {"model": "thunder", "π": [1, None], "seen": True}


def test_a_project_moves_with_its_folder(tmp_path):
    (tmp_path / "before").mkdir()
    make_store(tmp_path / "before", "a.jpg").close()
    (tmp_path / "before").rename(tmp_path / "after")
    with LabelStore.open(tmp_path / "after" / "real.json.project") as store:
        assert store.root == tmp_path / "after"
        assert store.output == tmp_path / "after" / "real.json"


def test_photos_that_stay_behind_are_found(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "deep" / "there").mkdir(parents=True)
    output = tmp_path / "here" / "o.json"
    LabelStore.create(project_path(output), kind="label", root=tmp_path / "photos", output=output).close()
    project_path(output).rename(tmp_path / "deep" / "there" / "o.json.project")
    with LabelStore.open(tmp_path / "deep" / "there" / "o.json.project") as store:
        assert store.root == tmp_path / "photos"
        store.set_root(tmp_path / "here")
        assert store.root == tmp_path / "here"


def test_of_two_threads_one_wins(store):
    wins, losses = [], []
    ready = threading.Barrier(2)

    def edit(who):
        for base in range(40):
            ready.wait()
            try:
                store.save(1, base, reviewed(), action="move", who=who)
                wins.append((base + 1, who))
            except Conflict as conflict:
                losses.append((base, conflict.current.row.revision))

    threads = [threading.Thread(target=edit, args=(who,)) for who in ("Ann", "Bo")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wins) == [(r.revision, r.who) for r in store.history(1)[1:]]
    assert [revision for revision, _ in sorted(wins)] == list(range(1, 41))
    assert sorted(losses) == [(base, base + 1) for base in range(40)]


WRITER = """
import sys
from fidip.labelling.store import LabelStore
from fidip.labelling.errors import Conflict
path, who = sys.argv[1:]
with LabelStore.open(path) as store:
    for base in range(30):
        while (state := store.image(1)).row.revision < base:
            pass
        try:
            store.save(1, base, state.label, action="move", who=who)
            print("won", base + 1)
        except Conflict as conflict:
            assert conflict.current.row.revision > base
            print("lost", base + 1)
"""


def test_of_two_processes_one_wins(store):
    writers = {who: program(WRITER, store.path, who) for who in ("Ann", "Bo")}
    said = {who: output_of(writer).split("\n") for who, writer in writers.items()}
    history = {r.revision: r.who for r in store.history(1)}
    assert sorted(history) == list(range(31))
    for revision in range(1, 31):
        winners = [who for who in writers if f"won {revision}" in said[who]]
        losers = [who for who in writers if f"lost {revision}" in said[who]]
        assert winners == [history[revision]]
        assert len(losers) == 1


def test_most_doubtful_images_come_first_where_that_is_wanted(tmp_path):
    def doubts(count):
        text = 'a "kind": "missing" in a text'
        return tuple(Doubt(person=1, keypoint=k, kind="flip", text=text) for k in range(count))

    gone = (Doubt(person=1, kind="missing"),)
    found = {"two": doubts(2), "nobody": gone, "five": doubts(5), "also five": doubts(5)}
    with make_store(tmp_path, "sure.jpg") as store:
        store.add_images([new_image(name, doubts=doubts) for name, doubts in found.items()])
        assert [row.name for row in store.images()] == ["sure.jpg", *found]
        ordered = store.images(most_doubtful_first=True)
    assert [row.name for row in ordered] == ["nobody", "five", "also five", "two", "sure.jpg"]


def test_a_renamed_project_writes_to_the_output_of_its_new_name(tmp_path):
    make_store(tmp_path, "a.jpg").close()
    (tmp_path / "real.json.project").rename(tmp_path / "copy of real.json.project")
    with LabelStore.open(tmp_path / "copy of real.json.project") as store:
        assert store.output == tmp_path / "copy of real.json"


def test_a_project_and_its_output_lie_side_by_side(tmp_path):
    with pytest.raises(ValueError, match=r"expected the name real\.json\.project, beside its output"):
        LabelStore.create(tmp_path / "p.project", kind="label", root=tmp_path, output=tmp_path / "real.json")


@pytest.mark.parametrize("folder", ["photos", "not-unicode-\udcff", "'); --"])
def test_a_folder_above_may_hold_the_pictures_of_a_project(tmp_path, folder):
    names = ("a.jpg", f"{folder}/a.jpg", f"{folder}/{folder}/a.jpg")
    output = tmp_path / "real.json"
    with LabelStore.create(
        project_path(output), kind="label", root=tmp_path / folder, output=output
    ) as store:
        store.add_images(new_image(name) for name in reversed(names))
        start = store.last_change()
        store.widen_root(tmp_path)
        wider = [f"{folder}/{name}" for name in reversed(names)]
        assert [row.name for row in store.changes(start)[1]] == wider
    with LabelStore.open(store.path) as store:
        assert (store.root, [row.name for row in store.images()]) == (tmp_path, wider)
        with pytest.raises(ValueError, match="is not in the subpath"):
            store.widen_root(tmp_path / "elsewhere")


def test_two_processes_keep_each_others_settings(store):
    with LabelStore.open(store.path) as other:
        other.set_settings(order="name")
        store.set_settings(overlays="here")
    with LabelStore.open(store.path) as again:
        assert again.settings == {"order": "name", "overlays": "here"}


def test_places_on_other_drives_are_kept_whole(tmp_path, monkeypatch):
    def relpath(path, start):  # as on Windows
        raise ValueError(f"path is on mount 'D:', start on mount {start!s:.2}")

    (tmp_path / "photos").mkdir()
    monkeypatch.setattr("fidip.labelling.project_file.os.path.relpath", relpath)
    output = tmp_path / "real.json"
    with LabelStore.create(
        project_path(output), kind="label", root=tmp_path / "photos", output=output
    ) as store:
        assert store.root == tmp_path / "photos"
