/** The panel beside the picture: people, posture, the points one by one, what is doubtful, who did what. */

/** @import {App} from "./app.js" */

import { V_NAMES, choosePoint, setPosture } from "./actions.js";
import { ABSENT, labelledCount } from "./document.js";
import { byId, element, icon } from "./dom.js";

export class Panel {
  /** @param {App} app @param {(command: string) => void} run */
  constructor(app, run) {
    this.app = app;
    this.run = run;
    this.points = byId("points");
    this.posture = byId("posture");
    const { store } = app;
    const names = [element("option", { value: "", text: "not said" })];
    for (const name of store.project.postures) names.push(element("option", { value: name, text: name }));
    this.posture.replaceChildren(...names);
    this.posture.addEventListener("change", () => {
      setPosture(app, this.posture.value || null);
      app.stage.root.focus({ preventScroll: true });
    });
    this.rows = store.skeleton.labels.map((label, k) => this.#pointRow(label, k));
    this.points.replaceChildren(...this.rows);
    store.on(["document", "selection", "session", "mode", "look"], () => this.#draw());
  }

  /** @param {string} label @param {number} k @returns {HTMLElement} */
  #pointRow(label, k) {
    const { app } = this;
    const button = element(
      "button",
      {
        type: "button", class: "point-row", "data-keypoint": k,
        onclick: () => {
          choosePoint(app, app.store.person, k);
          app.stage.root.focus({ preventScroll: true });
        },
      },
      element("span", { class: `mark ${app.store.skeleton.sides[k]}` }),
      element("span", { class: "point-name", text: label }),
      element("span", { class: "point-state" }),
    );
    return element("li", {}, button);
  }

  #draw() {
    const { store } = this.app;
    const { session, chosen } = store;
    if (!session) return;
    this.#people();
    this.posture.value = chosen?.posture ?? "";
    this.posture.disabled = !chosen || !store.canEdit;
    const doubts = session.openDoubts(store.person);
    this.rows.forEach((row, k) => {
      const v = chosen?.keypoints[k][2] ?? ABSENT;
      const doubt = doubts.find((item) => item.keypoint === k);
      const button = /** @type {HTMLButtonElement} */ (row.firstElementChild);
      const state = /** @type {HTMLElement} */ (button.querySelector(".point-state"));
      button.dataset.v = String(v);
      button.classList.toggle("doubtful", Boolean(doubt));
      button.disabled = !chosen && store.mode !== "place";
      button.setAttribute("aria-current", String(k === store.keypoint));
      const text = v === ABSENT || v === 1 ? V_NAMES[v] : "";
      const reason = doubt?.text.replace(`${store.skeleton.labels[k]}: `, "") ?? "";
      state.replaceChildren(doubt ? icon("doubtful", "status") : "", element("span", { class: "cut-off", text: text || reason }));
      button.title = doubt ? `doubtful: ${doubt.text}` : "";
    });
    this.#about();
  }

  #people() {
    const { store } = this.app;
    const people = store.document?.people ?? [];
    const tabs = people.map((person, i) =>
      element("button", {
        type: "button", class: "tab", "aria-pressed": i === store.person, text: `Person ${i + 1}`,
        title: `${labelledCount(person)} of ${store.skeleton.count} points`,
        onclick: () => {
          this.app.flush();
          store.select({ person: i });
          if (this.app.zoomsIn) this.app.stage.fitPerson();
        },
      }),
    );
    const add = element(
      "button",
      { type: "button", class: "tab add", "aria-label": "Add a person", title: "Add a person (I)", onclick: () => this.run("place") },
      icon("plus"), people.length ? "" : "Add a person",
    );
    if (store.canEdit) tabs.push(add);
    byId("people").replaceChildren(...tabs);
  }

  #about() {
    const { store } = this.app;
    const { state, document } = /** @type {import("./session.js").Session} */ (store.session);
    const general = store.session?.openDoubts(store.person).filter((doubt) => doubt.keypoint === null) ?? [];
    byId("doubts").replaceChildren(
      ...general.map((doubt) => element("li", {}, icon("doubtful", "status"), doubt.text)),
    );
    const rejected = byId("rejected");
    rejected.hidden = document.status !== "rejected";
    rejected.textContent = `Rejected: ${[...document.reasons, document.note].filter(Boolean).join(", ") || "no reason given"}`;
    const facts = [
      ["First labels", state.first?.who ?? ""],
      ["Last change", state.revision ? `${state.who}, ${timeOf(state.when)}` : "none yet"],
    ];
    byId("facts").replaceChildren(
      ...facts.filter(([, value]) => value).flatMap(([key, value]) => [element("dt", { text: key }), element("dd", { text: value })]),
    );
  }
}

/** Made once: that takes long. @type {Intl.DateTimeFormat|undefined} */
let clock;

/** @param {string} when ISO 8601 @returns {string} */
function timeOf(when) {
  const time = new Date(when);
  if (Number.isNaN(time.valueOf())) return when;
  if (Date.now() - time.valueOf() < 12 * 3600e3) return time.toTimeString().slice(0, 5);
  clock ??= new Intl.DateTimeFormat([], { dateStyle: "medium" });
  return clock.format(time);
}
