/** What the page needs to know of a keypoint schema: names to read, sides, limbs, neighbours. */

/** @import {Person} from "./types.js" */

const LIMBS = {
  arm: ["shoulder", "elbow", "wrist", "hand"],
  leg: ["hip", "knee", "ankle", "foot", "heel", "toe"],
  face: ["eye", "ear"],
};

export class Skeleton {
  /** @param {{keypoints: string[], skeleton: [number, number][], flip_pairs: [number, number][]}} schema */
  constructor(schema) {
    this.names = schema.keypoints;
    this.edges = schema.skeleton;
    this.pairs = schema.flip_pairs;
    this.labels = this.names.map((name) => name.replaceAll("_", " "));
    this.sides = this.names.map((name) => (/^(left|right)_/.exec(name)?.[1] ?? "centre"));
    this.edgeSides = this.edges.map(([a, b]) => {
      const sides = new Set([this.sides[a], this.sides[b]].filter((side) => side !== "centre"));
      return sides.size === 1 ? [...sides][0] : "centre";
    });
    this.neighbours = this.names.map((_, k) =>
      this.edges.filter((edge) => edge.includes(k)).map(([a, b]) => (a === k ? b : a)),
    );
  }

  /** @returns {number} how many keypoints */
  get count() {
    return this.names.length;
  }

  /** @param {number} k @returns {string|null} arm, leg, face, or null for a point in the middle */
  limbOf(k) {
    if (this.sides[k] === "centre") return null;
    const part = this.names[k].replace(/^(left|right)_/, "");
    const found = Object.entries(LIMBS).find(([, words]) => words.some((word) => part.includes(word)));
    return found ? found[0] : part;
  }

  /** @param {number} k @returns {[number, number][]} the pairs of the limb that a point is part of */
  limbPairs(k) {
    const limb = this.limbOf(k);
    return limb === null ? [] : this.pairs.filter(([a]) => this.limbOf(a) === limb);
  }

  /**
   * Guess where a point that nobody placed could be: the middle of its labelled neighbours, or of all labelled points.
   *
   * @param {Person} person
   * @param {number} k
   * @returns {[number, number]|null}
   */
  guess(person, k) {
    const labelled = (/** @type {number[]} */ which) =>
      which.map((i) => person.keypoints[i]).filter((point) => point[2] > 0);
    const near = labelled(this.neighbours[k]);
    const points = near.length ? near : labelled(this.names.map((_, i) => i));
    if (!points.length) return null;
    const mean = (/** @type {0|1} */ axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
    // A little aside, so that it does not lie on the point that it was guessed from.
    const aside = this.sides[k] === "left" ? 12 : this.sides[k] === "right" ? -12 : 0;
    return [mean(0) + aside, mean(1) + 12];
  }
}
