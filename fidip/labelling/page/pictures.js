/** Fetches and decodes pictures ahead of time and keeps the last few ready to show. */

/** @import {Api} from "./api.js" */

const KEPT = 10;
/** Shown so much larger than it is, a picture still looks sharp enough to place points. */
export const SOFT = 1.3;
/** Pictures up to this size are always fetched whole: their files go out as they are. */
const SMALL_PIXELS = 4e6;
/** An eighth is the least that decoders of JPEG files go down to. */
const MOST_HALVINGS = 3;

/**
 * @typedef {object} Picture
 * @property {HTMLCanvasElement} canvas  decoded pixels, perhaps fewer than the original has
 * @property {boolean} isWhole  as many pixels as the original
 */

/** @typedef {{id: number|null, promise: Promise<Picture>, ready: Picture|null}} Kept  id: of the image that it is a picture of */

export class Pictures {
  /** @type {Map<string, Kept>} oldest use first */
  #kept = new Map();

  /** @param {Api} api */
  constructor(api) {
    this.api = api;
  }

  /**
   * Return how wide a picture is to be fetched: whole, or a half, a quarter ... of a large one, which JPEG files
   * are decoded to at little cost.
   *
   * @param {{width: number, height: number}} image
   * @param {number} [across] pixels of the screen that all of its width takes; such that it fits into the window
   * @returns {number} px
   */
  widthFor({ width, height }, across = devicePixelRatio * Math.min(innerWidth, (innerHeight * width) / height)) {
    if (width * height <= SMALL_PIXELS) return width;
    let halvings = 0;
    while (halvings < MOST_HALVINGS && Math.ceil(width / 2 ** (halvings + 1)) * SOFT >= across) halvings += 1;
    return Math.ceil(width / 2 ** halvings);
  }

  /**
   * @param {{id: number, width: number, height: number}} image
   * @param {{overlay?: string, across?: number}} [options] across: see `widthFor`
   * @returns {Promise<Picture>} rejects with the server's reason where the picture cannot be read
   */
  load(image, { overlay, across } = {}) {
    const width = this.widthFor(image, across);
    const isWhole = width === image.width;
    const key = `${image.id} ${overlay ?? ""} ${width}`;
    const found = this.#kept.get(key);
    if (found) {
      this.#kept.delete(key);
      this.#kept.set(key, found);
      return found.promise;
    }
    const address = this.api.pictureAddress(image.id, { width: isWhole ? undefined : width, overlay });
    /** @type {Kept} */
    const entry = { id: overlay ? null : image.id, promise: decoded(address, isWhole), ready: null };
    this.#kept.set(key, entry);
    entry.promise.then((picture) => (entry.ready = picture), () => this.#kept.delete(key));
    while (this.#kept.size > KEPT) this.#kept.delete(/** @type {string} */ (this.#kept.keys().next().value));
    return entry.promise;
  }

  /** @param {{id: number}} image @returns {Picture|null} the finest that is there already */
  ready({ id }) {
    const found = [...this.#kept.values()].flatMap((entry) => (entry.id === id && entry.ready ? [entry.ready] : []));
    return found.sort((a, b) => b.canvas.width - a.canvas.width)[0] ?? null;
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
