/** One open image: what the server has, what the person sees now, and the way back and forth between revisions. */

/** @import {Doubt, ImageState, LabelDocument} from "./types.js" */
/** @import {Api} from "./api.js" */

import { samePoint } from "./document.js";

/** @typedef {{revision: number|null, document: LabelDocument|null}} Step  its document is fetched when it is needed */

export class Session {
  /** @type {Step[]} states to go back to, the last is what is seen now */
  #past = [];
  /** @type {Step[]} states that were undone, the last is the next to redo */
  #future = [];
  /** The steps before this session are known too. */
  #complete = false;
  /** Points that were looked at and found right, as "person keypoint". */
  checked = new Set();

  /**
   * @param {ImageState} state
   * @param {LabelDocument} [unsent] newer than the server's
   */
  constructor(state, unsent) {
    this.state = state;
    this.document = unsent ?? state.document;
    this.#past = [{ revision: state.revision, document: state.document }];
    this.#complete = state.revision === 0;
    if (unsent) this.#past.push({ revision: null, document: unsent });
  }

  get id() {
    return this.state.id;
  }

  /** @returns {LabelDocument} the newest finished edit */
  get committed() {
    return this.#past.at(-1)?.document ?? this.state.document;
  }

  /** @param {LabelDocument} document */
  edit(document) {
    this.document = document;
    this.#past.push({ revision: null, document });
    this.#future = [];
  }

  /** Take what the server stored. @param {ImageState} state @param {boolean} isNewest nothing newer waits here */
  stored(state, isNewest) {
    this.state = state;
    if (!isNewest) return;
    this.document = state.document;
    const step = this.#past.at(-1);
    if (step) step.document = state.document;
  }

  /** Begin anew from the server's version. @param {ImageState} state */
  replace(state) {
    this.state = state;
    this.document = state.document;
    this.#past = [{ revision: state.revision, document: state.document }];
    this.#future = [];
    this.#complete = state.revision === 0;
  }

  /** @returns {boolean} */
  get canUndo() {
    return this.#past.length > 1 || !this.#complete;
  }

  /** @returns {boolean} perhaps: what was undone before this session shows only once it is asked for */
  get canRedo() {
    return this.#future.length > 0 || (!this.#complete && this.#past.length < 2);
  }

  /** @param {Api} api @returns {Promise<LabelDocument|null>} what is seen after going one step back, null at the start */
  async undo(api) {
    if (this.#past.length < 2) await this.#complement(api);
    if (this.#past.length < 2) return null;
    const document = await fetched(this.#past[this.#past.length - 2], this.id, api);
    this.#future.push(/** @type {Step} */ (this.#past.pop()));
    this.document = document;
    return document;
  }

  /** @param {Api} api @returns {Promise<LabelDocument|null>} */
  async redo(api) {
    if (!this.#future.length && this.#past.length < 2) await this.#complement(api);
    const step = this.#future.at(-1);
    if (!step) return null;
    const document = await fetched(step, this.id, api);
    this.#past.push(/** @type {Step} */ (this.#future.pop()));
    this.document = document;
    return document;
  }

  /** Ask the server for the steps before this session. @param {Api} api */
  async #complement(api) {
    if (this.#complete) return;
    const start = this.#past[0];
    const history = await api.history(this.id);
    const { past, future } = replay(history.filter((entry) => entry.revision <= (start.revision ?? 0)));
    this.#past = [...past.slice(0, -1), start, ...this.#past.slice(1)];
    if (this.#past.length === past.length && !this.#future.length) this.#future = future;
    this.#complete = true;
  }

  /** @param {number} person index @returns {Doubt[]} that nobody has looked at yet */
  openDoubts(person) {
    const { people, status } = this.document;
    if (status !== "unreviewed" || !people[person]) return [];
    const { id, keypoints } = people[person];
    const first = this.state.first?.document.people.find((p) => p.id === id);
    return this.state.doubts.filter((doubt) => {
      if (doubt.person !== id) return false;
      if (doubt.keypoint === null) return true;
      if (this.checked.has(`${id} ${doubt.keypoint}`)) return false;
      return !first || samePoint(first.keypoints[doubt.keypoint], keypoints[doubt.keypoint]);
    });
  }
}

/**
 * Work out the states that undo and redo lead to from the actions that were saved.
 *
 * @param {{revision: number, action: string}[]} history
 * @returns {{past: Step[], future: Step[]}}
 */
export function replay(history) {
  /** @type {Step[]} */
  const past = [];
  /** @type {Step[]} */
  let future = [];
  for (const { revision, action } of history) {
    if (action === "undo" && past.length > 1) future.push(/** @type {Step} */ (past.pop()));
    else if (action === "redo" && future.length) past.push(/** @type {Step} */ (future.pop()));
    else {
      past.push({ revision, document: null });
      future = [];
    }
  }
  return { past, future };
}

/** @param {Step} step @param {number} image @param {Api} api @returns {Promise<LabelDocument>} */
async function fetched(step, image, api) {
  step.document ??= await api.revision(image, /** @type {number} */ (step.revision));
  return step.document;
}
