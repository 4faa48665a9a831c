/** The lines around the picture: progress, save status, file name, the chosen point, the banner of placing. */

/** @import {App} from "./app.js" */

import { V_NAMES } from "./actions.js";
import { ABSENT } from "./document.js";
import { byId, counted, element } from "./dom.js";

const HANDLE_NAMES = ["top left", "top", "top right", "right", "bottom right", "bottom", "bottom left", "left"];

export class Bar {
  /** @param {App} app @param {(text: string) => void} tell for a screen reader alone */
  constructor(app, tell) {
    this.app = app;
    this.tell = tell;
    this.spoken = "";
    /** The server answers. */
    this.online = true;
    /** Why the server cannot write the project's output. */
    this.exportError = "";
    const { store, outbox } = app;
    byId("title").textContent = store.project.title;
    byId("title").title = `${store.project.root} → ${store.project.output}`;
    document.title = `${store.project.title} · syrip label`;
    outbox.addEventListener("change", () => this.drawSaving());
    store.on(["entries"], () => this.#progress());
    store.on(["session", "look", "document"], () => this.#file());
    store.on(["selection", "document", "mode", "session"], () => this.#point());
    this.#progress();
    this.drawSaving();
  }

  #progress() {
    const { counts } = this.app.store;
    const done = counts.reviewed + counts.rejected;
    const bar = byId("progress");
    bar.max = Math.max(counts.all, 1);
    bar.value = done;
    byId("progress-text").textContent = `${counted(done)} of ${counted(counts.all)} done`;
  }

  drawSaving() {
    const [state, text, title] = this.#saving();
    const button = byId("save-status");
    button.dataset.state = state;
    button.title = title;
    const line = byId("save-text");
    if (line.textContent !== text) line.textContent = text;
  }

  /** @returns {[string, string, string]} state, text, title */
  #saving() {
    const { unsent, conflicts, trouble } = this.app.outbox.summary;
    const edits = unsent === 1 ? "1 edit" : `${unsent} edits`;
    if (trouble === "forbidden") {
      return ["offline", unsent ? `Locked out · ${edits} kept` : "Locked out", "Give the server's new address"];
    }
    if (conflicts) return ["conflict", conflicts === 1 ? "1 conflict" : `${conflicts} conflicts`, "Choose which version to keep"];
    if (trouble || !this.online) {
      const title = "The server does not answer; edits are kept in this browser and sent when it is back";
      return ["offline", unsent ? `Offline · ${edits} kept here` : "Offline", title];
    }
    if (unsent) return ["saving", "Saving…", edits];
    if (this.exportError) return ["conflict", "Saved, not exported", `The output cannot be written: ${this.exportError}`];
    return ["saved", "Saved", "Every edit is on the server"];
  }

  #file() {
    const { session, problem } = this.app.store;
    if (!session) return;
    const { name, width, height, frame, time_s: time } = session.state;
    byId("file-name").textContent = name;
    byId("file-name").title = name;
    const { status } = session.document;
    const said = status === "reviewed" ? "accepted" : status === "rejected" ? "rejected" : "";
    byId("file-info").replaceChildren(
      ...(frame === undefined ? [] : [element("span", { text: `frame ${frame}${time === null ? "" : `, ${Number(time).toFixed(2)} s`}` })]),
      ...(width ? [element("span", { text: `${width}×${height}` })] : []),
      ...(said ? [element("span", { class: `said ${status}`, text: said })] : []),
    );
    const box = byId("problem");
    box.hidden = !problem;
    const advice = status === "rejected" ? "" : "It can be rejected (R), not accepted. It is tried again each time you open it.";
    box.replaceChildren(`This picture cannot be shown: ${problem}`, element("span", { class: "advice", text: advice }));
    const accept = document.querySelector('[data-command="accept"]');
    if (accept instanceof HTMLButtonElement) accept.disabled = !this.app.store.canAccept;
    byId("stage").setAttribute("aria-label", `Picture ${name}${said ? `, ${said}` : ""}`);
  }

  #point() {
    const { store } = this.app;
    const { session, skeleton, keypoint, chosen } = store;
    if (!session) return;
    const v = chosen?.keypoints[keypoint][2] ?? ABSENT;
    const doubt = session.openDoubts(store.person).find((item) => item.keypoint === keypoint);
    const label = skeleton.labels[keypoint];
    const line = byId("point-text");
    line.replaceChildren(
      element("span", { class: `mark ${skeleton.sides[keypoint]}`, "data-v": v }),
      element("b", { text: chosen || store.mode === "place" ? label : "Nobody labelled" }),
      element("span", { class: "of", text: `${keypoint + 1} of ${skeleton.count}` }),
      ...(doubt ? [element("span", { class: "doubt", text: doubt.text })] : []),
    );
    for (const button of document.querySelectorAll(".segments [data-v]")) {
      button.setAttribute("aria-pressed", String(Boolean(chosen) && Number(/** @type {HTMLElement} */ (button).dataset.v) === v));
    }
    this.#modes(label);
    const spoken = !chosen && store.mode !== "place" ? "nobody labelled"
      : `${label}, ${V_NAMES[v]}, ${keypoint + 1} of ${skeleton.count}${doubt ? `, doubtful: ${doubt.text}` : ""}`;
    this.#speak(store.mode === "box" ? `box, ${HANDLE_NAMES[store.handle]}` : spoken);
  }

  /** Tell a screen reader what is chosen; placing says its own. @param {string} text */
  #speak(text) {
    if (text !== this.spoken && this.app.store.mode !== "place") this.tell(text);
    this.spoken = text;
  }

  /** @param {string} label of the chosen point */
  #modes(label) {
    const { store } = this.app;
    const banner = byId("banner");
    const text = byId("banner-text");
    banner.hidden = store.mode !== "place";
    byId("stage").dataset.mode = store.mode;
    if (store.mode === "place") {
      const side = store.skeleton.sides[store.keypoint];
      const say = `Click the ${label}, ${store.keypoint + 1} of ${store.skeleton.count}`;
      if (text.dataset.said !== say) this.tell(`Place ${say.slice(6)}`);
      text.dataset.said = say;
      text.replaceChildren(
        "Click the ", element("b", { class: side, text: label }),
        element("span", { class: "of", text: ` ${store.keypoint + 1} of ${store.skeleton.count}` }),
        element("span", { class: "hint wide-only", text: "right click: occluded" }),
        element("span", { class: "hint narrow-only", text: "hold: occluded" }),
      );
    }
    const pressed = { box: store.mode === "box", first: store.showFirst, mesh: Boolean(store.overlay) };
    for (const [command, isOn] of Object.entries(pressed)) {
      for (const button of document.querySelectorAll(`[data-command="${command}"]`)) button.setAttribute("aria-pressed", String(isOn));
    }
    disable('[data-command="undo"]', !store.session?.canUndo);
    disable('[data-command="redo"]', !store.session?.canRedo);
    disable(".segments button", !store.canEdit);
    disable('[data-command="box"], [data-command^="swap"], [data-command="remove-person"]', !store.canEdit || !store.chosen);
  }
}

/** @param {string} selector @param {boolean} isDisabled */
function disable(selector, isDisabled) {
  for (const button of document.querySelectorAll(selector)) /** @type {HTMLButtonElement} */ (button).disabled = isDisabled;
}
