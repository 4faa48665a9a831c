/** Pure functions on a label document: each returns a changed copy and leaves what it was given alone. */

/** @import {Box, LabelDocument, Person, Point} from "./types.js" */

export const ABSENT = 0;
export const OCCLUDED = 1;
export const VISIBLE = 2;

/** @param {number} value @returns {number} rounded to 0.001 px, as in the files */
const rounded = (value) => Math.round(value * 1000) / 1000;

/** @param {LabelDocument} document @param {number} index @param {(person: Person) => Person} change */
export function withPerson(document, index, change) {
  const people = document.people.map((person, i) => (i === index ? change(structuredClone(person)) : person));
  return { ...document, people };
}

/**
 * Return the document with one point placed, inside the picture.
 *
 * @param {LabelDocument} document
 * @param {number} index of the person
 * @param {number} k
 * @param {Point} point
 * @param {{width: number, height: number}} picture
 */
export function withPoint(document, index, k, point, picture) {
  return withPerson(document, index, (person) => {
    person.keypoints[k] = clamped(point, picture);
    return person;
  });
}

/** @param {Point} point @param {{width: number, height: number}} picture @returns {Point} */
export function clamped([x, y, v], { width, height }) {
  if (v === ABSENT) return [0, 0, 0];
  return [rounded(Math.min(Math.max(x, 0), width)), rounded(Math.min(Math.max(y, 0), height)), v];
}

/** @param {LabelDocument} document @param {number} index @param {[number, number][]} pairs to exchange */
export function withSwapped(document, index, pairs) {
  return withPerson(document, index, (person) => {
    for (const [a, b] of pairs) {
      [person.keypoints[a], person.keypoints[b]] = [person.keypoints[b], person.keypoints[a]];
    }
    return person;
  });
}

/** @param {LabelDocument} document @param {number} index @param {Box|null} box @param {{width: number, height: number}} picture */
export function withBox(document, index, box, { width, height }) {
  return withPerson(document, index, (person) => {
    if (box === null) return { ...person, bbox: null };
    const x0 = Math.min(Math.max(Math.min(box[0], box[0] + box[2]), 0), width - 1);
    const y0 = Math.min(Math.max(Math.min(box[1], box[1] + box[3]), 0), height - 1);
    const x1 = Math.min(Math.max(box[0], box[0] + box[2], x0 + 1), width);
    const y1 = Math.min(Math.max(box[1], box[1] + box[3], y0 + 1), height);
    return { ...person, bbox: [rounded(x0), rounded(y0), rounded(x1 - x0), rounded(y1 - y0)] };
  });
}

/** @param {LabelDocument} document @param {number} count of keypoints @returns {LabelDocument} with one more person */
export function withNewPerson(document, count) {
  const id = 1 + Math.max(0, ...document.people.map((person) => person.id));
  const keypoints = Array.from({ length: count }, () => /** @type {Point} */ ([0, 0, 0]));
  return { ...document, people: [...document.people, { id, keypoints, bbox: null, posture: null, score: null }] };
}

/** @param {LabelDocument} document @param {number} index */
export function withoutPerson(document, index) {
  return { ...document, people: document.people.filter((_, i) => i !== index) };
}

/** @param {LabelDocument} document @param {LabelDocument["status"]} status @param {string[]} reasons @param {string} note */
export function withStatus(document, status, reasons = [], note = document.note) {
  return { ...document, status, reasons, note };
}

/** @param {Person|undefined} person @returns {number} of labelled points */
export function labelledCount(person) {
  return person ? person.keypoints.filter((point) => point[2] !== ABSENT).length : 0;
}

/**
 * Return the smallest box around the labelled points, or the person's box where that is all there is.
 *
 * @param {Person} person
 * @param {boolean} [withBbox] take the box into account as well
 * @returns {Box|null}
 */
export function extent(person, withBbox = false) {
  const points = person.keypoints.filter((point) => point[2] !== ABSENT);
  const xs = points.map((point) => point[0]);
  const ys = points.map((point) => point[1]);
  if (person.bbox && (withBbox || !points.length)) {
    const [x, y, w, h] = person.bbox;
    xs.push(x, x + w);
    ys.push(y, y + h);
  }
  if (!xs.length) return null;
  const [x0, y0] = [Math.min(...xs), Math.min(...ys)];
  return [x0, y0, Math.max(...xs) - x0, Math.max(...ys) - y0];
}

/** @param {Point|undefined} a @param {Point|undefined} b @returns {boolean} */
export function samePoint(a, b) {
  if (!a || !b) return a === b;
  if (a[2] !== b[2]) return false;
  return a[2] === ABSENT || (Math.abs(a[0] - b[0]) < 0.01 && Math.abs(a[1] - b[1]) < 0.01);
}

/** @param {LabelDocument} a @param {LabelDocument} b @returns {boolean} they say the same, rounding aside */
export function sameDocument(a, b) {
  const rest = (/** @type {LabelDocument} */ d) =>
    JSON.stringify([d.status, d.reasons ?? [], d.note ?? "", d.people.map((p) => [p.id, p.posture ?? null])]);
  if (rest(a) !== rest(b)) return false;
  return a.people.every((person, i) => {
    const other = b.people[i];
    const [boxA, boxB] = [person.bbox ?? [], other.bbox ?? []];
    return (
      boxA.length === boxB.length &&
      boxA.every((value, j) => Math.abs(value - boxB[j]) < 0.01) &&
      person.keypoints.every((point, k) => samePoint(point, other.keypoints[k]))
    );
  });
}
