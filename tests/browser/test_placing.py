"""Placing the points of somebody whom no network found."""

from tests.browser.drawn_project import NAMES, POINTS


def test_seventeen_clicks_label_an_empty_image(address, open_page):
    page = open_page(address)
    page.go_to(4)
    banner = page.page.locator("#banner-text")
    assert "nose" in banner.inner_text()
    for name in NAMES:
        assert name.replace("_", " ") in banner.inner_text()
        if name == "left_ear":
            page.keys("0")
        else:
            button = "right" if name == "right_ear" else "left"
            modifiers = ["Shift"] if name == "left_ankle" else []
            for key in modifiers:
                page.page.keyboard.down(key)
            page.page.mouse.click(*page.on_screen(*POINTS[name]), button=button)
            for key in modifiers:
                page.page.keyboard.up(key)
    page.saved()
    assert page.page.is_hidden("#banner")
    points = dict(zip(NAMES, page.document(4)["people"][0]["keypoints"], strict=True))
    assert points["left_ear"] == [0, 0, 0]
    assert {name for name, point in points.items() if point[2] == 1} == {"right_ear", "left_ankle"}
    for name in set(NAMES) - {"left_ear"}:
        assert abs(points[name][0] - POINTS[name][0]) < 1.5
        assert abs(points[name][1] - POINTS[name][1]) < 1.5


def test_backspace_goes_back_and_escape_stops(address, open_page):
    page = open_page(address)
    page.go_to(4)
    page.page.mouse.click(*page.on_screen(100, 100))
    page.keys("Backspace")
    page.page.mouse.click(*page.on_screen(320, 90))
    page.keys("Escape")
    page.saved()
    assert page.page.is_hidden("#banner")
    people = page.document(4)["people"]
    assert len(people) == 1
    assert [point[2] for point in people[0]["keypoints"]] == [2] + [0] * 16
    assert abs(people[0]["keypoints"][0][0] - 320) < 1.5


def test_a_further_person_is_placed(address, open_page):
    page = open_page(address)
    page.keys("i")
    page.page.mouse.click(*page.on_screen(500, 100))
    page.keys("Escape")
    page.saved()
    people = page.document(1)["people"]
    assert [one["id"] for one in people] == [1, 2]
    assert people[1]["keypoints"][0][2] == 2
