/** Opens images, takes edits to the outbox, and keeps what is seen and what is stored in step. */

/** @import {ImageState, LabelDocument} from "./types.js" */
/** @import {Api} from "./api.js" */
/** @import {Outbox} from "./outbox.js" */
/** @import {Pictures} from "./pictures.js" */
/** @import {Stage} from "./stage.js" */
/** @import {Store} from "./store.js" */

import { Ahead } from "./ahead.js";
import { sameDocument } from "./document.js";
import { Session } from "./session.js";

const KEPT_SESSIONS = 60;
const REFUSAL_MS = 20_000;

export class App {
  /** @type {Map<number, Session>} oldest use first */
  #sessions = new Map();
  /** What an unfinished edit of the open image will be called; null where there is none. @type {string|null} */
  #draft = null;
  #wanted = -1;
  /** One undo after the other. @type {Promise<void>} */
  #steps = Promise.resolve();
  zoomsIn = true;

  /**
   * @param {Store} store
   * @param {Api} api
   * @param {Outbox} outbox
   * @param {Pictures} pictures
   * @param {Stage} stage
   * @param {(text: string, time?: number) => void} announce for a screen reader, and for sight where it matters
   */
  constructor(store, api, outbox, pictures, stage, announce) {
    this.store = store;
    this.api = api;
    this.outbox = outbox;
    this.pictures = pictures;
    this.stage = stage;
    this.announce = announce;
    this.ahead = new Ahead(store, api, pictures);
    stage.onReadable = (id) => this.#readable(id);
    outbox.addEventListener("saved", (event) => this.#saved(/** @type {CustomEvent} */ (event).detail));
    outbox.addEventListener("refused", (event) => this.#refused(/** @type {CustomEvent} */ (event).detail));
  }

  /** @returns {boolean} the open image has edits that the server does not have */
  get isDirty() {
    const { session } = this.store;
    return this.#draft !== null || (session !== null && this.outbox.pending(session.id).length > 0);
  }

  /**
   * Show an image.
   *
   * @param {number} id
   * @param {{firstDoubt?: boolean}} [options]
   */
  async open(id, { firstDoubt = false } = {}) {
    this.flush();
    this.#wanted = id;
    const session = this.#known(id) ?? (await this.#waitFor(id));
    if (!session) return;
    const { store } = this;
    store.session = session;
    store.wanted = id;
    const isEmpty = !session.document.people.length && session.document.status === "unreviewed";
    store.mode = store.canEdit && isEmpty ? "place" : "points";
    const doubt = firstDoubt ? firstOpenDoubt(session) : null;
    store.person = doubt?.person ?? 0;
    store.keypoint = doubt?.keypoint ?? 0;
    store.tell("session", "document", "selection", "mode");
    this.stage.show(this.zoomsIn);
    history.replaceState(null, "", `#${id}`);
    setTimeout(() => this.ahead.prepare((near) => this.#known(near)?.state ?? null), 0);
  }

  /** Fetch an image that is to be opened; meanwhile none is open, so that no key acts on the one before. @param {number} id */
  async #waitFor(id) {
    const { store, stage } = this;
    const before = store.session;
    store.session = null;
    store.wanted = id;
    store.tell("session", "document");
    stage.setBusy("open", true);
    try {
      const session = this.#begin(await this.ahead.fetch(id));
      return this.#wanted === id ? session : null;
    } catch (error) {
      if (this.#wanted !== id) return null;
      this.announce(`This image could not be fetched: ${/** @type {Error} */ (error).message}`);
      return before;
    } finally {
      if (this.#wanted === id) stage.setBusy("open", false);
    }
  }

  /** Show another version of the open image without counting it as an edit yet. @param {LabelDocument} document @param {string} action */
  preview(document, action) {
    const { session } = this.store;
    if (!session) return;
    session.document = document;
    this.#draft = action;
    this.store.tell("document");
  }

  /** Finish the unfinished edit, if there is one. */
  flush() {
    const { session } = this.store;
    if (this.#draft === null || !session) return;
    const action = this.#draft;
    this.#draft = null;
    const { document } = session;
    session.document = session.committed;
    this.edit(document, action);
  }

  /** Forget the unfinished edit. */
  cancel() {
    const { session } = this.store;
    if (this.#draft === null || !session) return;
    this.#draft = null;
    session.document = session.committed;
    this.store.tell("document");
  }

  /** Make an edit and save it. @param {LabelDocument} document @param {string} action */
  edit(document, action) {
    const { session } = this.store;
    if (!session) return;
    this.flush();
    if (sameDocument(document, session.document)) return;
    session.edit(document);
    this.#send(session, action);
  }

  undo() {
    this.#step("undo");
  }

  redo() {
    this.#step("redo");
  }

  /** @param {"undo"|"redo"} direction */
  #step(direction) {
    this.flush();
    const { session } = this.store;
    if (!session) return;
    this.stage.setBusy("step", true);
    this.#steps = this.#steps.then(async () => {
      try {
        const document = await (direction === "undo" ? session.undo(this.api) : session.redo(this.api));
        if (document === null) return this.announce(`Nothing to ${direction} on this image`);
        this.#send(session, direction);
        this.announce(direction === "undo" ? "Undone" : "Redone");
      } catch {
        this.announce("Earlier steps are on the server, which does not answer now");
      }
      return undefined;
    });
    const last = this.#steps;
    last.then(() => last === this.#steps && this.stage.setBusy("step", false));
  }

  /** @param {Session} session @param {string} action */
  #send(session, action) {
    const { document } = session;
    this.store.learn([{ id: session.id, status: document.status }]);
    this.store.tell("document", "selection");
    if (session === this.store.session) this.store.select({});
    this.outbox.push({ image: session.id, base: session.state.revision, document, action, who: this.store.who });
  }

  /** Take what changed on the server. @param {Partial<import("./types.js").Entry>[]} news */
  async learn(news) {
    const changed = this.store.learn(news);
    for (const id of changed) this.ahead.forget(id);
    const { session } = this.store;
    if (!session || !changed.includes(session.id) || this.isDirty) return;
    const state = await this.api.image(session.id).catch(() => null);
    if (!state || this.isDirty || state.revision <= session.state.revision) return;
    session.replace(state);
    this.#refreshed(session);
    this.announce(`Changed by ${state.who}`);
  }

  /** @param {{image: number, state: ImageState, left: number}} news */
  #saved({ image, state, left }) {
    const session = this.#sessions.get(image);
    const { revision, document } = state;
    if (session) {
      const isOpenDraft = session === this.store.session && this.#draft !== null;
      const isTheirs = left === 0 && !isOpenDraft && !sameDocument(session.document, document);
      if (isTheirs) session.replace(state);
      else session.stored(state, left === 0 && !isOpenDraft);
      if (session === this.store.session) this.#refreshed(session);
    }
    this.store.learn([{ id: image, revision, ...(left === 0 && { status: document.status }) }]);
  }

  /** @param {{image: number, message: string}} news */
  async #refused({ image, message }) {
    this.announce(`The server refused an edit, which is not saved. ${message}`, REFUSAL_MS);
    const state = await this.api.image(image).catch(() => null);
    const session = this.#sessions.get(image);
    if (!state || !session) return;
    session.replace(state);
    if (session === this.store.session) this.#refreshed(session);
  }

  /** A file came back or was mended; the server knows since it sent the picture. @param {number} id */
  async #readable(id) {
    const state = await this.api.image(id).catch(() => null);
    const { session } = this.store;
    if (!state || session?.id !== id || this.isDirty) return;
    session.replace(state);
    this.store.learn([{ id, state: state.state }]);
    this.#refreshed(session);
  }

  /** @param {Session} session */
  #refreshed(session) {
    this.store.session = session;
    this.store.select({});
    this.store.tell("document", "session");
  }

  /** @param {number} id @returns {Session|null} one that is as new as the list says */
  #known(id) {
    const newest = this.store.byId.get(id)?.revision ?? 0;
    const session = this.#sessions.get(id);
    if (session && (this.outbox.pending(id).length || session.state.revision >= newest)) {
      this.#sessions.delete(id);
      this.#sessions.set(id, session);
      return session;
    }
    const state = this.ahead.ready(id);
    return state && state.revision >= newest ? this.#begin(state) : null;
  }

  /** @param {ImageState} state @returns {Session} */
  #begin(state) {
    const session = new Session(state, this.outbox.pending(state.id).at(-1)?.document);
    this.#sessions.delete(state.id);
    this.#sessions.set(state.id, session);
    for (const [id] of this.#sessions) {
      if (this.#sessions.size <= KEPT_SESSIONS) break;
      if (!this.outbox.pending(id).length) this.#sessions.delete(id);
    }
    this.ahead.forget(state.id);
    return session;
  }
}

/** @param {Session} session @returns {{person: number, keypoint: number}|null} */
export function firstOpenDoubt(session) {
  for (let person = 0; person < session.document.people.length; person++) {
    const doubts = session.openDoubts(person).filter((doubt) => doubt.keypoint !== null);
    if (doubts.length) return { person, keypoint: Math.min(...doubts.map((doubt) => Number(doubt.keypoint))) };
  }
  return null;
}
