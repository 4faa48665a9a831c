/** Starts the page: fetches the project, builds the parts, connects them. */

import { Refused } from "./api.js";
import { App } from "./app.js";
import { Bar } from "./bar.js";
import { Dialogs } from "./dialogs.js";
import { byId } from "./dom.js";
import { api, first, pictures, project } from "./early.js";
import { Keys, commandsOf } from "./keys.js";
import { List } from "./list.js";
import { Loupe } from "./loupe.js";
import { Outbox } from "./outbox.js";
import { Panel } from "./panel.js";
import { Pointer } from "./pointer.js";
import { connectSettings, setTheme } from "./settings.js";
import { Stage } from "./stage.js";
import { Store } from "./store.js";
import { Sync } from "./sync.js";
import { Thumbs } from "./thumbs.js";

const TOAST_MS = 2200;

/** @param {string} text for a screen reader */
function tell(text) {
  byId("live").textContent = text;
}

let toasting = 0;

/** @param {string} text to see for a moment, and for a screen reader @param {number} [time] ms */
function announce(text, time = TOAST_MS) {
  tell(text);
  const toast = byId("toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(toasting);
  toasting = setTimeout(() => (toast.hidden = true), time);
}

/** @param {App} app @param {Map<string, () => void>} commands */
function connectButtons(app, commands) {
  document.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement} */ (event.target).closest("[data-command]");
    if (!(button instanceof HTMLElement)) return;
    commands.get(button.dataset.command ?? "")?.();
    // After a click with the mouse the keys belong to the picture again.
    if (event.detail > 0 && !document.querySelector("dialog[open]")) app.stage.root.focus({ preventScroll: true });
  });
}

/** On a narrow screen list and panel are drawers. @returns {() => void} closes them */
function connectDrawers() {
  const drawers = { list: byId("open-list"), panel: byId("open-panel") };
  const close = () => {
    for (const [name, button] of Object.entries(drawers)) {
      byId(name).classList.remove("open");
      button.setAttribute("aria-expanded", "false");
    }
    byId("veil").hidden = true;
  };
  for (const [name, button] of Object.entries(drawers)) {
    button.addEventListener("click", () => {
      const isOpen = byId(name).classList.contains("open");
      close();
      if (isOpen) return;
      byId(name).classList.add("open");
      byId("veil").hidden = false;
      button.setAttribute("aria-expanded", "true");
    });
  }
  byId("veil").addEventListener("click", close);
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
  return close;
}

/** @param {App} app @param {Outbox} outbox @param {Dialogs} dialogs */
function guardEdits(app, outbox, dialogs) {
  outbox.addEventListener("conflict", () => dialogs.conflict());
  app.store.on(["session"], () => dialogs.conflict());
  byId("save-status").addEventListener("click", () => {
    if (outbox.trouble === "forbidden") return dialogs.lockedOut();
    const [first] = outbox.conflicts.keys();
    if (first === undefined) return outbox.wake();
    return first === app.store.session?.id ? dialogs.conflict() : app.open(first);
  });
  window.addEventListener("beforeunload", (event) => {
    app.flush();
    if (outbox.summary.unsent) event.preventDefault();
  });
  window.addEventListener("pagehide", () => app.flush());
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && app.flush());
}

async function start() {
  setTheme();
  const store = new Store(await project);
  document.body.dataset.kind = store.project.kind;
  const outbox = new Outbox(api, store.project.output);
  await outbox.adopt();
  const stage = new Stage(store, pictures);
  const app = new App(store, api, outbox, pictures, stage, announce);
  const dialogs = new Dialogs(app);
  const commands = commandsOf(app, dialogs);
  const runs = new Map(commands.map((command) => [command.name, command.run]));
  connectButtons(app, runs);
  const closeDrawers = connectDrawers();
  const isBusy = () => !document.body.dataset.ready || stage.isBusy || app.ahead.isBusy;
  new List(app, new Thumbs(api, isBusy), closeDrawers);
  new Panel(app, (name) => runs.get(name)?.());
  const bar = new Bar(app, tell);
  new Keys(app, commands, new Pointer(app, new Loupe(stage)));
  dialogs.fillHelp(commands);
  connectSettings(app);
  guardEdits(app, outbox, dialogs);
  new Sync(app, bar, dialogs);
  const begin = await first;
  if (begin) {
    app.ahead.expect(begin.id, begin.state).catch(() => {}); // opening it says so
    await app.open(begin.id);
  } else announce("This project has no images");
  stage.root.focus({ preventScroll: true });
  document.body.dataset.ready = "yes";
}

start().catch((error) => {
  const problem = byId("problem");
  problem.hidden = false;
  problem.textContent =
    error instanceof Refused && error.status === 403
      ? "This address is not the one that the server printed. Open the address with its token."
      : `The page could not start: ${error.message}`;
  document.body.dataset.ready = "failed";
  console.error(error);
});
