/** Mouse, finger and pen on the picture: drag points and handles, pan, zoom, place. */

/** @import {App} from "./app.js" */
/** @import {Loupe} from "./loupe.js" */

import { choosePoint, movedHandle, putPoint, setVisibility } from "./actions.js";
import { ABSENT, OCCLUDED, VISIBLE, withPoint } from "./document.js";
import { HANDLES } from "./overlay.js";
import { placeNext } from "./placing.js";

const REACH = { mouse: 12, pen: 18, touch: 30 };
const STILL = { mouse: 3, pen: 5, touch: 8 };
const HOLD_MS = 480;
const SIDE_COLORS = { left: "#19b4ee", right: "#ff9640", centre: "#8ddb78" };

/**
 * @typedef {object} Drag
 * @property {"pan"|"point"|"handle"|"tap"} kind  tap: a click that pans once it moves
 * @property {[number, number]} start  where it began, stage px
 * @property {[number, number]} last
 * @property {boolean} moved
 * @property {any} from  what was there at the start
 * @property {number} handle
 */

export class Pointer {
  /** @type {Map<number, [number, number]>} */
  #down = new Map();
  /** @type {Drag|null} */
  #drag = null;
  #hold = 0;
  isSpaceDown = false;

  /** @param {App} app @param {Loupe} loupe */
  constructor(app, loupe) {
    this.app = app;
    this.loupe = loupe;
    this.root = app.stage.root;
    const { root } = this;
    root.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => this.#press(event));
    root.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => this.#move(event));
    root.addEventListener("pointerup", (/** @type {PointerEvent} */ event) => this.#lift(event, false));
    root.addEventListener("pointercancel", (/** @type {PointerEvent} */ event) => this.#lift(event, true));
    root.addEventListener("pointerleave", () => this.#leave());
    root.addEventListener("contextmenu", (/** @type {Event} */ event) => event.preventDefault());
    root.addEventListener("wheel", (/** @type {WheelEvent} */ event) => this.#wheel(event), { passive: false });
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (/** @type {Element} */ (event.target).closest("button, input, .banner")) return;
    const { app } = this;
    const at = this.#place(event);
    this.root.focus({ preventScroll: true });
    this.root.setPointerCapture(event.pointerId);
    this.#down.set(event.pointerId, at);
    clearTimeout(this.#hold);
    if (this.#down.size === 2) {
      app.cancel();
      this.#drag = null;
      this.loupe.hide();
    }
    if (this.#down.size > 1) return;
    this.#drag = this.#begin(event, at);
    if (this.#drag.kind === "point" && event.pointerType !== "mouse") this.#magnify(at);
  }

  /** @param {PointerEvent} event @param {[number, number]} at @returns {Drag} */
  #begin(event, at) {
    const { app } = this;
    const { store } = app;
    /** @type {Drag} */
    const drag = { kind: "pan", start: at, last: at, moved: false, from: null, handle: -1 };
    if (this.isSpaceDown || event.button === 1) return drag;
    const kind = /** @type {keyof typeof REACH} */ (event.pointerType in REACH ? event.pointerType : "mouse");
    if (store.mode === "place") return this.#beginPlacing(event, drag);
    if (store.mode === "box") {
      const handle = this.#handleAt(at, REACH[kind]);
      if (handle < 0) return drag;
      app.flush();
      store.select({ handle: handle % 8 });
      return { ...drag, kind: "handle", handle, from: store.chosen?.bbox };
    }
    const hit = this.#pointAt(at, REACH[kind]);
    if (!hit) return event.button === 2 ? this.#occludedHere(at, drag) : { ...drag, kind: "tap" };
    choosePoint(app, hit.person, hit.keypoint);
    if (event.button === 2) {
      setVisibility(app, store.point?.[2] === VISIBLE ? OCCLUDED : VISIBLE);
      return drag;
    }
    return store.canEdit ? { ...drag, kind: "point", from: store.point } : drag;
  }

  /** @param {PointerEvent} event @param {Drag} drag @returns {Drag} */
  #beginPlacing(event, drag) {
    if (event.button === 2 || (event.button === 0 && event.shiftKey)) {
      this.#placeAt(drag.start, OCCLUDED);
      return drag;
    }
    if (event.pointerType === "touch") {
      this.#hold = setTimeout(() => {
        if (!this.#drag || this.#drag.moved) return;
        this.#drag = { ...drag, kind: "pan" };
        navigator.vibrate?.(15);
        this.#placeAt(drag.start, OCCLUDED);
      }, HOLD_MS);
    }
    return { ...drag, kind: "tap" };
  }

  /** @param {[number, number]} at @param {Drag} drag @returns {Drag} */
  #occludedHere(at, drag) {
    const { store, stage } = this.app;
    if (store.point?.[2] === ABSENT) putPoint(this.app, [...stage.viewport.toImage(...at), OCCLUDED]);
    return drag;
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const at = this.#place(event);
    if (!this.#down.has(event.pointerId)) return this.#hover(event, at);
    if (this.#down.size === 2) return this.#pinch(event.pointerId, at);
    this.#down.set(event.pointerId, at);
    const drag = this.#drag;
    if (!drag) return undefined;
    const kind = /** @type {keyof typeof STILL} */ (event.pointerType in STILL ? event.pointerType : "mouse");
    drag.moved ||= Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > STILL[kind];
    if (!drag.moved) return undefined;
    const { app } = this;
    const { viewport } = app.stage;
    const [dx, dy] = [(at[0] - drag.start[0]) / viewport.scale, (at[1] - drag.start[1]) / viewport.scale];
    if (drag.kind === "point") this.#dragPoint(drag, dx, dy, event, at);
    else if (drag.kind === "handle") app.preview(movedHandle(app, drag.from, drag.handle, dx, dy), "box");
    else {
      viewport.pan(at[0] - drag.last[0], at[1] - drag.last[1]);
      app.stage.refresh();
    }
    drag.last = at;
    return undefined;
  }

  /** @param {Drag} drag @param {number} dx @param {number} dy @param {PointerEvent} event @param {[number, number]} at */
  #dragPoint(drag, dx, dy, event, at) {
    const { app } = this;
    const { store } = app;
    if (!store.document) return;
    const [x, y, v] = drag.from;
    const next = withPoint(store.document, store.person, store.keypoint, [x + dx, y + dy, v], app.stage.viewport.image);
    app.preview(next, `move ${store.skeleton.names[store.keypoint]}`);
    this.root.classList.add("dragging");
    if (event.pointerType !== "mouse") this.#magnify(at);
  }

  /** @param {PointerEvent} event @param {boolean} isCancelled */
  #lift(event, isCancelled) {
    const drag = this.#drag;
    const wasPinch = this.#down.size > 1;
    this.#down.delete(event.pointerId);
    clearTimeout(this.#hold);
    this.#drag = null;
    this.loupe.hide();
    this.root.classList.remove("dragging");
    if (isCancelled) return this.app.cancel();
    if (wasPinch || !drag) return undefined;
    if (drag.kind === "tap" && !drag.moved) return this.#tap(drag.start);
    return this.app.flush();
  }

  /** @param {[number, number]} at */
  #tap(at) {
    const { app } = this;
    if (app.store.mode === "place") this.#placeAt(at, VISIBLE);
    else if (app.store.canEdit && app.store.point?.[2] === ABSENT) {
      putPoint(app, [...app.stage.viewport.toImage(...at), VISIBLE]);
    }
  }

  /** @param {[number, number]} at @param {1|2} v */
  #placeAt(at, v) {
    const [x, y] = this.app.stage.viewport.toImage(...at);
    const { width, height } = this.app.stage.viewport.image;
    if (x < 0 || y < 0 || x > width || y > height) return;
    placeNext(this.app, x, y, v);
  }

  /** @param {number} id @param {[number, number]} at */
  #pinch(id, at) {
    const { stage } = this.app;
    const other = /** @type {[number, number]} */ ([...this.#down].find(([key]) => key !== id)?.[1]);
    const before = /** @type {[number, number]} */ (this.#down.get(id));
    this.#down.set(id, at);
    const spread = (/** @type {[number, number]} */ p) => Math.max(Math.hypot(p[0] - other[0], p[1] - other[1]), 8);
    stage.viewport.pan((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
    stage.viewport.zoomAt(spread(at) / spread(before), (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
    stage.refresh();
  }

  /** @param {PointerEvent} event @param {[number, number]} at */
  #hover(event, at) {
    if (event.pointerType === "touch") return;
    const { store, stage } = this.app;
    const [x, y] = stage.viewport.toImage(...at);
    const { width, height } = stage.viewport.image;
    store.cursor = x >= 0 && y >= 0 && x <= width && y <= height ? [x, y] : null;
    const hit = store.mode === "points" ? this.#pointAt(at, REACH.mouse) : null;
    const { overlay } = stage;
    const isSame = overlay.hovered.person === (hit?.person ?? -1) && overlay.hovered.keypoint === (hit?.keypoint ?? -1);
    overlay.hovered = hit ?? { person: -1, keypoint: -1 };
    this.root.classList.toggle("over-point", hit !== null);
    if (!isSame || store.mode === "place") stage.refresh();
  }

  #leave() {
    if (this.#down.size) return;
    this.app.store.cursor = null;
    this.app.stage.overlay.hovered = { person: -1, keypoint: -1 };
    this.app.stage.refresh();
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    const { stage } = this.app;
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
    if (event.shiftKey && !event.ctrlKey) stage.viewport.pan(-(event.deltaX || event.deltaY) * unit, 0);
    else {
      const step = Math.max(-240, Math.min(240, event.deltaY * unit)) * (event.ctrlKey ? 0.01 : 0.0018);
      stage.viewport.zoomAt(Math.exp(-step), ...this.#place(event));
    }
    stage.refresh();
  }

  /** @param {[number, number]} at @param {number} reach @returns {{person: number, keypoint: number}|null} the nearest point */
  #pointAt([x, y], reach) {
    const { store, stage } = this.app;
    let best = null;
    let least = reach;
    store.document?.people.forEach((person, i) => {
      person.keypoints.forEach(([px, py, v], keypoint) => {
        if (v === ABSENT || store.hideSkeleton) return;
        const [sx, sy] = stage.viewport.toScreen(px, py);
        // The chosen point wins over others that are about as near, then the chosen person.
        const bonus = i === store.person ? (keypoint === store.keypoint ? 5 : 2) : 0;
        const distance = Math.hypot(sx - x, sy - y);
        if (distance <= reach && distance - bonus < least) {
          least = distance - bonus;
          best = { person: i, keypoint };
        }
      });
    });
    return best;
  }

  /** @param {[number, number]} at @param {number} reach @returns {number} handle, 8 on the frame between them, -1 elsewhere */
  #handleAt([x, y], reach) {
    const { store, stage } = this.app;
    if (!store.chosen?.bbox) return -1;
    const [bx, by, bw, bh] = store.chosen.bbox;
    const [x0, y0] = stage.viewport.toScreen(bx, by);
    const [w, h] = [bw * stage.viewport.scale, bh * stage.viewport.scale];
    const distances = HANDLES.map(([u, v]) => Math.hypot(x0 + u * w - x, y0 + v * h - y));
    const nearest = distances.indexOf(Math.min(...distances));
    if (distances[nearest] <= reach) return nearest;
    const isInside = x > x0 && x < x0 + w && y > y0 && y < y0 + h;
    return isInside ? 8 : -1;
  }

  /** @param {[number, number]} at */
  #magnify(at) {
    const { store } = this.app;
    const side = /** @type {keyof typeof SIDE_COLORS} */ (store.skeleton.sides[store.keypoint]);
    if (store.point) this.loupe.show(...at, [store.point[0], store.point[1]], SIDE_COLORS[side]);
  }

  /** @param {MouseEvent} event @returns {[number, number]} px on the stage */
  #place(event) {
    const { left, top } = this.root.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }
}
