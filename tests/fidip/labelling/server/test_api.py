import json
import threading

import pytest
from starlette.testclient import TestClient

from fidip.labelling.documents import LABEL_REASONS, POSTURES
from fidip.labelling.exporter import Exporter
from fidip.labelling.records import NewImage
from fidip.labelling.server import create_app, project_answer
from fidip.labelling.store import LabelStore
from tests.fidip.labelling.server.projects import (
    ORIGIN,
    TOKEN,
    document,
    edit,
    make_store,
    person,
    write_picture,
)


def test_project_lists_everything_but_the_labels(client, store, tmp_path):
    project = client.get("/api/project").json()
    assert (project["kind"], project["title"], project["who"]) == ("label", "real.json", "account")
    assert project["root"] == str(tmp_path / "photos")
    assert project["output"] == str(tmp_path / "real.json")
    assert project["schema"]["keypoints"][9] == "left_wrist"
    assert [9, 10] in project["schema"]["flip_pairs"]
    assert [5, 7] in project["schema"]["skeleton"] or [7, 5] in project["schema"]["skeleton"]
    assert project["postures"] == list(POSTURES)
    assert project["reasons"] == list(LABEL_REASONS)
    assert project["counts"]["total"] == project["counts"]["unreviewed"] == 2
    assert project["change"] == store.last_change()
    assert project["images"][0] == {
        "id": 1, "name": "a.jpg", "status": "unreviewed", "doubtful": False, "state": "ok", "revision": 0,
    }  # fmt: skip


def test_list_of_images_is_made_once_for_each_change(client, store, monkeypatch):
    made = []
    message = project_answer.project_message
    monkeypatch.setattr(project_answer, "project_message", lambda *given: made.append(1) or message(*given))
    first = client.get("/api/project").json()
    assert client.get("/api/project").json() == first
    assert len(made) == 1
    store.save(1, 0, {"people": [], "status": "rejected"}, action="reject", who="bob")
    assert client.get("/api/project").json()["images"][0]["status"] == "rejected"
    store.set_settings(order="doubtful")
    client.get("/api/project")
    assert len(made) == 3


def test_image_has_its_label_and_what_the_network_said(client):
    image = client.get("/api/images/2").json()
    assert (image["name"], image["width"], image["height"], image["revision"]) == ("b.jpg", 64, 48, 0)
    assert image["document"] == image["first"]["document"] == document(person(score=0.8))
    assert (image["first"]["who"], image["who"]) == ("ai:test", "ai:test")
    assert image["when"].endswith("Z")
    assert image["overlays"] == image["doubts"] == []


def test_saved_edit_is_answered_and_kept(client, store):
    answer = client.put("/api/images/1", json=edit(0, person(12), status="reviewed"))
    assert answer.status_code == 200
    assert answer.json() == client.get("/api/images/1").json()
    assert (answer.json()["revision"], answer.json()["who"]) == (1, "ann")
    assert answer.json()["document"] == document(person(12), status="reviewed")
    assert answer.json()["first"]["document"] == document(person(score=0.8))
    assert store.image(1).label.people[0].keypoints[0] == (12, 20, 2)


def test_edit_without_a_name_is_by_the_account(client):
    nameless = {key: value for key, value in edit(0).items() if key != "who"}
    assert client.put("/api/images/1", json=nameless).json()["who"] == "account"


def test_edit_of_an_old_revision_changes_nothing_and_returns_the_newest(client):
    client.put("/api/images/1", json=edit(0, person(12), who="ann"))
    answer = client.put("/api/images/1", json=edit(0, person(30), who="bob"))
    assert answer.status_code == 409
    assert "ann" in answer.json()["detail"]
    assert answer.json()["current"] == client.get("/api/images/1").json()
    assert answer.json()["current"]["document"] == document(person(12))


def test_edit_that_is_sent_again_is_saved_once(client):
    """Its answer may be lost on the way; the page then repeats it."""
    first = client.put("/api/images/1", json=edit(0, person(12)))
    again = client.put("/api/images/1", json=edit(0, person(12)))
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(client.get("/api/images/1/history").json()) == 2


def test_edit_whose_box_was_cut_off_is_still_known_when_it_is_sent_again(client):
    sent = edit(0, person(12) | {"bbox": [-10, 0, 30, 20]})
    first = client.put("/api/images/1", json=sent).json()
    assert first["document"]["people"][0]["bbox"] == [0, 0, 20, 20]
    assert client.put("/api/images/1", json=sent).json() == first


def test_a_picture_that_cannot_be_shown_is_rejected_not_accepted(client, store):
    store.set_file_state(1, "unreadable", "it is torn")
    refused = client.put("/api/images/1", json=edit(0, status="reviewed"))
    assert refused.status_code == 422
    assert "can be rejected, not accepted: it is torn" in refused.json()["detail"]
    assert client.put("/api/images/1", json=edit(0, status="rejected")).status_code == 200
    client.put("/api/images/2", json=edit(0, status="reviewed"))
    store.set_file_state(2, "missing", "moved")
    again = client.put("/api/images/2", json=edit(1, person(13), status="reviewed"))
    assert again.status_code == 200, "what was accepted while it could be seen stays so"


@pytest.mark.parametrize(
    "other", [{"who": "bob"}, {"action": "undo"}, {"status": "reviewed"}], ids=lambda o: next(iter(o))
)
def test_another_edit_on_the_same_revision_is_no_repetition(client, other):
    client.put("/api/images/1", json=edit(0, person(12)))
    assert client.put("/api/images/1", json=edit(0, person(12), **other)).status_code == 409


def test_one_of_two_edits_at_the_same_time_is_saved(client):
    codes = []
    barrier = threading.Barrier(8)

    def save(number):
        barrier.wait()
        codes.append(client.put("/api/images/1", json=edit(0, person(10 + number), who=f"p{number}")))

    threads = [threading.Thread(target=save, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [answer for answer in codes if answer.status_code == 200]
    losers = [answer for answer in codes if answer.status_code == 409]
    assert (len(winners), len(losers)) == (1, 7)
    assert all(answer.json()["current"] == winners[0].json() for answer in losers)
    assert [entry["revision"] for entry in client.get("/api/images/1/history").json()] == [0, 1]


@pytest.mark.parametrize(
    "change, named",
    [
        ({"base_revision": "0"}, "base_revision"),
        ({"base_revision": True}, "base_revision"),
        ({"base_revision": -1}, "base_revision"),
        ({"base_revision": None}, "base_revision"),
        ({"document": []}, "document"),
        ({"document": None}, "document"),
        ({"document": {"people": [{"id": 1, "keypoints": []}]}}, "17 keypoints"),
        ({"document": document(person(1000))}, "outside the picture"),
        ({"document": {**document(), "extra": 1}}, "extra"),
        ({"document": {**document(), "status": "fine"}}, "status"),
        ({"document": {**document(), "note": "x" * 5000}}, "note"),
        ({"who": "x" * 81}, "who"),
        ({"who": "a\nb"}, "who"),
        ({"who": "a\x00"}, "who"),
        ({"who": "\u202eabc"}, "who"),
        ({"who": ["ann"]}, "who"),
        ({"who": "\ud800"}, "who"),
        ({"who": " ai:movenet"}, "who"),
        ({"who": "import:a.json"}, "who"),
        ({"action": "a\x1b[31m"}, "action"),
        ({"action": "x" * 61}, "action"),
        ({"extra": 1}, "extra"),
    ],
)
def test_wrong_edit_is_refused_by_name_and_changes_nothing(fixed, change, named):
    body = json.dumps({**edit(0, person()), **change}).encode()
    answer = fixed.put("/api/images/1", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert named in answer.json()["detail"]
    assert len(answer.json()["detail"]) < 400
    assert fixed.get("/api/images/1").json()["revision"] == 0


def test_names_of_all_languages_are_kept(client):
    for base, who in enumerate(["Åsa Öberg", "李小龙", "علی\u200cرضا", "O'Brien <ann@x.org>"]):
        assert client.put("/api/images/1", json=edit(base, who=who)).json()["who"] == who


def test_history_and_revisions_say_who_did_what(client):
    client.put("/api/images/1", json=edit(0, person(12), action="move", who="ann"))
    client.put("/api/images/1", json=edit(1, person(14), action="review", who="bob", status="reviewed"))
    history = client.get("/api/images/1/history").json()
    said = [(entry["revision"], entry["action"], entry["who"]) for entry in history]
    assert said == [(0, "first", "ai:test"), (1, "move", "ann"), (2, "review", "bob")]
    assert client.get("/api/images/1/revisions/1").json() == document(person(12))


def test_changes_are_those_since_the_last_look(client, store):
    start = client.get("/api/project").json()["change"]
    assert client.get(f"/api/changes?since={start}").json() == {
        "change": start, "images": [], "export_error": None,
    }  # fmt: skip
    client.put("/api/images/2", json=edit(0, status="rejected", who="bob"))
    seen = client.get(f"/api/changes?since={start}").json()
    assert seen["change"] > start
    assert [(e["id"], e["status"], e["revision"], e["who"]) for e in seen["images"]] == [
        (2, "rejected", 1, "bob")
    ]
    assert seen["counts"]["rejected"] == 1


def test_changes_of_another_process_are_seen(client, store):
    with LabelStore.open(store.path) as other:
        other.save(1, 0, document(status="reviewed"), action="review", who="elsewhere")
    assert [e["who"] for e in client.get("/api/changes?since=1").json()["images"]] == ["elsewhere"]


def test_export_writes_the_file_now(client, tmp_path):
    client.put("/api/images/1", json=edit(0, person(12), person(13, number=2), status="reviewed"))
    answer = client.post("/api/export").json()
    assert answer == {"path": str(tmp_path / "real.json"), "images": 2, "annotations": 3}
    written = json.loads((tmp_path / "real.json").read_text())
    assert [a["keypoints"][0] for a in written["annotations"]] == [12, 13, 10]


def test_export_that_fails_says_why_and_keeps_the_labels(client, store, tmp_path):
    client.post("/api/export")
    (tmp_path / "real.json").unlink()
    (tmp_path / "real.json").mkdir()
    answer = client.post("/api/export")
    assert answer.status_code == 503
    assert "real.json" in answer.json()["detail"]
    assert client.get("/api/changes").json()["export_error"]
    (tmp_path / "real.json").rmdir()
    assert client.post("/api/export").status_code == 200
    assert client.get("/api/changes").json()["export_error"] is None


@pytest.mark.parametrize("number", ["3", "0", "01", "-1", "1.0", "1e0", "x", "١", "9" * 6000, "%2e", "1%00"])
def test_images_that_do_not_exist_are_not_found(fixed, number):
    for rest in ("", "/history", "/file", "/revisions/0"):
        answer = fixed.get(f"/api/images/{number}{rest}")
        assert answer.status_code == 404
        assert isinstance(answer.json()["detail"], str)


def test_revision_that_does_not_exist_is_not_found(fixed):
    assert fixed.get("/api/images/1/revisions/1").status_code == 404


def test_edit_of_an_image_that_does_not_exist_is_not_found(fixed):
    assert fixed.put("/api/images/3", json=edit()).status_code == 404


@pytest.mark.parametrize("since", ["-1", "x", "1.5", "9" * 6000])
def test_changes_since_no_number_are_refused(fixed, since):
    assert fixed.get("/api/changes", params={"since": since}).status_code == 422


def test_project_that_cannot_be_read_now_is_said_to_be(tmp_path):
    store = make_store(tmp_path)
    exporter = Exporter(store)
    exporter.close()
    store.close()
    app = create_app(store, token=TOKEN, allowed_hosts=["127.0.0.1"], exporter=exporter)
    with TestClient(app, base_url=ORIGIN, headers={"X-Syrip-Token": TOKEN}) as client:
        for method, path in (("GET", "/api/project"), ("GET", "/api/images/1"), ("PUT", "/api/images/1")):
            answer = client.request(method, path, json=edit())
            assert answer.status_code == 503
            assert "real.json.project" in answer.json()["detail"]


def test_long_answers_are_compressed_for_who_takes_it(client, store):
    store.add_images(NewImage(f"more/{i:05}.jpg", 64, 48) for i in range(300))
    plain = client.get("/api/project", headers={"Accept-Encoding": "identity"})
    packed = client.get("/api/project", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content) / 4
    assert packed.json() == plain.json()


def test_hostile_names_and_texts_arrive_as_they_are_and_only_as_json(client, store):
    names = ["<img src=x onerror=alert(1)>.jpg", "a\nb.jpg", "\udcff\udcfe.jpg", "\u202egpj.exe", "'\"&.jpg"]
    ids = store.add_images(NewImage(name, 64, 48) for name in names)
    note = "</script><script>alert(1)</script>"
    client.put(f"/api/images/{ids[0]}", json=edit(0, note=note, reasons=["<b>"], status="rejected"))
    for path in ("/api/project", f"/api/images/{ids[0]}", "/api/changes"):
        answer = client.get(path)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.content.isascii()
    assert [e["name"] for e in client.get("/api/project").json()["images"]][2:] == names
    assert client.get(f"/api/images/{ids[0]}").json()["document"]["note"] == note


def test_picture_states_follow_the_folder(client, store, tmp_path):
    """Deleted, replaced by another, broken, put back: what is known of it changes, its label stays."""
    photo = tmp_path / "photos" / "a.jpg"
    good = photo.read_bytes()
    assert client.get("/api/images/1/file").status_code == 200
    photo.unlink()
    gone = client.get("/api/images/1/file")
    assert (gone.status_code, client.get("/api/images/1").json()["state"]) == (404, "missing")
    assert "a.jpg" in gone.json()["detail"]
    write_picture(photo, 100, 80)
    other = client.get("/api/images/1/file")
    assert (other.status_code, client.get("/api/images/1").json()["state"]) == (404, "unreadable")
    assert "100 x 80 px" in other.json()["detail"]
    photo.write_bytes(good[: len(good) // 2])
    assert client.get("/api/images/1/file").status_code == 404
    assert "truncated" in client.get("/api/images/1").json()["note"]
    assert client.put("/api/images/1", json=edit(0, person(11))).status_code == 200
    photo.write_bytes(good)
    assert client.get("/api/images/1/file").content == good
    healed = client.get("/api/images/1").json()
    assert (healed["state"], healed["note"], healed["revision"]) == ("ok", "", 1)


def test_asking_for_a_picture_twice_makes_no_second_change(client, store):
    client.get("/api/images/1/file")
    before = store.last_change()
    client.get("/api/images/1/file")
    (store.root / "a.jpg").unlink()
    client.get("/api/images/1/file")
    changed = store.last_change()
    client.get("/api/images/1/file")
    assert (before, store.last_change()) == (1, changed)


def test_picture_is_sent_once_while_the_file_stays(client, store):
    first = client.get("/api/images/1/file?width=32")
    tag = {"If-None-Match": first.headers["etag"]}
    assert first.headers["cache-control"] == "private, no-cache"
    again = client.get("/api/images/1/file?width=32", headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/images/1/file?width=16", headers=tag).status_code == 200
    write_picture(store.root / "a.jpg", seed=9)
    assert client.get("/api/images/1/file?width=32", headers=tag).status_code == 200


@pytest.mark.parametrize("width", ["0", "-5", "x", "1e3", "99999", "9" * 6000])
def test_absurd_widths_are_refused(fixed, width):
    assert fixed.get("/api/images/1/file", params={"width": width}).status_code == 422


def test_overlay_that_does_not_exist_is_not_found_and_says_nothing_of_the_file(client, store):
    for name in ("mesh", "", "../a.jpg", "/etc/passwd"):
        assert client.get("/api/images/1/file", params={"overlay": name}).status_code == 404
    assert store.image(1).row.state == "ok"


class _Overlays:
    """Names its overlays and trusts the names that it is given."""

    def __init__(self, root):
        self.root = root

    def overlays(self, image):
        return ("mesh", "lost")

    def path_of(self, image, overlay=None):
        return self.root / (image.name if overlay is None else f"{overlay}.png")


def test_overlays_are_served_by_their_names_only(tmp_path):
    with make_store(tmp_path) as store, Exporter(store) as exporter:
        write_picture(store.root / "mesh.png", 32, 24)
        write_picture(store.root / "other.png", 32, 24)
        pictures = _Overlays(store.root)
        app = create_app(
            store, token=TOKEN, allowed_hosts=["127.0.0.1"], exporter=exporter, pictures=pictures
        )
        with TestClient(app, base_url=ORIGIN, headers={"X-Syrip-Token": TOKEN}) as client:
            assert client.get("/api/images/1").json()["overlays"] == ["mesh", "lost"]
            codes = {}
            for name in ("mesh", "lost", "other", "../photos/mesh", str(store.root / "mesh"), ""):
                codes[name] = client.get("/api/images/1/file", params={"overlay": name}).status_code
            assert [name for name, code in codes.items() if code == 200] == ["mesh"]
            assert set(codes.values()) == {200, 404}
            sent = client.get("/api/images/1/file", params={"overlay": "mesh", "width": 500})
            assert (sent.headers["content-type"], sent.content) == (
                "image/png", (store.root / "mesh.png").read_bytes(),
            )  # fmt: skip
            assert client.get("/api/images/1").json()["state"] == "ok"  # a lost overlay is no lost picture
