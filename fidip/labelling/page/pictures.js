/** Fetches and decodes pictures ahead of time and keeps the last few ready to show. */

/** @import {Api} from "./api.js" */

const KEPT = 10;

/**
 * @typedef {object} Picture
 * @property {HTMLCanvasElement} canvas  decoded pixels, perhaps fewer than the original has
 * @property {boolean} isWhole  as many pixels as the original
 */

export class Pictures {
  /** @type {Map<string, {promise: Promise<Picture>, ready: Picture|null}>} oldest use first */
  #kept = new Map();

  /** @param {Api} api */
  constructor(api) {
    this.api = api;
  }

  /** Width that is enough for a picture that fills the screen; whole hundreds, so that few sizes are asked for. */
  get screenWidth() {
    return Math.ceil((Math.max(screen.width, screen.height) * devicePixelRatio) / 200) * 200;
  }

  /**
   * @param {{id: number, width: number}} image
   * @param {{overlay?: string, whole?: boolean}} [options]
   * @returns {Promise<Picture>} rejects with the server's reason where the picture cannot be read
   */
  load(image, { overlay, whole } = {}) {
    const isWhole = Boolean(whole) || image.width <= this.screenWidth * 1.25;
    const key = `${image.id} ${overlay ?? ""} ${isWhole ? "whole" : "screen"}`;
    const found = this.#kept.get(key);
    if (found) {
      this.#kept.delete(key);
      this.#kept.set(key, found);
      return found.promise;
    }
    const address = this.api.pictureAddress(image.id, { width: isWhole ? undefined : this.screenWidth, overlay });
    /** @type {{promise: Promise<Picture>, ready: Picture|null}} */
    const entry = { promise: decoded(address, isWhole), ready: null };
    this.#kept.set(key, entry);
    entry.promise.then((picture) => (entry.ready = picture), () => this.#kept.delete(key));
    while (this.#kept.size > KEPT) this.#kept.delete(/** @type {string} */ (this.#kept.keys().next().value));
    return entry.promise;
  }

  /** @param {{id: number, width: number}} image @returns {Picture|null} when it is there already */
  ready(image) {
    for (const size of ["whole", "screen"]) {
      const entry = this.#kept.get(`${image.id}  ${size}`);
      if (entry?.ready) return entry.ready;
    }
    return null;
  }
}

/** @param {string} address @param {boolean} isWhole @returns {Promise<Picture>} */
async function decoded(address, isWhole) {
  const response = await fetch(address, { priority: "high" });
  if (!response.ok) {
    const body = await response.json().catch(() => null);
    throw new Error(typeof body?.detail === "string" ? body.detail : `the server answered ${response.status}`);
  }
  const bitmap = await createImageBitmap(await response.blob());
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
  return { canvas, isWhole };
}
