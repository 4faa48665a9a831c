/** What the page shows now. Parts of the page read it, change it through its methods, and hear of changes by topic. */

/** @import {Entry, LabelDocument, Person, Point, Project} from "./types.js" */
/** @import {Session} from "./session.js" */

import { Skeleton } from "./skeleton.js";

/** @typedef {"all"|"unreviewed"|"doubtful"|"rejected"|"unreadable"} Filter */
/** @typedef {"points"|"box"|"place"} Mode */
/** @typedef {"entries"|"session"|"document"|"selection"|"mode"|"look"|"list"|"save"} Topic */

/** @type {Record<Filter, (entry: Entry) => boolean>} */
export const FILTERS = {
  all: () => true,
  unreviewed: (entry) => entry.state === "ok" && entry.status === "unreviewed",
  doubtful: (entry) => entry.doubtful && entry.status === "unreviewed",
  rejected: (entry) => entry.status === "rejected",
  unreadable: (entry) => entry.state !== "ok",
};

export class Store {
  /** @type {Map<Topic, Set<() => void>>} */
  #listeners = new Map();
  /** @type {Set<Topic>} topics to tell of when the browser draws next */
  #due = new Set();
  /** @type {Session|null} */
  session = null;
  /** Image that is open or on its way. */
  wanted = -1;
  /** Why the open image has no picture. */
  problem = "";
  person = 0;
  keypoint = 0;
  /** @type {Mode} */
  mode = "points";
  /** Handle of the box that keys move, 0 to 7 clockwise from the top left. */
  handle = 0;
  showFirst = false;
  hideSkeleton = false;
  /** The list has small pictures. */
  showThumbs = true;
  overlay = "";
  overlayOpacity = 0.6;
  brightness = 1;
  /** Where the mouse is over the picture, image px. @type {[number, number]|null} */
  cursor = null;
  /** @type {Filter} */
  filter = "all";
  query = "";
  /** @type {Entry[]} entries that the list shows */
  visible = [];
  /** @type {Set<number>} images that stay in the list until the filter is chosen anew */
  #kept = new Set();

  /** @param {Project} project */
  constructor(project) {
    this.project = project;
    this.skeleton = new Skeleton(project.schema);
    this.isReview = project.kind === "review";
    this.entries = project.images;
    this.byId = new Map(this.entries.map((entry) => [entry.id, entry]));
    this.change = project.change;
    this.who = project.who;
    /** How many images each filter would show, and how many are reviewed. @type {Record<Filter | "reviewed", number>} */
    this.counts = { all: 0, unreviewed: 0, doubtful: 0, rejected: 0, unreadable: 0, reviewed: 0 };
    for (const entry of this.entries) this.#count(entry, 1);
    this.refilter();
  }

  /** @param {Topic[]} topics @param {() => void} listener is called once for several changes, before the next drawing */
  on(topics, listener) {
    for (const topic of topics) {
      if (!this.#listeners.has(topic)) this.#listeners.set(topic, new Set());
      this.#listeners.get(topic)?.add(listener);
    }
  }

  /** @param {Topic[]} topics that changed */
  tell(...topics) {
    if (!this.#due.size) queueMicrotask(() => this.#tellNow());
    for (const topic of topics) this.#due.add(topic);
  }

  #tellNow() {
    const listeners = new Set([...this.#due].flatMap((topic) => [...(this.#listeners.get(topic) ?? [])]));
    this.#due.clear();
    for (const listener of listeners) listener();
  }

  /** @returns {LabelDocument|null} */
  get document() {
    return this.session?.document ?? null;
  }

  /** @returns {Person|undefined} the chosen person */
  get chosen() {
    return this.document?.people[this.person];
  }

  /** @returns {Point|undefined} the chosen point */
  get point() {
    return this.chosen?.keypoints[this.keypoint];
  }

  /** @returns {boolean} */
  get canEdit() {
    return !this.isReview && this.session?.state.state === "ok";
  }

  /** @returns {boolean} a picture can be seen, or soon; what nobody sees is not accepted */
  get canAccept() {
    return this.session?.state.state === "ok" && !this.problem;
  }

  /** @param {{person?: number, keypoint?: number, handle?: number}} selection */
  select({ person = this.person, keypoint = this.keypoint, handle = this.handle }) {
    const people = this.document?.people.length ?? 0;
    this.person = Math.max(0, Math.min(person, people - 1));
    this.keypoint = (keypoint + this.skeleton.count) % this.skeleton.count;
    this.handle = (handle + 8) % 8;
    this.tell("selection");
  }

  /** @param {Mode} mode */
  setMode(mode) {
    this.mode = mode;
    this.tell("mode", "selection");
  }

  /** Choose what the list shows. @param {Filter} filter @param {string} query part of a name */
  setFilter(filter, query) {
    this.filter = filter;
    this.query = query;
    this.#kept.clear();
    this.refilter();
  }

  refilter() {
    this.visible = this.entries.filter((entry) => this.#isListed(entry));
    this.#kept = new Set(this.visible.map((entry) => entry.id));
    this.tell("entries");
  }

  /** @param {Entry} entry @returns {boolean} */
  #isListed(entry) {
    if (!FILTERS[this.filter](entry) && !this.#kept.has(entry.id)) return false;
    const query = this.query.trim().toLowerCase();
    return !query || entry.name.toLowerCase().includes(query);
  }

  /** @param {Entry} entry @param {1|-1} by */
  #count(entry, by) {
    for (const [name, matches] of Object.entries(FILTERS)) {
      if (matches(entry)) this.counts[/** @type {Filter} */ (name)] += by;
    }
    if (entry.status === "reviewed") this.counts.reviewed += by;
  }

  /** Note what the server says of some images. @param {Partial<Entry>[]} news @returns {number[]} ids that changed */
  learn(news) {
    const changed = [];
    let isListChanged = false;
    for (const item of news) {
      let entry = this.byId.get(/** @type {number} */ (item.id));
      if (entry && !differs(entry, item)) continue;
      if (entry) this.#count(entry, -1);
      else {
        entry = /** @type {Entry} */ (item);
        this.entries.push(entry);
        this.byId.set(entry.id, entry);
      }
      Object.assign(entry, item);
      this.#count(entry, 1);
      isListChanged ||= !this.#kept.has(entry.id) && this.#isListed(entry);
      changed.push(entry.id);
    }
    if (isListChanged) this.refilter();
    else if (changed.length) this.tell("entries");
    return changed;
  }

  /**
   * Find the image that comes after the open one in the list.
   *
   * @param {1|-1} step
   * @param {(entry: Entry) => boolean} [wanted]
   * @returns {Entry|undefined}
   */
  neighbour(step, wanted = () => true) {
    const here = this.visible.findIndex((entry) => entry.id === this.wanted);
    if (here < 0) return step > 0 ? this.visible.find(wanted) : this.visible.findLast(wanted);
    for (let i = here + step; i >= 0 && i < this.visible.length; i += step) {
      if (wanted(this.visible[i])) return this.visible[i];
    }
    return undefined;
  }
}

/** @param {Entry} entry @param {Partial<Entry>} news */
function differs(entry, news) {
  if (news.revision !== undefined && news.revision < entry.revision) return false;
  return ["revision", "status", "doubtful", "state", "name"].some(
    (key) => key in news && /** @type {any} */ (news)[key] !== /** @type {any} */ (entry)[key],
  );
}
