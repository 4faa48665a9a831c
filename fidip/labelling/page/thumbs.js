/** Small pictures for the list: fetched one after the other, only for rows in sight, and only while nothing else waits. */

/** @import {Api} from "./api.js" */
/** @import {Entry} from "./types.js" */

import { element, icon } from "./dom.js";

/** px across; twice as many as the list shows, for screens with fine pixels. */
const WIDTH = 128;
const KEPT = 300;
/** So long after the last change of the list or of the open image: scrolling and paging go first. */
const CALM_MS = 180;

export class Thumbs {
  /** @type {Map<number, HTMLElement>} frames with the picture or a sign in them, oldest use first */
  #frames = new Map();
  /** @type {Map<number, string>} state of the file that a frame was made for */
  #made = new Map();
  /** @type {number[]} images in sight that have no picture yet */
  #wanted = [];
  #timer = 0;
  #isFetching = false;

  /** @param {Api} api @param {() => boolean} isBusy whether something more urgent is under way */
  constructor(api, isBusy) {
    this.api = api;
    this.isBusy = isBusy;
  }

  /**
   * Return the frame for a row; its picture comes later. The same one each time, so that nothing flickers.
   *
   * @param {Entry} entry
   * @returns {HTMLElement}
   */
  frame({ id, state }) {
    let frame = this.#frames.get(id);
    if (!frame || this.#made.get(id) !== state) {
      frame = element("span", { class: "thumb", "aria-hidden": "true" });
      if (state !== "ok") frame.append(icon("unreadable", "status"));
    }
    this.#frames.delete(id);
    this.#frames.set(id, frame);
    this.#made.set(id, state);
    return frame;
  }

  /** Fetch what is missing of the rows in sight, once it is calm. @param {Entry[]} entries */
  want(entries) {
    this.#wanted = entries.filter(({ id, state }) => state === "ok" && !this.#frames.get(id)?.firstChild).map(({ id }) => id);
    this.#soon();
  }

  #soon() {
    clearTimeout(this.#timer);
    if (this.#wanted.length) this.#timer = setTimeout(() => this.#next(), CALM_MS);
  }

  async #next() {
    if (this.#isFetching) return;
    if (this.isBusy()) return this.#soon();
    const id = this.#wanted.shift();
    const frame = id === undefined ? undefined : this.#frames.get(id);
    if (id === undefined || !frame) return undefined;
    this.#isFetching = true;
    const content = await this.#fetched(id);
    this.#isFetching = false;
    if (content) frame.replaceChildren(content);
    this.#forgetOldest();
    return this.#next();
  }

  /** @param {number} id @returns {Promise<Element|null>} the picture, a sign that there is none, null where nobody can tell */
  async #fetched(id) {
    try {
      const response = await fetch(this.api.pictureAddress(id, { width: WIDTH }), { priority: "low" });
      if (!response.ok) return response.status === 404 ? icon("unreadable", "status") : null;
      const bitmap = await createImageBitmap(await response.blob());
      const canvas = element("canvas", { width: bitmap.width, height: bitmap.height });
      canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
      bitmap.close();
      return canvas;
    } catch {
      return null; // the server is away: asked again when the list is drawn anew
    }
  }

  #forgetOldest() {
    for (const [id, frame] of this.#frames) {
      if (this.#frames.size <= KEPT) break;
      if (frame.isConnected) continue;
      this.#frames.delete(id);
      this.#made.delete(id);
    }
  }
}
