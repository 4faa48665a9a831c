"""Drives the labelling page as a person would, and asks the server what was saved."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.browser.drawn_project import NAMES

WAIT_S = 20


@dataclass(frozen=True, slots=True)
class LabellingPage:
    """One tab."""

    page: Any
    address: str

    @classmethod
    def open(cls, page: Any, address: str) -> Self:
        """Load the page and wait for it."""
        page.goto(address)
        page.wait_for_selector('body[data-ready="yes"]')
        self = cls(page, address)
        self.settle()
        return self

    def until(self, condition: str) -> None:
        """Wait until a condition in JavaScript holds; the page's policy forbids Playwright to poll it."""
        end = time.monotonic() + WAIT_S
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, f"waited {WAIT_S} s in vain for {condition}"
            self.page.wait_for_timeout(15)

    def settle(self) -> None:
        """Wait for the picture to be there and for everything to be drawn."""
        self.until(
            "document.querySelector('#picture canvas') !== null || !document.querySelector('#problem').hidden"
        )
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def reload(self) -> None:
        """Load it anew."""
        self.page.reload()
        self.page.wait_for_selector('body[data-ready="yes"]')
        self.settle()

    def keys(self, *keys: str) -> None:
        """Press keys one after the other, each when what the one before began is done."""
        for key in keys:
            self.page.keyboard.press(key)
            self.until("document.querySelector('#stage').getAttribute('aria-busy') !== 'true'")
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def go_to(self, image: int) -> None:
        """Open an image through the list."""
        self.page.click(f"#image-{image}")
        self.until(f"location.hash === '#{image}'")
        self.settle()

    def saved(self) -> None:
        """Wait until everything is on the server."""
        self.page.wait_for_selector('#save-status[data-state="saved"]')

    def choose(self, name: str) -> None:
        """Choose a point in the panel."""
        self.page.click(f'.point-row[data-keypoint="{NAMES.index(name)}"]')

    @property
    def chosen(self) -> str:
        """Name of the chosen point."""
        return self.page.inner_text("#point-text b").replace(" ", "_")

    @property
    def status(self) -> str:
        """What the save line says."""
        return self.page.inner_text("#save-text")

    def place_of(self, name: str) -> tuple[float, float]:
        """Return where a point of the chosen person is on the screen, px."""
        k = NAMES.index(name)
        return tuple(
            self.page.evaluate(
                """k => {
                  const dot = document.querySelector(`.person.chosen .point[data-keypoint="${k}"] .dot`);
                  const box = dot.getBoundingClientRect();
                  return [box.left + box.width / 2, box.top + box.height / 2];
                }""",
                k,
            )
        )

    def on_screen(self, x: float, y: float) -> tuple[float, float]:
        """Return where a place of the image is on the screen."""
        return tuple(
            self.page.evaluate(
                """([x, y]) => {
                  const box = document.querySelector("#picture").getBoundingClientRect();
                  const size = document.querySelector("#file-info").textContent;
                  const [width, height] = size.split("×").map(parseFloat);
                  return [box.left + x * box.width / width, box.top + y * box.height / height];
                }""",
                [x, y],
            )
        )

    def drag(self, name: str, dx: float, dy: float) -> None:
        """Drag a point by some image px with the mouse."""
        x, y = self.place_of(name)
        (x0, y0), (x1, y1) = self.on_screen(0, 0), self.on_screen(dx, dy)
        mouse = self.page.mouse
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + (x1 - x0) / 2, y + (y1 - y0) / 2)
        mouse.move(x + x1 - x0, y + y1 - y0, steps=3)
        mouse.up()

    def ask(self, path: str) -> Any:
        """Return what the server answers to a GET below /api/."""
        parts = urlsplit(self.address)
        token = parse_qs(parts.query)["token"][0]
        url = f"{parts.scheme}://{parts.netloc}/api/{path}"
        answer = self.page.context.request.get(url, headers={"X-Syrip-Token": token})
        assert answer.ok, answer.text()
        return answer.json()

    def hear_nothing(self) -> None:
        """Keep the news of what others save from the page, as if it came a little later."""
        news = {"change": 0, "images": [], "export_error": None}
        self.page.route("**/api/changes*", lambda route: route.fulfill(json=news))

    def export(self) -> dict[str, Any]:
        """Have the output written now."""
        parts = urlsplit(self.address)
        token = parse_qs(parts.query)["token"][0]
        url = f"{parts.scheme}://{parts.netloc}/api/export"
        answer = self.page.context.request.post(url, headers={"X-Syrip-Token": token})
        assert answer.ok, answer.text()
        return answer.json()

    def save(self, image: int, document: Mapping[str, Any], base: int, who: str = "bob") -> Any:
        """Save as somebody else."""
        parts = urlsplit(self.address)
        token = parse_qs(parts.query)["token"][0]
        url = f"{parts.scheme}://{parts.netloc}/api/images/{image}"
        body = {"base_revision": base, "document": document, "action": "move", "who": who}
        answer = self.page.context.request.put(url, data=body, headers={"X-Syrip-Token": token})
        assert answer.ok, answer.text()
        return answer.json()

    def document(self, image: int) -> dict[str, Any]:
        """Return the newest label of an image on the server."""
        return self.ask(f"images/{image}")["document"]

    def point(self, image: int, name: str, person: int = 0) -> list[float]:
        """Return x, y, v of a point on the server."""
        return self.document(image)["people"][person]["keypoints"][NAMES.index(name)]
