/** The list of images: only the rows in sight exist, so that 10,000 images are as quick as ten. */

/** @import {App} from "./app.js" */
/** @import {Entry} from "./types.js" */
/** @import {Filter} from "./store.js" */
/** @import {Thumbs} from "./thumbs.js" */

import { byId, counted, element, icon } from "./dom.js";

const SPARE = 6;

/** @type {Record<string, string>} */
const STATUS_TEXT = {
  unreviewed: "not reviewed", reviewed: "accepted", rejected: "rejected", doubtful: "doubtful", unreadable: "unreadable",
};

export class List {
  /** @type {Map<number, {look: string, row: HTMLElement}>} rows that are drawn, by image */
  #drawn = new Map();
  /** Where the list is scrolled to and how high it is; asking the browser makes it lay out the page. */
  #top = 0;
  #room = 0;

  /** @param {App} app @param {Thumbs} thumbs @param {() => void} onChosen */
  constructor(app, thumbs, onChosen) {
    this.app = app;
    this.thumbs = thumbs;
    this.onChosen = onChosen;
    /** Not a closed drawer. */
    this.isInSight = false;
    this.box = byId("images");
    this.rows = byId("image-rows");
    this.search = byId("search");
    this.filters = byId("filters");
    this.rowHeight = 44;
    const { store } = app;
    this.box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.box.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#key(event));
    this.search.addEventListener("input", () => store.setFilter(store.filter, this.search.value));
    this.filters.addEventListener("change", (/** @type {Event} */ event) => {
      store.setFilter(/** @type {Filter} */ (/** @type {HTMLInputElement} */ (event.target).value), this.search.value);
      this.#scrollTo(0);
      this.#reveal();
    });
    new ResizeObserver(() => this.#measure()).observe(this.box);
    store.on(["entries"], () => this.#update());
    store.on(["session"], () => this.#reveal());
    store.on(["list"], () => this.#measure());
    new IntersectionObserver(([change]) => {
      this.isInSight = change.isIntersecting;
      this.#draw();
    }).observe(this.box);
    this.#measure();
    this.#update();
  }

  #measure() {
    this.box.classList.toggle("with-thumbs", this.app.store.showThumbs);
    const probe = element("div", { class: "row" }, element("span", { text: "x" }));
    this.rows.append(probe);
    this.rowHeight = Math.max(probe.getBoundingClientRect().height, 20);
    probe.remove();
    this.#room = this.box.clientHeight;
    this.#drawn.clear();
    this.#scrolled();
  }

  #scrolled() {
    this.#top = this.box.scrollTop;
    this.#draw();
  }

  /** @param {number} top */
  #scrollTo(top) {
    this.rows.style.height = `${this.app.store.visible.length * this.rowHeight}px`;
    this.box.scrollTop = top;
    this.#top = this.box.scrollTop;
  }

  #update() {
    const { store } = this.app;
    const { counts } = store;
    for (const label of this.filters.querySelectorAll("label")) {
      const value = /** @type {Filter} */ (label.querySelector("input")?.value);
      const count = label.querySelector("b");
      if (count) count.textContent = counted(counts[value]);
    }
    const { visible } = store;
    byId("no-images").hidden = visible.length > 0;
    byId("list-count").textContent = `${counted(visible.length)} of ${counted(counts.all)} images listed`;
    this.#draw();
  }

  #draw() {
    const { store } = this.app;
    const { visible } = store;
    this.#top = Math.min(this.#top, Math.max(0, visible.length * this.rowHeight - this.#room)); // as browsers do
    const from = Math.max(0, Math.floor(this.#top / this.rowHeight) - SPARE);
    const to = Math.min(visible.length, from + Math.ceil(this.#room / this.rowHeight) + 2 * SPARE);
    this.rows.style.height = `${visible.length * this.rowHeight}px`;
    this.#place(visible.slice(from, to).map((entry, i) => this.#row(entry, from + i)));
    this.box.setAttribute("aria-activedescendant", store.wanted >= 0 ? `image-${store.wanted}` : "");
    if (!store.showThumbs || !this.isInSight) return;
    const top = this.#top / this.rowHeight;
    this.thumbs.want(visible.slice(Math.floor(top), Math.ceil(top + this.#room / this.rowHeight)));
  }

  /** Show these rows and no others; those that are there already stay untouched. @param {HTMLElement[]} rows in order */
  #place(rows) {
    const wanted = new Set(rows);
    for (const row of [...this.rows.children]) if (!wanted.has(row)) row.remove();
    rows.forEach((row, i) => {
      const there = this.rows.children[i];
      if (there !== row) this.rows.insertBefore(row, there ?? null);
    });
    for (const [id, { row }] of this.#drawn) if (!wanted.has(row)) this.#drawn.delete(id);
  }

  /** @param {Entry} entry @param {number} index @returns {HTMLElement} the row, made anew only where it looks otherwise */
  #row(entry, index) {
    const { store } = this.app;
    const look = [lookOf(entry), entry.id === store.wanted, entry.state, entry.name, index, store.visible.length, store.showThumbs].join("|");
    const drawn = this.#drawn.get(entry.id);
    if (drawn?.look === look) return drawn.row;
    const row = this.#made(entry, index);
    this.#drawn.set(entry.id, { look, row });
    return row;
  }

  /** @param {Entry} entry @param {number} index @returns {HTMLElement} */
  #made(entry, index) {
    const { store } = this.app;
    const status = lookOf(entry);
    const isOpen = entry.id === store.wanted;
    const cut = entry.name.lastIndexOf("/") + 1;
    const name = element("span", { class: "name" });
    if (cut) name.append(element("span", { class: "folder", text: entry.name.slice(0, cut) }));
    name.append(element("span", { class: "file", text: entry.name.slice(cut) }));
    const row = element(
      "div",
      {
        class: isOpen ? "row open" : "row", id: `image-${entry.id}`, role: "option", title: entry.name,
        "aria-selected": isOpen, "aria-setsize": store.visible.length, "aria-posinset": index + 1,
        "data-status": status,
        onclick: () => {
          this.app.open(entry.id);
          this.onChosen();
        },
      },
      icon(status, "status"), store.showThumbs ? this.thumbs.frame(entry) : "", name, element("span", { class: "visually-hidden", text: `, ${STATUS_TEXT[status]}` }),
    );
    row.style.transform = `translateY(${index * this.rowHeight}px)`;
    return row;
  }

  /** Scroll so that the open image is in sight. */
  #reveal() {
    const { store } = this.app;
    const index = store.visible.findIndex((entry) => entry.id === store.wanted);
    if (index >= 0) {
      const top = index * this.rowHeight;
      const room = this.#room;
      if (top < this.#top + this.rowHeight || top > this.#top + room - 2 * this.rowHeight) {
        this.#scrollTo(Math.max(0, top - room / 2 + this.rowHeight));
      }
    }
    this.#draw();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { store } = this.app;
    const here = store.visible.findIndex((entry) => entry.id === store.wanted);
    const last = store.visible.length - 1;
    /** @type {Record<string, number>} */
    const goals = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: last };
    if (!(event.key in goals) || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const entry = store.visible[Math.max(0, Math.min(last, goals[event.key]))];
    if (entry) this.app.open(entry.id);
  }
}

/** @param {Entry} entry @returns {string} the sign that it gets */
export function lookOf(entry) {
  if (entry.state !== "ok") return entry.status === "rejected" ? "rejected" : "unreadable";
  return entry.status === "unreviewed" && entry.doubtful ? "doubtful" : entry.status;
}
