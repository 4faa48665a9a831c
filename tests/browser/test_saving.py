"""Nothing is lost: killed servers, lost connections, two tabs, two people."""

import json
import secrets

import pytest

from tests.browser.drawn_project import POINTS

GONE = (
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "ERR_INTERNET_DISCONNECTED",
    "ERR_SOCKET_NOT_CONNECTED",
)
"""What Chromium calls a server that died, by how far a request had come."""


def test_a_killed_server_loses_nothing(own_server, project, open_page):
    token = secrets.token_urlsafe(18)
    server = own_server()
    address = server.serve(project, token=token)
    page = open_page(address, expected=GONE)
    page.keys("Shift+ArrowRight")
    page.saved()
    server.kill()
    page.keys("n", "1", "a")
    page.page.wait_for_selector('#save-status[data-state="offline"]')
    assert page.status == "Offline · 2 edits kept here"
    page.keys("PageUp", "n", "n", "0")
    assert page.status == "Offline · 3 edits kept here"
    port = int(address.split(":")[2].split("/")[0])
    own_server().serve(project, port=port, token=token)
    page.page.click("#save-status")
    page.saved()
    assert page.document(1)["people"][0]["keypoints"][:3] == [[330, 90, 2], [332, 80, 1], [0, 0, 0]]
    assert page.document(1)["status"] == "reviewed"
    actions = [entry["action"] for entry in page.ask("images/1/history")]
    assert actions[1:] == ["move nose", "left_eye occluded", "accept", "right_eye absent"]
    assert page.export()["annotations"] == 5
    coco = json.loads((project.parent / "real.json").read_text())
    (annotation,) = [one for one in coco["annotations"] if one["image_id"] == 1]
    assert annotation["keypoints"][:9] == [330, 90, 2, 332, 80, 1, 0, 0, 0]
    assert annotation["reviewed"] is True


def test_edits_of_a_closed_tab_are_sent_by_the_next(address, open_page):
    page = open_page(address, expected=GONE)
    page.page.context.set_offline(True)
    page.keys("1", "n", "0")
    page.page.wait_for_selector('#save-status[data-state="offline"]')
    page.page.close(run_before_unload=False)
    second = page.page.context.new_page()
    page.page.context.set_offline(False)
    again = type(page).open(second, address)
    again.saved()
    assert again.document(1)["people"][0]["keypoints"][:2] == [[320, 90, 1], [0, 0, 0]]
    assert [entry["action"] for entry in again.ask("images/1/history")][1:] == [
        "nose occluded",
        "left_eye absent",
    ]


def test_leaving_with_unsent_edits_asks(address, open_page):
    page = open_page(address, expected=GONE)
    asked = []
    page.page.on("dialog", lambda dialog: asked.append(dialog.type))
    page.page.click("#stage", position={"x": 5, "y": 5})
    page.page.context.set_offline(True)
    page.keys("1")
    page.page.wait_for_selector('#save-status[data-state="offline"]')
    page.page.close(run_before_unload=True)
    page.page.wait_for_event("close")
    assert asked == ["beforeunload"]


def test_an_unfinished_move_survives_a_reload(address, open_page):
    page = open_page(address)
    page.page.keyboard.down("ArrowRight")
    page.reload()
    page.page.keyboard.up("ArrowRight")
    page.saved()
    assert page.point(1, "nose") == [321, 90, 2]


@pytest.mark.parametrize("choice, nose_x", [("mine", 321), ("theirs", 200)])
def test_two_versions_are_shown_and_a_person_chooses(address, open_page, choice, nose_x):
    page = open_page(address, expected=("409",))
    page.hear_nothing()
    theirs = page.document(1)
    theirs["people"][0]["keypoints"][0] = [200, 200, 2]
    page.save(1, theirs, base=0)
    page.keys("ArrowRight")
    page.page.wait_for_selector("#conflict-dialog[open]")
    assert page.status == "1 conflict"
    assert "bob" in page.page.inner_text("#conflict-text")
    assert page.page.locator("#mine .version-point").count() == 17
    assert page.page.locator("#mine .differs").count() == 1
    page.keys("Enter", "a")  # typed on, not meant for the question
    assert page.page.is_visible("#conflict-dialog")
    page.page.click(f"#keep-{choice}")
    page.saved()
    assert page.point(1, "nose")[0] == nose_x
    assert [entry["who"] for entry in page.ask("images/1/history")][1] == "bob"
    page.keys("2", "ArrowRight")
    page.saved()
    assert page.point(1, "nose")[0] == nose_x + 1


def test_a_conflict_can_wait(address, open_page):
    page = open_page(address, expected=("409",))
    page.hear_nothing()
    theirs = page.document(1)
    theirs["people"][0]["keypoints"][0] = [200, 200, 2]
    page.save(1, theirs, base=0)
    page.keys("ArrowRight")
    page.page.wait_for_selector("#conflict-dialog[open]")
    page.page.click("#conflict-dialog [data-close]")
    page.keys("PageDown", "1")
    page.until("document.querySelector('#save-text').textContent === '1 conflict'")
    page.page.wait_for_timeout(300)
    assert page.point(2, "nose")[2] == 1, "other images are saved meanwhile"
    page.reload()
    page.page.click("#save-status")
    page.page.wait_for_selector("#conflict-dialog[open]")
    page.page.click("#keep-mine")
    page.saved()
    assert page.point(1, "nose") == [321, 90, 2]


def test_two_tabs_see_each_other(address, open_page):
    first = open_page(address)
    second = open_page(address, beside=first)
    second.drag("left_wrist", 30, 0)
    second.keys("a")
    second.saved()
    first.page.bring_to_front()
    first.page.wait_for_selector('#image-1[data-status="reviewed"]')
    first.page.wait_for_selector("#file-info .said.reviewed")
    x, _ = first.place_of("left_wrist")
    assert x == pytest.approx(first.on_screen(POINTS["left_wrist"][0] + 30, 0)[0], abs=1.5)
    first.keys("z", "z")
    first.saved()
    assert first.point(1, "left_wrist")[:2] == list(POINTS["left_wrist"])


def test_a_server_started_anew_asks_for_its_address(own_server, project, open_page):
    server = own_server()
    address = server.serve(project)
    page = open_page(address, expected=(*GONE, "403"))
    server.kill()
    page.keys("1")
    page.page.wait_for_selector('#save-status[data-state="offline"]')
    port = int(address.split(":")[2].split("/")[0])
    fresh = own_server().serve(project, port=port)
    page.page.wait_for_selector("#token-dialog[open]")
    page.page.fill("#new-address", fresh)
    page.page.click("#token-dialog [type=submit]")
    page.saved()
    page = type(page)(page.page, fresh)
    assert page.point(1, "nose")[2] == 1
    page.reload()
    assert page.page.locator('.person.chosen .point.occluded[data-keypoint="0"]').count() == 1


def test_a_name_of_ones_own_is_kept(address, open_page):
    page = open_page(address)
    page.page.click(".settings summary")
    page.page.fill("#who", " Grace\u200e ")
    page.page.press("#who", "Enter")
    page.page.click("#stage", position={"x": 5, "y": 5})
    page.keys("1")
    page.saved()
    page.reload()
    page.keys("n", "1")
    page.saved()
    assert [entry["who"] for entry in page.ask("images/1/history")][1:] == ["Grace", "Grace"]
    assert page.point(1, "left_eye")[2] == 1


def test_no_key_acts_on_an_image_that_is_not_shown_yet(address, open_page):
    page = open_page(address)
    page.page.click("#stage", position={"x": 5, "y": 5})
    waiting = []
    page.page.route("**/api/images/6", lambda route: waiting.append(route))
    page.page.click("#image-6")
    page.page.keyboard.press("a")
    page.page.keyboard.press("1")
    page.page.keyboard.press("Shift+ArrowLeft")
    page.until("document.querySelector('#stage').getAttribute('aria-busy') === 'true'")
    assert waiting
    waiting[0].continue_()
    page.until("location.hash === '#6'")
    page.settle()
    assert [page.ask(f"images/{image}")["revision"] for image in (1, 6)] == [0, 0]


def test_a_refused_edit_is_not_passed_over_in_silence(address, open_page):
    page = open_page(address, expected=("422",))

    def refuse(route):
        if route.request.method == "PUT":
            route.fulfill(status=422, json={"detail": "person 1: too many legs"})
        else:
            route.continue_()

    page.page.route("**/api/images/1", refuse)
    page.keys("1")
    page.until("!document.querySelector('#toast').hidden")
    text = page.page.inner_text("#toast")
    assert "not saved" in text
    assert "too many legs" in text
    page.page.wait_for_selector('.person.chosen .point.visible[data-keypoint="0"]')
    page.saved()
