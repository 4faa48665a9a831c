/** Draws skeletons, boxes and names over the picture, in screen pixels so that they keep their size. */

/** @import {Person} from "./types.js" */
/** @import {Store} from "./store.js" */
/** @import {Viewport} from "./viewport.js" */

import { ABSENT, VISIBLE } from "./document.js";
import { svg } from "./dom.js";

/** Where on the box its handles are: clockwise from the top left, as shares of width and height. */
export const HANDLES = [[0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1], [0.5, 1], [0, 1], [0, 0.5]];

const LETTER_PX = 7.6;

/** @typedef {{left: number, top: number, right: number, bottom: number}} Rectangle */

export class Overlay {
  /**
   * @param {SVGSVGElement} root
   * @param {Store} store
   * @param {Viewport} viewport
   */
  constructor(root, store, viewport) {
    this.root = root;
    this.store = store;
    this.viewport = viewport;
    this.hovered = { person: -1, keypoint: -1 };
  }

  draw() {
    const { store } = this;
    const document = store.hideSkeleton ? null : store.document;
    const layers = [];
    if (document) {
      if (store.showFirst) layers.push(...this.#ghosts());
      for (let i = 0; i < document.people.length; i++) if (i !== store.person) layers.push(this.#person(i));
      if (store.chosen) {
        if (store.chosen.bbox) layers.push(this.#box(store.chosen));
        layers.push(this.#person(store.person));
        if (store.mode !== "place") layers.push(...this.#texts(store.chosen));
      }
      if (store.mode === "place" && store.cursor) layers.push(...this.#due(store.cursor));
    }
    this.root.replaceChildren(...layers);
  }

  /** @param {Person} person @returns {number} radius of a point, smaller where the person is small on the screen */
  #radius(person) {
    const points = person.keypoints.filter((point) => point[2] !== ABSENT);
    const ys = points.map((point) => point[1]);
    const xs = points.map((point) => point[0]);
    const size = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) * this.viewport.scale;
    const most = matchMedia("(pointer: coarse)").matches ? 8 : 6.5;
    return points.length > 1 ? Math.min(Math.max(size / 55, 3.2), most) : most;
  }

  /** @param {number} index @returns {SVGElement} */
  #person(index) {
    const { store } = this;
    const { skeleton } = store;
    const person = /** @type {Person} */ (store.document?.people[index]);
    const isChosen = index === store.person;
    const radius = this.#radius(person) * (isChosen ? 1 : 0.8);
    const group = svg("g", { class: isChosen ? "person chosen" : "person", "data-person": index });
    skeleton.edges.forEach(([a, b], e) => {
      const [from, to] = [person.keypoints[a], person.keypoints[b]];
      if (from[2] === ABSENT || to[2] === ABSENT) return;
      const isSolid = from[2] === VISIBLE && to[2] === VISIBLE;
      const ends = this.#line(from, to);
      group.append(svg("line", { class: "edge under", ...ends, "stroke-width": radius * 0.62 + 1.6 }));
      const look = `edge ${skeleton.edgeSides[e]} ${isSolid ? "solid" : "faint"}`;
      group.append(svg("line", { class: look, ...ends, "stroke-width": radius * (isSolid ? 0.62 : 0.4) }));
    });
    const doubtful = new Set(isChosen ? store.session?.openDoubts(index).map((doubt) => doubt.keypoint) : []);
    person.keypoints.forEach((point, k) => {
      if (point[2] === ABSENT) return;
      const isPicked = isChosen && k === store.keypoint && store.mode !== "box";
      group.append(this.#point(index, k, radius * (isPicked ? 1.25 : 1), isPicked, doubtful.has(k)));
    });
    return group;
  }

  /** @param {number} person @param {number} k @param {number} radius @param {boolean} isPicked @param {boolean} isDoubtful */
  #point(person, k, radius, isPicked, isDoubtful) {
    const { store } = this;
    const [x, y, v] = /** @type {Person} */ (store.document?.people[person]).keypoints[k];
    const [cx, cy] = this.viewport.toScreen(x, y).map((value) => value.toFixed(2));
    const isHovered = this.hovered.person === person && this.hovered.keypoint === k;
    const look = ["point", store.skeleton.sides[k], v === VISIBLE ? "visible" : "occluded"];
    if (isPicked) look.push("picked");
    const group = svg("g", { class: look.join(" "), "data-keypoint": k, "data-v": v });
    if (isDoubtful) group.append(svg("circle", { class: "halo", cx, cy, r: radius + 6 }));
    if (isPicked || isHovered) group.append(svg("circle", { class: "ring", cx, cy, r: radius + 3.5 }));
    group.append(svg("circle", { class: "rim", cx, cy, r: radius }));
    group.append(svg("circle", { class: "dot", cx, cy, r: radius }));
    return group;
  }

  /**
   * Name the chosen and the hovered point and say why they are doubtful. The others only wear a halo: their reasons
   * would hide the infant.
   *
   * @param {Person} person @returns {SVGElement[]}
   */
  #texts(person) {
    const { store } = this;
    /** @type {Map<number, {name: string, doubt: string}>} the most important first, which gets the best place */
    const texts = new Map();
    const doubts = new Map(store.session?.openDoubts(store.person).map((doubt) => [doubt.keypoint, doubt.text]));
    const named = store.mode === "box" ? [] : [store.keypoint];
    if (this.hovered.person === store.person && this.hovered.keypoint >= 0) named.push(this.hovered.keypoint);
    for (const k of named) texts.set(k, { name: store.skeleton.labels[k], doubt: doubts.get(k) ?? "" });
    /** @type {Rectangle[]} */
    const taken = [];
    return [...texts].flatMap(([k, { name, doubt }]) => {
      const [x, y, v] = person.keypoints[k];
      if (v === ABSENT) return [];
      const at = this.viewport.toScreen(x, y);
      const both = this.#textPlace(at, name.length + doubt.length + (doubt ? 3 : 0), taken);
      const place = both ?? this.#textPlace(at, name.length, taken);
      if (!place) return [];
      taken.push(place.area);
      return [this.#text(place.at, place.anchor, name, both ? doubt : "")];
    });
  }

  /**
   * Find room for a text beside a point.
   *
   * @param {[number, number]} point @param {number} letters @param {Rectangle[]} taken
   */
  #textPlace([x, y], letters, taken) {
    const width = letters * LETTER_PX + 4;
    const { stage } = this.viewport;
    for (const [dx, dy] of [[16, -9], [-16, -9], [16, 20], [-16, 20], [18, 5], [-18, 5]]) {
      const left = dx > 0 ? x + dx : x + dx - width;
      const area = { left, top: y + dy - 13, right: left + width, bottom: y + dy + 4 };
      if (left < 2 || area.right > stage.width - 2 || area.top < 2 || area.bottom > stage.height - 2) continue;
      if (taken.some((other) => overlaps(area, other))) continue;
      return { at: /** @type {[number, number]} */ ([x + dx, y + dy]), anchor: dx > 0 ? "start" : "end", area };
    }
    return null;
  }

  /** @param {[number, number]} at @param {string} anchor @param {string} name @param {string} doubt */
  #text([x, y], anchor, name, doubt) {
    const text = svg("text", { class: "label", x, y, "text-anchor": anchor });
    text.append(svg("tspan", { text: name }));
    if (doubt) text.append(svg("tspan", { class: "doubt", text: ` · ${doubt}` }));
    return text;
  }

  /** @param {[number, number]} cursor image px @returns {SVGElement[]} the point that the next click places */
  #due(cursor) {
    const { skeleton, keypoint } = this.store;
    const [x, y] = this.viewport.toScreen(...cursor);
    const isLeftward = x > this.viewport.stage.width - 130;
    return [
      svg("circle", { class: `due ${skeleton.sides[keypoint]}`, cx: x + (isLeftward ? -15 : 15), cy: y + 20, r: 4 }),
      this.#text([x + (isLeftward ? -24 : 24), y + 25], isLeftward ? "end" : "start", skeleton.labels[keypoint], ""),
    ];
  }

  /** @param {Person} person */
  #box(person) {
    const { store, viewport } = this;
    const [x, y, w, h] = /** @type {number[]} */ (person.bbox);
    const [sx, sy] = viewport.toScreen(x, y);
    const place = { x: sx, y: sy, width: w * viewport.scale, height: h * viewport.scale };
    const isOpen = store.mode === "box";
    const group = svg("g", { class: isOpen ? "box open" : "box" });
    group.append(svg("rect", { class: "under", ...place }), svg("rect", { class: "frame", ...place }));
    if (isOpen) {
      HANDLES.forEach(([u, v], i) => {
        const look = i === store.handle ? "handle picked" : "handle";
        const half = i === store.handle ? 7 : 5.5;
        const [hx, hy] = [sx + u * place.width - half, sy + v * place.height - half];
        group.append(svg("rect", { class: look, "data-handle": i, x: hx, y: hy, width: 2 * half, height: 2 * half, rx: 2 }));
      });
    }
    return group;
  }

  /** @returns {SVGElement[]} the labels that the AI gave, with a line to where they were moved */
  #ghosts() {
    const { store, viewport } = this;
    const first = store.session?.state.first?.document.people ?? [];
    return first.map((person) => {
      const now = store.document?.people.find((other) => other.id === person.id);
      const group = svg("g", { class: "ghost" });
      for (const [a, b] of store.skeleton.edges) {
        const [from, to] = [person.keypoints[a], person.keypoints[b]];
        if (from[2] !== ABSENT && to[2] !== ABSENT) group.append(svg("line", { class: "bone", ...this.#line(from, to) }));
      }
      person.keypoints.forEach((point, k) => {
        if (point[2] === ABSENT) return;
        const other = now?.keypoints[k];
        if (other && other[2] !== ABSENT) group.append(svg("line", { class: "moved", ...this.#line(point, other) }));
        const [cx, cy] = viewport.toScreen(point[0], point[1]);
        group.append(svg("circle", { class: "before", cx, cy, r: 4 }));
      });
      return group;
    });
  }

  /** @param {number[]} from @param {number[]} to */
  #line(from, to) {
    const [x1, y1] = this.viewport.toScreen(from[0], from[1]);
    const [x2, y2] = this.viewport.toScreen(to[0], to[1]);
    return { x1: x1.toFixed(2), y1: y1.toFixed(2), x2: x2.toFixed(2), y2: y2.toFixed(2) };
  }
}

/** @param {Rectangle} a @param {Rectangle} b @returns {boolean} */
function overlaps(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
