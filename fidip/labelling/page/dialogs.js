/** The sheets that ask or tell something: reasons, postures, two versions, a new address, the keys. */

/** @import {App} from "./app.js" */
/** @import {Command} from "./keys.js" */
/** @import {ImageState, LabelDocument} from "./types.js" */

import { reject, setPosture } from "./actions.js";
import { extent, samePoint } from "./document.js";
import { byId, element, svg } from "./dom.js";

const PRETTY = {
  arrowleft: "←", arrowright: "→", arrowup: "↑", arrowdown: "↓", pagedown: "Page ↓", pageup: "Page ↑",
  delete: "Del", backspace: "⌫", escape: "Esc", enter: "Enter", tab: "Tab", "-": "−",
};

export class Dialogs {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    for (const button of document.querySelectorAll("dialog [data-close]")) {
      button.addEventListener("click", () => button.closest("dialog")?.close());
    }
    for (const dialog of document.querySelectorAll("dialog")) {
      dialog.addEventListener("close", () => app.stage.root.focus({ preventScroll: true }));
      dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    }
    this.#prepareReject();
    this.#prepareConflict();
    choices(byId("postures"), ["not said", ...app.store.project.postures], (i) => {
      byId("posture-dialog").close();
      setPosture(app, i === 0 ? null : app.store.project.postures[i - 1]);
    });
    digits(byId("posture-dialog"), byId("postures"), 0);
    byId("token-dialog").addEventListener("submit", () => this.#takeAddress());
  }

  reject() {
    if (!this.app.store.session) return;
    this.app.flush();
    for (const button of byId("reasons").querySelectorAll("button")) button.setAttribute("aria-pressed", "false");
    byId("reject-note").value = this.app.store.document?.note ?? "";
    byId("reject-dialog").showModal();
  }

  #prepareReject() {
    const { app } = this;
    const { reasons } = app.store.project;
    const dialog = byId("reject-dialog");
    const note = byId("reject-note");
    choices(byId("reasons"), reasons, (i, event) => {
      if (event.shiftKey) {
        const button = byId("reasons").querySelectorAll("button")[i];
        return button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      }
      dialog.close();
      const chosen = new Set([...pressed(), reasons[i]]);
      return reject(app, reasons.filter((reason) => chosen.has(reason)), note.value.trim());
    });
    const pressed = () =>
      reasons.filter((_, i) => byId("reasons").querySelectorAll("button")[i].getAttribute("aria-pressed") === "true");
    digits(dialog, byId("reasons"), 1);
    dialog.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (event.key === "Enter" && target.closest("#reasons")) {
        event.preventDefault();
        byId("reject-now").click();
      }
    });
    dialog.addEventListener("submit", () => reject(app, pressed(), note.value.trim()));
  }

  posture() {
    if (this.app.store.canEdit && this.app.store.chosen) byId("posture-dialog").showModal();
  }

  help() {
    byId("help-dialog").showModal();
  }

  /** @param {Command[]} commands */
  fillHelp(commands) {
    const { store } = this.app;
    const groups = [...new Set(commands.map((command) => command.group))];
    byId("help-keys").replaceChildren(
      ...groups.map((group) => {
        const rows = commands.filter((command) => command.group === group && command.text).map((c) => helpRow(c.keys, c.text));
        if (group === "Points" && !store.isReview) {
          rows.splice(2, 0, helpRow(["arrowleft", "arrowright", "arrowup", "arrowdown"], "Move by 1 px; with Shift 10, with Alt 0.25"));
        }
        if (group === "View") rows.push(helpRow(["space + drag"], "Move the picture"));
        return element("section", {}, element("h3", { text: group }), element("dl", {}, ...rows.flat()));
      }),
    );
  }

  /** Show both versions of the open image, if they wait for a choice. */
  conflict() {
    const { app } = this;
    const { session } = app.store;
    const theirs = session && app.outbox.conflicts.get(session.id);
    const dialog = byId("conflict-dialog");
    if (!theirs || dialog.open) return;
    byId("conflict-text").textContent = `${theirs.who} saved ${theirs.name} while you worked on it. Choose the version to go on with. What was saved before stays in the history.`;
    this.#version(byId("mine"), session.document, theirs.document, theirs);
    this.#version(byId("theirs"), theirs.document, session.document, theirs);
    byId("mine-text").textContent = `Mine: ${summary(session.document)}`;
    byId("theirs-text").textContent = `${theirs.who}: ${summary(theirs.document)}`;
    dialog.showModal();
  }

  #prepareConflict() {
    const { app } = this;
    for (const choice of /** @type {("mine"|"theirs")[]} */ (["mine", "theirs"])) {
      byId(`keep-${choice}`).addEventListener("click", () => {
        byId("conflict-dialog").close();
        if (app.store.session) app.outbox.settle(app.store.session.id, choice);
      });
    }
  }

  /**
   * Draw a version small, with a ring around what the other does not say.
   *
   * @param {SVGElement} root
   * @param {LabelDocument} document
   * @param {LabelDocument} other
   * @param {ImageState} state
   */
  #version(root, document, other, state) {
    const { store, pictures } = this.app;
    const boxes = document.people.map((person) => extent(person, true)).filter((box) => box !== null);
    const x0 = Math.min(...boxes.map((box) => box[0]));
    const y0 = Math.min(...boxes.map((box) => box[1]));
    const x1 = Math.max(...boxes.map((box) => box[0] + box[2]));
    const y1 = Math.max(...boxes.map((box) => box[1] + box[3]));
    const room = boxes.length ? 0.12 * Math.max(x1 - x0, y1 - y0, 20) : 0;
    const view = boxes.length ? [x0 - room, y0 - room, x1 - x0 + 2 * room, y1 - y0 + 2 * room] : [0, 0, state.width, state.height];
    const size = Math.max(view[2], view[3]) / 260;
    const parts = [svg("image", { href: pictures.api.pictureAddress(state.id, { width: pictures.widthFor(state) }), width: state.width, height: state.height, preserveAspectRatio: "none" })];
    for (const { id, keypoints } of document.people) {
      const others = other.people.find((person) => person.id === id)?.keypoints;
      store.skeleton.edges.forEach(([a, b], e) => {
        const [p, q] = [keypoints[a], keypoints[b]];
        if (p[2] && q[2]) parts.push(svg("line", { class: `edge ${store.skeleton.edgeSides[e]}`, x1: p[0], y1: p[1], x2: q[0], y2: q[1], "stroke-width": 2 * size }));
      });
      keypoints.forEach(([x, y, v], k) => {
        if (v && !samePoint(keypoints[k], others?.[k])) parts.push(svg("circle", { class: "differs", cx: x, cy: y, r: 8 * size, "stroke-width": 1.6 * size }));
        if (v) parts.push(svg("circle", { class: `version-point ${store.skeleton.sides[k]} ${v === 2 ? "visible" : "occluded"}`, cx: x, cy: y, r: 3.4 * size, "stroke-width": 1.6 * size }));
      });
    }
    root.setAttribute("viewBox", view.join(" "));
    root.replaceChildren(...parts);
  }

  /** Ask for the address that the server printed when it was started anew. */
  lockedOut() {
    const { unsent } = this.app.outbox.summary;
    const kept = unsent ? `${unsent === 1 ? "One edit that was not sent is" : `${unsent} edits that were not sent are`} kept in this browser. ` : "";
    byId("token-text").textContent = `${kept}The server does not know this page's address any more. Open the address that it printed, or paste it here.`;
    if (!byId("token-dialog").open) byId("token-dialog").showModal();
  }

  #takeAddress() {
    const { app } = this;
    const text = byId("new-address").value.trim();
    const token = /[?&]token=([^&#\s]+)/.exec(text)?.[1] ?? text;
    if (!token) return;
    app.api.token = decodeURIComponent(token);
    const address = new URL(location.href);
    address.searchParams.set("token", app.api.token);
    history.replaceState(null, "", address);
    app.outbox.trouble = "";
    app.outbox.wake();
  }
}

/** @param {HTMLElement} list @param {string[]} names @param {(index: number, event: MouseEvent) => void} choose */
function choices(list, names, choose) {
  const first = names[0] === "not said" ? 0 : 1;
  list.replaceChildren(
    ...names.map((name, i) =>
      element("li", {}, element("button", { type: "button", onclick: (/** @type {MouseEvent} */ event) => choose(i, event) },
        element("kbd", { text: i + first < 10 ? String(i + first) : "" }), name)),
    ),
  );
}

/** Let digits press the buttons of a list. @param {HTMLElement} dialog @param {HTMLElement} list @param {number} first */
function digits(dialog, list, first) {
  dialog.addEventListener("keydown", (event) => {
    if (/** @type {HTMLElement} */ (event.target).tagName === "INPUT") return;
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
    const button = digit === undefined ? null : list.querySelectorAll("button")[Number(digit) - first];
    if (!button || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    button.dispatchEvent(new MouseEvent("click", { shiftKey: event.shiftKey }));
  });
}

/** @param {string[]} keys @param {string} text @returns {HTMLElement[]} */
function helpRow(keys, text) {
  const shown = keys.map((key) => element("kbd", { text: pretty(key) }));
  return [element("dt", {}, ...shown), element("dd", { text })];
}

/** @param {string} key @returns {string} as it is written on a keyboard */
function pretty(key) {
  const parts = key.split(/\+(?=.)/);
  return parts
    .map((part) => /** @type {Record<string, string>} */ (PRETTY)[part] ?? part[0].toUpperCase() + part.slice(1))
    .join(" ");
}

/** @param {LabelDocument} document @returns {string} */
function summary(document) {
  const people = document.people.length;
  const status = { unreviewed: "not reviewed", reviewed: "accepted", rejected: "rejected" }[document.status];
  return `${people === 1 ? "1 person" : `${people} people`}, ${status}`;
}
