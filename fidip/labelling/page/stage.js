/** Puts picture, mesh overlay and skeleton on top of one another and moves them together. */

/** @import {Store} from "./store.js" */
/** @import {Picture, Pictures} from "./pictures.js" */

import { byId } from "./dom.js";
import { extent } from "./document.js";
import { Overlay } from "./overlay.js";
import { SOFT } from "./pictures.js";
import { Viewport } from "./viewport.js";

const PIXELATED_FROM = 6;
const SLOW_MS = 120;

export class Stage {
  #frame = 0;
  /** Image whose picture is on the stage. */
  #shown = -1;
  /** Width of the picture that is shown or on its way, px. */
  #asked = 0;
  #hasShown = false;
  /** @type {Set<string>} */
  #busy = new Set();
  /** @type {Picture|null} */
  picture = null;
  /** A picture can be read that could not be before. @type {(id: number) => void} */
  onReadable = () => {};

  /**
   * @param {Store} store
   * @param {Pictures} pictures
   */
  constructor(store, pictures) {
    this.store = store;
    this.pictures = pictures;
    this.root = byId("stage");
    this.layer = byId("picture");
    this.mesh = byId("mesh");
    this.viewport = new Viewport();
    this.overlay = new Overlay(byId("overlay"), store, this.viewport);
    new ResizeObserver(() => this.#resized()).observe(this.root);
    store.on(["document", "selection", "mode", "look"], () => this.refresh());
  }

  /** Put the open image on the stage. @param {boolean} zoomsIn show the person, not all of the picture */
  show(zoomsIn) {
    const { session } = this.store;
    if (!session) return;
    const { state } = session;
    this.viewport.image = { width: state.width || 1, height: state.height || 1 };
    this.#measure();
    if (zoomsIn) this.fitPerson();
    else this.viewport.fitWhole();
    this.#shown = state.id;
    this.#asked = 0;
    this.picture = null;
    this.mesh.replaceChildren();
    this.store.problem = "";
    const ready = this.pictures.ready(state);
    this.setBusy("picture", false);
    if (ready) this.#place(state.id, ready);
    else this.#await(state);
    this.#loadMesh();
  }

  /** Say that something is under way. @param {"open"|"step"|"picture"} what @param {boolean} isBusy */
  setBusy(what, isBusy) {
    if (isBusy) this.#busy.add(what);
    else this.#busy.delete(what);
    this.root.setAttribute("aria-busy", String(this.#busy.size > 0));
  }

  /** @returns {boolean} */
  get isBusy() {
    return this.#busy.size > 0;
  }

  /** Show the chosen person, or the whole picture where there is none. */
  fitPerson() {
    const { chosen } = this.store;
    const box = chosen && extent(chosen, true);
    if (box) this.viewport.fit(box, 0.16);
    else this.viewport.fitWhole();
    this.refresh();
  }

  fitWhole() {
    this.viewport.fitWhole();
    this.refresh();
  }

  /** Draw with the next frame. */
  refresh() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const { viewport, store } = this;
    const { scale, x, y, image } = viewport;
    for (const layer of [this.layer, this.mesh]) {
      layer.style.width = `${image.width}px`;
      layer.style.height = `${image.height}px`;
      layer.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    }
    this.layer.style.filter = store.brightness === 1 ? "" : `brightness(${store.brightness})`;
    this.layer.classList.toggle("pixelated", scale >= PIXELATED_FROM);
    this.mesh.style.opacity = String(store.overlay ? store.overlayOpacity : 0);
    this.overlay.draw();
    this.#sharpen();
  }

  /** Fetch more pixels once the person zooms in further than the smaller picture serves. */
  #sharpen() {
    const { session } = this.store;
    if (!session || !this.picture || this.picture.isWhole) return;
    const { scale, image } = this.viewport;
    const across = scale * devicePixelRatio * image.width;
    if (across <= Math.max(this.picture.canvas.width, this.#asked) * SOFT) return;
    this.#asked = this.pictures.widthFor(session.state, across);
    this.pictures.load(session.state, { across }).then((picture) => this.#place(session.id, picture), () => {});
  }

  /** @param {import("./types.js").ImageState} state */
  async #await(state) {
    const slow = setTimeout(() => this.#shown === state.id && this.root.classList.add("loading"), SLOW_MS);
    this.layer.replaceChildren();
    this.setBusy("picture", true);
    try {
      this.#place(state.id, await this.pictures.load(state));
      if (state.state !== "ok") this.onReadable(state.id);
    } catch (error) {
      if (this.#shown === state.id) this.#fail(state.note || /** @type {Error} */ (error).message);
    } finally {
      clearTimeout(slow);
      if (this.#shown === state.id) {
        this.root.classList.remove("loading");
        this.setBusy("picture", false);
      }
    }
  }

  /** @param {number} id @param {Picture} picture */
  #place(id, picture) {
    if (this.#shown !== id || (this.picture && this.picture.canvas.width > picture.canvas.width)) return;
    this.picture = picture;
    this.root.classList.remove("loading");
    this.layer.replaceChildren(picture.canvas);
    this.store.tell("look");
    this.refresh();
    if (!this.#hasShown) requestAnimationFrame(() => setTimeout(() => performance.mark("first-picture"), 0));
    this.#hasShown = true;
  }

  /** @param {string} message */
  #fail(message) {
    this.root.classList.remove("loading");
    this.layer.replaceChildren();
    this.store.problem = message;
    this.store.tell("look", "document");
  }

  async #loadMesh() {
    const { session, overlay } = this.store;
    if (!session || !overlay || !session.state.overlays.includes(overlay)) return;
    try {
      const picture = await this.pictures.load(session.state, { overlay });
      if (this.#shown === session.id && this.store.overlay === overlay) this.mesh.replaceChildren(picture.canvas);
    } catch {
      this.store.overlay = "";
    }
    this.store.tell("look");
  }

  /** Show or hide an overlay. @param {string} name or "" */
  setOverlay(name) {
    this.store.overlay = name;
    if (!name) this.mesh.replaceChildren();
    this.#loadMesh();
    this.store.tell("look");
  }

  #measure() {
    this.viewport.stage = { width: this.root.clientWidth || 1, height: this.root.clientHeight || 1 };
  }

  #resized() {
    const before = this.viewport.stage;
    const middle = this.viewport.toImage(before.width / 2, before.height / 2);
    const wasWhole = this.viewport.scale <= this.viewport.wholeScale * 1.02;
    this.#measure();
    const { stage, scale } = this.viewport;
    if (before.width <= 1 || wasWhole) this.viewport.fitWhole();
    else this.viewport.pan(stage.width / 2 - (middle[0] * scale + this.viewport.x), stage.height / 2 - (middle[1] * scale + this.viewport.y));
    this.refresh();
  }
}
