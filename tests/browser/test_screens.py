"""Fingers, small screens, dark rooms, large letters, screen readers."""

import pytest

from tests.browser.drawn_project import POINTS

PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


def fingers(page):
    """Return a function that sends touches to the browser as its screen would."""
    session = page.page.context.new_cdp_session(page.page)

    def touch(kind, *points):
        places = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    return touch


def test_a_finger_drags_a_point_under_a_loupe(address, open_page):
    page = open_page(address, **PHONE)
    touch = fingers(page)
    x, y = page.place_of("left_knee")
    (x0, y0), (x1, y1) = page.on_screen(0, 0), page.on_screen(-40, 30)
    touch("touchStart", (x + 6, y + 6))
    assert page.page.is_visible("#loupe")
    touch("touchMove", (x + 6 + (x1 - x0) / 2, y + 6))
    touch("touchMove", (x + 6 + x1 - x0, y + 6 + y1 - y0))
    touch("touchEnd")
    page.saved()
    assert page.page.is_hidden("#loupe")
    assert page.point(1, "left_knee") == pytest.approx([360, 380, 2], abs=1.5)


def test_two_fingers_zoom(address, open_page):
    page = open_page(address, **PHONE)
    touch = fingers(page)
    before = page.page.locator("#picture").bounding_box()["width"]
    touch("touchStart", (150, 300), (220, 300))
    touch("touchMove", (120, 300), (250, 300))
    touch("touchMove", (80, 300), (290, 300))
    touch("touchEnd")
    page.settle()
    assert page.page.locator("#picture").bounding_box()["width"] > 2 * before
    assert page.ask("images/1")["revision"] == 0


def test_everything_is_at_hand_on_a_phone(address, open_page):
    page = open_page(address, **PHONE)
    page.page.tap('[data-command="point-next"]')
    page.page.tap('[data-command="occluded"]')
    page.page.tap("#open-panel")
    page.page.tap('.point-row[data-keypoint="9"]')
    page.page.tap("#veil", position={"x": 10, "y": 300})
    page.page.tap('.segments [data-command="absent"]')
    page.page.tap('[data-command="accept"]')
    page.page.tap('[data-command="reject"]')
    page.page.tap("#reasons li:nth-child(2) button")
    page.page.tap("#open-list")
    page.page.tap("#image-6")
    page.until("location.hash === '#6'")
    page.saved()
    assert page.point(1, "left_eye")[2] == 1
    assert page.point(1, "left_wrist")[2] == 0
    assert page.document(1)["status"] == "reviewed"
    assert page.document(2)["reasons"] == ["infant hidden"]


def test_a_finger_places_points(address, open_page):
    page = open_page(address, **PHONE)
    touch = fingers(page)
    page.page.tap("#open-list")
    page.page.tap("#image-4")
    page.settle()
    page.page.touchscreen.tap(*page.on_screen(*POINTS["nose"]))
    x, y = page.on_screen(*POINTS["left_eye"])
    touch("touchStart", (x, y))
    page.page.wait_for_timeout(650)
    touch("touchEnd")
    page.saved()
    points = page.document(4)["people"][0]["keypoints"]
    assert [point[2] for point in points[:3]] == [2, 1, 0]
    assert points[0][:2] == pytest.approx(POINTS["nose"], abs=2)


@pytest.mark.parametrize("size", [(390, 844), (683, 384), (1366, 768)])
def test_nothing_is_cut_off(address, open_page, size):
    is_small = size[0] < 400
    page = open_page(address, viewport={"width": size[0], "height": size[1]}, has_touch=is_small)
    sizes = page.page.evaluate(
        "[...document.querySelectorAll('.top, .bar, .banner')].map(e => [e.scrollWidth, e.clientWidth])"
    )
    assert all(inner <= outer for inner, outer in sizes)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    stage = page.page.locator("#stage").bounding_box()
    assert stage["height"] > 0.3 * size[1]


def test_targets_for_fingers_are_large(address, open_page):
    page = open_page(address, **PHONE)
    boxes = page.page.evaluate(
        """[...document.querySelectorAll(".bar button, .top button, .zoom button")]
           .filter(b => b.offsetParent).map(b => [b.outerHTML, b.offsetWidth, b.offsetHeight])"""
    )
    assert len(boxes) > 10
    assert [name for name, width, height in boxes if width < 44 or height < 44] == []


CONTRAST = """() => {
  const channel = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const ground = node => {
    for (let at = node; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const poor = [];
  let checked = 0;
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.offsetParent || node.closest(":disabled, .visually-hidden, .toast")) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    checked += 1;
    if (ratio < 4.5) poor.push(`${node.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return [checked, poor];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_stand_out(address, open_page, scheme):
    page = open_page(address, color_scheme=scheme)
    ground = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(247, 247, 245)" if scheme == "light" else "rgb(23, 25, 27)")
    page.keys("a", "d")
    checked, poor = page.page.evaluate(CONTRAST)
    page.keys("r")
    more, poorer = page.page.evaluate(CONTRAST)
    assert checked > 40
    assert more > checked
    assert poor + poorer == []


def test_light_and_dark_can_be_chosen(address, open_page):
    page = open_page(address, color_scheme="light")
    page.page.click("#theme")
    dark = page.page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    assert page.page.evaluate("getComputedStyle(document.body).backgroundColor") == dark == "rgb(23, 25, 27)"


def test_the_keyboard_alone_labels_an_image(address, open_page):
    page = open_page(address)
    assert page.page.evaluate("document.activeElement.id") == "stage"
    page.keys("n", "ArrowLeft", "1", "d", "Shift+ArrowUp", "d", "0", "a")
    page.saved()
    assert page.point(1, "left_eye") == [331, 80, 1]
    assert page.point(2, "left_knee")[1] == POINTS["left_knee"][1] - 10
    assert page.point(2, "left_ankle") == [0, 0, 0]
    assert page.document(2)["status"] == "reviewed"


def test_the_help_lists_every_key(address, open_page):
    page = open_page(address)
    page.keys("h")
    text = page.page.inner_text("#help-keys")
    for words in (
        "Next point",
        "Occluded",
        "Swap left and right",
        "Undo",
        "Redo",
        "Next image",
        "Zoom in",
        "box",
    ):
        assert words in text
    page.keys("Escape", "1")
    page.saved()
    assert page.point(1, "nose")[2] == 1


def test_everything_that_can_be_pressed_has_a_name(address, open_page):
    page = open_page(address)
    nameless = page.page.evaluate(
        """[...document.querySelectorAll("button, input, select")]
           .filter(e => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length))
           .map(e => e.outerHTML)"""
    )
    assert nameless == []
    assert page.page.locator("main").count() == page.page.locator("header").count() == 1


def test_wheel_zooms_and_space_drags(address, open_page):
    page = open_page(address)
    before = page.page.locator("#picture").bounding_box()
    page.page.mouse.move(*page.on_screen(*POINTS["nose"]))
    nose = page.place_of("nose")
    page.page.mouse.wheel(0, -300)
    page.settle()
    assert page.page.locator("#picture").bounding_box()["width"] > 1.3 * before["width"]
    assert page.place_of("nose") == pytest.approx(nose, abs=1)
    page.page.keyboard.down("Space")
    page.page.mouse.down()
    page.page.mouse.move(nose[0] + 50, nose[1] + 40, steps=3)
    page.page.mouse.up()
    page.page.keyboard.up("Space")
    page.settle()
    assert page.place_of("nose") == pytest.approx((nose[0] + 50, nose[1] + 40), abs=1)
    page.keys("f")
    assert page.ask("images/1")["revision"] == 0
