/** Sends edits in order, keeps what could not be sent, and notices when somebody else saved in between. */

/** @import {Edit, ImageState} from "./types.js" */
/** @import {Api} from "./api.js" */

import { Refused, Unreachable } from "./api.js";
import { sameDocument } from "./document.js";

const RETRY_MS = [500, 1000, 2000, 3000];

/**
 * Events: `change` (of `summary`), `saved` {image, state, left}, `conflict` {image, current},
 * `refused` {image, message}.
 */
export class Outbox extends EventTarget {
  /** @type {Edit[]} */
  #queue = [];
  /** @type {Map<number, ImageState>} what the server has where two versions wait for a person's choice */
  conflicts = new Map();
  /** @type {""|"offline"|"forbidden"} */
  trouble = "";
  #sending = false;
  #retries = 0;
  #timer = 0;
  /** @type {() => void} */
  #release = () => {};

  /**
   * @param {Api} api
   * @param {string} project names the project in the browser's storage
   * @param {Storage} storage
   */
  constructor(api, project, storage = localStorage) {
    super();
    this.api = api;
    this.storage = storage;
    this.prefix = `syrip-unsent|${project}|`;
    this.key = this.prefix + crypto.getRandomValues(new Uint32Array(2)).join("-");
    this.#holdKey();
  }

  /** @returns {Edit[]} edits of an image that are not on the server yet, oldest first */
  pending(/** @type {number} */ image) {
    return this.#queue.filter((edit) => edit.image === image);
  }

  /** @returns {{unsent: number, conflicts: number, trouble: string}} */
  get summary() {
    return { unsent: this.#queue.length, conflicts: this.conflicts.size, trouble: this.trouble };
  }

  /** @param {Edit} edit */
  push(edit) {
    this.#queue.push(edit);
    this.#changed();
    this.#send();
  }

  /** Try again now. */
  wake() {
    clearTimeout(this.#timer);
    this.#retries = 0;
    this.#send();
  }

  /**
   * Settle a conflict as the person chose.
   *
   * @param {number} image
   * @param {"mine"|"theirs"} choice
   */
  settle(image, choice) {
    const current = this.conflicts.get(image);
    if (!current) return;
    const mine = this.pending(image).at(-1);
    this.conflicts.delete(image);
    this.#drop(image);
    if (choice === "mine" && mine) {
      this.push({ ...mine, base: current.revision, action: "keep mine" });
    } else {
      this.#tell("saved", { image, state: current, left: 0 });
      this.#changed();
    }
  }

  /** Take over what tabs that are gone left unsent. */
  async adopt() {
    for (const key of Object.keys(this.storage).filter((k) => k.startsWith(this.prefix) && k !== this.key)) {
      const take = () => {
        const edits = parsed(this.storage.getItem(key));
        this.#queue.push(...edits);
        this.#changed();
        this.storage.removeItem(key);
      };
      if (!navigator.locks) take();
      else await navigator.locks.request(key, { ifAvailable: true }, (lock) => lock && take());
    }
    if (this.#queue.length) this.#send();
  }

  /** Leave the unsent edits to the next tab: this one has lost its way to the server for good. */
  abandon() {
    this.#release();
  }

  /** Hold a lock as long as this tab lives, so that others leave its edits alone. */
  #holdKey() {
    navigator.locks?.request(this.key, () => new Promise((resolve) => (this.#release = () => resolve(undefined))));
  }

  async #send() {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let edit = this.#next(); edit; edit = this.#next()) {
        if (!(await this.#sendOne(edit))) break;
      }
    } finally {
      this.#sending = false;
      this.#changed();
    }
  }

  #next() {
    return this.#queue.find((edit) => !this.conflicts.has(edit.image));
  }

  /** @param {Edit} edit @returns {Promise<boolean>} go on with the next */
  async #sendOne(edit) {
    try {
      this.#stored(edit, await this.api.save(edit));
      return true;
    } catch (error) {
      if (error instanceof Unreachable) return this.#later("offline");
      if (!(error instanceof Refused)) throw error;
      if (error.status === 401 || error.status === 403) return this.#later("forbidden");
      if (error.status === 409 && error.body?.current) this.#conflict(edit, error.body.current);
      else this.#refuse(edit, error.message);
      return true;
    }
  }

  /** @param {Edit} edit @param {ImageState} state */
  #stored(edit, state) {
    this.trouble = "";
    this.#retries = 0;
    this.#queue = this.#queue.filter((other) => other !== edit);
    const left = this.pending(edit.image);
    for (const other of left) other.base = state.revision;
    this.#changed();
    this.#tell("saved", { image: edit.image, state, left: left.length });
  }

  /** @param {Edit} edit @param {ImageState} current */
  #conflict(edit, current) {
    // The server had stored it, but its answer was lost.
    if (sameDocument(current.document, edit.document)) return this.#stored(edit, current);
    this.trouble = "";
    this.conflicts.set(edit.image, current);
    this.#changed();
    this.#tell("conflict", { image: edit.image, current });
  }

  /** @param {Edit} edit @param {string} message */
  #refuse(edit, message) {
    this.trouble = "";
    this.#drop(edit.image);
    this.#changed();
    this.#tell("refused", { image: edit.image, message: `${edit.action}: ${message}` });
  }

  /** @param {"offline"|"forbidden"} trouble @returns {false} */
  #later(trouble) {
    this.trouble = trouble;
    const wait = RETRY_MS[Math.min(this.#retries++, RETRY_MS.length - 1)];
    clearTimeout(this.#timer);
    if (trouble === "offline") this.#timer = setTimeout(() => this.#send(), wait);
    return false;
  }

  /** @param {number} image */
  #drop(image) {
    this.#queue = this.#queue.filter((edit) => edit.image !== image);
  }

  #changed() {
    if (!this.#queue.length) this.storage.removeItem(this.key);
    else if (!this.#store(this.#queue)) this.#store(newestOfEach(this.#queue));
    this.#tell("change", this.summary);
  }

  /** @param {Edit[]} edits @returns {boolean} there was room for them */
  #store(edits) {
    try {
      this.storage.setItem(this.key, JSON.stringify(edits));
      return true;
    } catch {
      return false;
    }
  }

  /** @param {string} type @param {any} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @param {Edit[]} edits @returns {Edit[]} the last edit of each image, on the base of its first */
function newestOfEach(edits) {
  const newest = new Map();
  for (const edit of edits) newest.set(edit.image, { ...edit, base: newest.get(edit.image)?.base ?? edit.base });
  return [...newest.values()];
}

/** @param {string|null} text @returns {Edit[]} */
function parsed(text) {
  try {
    const edits = JSON.parse(text ?? "[]");
    return Array.isArray(edits) ? edits.filter((edit) => Number.isInteger(edit?.image) && edit.document?.people) : [];
  } catch {
    return [];
  }
}
