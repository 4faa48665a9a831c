/** One table of commands: what each does, the keys that do it, and how the help sheet names it. */

/** @import {App} from "./app.js" */
/** @import {Dialogs} from "./dialogs.js" */

import * as act from "./actions.js";
import { placeAtCursor, placeBefore, startPlacing, stopPlacing } from "./placing.js";

/**
 * @typedef {object} Command
 * @property {string} name  buttons say it in data-command
 * @property {string[]} keys  as `chord` writes them
 * @property {string} group  of the help sheet
 * @property {string} text
 * @property {"label"|"review"} [only]
 * @property {boolean} [repeats] goes on while the key is held
 * @property {() => void} run
 */

const ZOOM_STEP = 1.25;
const STEPS = { "": 1, "shift+": 10, "alt+": 0.25 };

/** @param {App} app @param {Dialogs} dialogs @returns {Command[]} */
export function commandsOf(app, dialogs) {
  const { store, stage } = app;
  const zoom = (/** @type {number} */ factor) => () => {
    stage.viewport.zoomAt(factor);
    stage.refresh();
  };
  const mark = (/** @type {0|1|2} */ v) => () => (store.mode === "place" ? placeAtCursor(app, v) : act.setVisibility(app, v));
  /** @type {(step: 1|-1) => () => void} */
  const step = (by) => () => (store.mode === "box" ? store.select({ handle: store.handle + by }) : act.stepPoint(app, by));
  const toggle = (/** @type {"showFirst"|"hideSkeleton"} */ name) => () => {
    store[name] = !store[name];
    store.tell("look", "selection");
  };
  /** @type {[string, string[], string, string, () => void, Partial<Command>?][]} */
  const table = [
    ["point-next", ["tab", "n"], "Points", "Next point", step(1), { repeats: true }],
    ["point-before", ["shift+tab", "p"], "Points", "Point before", step(-1), { repeats: true }],
    ["visible", ["2", "v"], "Points", "Visible; an absent point is placed at the mouse or near its neighbours", mark(2), { only: "label" }],
    ["occluded", ["1", "o"], "Points", "Occluded", mark(1), { only: "label" }],
    ["absent", ["0", "x", "delete"], "Points", "Absent", mark(0), { only: "label" }],
    ["put", ["g"], "Points", "Put the point where the mouse is", () => act.putAtCursor(app), { only: "label" }],
    ["swap-limb", ["s"], "Points", "Swap left and right of the limb", () => act.swapSides(app, false), { only: "label" }],
    ["swap-body", ["shift+s"], "Points", "Swap left and right of the body", () => act.swapSides(app, true), { only: "label" }],
    ["doubt", ["d"], "Points", "Next doubtful point, here or in a later image", () => act.nextDoubt(app)],
    ["accept", ["a", "enter"], "Images", "Accept, and on to the next", () => act.accept(app)],
    ["reject", ["r"], "Images", "Reject, with a reason", () => dialogs.reject()],
    ["unreview", ["u"], "Images", "Take acceptance or rejection back", () => act.unreview(app)],
    ["image-next", ["pagedown", "]"], "Images", "Next image", () => act.stepImage(app, 1), { repeats: true }],
    ["image-before", ["pageup", "["], "Images", "Image before", () => act.stepImage(app, -1), { repeats: true }],
    ["undo", ["z", "ctrl+z"], "Images", "Undo", () => app.undo(), { repeats: true }],
    ["redo", ["shift+z", "ctrl+shift+z", "ctrl+y"], "Images", "Redo", () => app.redo(), { repeats: true }],
    ["place", ["i"], "Person", "Place all points of a person in order", () => startPlacing(app), { only: "label" }],
    ["place-back", ["backspace"], "Person", "While placing: the point before", () => store.mode === "place" && placeBefore(app), { only: "label" }],
    ["person-next", ["q"], "Person", "Next person", () => act.stepPerson(app, 1)],
    ["person-before", ["shift+q"], "Person", "Person before", () => act.stepPerson(app, -1)],
    ["remove-person", ["shift+delete"], "Person", "Remove the person", () => act.removePerson(app), { only: "label" }],
    ["posture", ["t"], "Person", "Posture", () => dialogs.posture(), { only: "label" }],
    ["box", ["b"], "Person", "Edit the box; Tab chooses a handle, arrows move it", () => act.toggleBox(app), { only: "label" }],
    ["box-around", ["shift+b"], "Person", "Draw the box around the points", () => act.boxAroundPoints(app), { only: "label" }],
    ["zoom-in", ["+", "="], "View", "Zoom in", zoom(ZOOM_STEP), { repeats: true }],
    ["zoom-out", ["-"], "View", "Zoom out", zoom(1 / ZOOM_STEP), { repeats: true }],
    ["fit-person", ["f"], "View", "Zoom to the person", () => stage.fitPerson()],
    ["fit-whole", ["shift+f"], "View", "Whole picture", () => stage.fitWhole()],
    ["first", ["c"], "View", "Show the first labels beneath", toggle("showFirst")],
    ["hide", ["w"], "View", "Hide the skeleton", toggle("hideSkeleton")],
    ["mesh", ["m"], "View", "Show the mesh", () => toggleMesh(app), { only: "review" }],
    ["help", ["h", "?"], "View", "This sheet", () => dialogs.help()],
    ["escape", ["escape"], "View", "Leave box editing or placing", () => leave(app)],
  ];
  /** @type {Command[]} */
  const commands = table.map(([name, keys, group, text, run, more]) => ({ name, keys, group, text, run, ...more }));
  for (const [modifier, by] of Object.entries(STEPS)) commands.push(...arrows(app, modifier, by));
  const kind = store.project.kind;
  return commands.filter(({ only }) => only === undefined || only === kind);
}

/** @param {App} app @param {string} modifier @param {number} by px @returns {Command[]} */
function arrows(app, modifier, by) {
  const directions = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] };
  return Object.entries(directions).map(([name, [dx, dy]]) => ({
    name: `${modifier}${name}`,
    keys: [`${modifier}arrow${name}`],
    group: "Points",
    text: "",
    repeats: true,
    only: /** @type {"label"} */ ("label"),
    run: () => act.nudge(app, dx * by, dy * by),
  }));
}

/** @param {App} app */
function leave(app) {
  if (app.store.mode === "place") stopPlacing(app);
  else if (app.store.mode === "box") act.toggleBox(app);
  else app.cancel();
}

/** @param {App} app */
function toggleMesh(app) {
  const [name] = app.store.session?.state.overlays ?? [];
  if (!name) return app.announce("There is no mesh for this image");
  return app.stage.setOverlay(app.store.overlay ? "" : name);
}

/** @param {KeyboardEvent} event @returns {string} such as "ctrl+shift+z", "alt+arrowleft", "+" */
export function chord(event) {
  const key = event.key.toLowerCase();
  const isSign = key.length === 1 && !/[a-z]/.test(key);
  // AltGr, which many keyboards need for brackets, counts as Ctrl and Alt on some systems.
  const isAltGr = event.getModifierState("AltGraph");
  const modifiers = [
    (event.ctrlKey || event.metaKey) && !isAltGr ? "ctrl+" : "",
    event.altKey && !isAltGr ? "alt+" : "",
    event.shiftKey && !isSign ? "shift+" : "",
  ];
  return modifiers.join("") + key;
}

/** Run commands by key. */
export class Keys {
  /**
   * @param {App} app
   * @param {Command[]} commands
   * @param {import("./pointer.js").Pointer} pointer
   */
  constructor(app, commands, pointer) {
    this.app = app;
    this.pointer = pointer;
    this.byChord = new Map(commands.flatMap((command) => command.keys.map((key) => [key, command])));
    document.addEventListener("keydown", (event) => this.#press(event));
    document.addEventListener("keyup", (event) => this.#lift(event));
    window.addEventListener("blur", () => this.#setSpace(false));
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.isComposing || document.querySelector("dialog[open]") || isTyping(target)) return;
    if (event.key === " " && !target.closest("button, select, summary, [role=listbox]")) {
      event.preventDefault();
      return this.#setSpace(true);
    }
    const keys = chord(event);
    const command = this.byChord.get(keys);
    if (!command || this.#belongsTo(target, keys)) return undefined;
    if (event.repeat && !command.repeats) return event.preventDefault();
    event.preventDefault();
    return command.run();
  }

  /** @param {HTMLElement} target @param {string} keys @returns {boolean} the element in focus needs these keys itself */
  #belongsTo(target, keys) {
    const onStage = target === this.app.stage.root;
    if (keys.endsWith("tab")) return !onStage || this.#leavesStage(keys);
    if (keys === "enter") return Boolean(target.closest("button, summary, a, select"));
    if (keys.includes("arrow") || /^.$/.test(keys)) return Boolean(target.closest("select, input"));
    if (/^page|^home|^end/.test(keys)) return Boolean(target.closest("select, input[type=range]"));
    return false;
  }

  /** Tab goes through the points once and then on to what follows the picture. @param {string} keys */
  #leavesStage(keys) {
    const { mode, keypoint, handle, skeleton, chosen } = this.app.store;
    if (mode === "place" || !chosen) return true;
    const [at, last] = mode === "box" ? [handle, 7] : [keypoint, skeleton.count - 1];
    return keys === "tab" ? at === last : at === 0;
  }

  /** @param {KeyboardEvent} event */
  #lift(event) {
    if (event.key === " ") this.#setSpace(false);
    if (event.key.startsWith("Arrow")) this.app.flush();
  }

  /** @param {boolean} isDown */
  #setSpace(isDown) {
    this.pointer.isSpaceDown = isDown;
    this.app.stage.root.classList.toggle("panning", isDown);
  }
}

/** @param {HTMLElement} target @returns {boolean} letters go into a text */
function isTyping(target) {
  if (target instanceof HTMLTextAreaElement || target.isContentEditable) return true;
  return target instanceof HTMLInputElement && !["radio", "checkbox", "range", "button"].includes(target.type);
}
