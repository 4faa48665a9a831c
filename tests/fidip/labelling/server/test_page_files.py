import re

import pytest

from fidip.labelling.server.page_files import PAGE_FOLDER, PageFiles


@pytest.fixture
def folder(tmp_path):
    page = tmp_path / "page"
    (page / "parts").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>åäö</title>", encoding="utf-8")
    (page / "app.js").write_text("export {};")
    (page / "parts" / "style.css").write_text("body {}")
    (page / "notes.py").write_text("secret")
    (page / "README").write_text("secret")
    (tmp_path / "outside.js").write_text("secret")
    (page / "link.js").symlink_to(tmp_path / "outside.js")
    return page


def test_files_have_their_types(folder):
    files = PageFiles(folder)
    assert files.index().media_type == "text/html; charset=utf-8"
    assert files.get("app.js").media_type == "text/javascript; charset=utf-8"
    assert files.get("parts/style.css").media_type == "text/css; charset=utf-8"


@pytest.mark.parametrize(
    "name",
    [
        "notes.py",
        "README",
        "link.js",
        "../outside.js",
        "parts",
        "parts/",
        "",
        "/app.js",
        "./app.js",
        "APP.JS",
    ],
)
def test_nothing_else_is_served(folder, name):
    assert PageFiles(folder).get(name) is None


def test_tag_follows_the_content(folder):
    files = PageFiles(folder)
    before = files.get("app.js").etag
    (folder / "app.js").write_text("export { };")
    files.index()
    assert files.get("app.js").etag != before


def test_the_page_names_its_files_by_addresses_that_change_with_any_of_them(folder):
    (folder / "index.html").write_text('<script src="/static/app.js"></script>')
    files = PageFiles(folder)
    page = files.index()
    (address,) = re.findall(r'src="/static/([^"]+)"', page.data.decode())
    assert files.get(address).data == files.get("app.js").data
    assert (files.get(address).is_lasting, files.get("app.js").is_lasting) == (True, False)
    (folder / "parts" / "style.css").write_text("body { color: red }")
    assert files.index().data != page.data
    assert files.get(address) is None, "an address never means another content"


def test_folder_that_is_missing_has_no_files(tmp_path):
    assert PageFiles(tmp_path / "nothing").index() is None


def test_page_is_there_and_loads_nothing_from_elsewhere(fixed):
    """What index.html names must be served, by this server, as what it is; nothing is inline."""
    page = fixed.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    named = re.findall(r"""(?:src|href)=["']([^"'#]+)["']""", page.text)
    assert any(name.endswith(".js") for name in named)
    for name in named:
        assert name.startswith("/static/"), name
        answer = fixed.get(name)
        assert answer.status_code == 200, name
        assert "immutable" in answer.headers["cache-control"]
        again = fixed.get(name, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", page.text)
    for path in PAGE_FOLDER.rglob("*"):
        if path.suffix in (".js", ".css", ".html"):
            text = path.read_text(encoding="utf-8")
            for fine in ("http://www.w3.org/", "http://127.0.0.1:8787/"):
                text = text.replace(fine, "")
            assert "http://" not in text, path
            assert "https://" not in text, path
