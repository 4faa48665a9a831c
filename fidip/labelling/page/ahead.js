/** Fetches the images that will be wanted next, and their pictures. */

/** @import {Entry, ImageState} from "./types.js" */
/** @import {Api} from "./api.js" */
/** @import {Pictures} from "./pictures.js" */
/** @import {Store} from "./store.js" */

const NEXT = 3;
/** Pictures on the way together: the server has several processors, and one decodes while another is sent. */
const AT_ONCE = 2;
const KEPT = 60;

export class Ahead {
  /** @type {Map<number, {promise: Promise<ImageState>, state: ImageState|null}>} fetched, or on the way */
  #fetched = new Map();
  #preparing = 0;

  /** @param {Store} store @param {Api} api @param {Pictures} pictures */
  constructor(store, api, pictures) {
    this.store = store;
    this.api = api;
    this.pictures = pictures;
  }

  /** @returns {boolean} fetching what may be wanted next */
  get isBusy() {
    return this.#preparing > 0;
  }

  /** @param {number} id @returns {ImageState|null} what is here already */
  ready(id) {
    return this.#fetched.get(id)?.state ?? null;
  }

  /** @param {number} id */
  forget(id) {
    this.#fetched.delete(id);
  }

  /** Fetch an image, or wait for it where that is under way. @param {number} id @returns {Promise<ImageState>} */
  async fetch(id) {
    const newest = this.store.byId.get(id)?.revision ?? 0;
    const found = this.#fetched.get(id);
    if (found) {
      const state = await found.promise;
      if (state.revision >= newest) return state;
    }
    return this.expect(id, this.api.image(id));
  }

  /** Take an image that is on its way. @param {number} id @param {Promise<ImageState>} promise @returns {Promise<ImageState>} */
  async expect(id, promise) {
    /** @type {{promise: Promise<ImageState>, state: ImageState|null}} */
    const entry = { promise, state: null };
    this.#fetched.set(id, entry);
    try {
      entry.state = await promise;
      return entry.state;
    } catch (error) {
      this.#fetched.delete(id);
      throw error;
    }
  }

  /**
   * Fetch and decode the next few images, the next doubtful one, and the one before.
   *
   * @param {(id: number) => ImageState|null} known what needs no fetching
   */
  async prepare(known) {
    this.#preparing += 1;
    try {
      await this.#prepare(known);
    } finally {
      this.#preparing -= 1;
    }
  }

  /** @param {(id: number) => ImageState|null} known */
  async #prepare(known) {
    const { store } = this;
    const start = store.wanted;
    const here = store.visible.findIndex((entry) => entry.id === start);
    if (here < 0) return;
    const doubtful = store.neighbour(1, isOpenDoubt);
    const near = [
      ...store.visible.slice(here + 1, here + 1 + NEXT),
      ...(doubtful ? [doubtful] : []),
      ...store.visible.slice(Math.max(0, here - 1), here),
    ];
    if (this.#fetched.size > KEPT) this.#fetched.clear();
    const queue = [...new Set(near)];
    const work = async () => {
      for (let entry = queue.shift(); entry && store.wanted === start; entry = queue.shift()) {
        try {
          const image = known(entry.id) ?? (await this.fetch(entry.id));
          if (entry.state === "ok") await this.pictures.load(image);
        } catch {
          // Opening it will say what is wrong with it.
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }
}

/** @param {import("./types.js").Entry} entry @returns {boolean} a doubtful image that nobody has reviewed */
export function isOpenDoubt(entry) {
  return entry.doubtful && entry.status === "unreviewed" && entry.state === "ok";
}
