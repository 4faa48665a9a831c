"""The same page reviews generated images: look, accept, reject with a number."""

from pathlib import Path

import pytest
from PIL import Image

from fidip.labelling.documents import ImageLabel
from fidip.labelling.records import NewImage
from fidip.labelling.store import LabelStore, project_path
from tests.browser.drawn_project import SIZE, draw_figure, person


@pytest.fixture
def review(tmp_path: Path) -> Path:
    """Return a review project of three drawn images."""
    names = [f"images/{i}.png" for i in range(3)]
    for name in names:
        draw_figure(tmp_path / name)
    output = tmp_path / "review.json"
    with LabelStore.create(project_path(output), kind="review", root=tmp_path, output=output) as store:
        store.add_images(
            NewImage(name, *SIZE, label=ImageLabel(people=(person(),)), who="syrip") for name in names
        )
    return project_path(output)


def test_images_are_accepted_and_rejected_by_one_key(servers, review, open_page):
    page = open_page(servers.serve(review))
    page.keys("a", "r", "2", "Enter")
    page.saved()
    labels = [page.document(image) for image in (1, 2, 3)]
    assert [label["status"] for label in labels] == ["reviewed", "rejected", "reviewed"]
    assert labels[1]["reasons"] == [page.ask("project")["reasons"][1]]


def test_labels_of_generated_images_are_looked_at_not_moved(servers, review, open_page):
    page = open_page(servers.serve(review))
    page.keys("n")
    assert page.page.locator(".point.picked").get_attribute("data-keypoint") == "1"
    page.keys("ArrowLeft", "0", "i", "b", "s")
    x, y = page.place_of("left_wrist")
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(x + 40, y, steps=3)
    page.page.mouse.up()
    assert page.ask("images/1")["revision"] == 0
    assert page.page.is_hidden(".segments")


def test_the_mesh_is_laid_over(servers, review, open_page, tmp_path):
    page = open_page(servers.serve(review))

    def with_overlay(route):
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "overlays": ["mesh"]})

    mesh = tmp_path / "mesh.png"
    Image.new("RGBA", SIZE, (255, 0, 0, 128)).save(mesh)
    page.page.route("**/api/images/3", with_overlay)
    page.page.route("**/file?*overlay=mesh*", lambda route: route.fulfill(path=mesh))
    page.reload()
    page.go_to(3)
    page.keys("m")
    page.page.wait_for_selector("#mesh canvas")
    assert page.page.evaluate("document.querySelector('#mesh').style.opacity") == "0.6"
    page.page.fill("#mesh-opacity", "0.25")
    page.settle()
    assert page.page.evaluate("document.querySelector('#mesh').style.opacity") == "0.25"
    page.page.focus("#stage")
    page.keys("m")
    assert page.page.locator("#mesh canvas").count() == 0
