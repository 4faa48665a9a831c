"""Points, people and boxes in the browser, by mouse and keyboard."""

import pytest

from tests.browser.drawn_project import NAMES, POINTS


def test_a_dragged_point_is_saved(address, open_page):
    page = open_page(address)
    page.drag("left_wrist", 30, -20)
    page.saved()
    assert page.point(1, "left_wrist") == pytest.approx([510, 230, 2], abs=0.6)
    assert page.ask("images/1/history")[1]["action"] == "move left_wrist"
    assert page.ask("images/1")["who"] == "ada"
    untouched = [name for name in NAMES if name != "left_wrist"]
    assert [page.point(1, name)[:2] for name in untouched] == [list(map(float, POINTS[n])) for n in untouched]


def test_keys_go_through_all_points(address, open_page):
    page = open_page(address)
    seen = []
    for _ in NAMES:
        seen.append(page.chosen)
        page.keys("Tab")
    assert tuple(seen) == NAMES
    assert page.page.evaluate("document.activeElement.id") != "stage", "Tab leads out after the last point"
    page.page.focus("#stage")
    page.keys("n")
    assert page.chosen == "nose"
    page.keys("p", "p")
    assert page.chosen == "left_ankle"


def test_arrows_move_in_three_steps(address, open_page):
    page = open_page(address)
    page.choose("left_knee")
    page.keys("ArrowRight", "Shift+ArrowDown", "Alt+ArrowLeft")
    page.saved()
    assert page.point(1, "left_knee") == [400.75, 360, 2]


def test_digits_and_letters_set_visibility(address, open_page):
    page = open_page(address)
    page.keys("1")
    assert page.page.locator('.person.chosen .point.occluded[data-keypoint="0"]').count() == 1
    page.keys("n", "x", "n", "o", "v")
    page.saved()
    points = page.document(1)["people"][0]["keypoints"]
    assert points[:3] == [[320, 90, 1], [0, 0, 0], [308, 80, 2]]


def test_an_absent_point_comes_back_at_the_mouse_or_near_its_neighbours(address, open_page):
    page = open_page(address)
    page.choose("left_elbow")
    page.keys("0")
    page.page.mouse.move(*page.on_screen(440, 210))
    page.keys("2")
    page.choose("left_knee")
    page.page.mouse.move(5, 400)
    page.keys("0", "1")
    page.saved()
    assert page.point(1, "left_elbow") == pytest.approx([440, 210, 2], abs=1)
    x, y, v = page.point(1, "left_knee")
    assert v == 1
    assert 350 <= x <= 400
    assert 280 <= y <= 430


def test_left_and_right_are_swapped_in_a_limb_and_in_the_body(address, open_page):
    page = open_page(address)
    page.choose("right_knee")
    page.keys("s")
    page.saved()
    for name in ("hip", "knee", "ankle"):
        assert page.point(1, f"left_{name}")[:2] == list(POINTS[f"right_{name}"])
    assert page.point(1, "left_wrist")[:2] == list(POINTS["left_wrist"])
    page.keys("s", "Shift+S")
    page.saved()
    for name in NAMES[1:]:
        other = name.replace("left", "LEFT").replace("right", "left").replace("LEFT", "right")
        assert page.point(1, name)[:2] == list(POINTS[other])


def test_undo_and_redo_outlive_other_images_and_a_reload(address, open_page):
    page = open_page(address)
    page.keys("1", "n", "0", "n", "Shift+ArrowUp", "PageDown", "PageUp", "z")
    page.saved()
    assert page.point(1, "right_eye") == [308, 80, 2]
    page.reload()
    page.keys("z", "z", "z")
    page.saved()
    assert page.document(1)["people"] == page.ask("images/1")["first"]["document"]["people"]
    page.reload()
    page.keys("Shift+Z", "Control+Shift+Z", "Shift+Z")
    page.saved()
    assert page.document(1)["people"][0]["keypoints"][:3] == [[320, 90, 1], [0, 0, 0], [308, 70, 2]]
    actions = [entry["action"] for entry in page.ask("images/1/history")]
    assert actions[-6:] == ["undo"] * 3 + ["redo"] * 3
    page.keys("Shift+Z")
    assert "Nothing to redo" in page.page.inner_text("#toast")


def test_the_box_is_moved_by_handles_and_keys(address, open_page):
    page = open_page(address)
    page.keys("b")
    x, y = page.on_screen(500, 450)
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(*page.on_screen(520, 460), steps=4)
    page.page.mouse.up()
    page.saved()
    assert page.document(1)["people"][0]["bbox"] == pytest.approx([140, 60, 380, 400], abs=1.5)
    page.keys("Tab", "Tab", "Tab", "Shift+ArrowLeft", "Escape")  # from the corner to the left side
    page.saved()
    assert page.document(1)["people"][0]["bbox"] == pytest.approx([130, 60, 390, 400], abs=1.5)
    page.keys("Shift+B")
    page.saved()
    # The points span 160..480, 80..430; 8 % of the longer side is left around them.
    assert page.document(1)["people"][0]["bbox"] == pytest.approx([132, 52, 376, 406], abs=0.01)
    page.keys("z", "z", "z")
    page.saved()
    assert page.document(1)["people"][0]["bbox"] == [140, 60, 360, 390]


def test_posture_is_chosen_by_number(address, open_page):
    page = open_page(address)
    page.keys("t", "2")
    page.saved()
    assert page.document(1)["people"][0]["posture"] == "prone"
    assert page.page.input_value("#posture") == "prone"


def test_people_are_added_chosen_and_removed(address, open_page):
    page = open_page(address)
    page.go_to(6)
    page.keys("q", "ArrowRight")
    page.saved()
    assert page.point(6, "nose", person=1) == [381, 90, 2]
    page.keys("Shift+Delete")
    page.saved()
    assert len(page.document(6)["people"]) == 1
    page.keys("z")
    page.saved()
    assert [one["id"] for one in page.document(6)["people"]] == [1, 2]


def test_the_first_labels_show_beneath(address, open_page):
    page = open_page(address)
    page.drag("left_wrist", 30, -20)
    page.keys("c")
    assert page.page.locator(".ghost .before").count() == 17
    page.keys("c")
    assert page.page.locator(".ghost").count() == 0


def test_doubtful_points_have_a_halo_until_someone_saw_to_them(address, open_page):
    page = open_page(address)
    page.keys("d")
    page.until("location.hash === '#2'")
    assert page.chosen == "left_knee"
    assert page.page.locator(".halo").count() == 2
    assert "left knee, visible, 14 of 17, doubtful: low score (0.12)" in page.page.inner_text("#live")
    page.keys("ArrowLeft", "d")
    assert page.chosen == "left_ankle"
    assert page.page.locator(".halo").count() == 1
    page.keys("2")
    assert page.page.locator(".halo").count() == 0
