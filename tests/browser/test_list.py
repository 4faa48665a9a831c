"""The list of images: order, filters, search, signs, names of any kind."""

import re

import pytest

from fidip.labelling.records import NewImage
from fidip.labelling.server.page_files import PAGE_FOLDER
from fidip.labelling.store import LabelStore, project_path
from tests.browser.drawn_project import HOSTILE, SIZE, draw_figure


def names(page):
    """Return what the list shows."""
    return page.page.locator("#image-rows .row").evaluate_all(
        "rows => rows.map(row => row.querySelector('.name').textContent)"
    )


def test_every_image_is_listed_with_its_sign(address, open_page):
    page = open_page(address)
    assert names(page) == ["a.png", "b.png", HOSTILE, "d.png", "e.png", "night/f.png"]
    signs = page.page.locator("#image-rows .row").evaluate_all("rows => rows.map(row => row.dataset.status)")
    assert signs == ["unreviewed", "doubtful", "unreviewed", "unreviewed", "unreadable", "unreviewed"]
    shapes = page.page.locator("#image-rows .row use").evaluate_all(
        "uses => uses.map(use => use.getAttribute('href'))"
    )
    assert len(set(shapes)) == 3, "status is told by shape too"


def test_accept_and_reject_go_on_and_count(address, open_page):
    page = open_page(address)
    page.keys("a", "r", "3")
    page.until("location.hash === '#3'")
    page.keys("Enter")
    page.until("location.hash === '#4'")
    page.saved()
    assert [page.document(image)["status"] for image in (1, 2, 3)] == ["reviewed", "rejected", "reviewed"]
    assert page.document(2)["reasons"] == ["not an infant"]
    assert page.page.inner_text("#progress-text") == "3 of 6 done"
    assert page.page.get_attribute("#image-2", "data-status") == "rejected"


def test_several_reasons_and_a_note(address, open_page):
    page = open_page(address)
    page.keys("r", "Shift+1", "Shift+6")
    page.page.fill("#reject-note", "two heads <b>")
    page.page.press("#reject-note", "Enter")
    page.until("location.hash === '#2'")
    page.saved()
    label = page.document(1)
    assert (label["reasons"], label["note"]) == (["blurred", "other"], "two heads <b>")
    page.keys("PageUp")
    assert page.page.inner_text("#rejected") == "Rejected: blurred, other, two heads <b>"
    page.keys("u")
    page.saved()
    assert page.document(1)["status"] == "unreviewed"


@pytest.mark.parametrize(
    "value, expected",
    [
        ("unreviewed", ["a.png", "b.png", "d.png", "night/f.png"]),
        ("doubtful", ["b.png"]),
        ("rejected", [HOSTILE]),
        ("unreadable", ["e.png"]),
    ],
)
def test_filters(address, open_page, value, expected):
    page = open_page(address)
    page.go_to(3)
    page.keys("r", "1")
    page.page.check(f'#filters input[value="{value}"]', force=True)
    assert names(page) == expected
    count = page.page.inner_text(f'#filters label:has([value="{value}"]) b')
    assert count == str(len(expected))


def test_what_was_just_done_stays_in_the_filtered_list(address, open_page):
    page = open_page(address)
    page.page.check('#filters input[value="unreviewed"]', force=True)
    page.page.focus("#stage")
    page.keys("a", "PageUp")
    page.until("location.hash === '#1'")
    assert names(page)[0] == "a.png"
    page.page.check('#filters input[value="all"]', force=True)
    page.page.check('#filters input[value="unreviewed"]', force=True)
    assert "a.png" not in names(page)


def test_search_by_name(address, open_page):
    page = open_page(address)
    page.page.fill("#search", "NIGHT")
    assert names(page) == ["night/f.png"]
    page.page.keyboard.type("zzz")
    assert page.page.is_visible("#no-images")
    assert page.document(1)["people"], "letters went into the search, not to the labels"
    assert page.ask("images/1")["revision"] == 0


def test_a_name_is_text_never_markup(address, open_page):
    page = open_page(address)
    page.go_to(3)
    assert page.page.inner_text("#file-name") == HOSTILE
    assert HOSTILE in page.page.get_attribute("#stage", "aria-label")
    assert page.page.locator("img").count() == 0


def test_an_unreadable_picture_says_why_and_can_be_rejected(address, open_page):
    page = open_page(address, expected=("404",))
    page.go_to(5)
    assert page.page.is_visible("#problem")
    assert "can be rejected (R), not accepted" in page.page.inner_text("#problem")
    assert page.page.is_disabled('[data-command="accept"]')
    page.keys("a", "ArrowRight", "2")
    assert page.document(5)["status"] == "unreviewed"
    page.keys("r", "6")
    page.saved()
    assert page.document(5)["status"] == "rejected"


def test_a_picture_that_comes_back_is_shown(address, open_page, project):
    picture = project.parent / "pictures" / "b.png"
    data = picture.read_bytes()
    picture.unlink()
    page = open_page(address, expected=("404",))
    page.keys("PageDown")
    page.page.wait_for_selector("#problem:not([hidden])")
    page.page.wait_for_selector('#image-2[data-status="unreadable"]')
    picture.write_bytes(data)
    page.keys("PageUp", "PageDown")
    page.page.wait_for_selector("#picture canvas")
    page.page.wait_for_selector('#image-2[data-status="doubtful"]')
    page.keys("1")
    page.saved()
    assert page.point(2, "nose")[2] == 1


def test_the_list_is_walked_by_arrows(address, open_page):
    page = open_page(address)
    page.page.focus("#images")
    page.keys("ArrowDown", "ArrowDown")
    page.until("location.hash === '#3'")
    page.keys("End")
    page.until("location.hash === '#6'")
    assert page.page.get_attribute("#images", "aria-activedescendant") == "image-6"
    assert page.ask("images/1")["revision"] == 0


def test_small_pictures_come_only_for_rows_in_sight_and_can_be_hidden(servers, open_page, tmp_path):
    count = 60
    for i in range(count):
        draw_figure(tmp_path / "pictures" / f"{i:02d}.png")
    path = project_path(tmp_path / "real.json")
    with LabelStore.create(
        path, kind="label", root=tmp_path / "pictures", output=tmp_path / "real.json"
    ) as store:
        store.add_images(
            [NewImage(f"{i:02d}.png", *SIZE, state="unreadable" if i == 2 else "ok") for i in range(count)]
        )
    page = open_page(servers.serve(path))
    drawn = "document.querySelectorAll('.thumb canvas').length"
    in_sight = page.page.evaluate(
        "Math.floor(images.clientHeight / document.querySelector('.row').clientHeight)"
    )
    page.until(f"{drawn} >= {in_sight - 1}")
    asked = page.page.evaluate(
        "performance.getEntriesByType('resource').filter(e => e.name.includes('width=128')).length"
    )
    assert in_sight - 1 <= asked <= in_sight + 2 < count
    assert page.page.locator("#image-3 .thumb use").get_attribute("href") == "#i-unreadable"
    canvas = page.page.locator("#image-1 .thumb canvas").evaluate("c => [c.width, c.height]")
    assert canvas == [128, 96]
    assert page.page.locator(".thumb:not([aria-hidden=true])").count() == 0
    page.page.focus("#images")
    page.keys("End")
    page.until(f"document.querySelector('#image-{count} .thumb canvas') !== null")
    page.page.click(".settings summary")
    page.page.uncheck("#shows-thumbs")
    page.reload()
    assert page.page.locator(".thumb").count() == 0
    assert names(page)[-1] == f"{count - 1}.png"


def test_every_module_is_fetched_ahead():
    html = (PAGE_FOLDER / "index.html").read_text()
    asked_for = set(re.findall(r'(?:src|href)="/static/([a-z]+\.js)"', html))
    only_for_editors = {"types.js"}
    assert asked_for == {path.name for path in PAGE_FOLDER.glob("*.js")} - only_for_editors
