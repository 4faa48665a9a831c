/** What keys and buttons do to the labels of the open image. */

/** @import {App} from "./app.js" */
/** @import {Box, LabelDocument} from "./types.js" */

import {
  ABSENT, OCCLUDED, VISIBLE, extent, withBox, withNewPerson, withPerson, withPoint, withStatus, withSwapped, withoutPerson,
} from "./document.js";
import { isOpenDoubt } from "./ahead.js";
import { firstOpenDoubt } from "./app.js";

export const V_NAMES = { [ABSENT]: "absent", [OCCLUDED]: "occluded", [VISIBLE]: "visible" };
const SETTLE_MS = 600;
const BOX_MARGIN = 0.08;

let settling = 0;

/** Finish a row of small moves a little after the last of them. @param {App} app */
function settleSoon(app) {
  clearTimeout(settling);
  settling = setTimeout(() => app.flush(), SETTLE_MS);
}

/** Move the chosen point, or in box mode the chosen handle. @param {App} app @param {number} dx @param {number} dy image px */
export function nudge(app, dx, dy) {
  const { store } = app;
  if (store.mode === "box") return nudgeBox(app, dx, dy);
  const { point, document } = store;
  if (!store.canEdit || !document || !point) return undefined;
  if (point[2] === ABSENT) return app.announce(`${name(app)} is absent: press 2 or 1 to place it`);
  const [x, y, v] = point;
  app.preview(withPoint(document, store.person, store.keypoint, [x + dx, y + dy, v], picture(app)), `move ${rawName(app)}`);
  app.stage.viewport.reveal(x + dx, y + dy);
  return settleSoon(app);
}

/** Say whether the chosen point is visible, occluded or absent; one that was absent is placed. @param {App} app @param {0|1|2} v */
export function setVisibility(app, v) {
  const { store } = app;
  if (!store.canEdit || !store.document) return;
  app.flush();
  if (!store.document.people.length) {
    if (v === ABSENT) return;
    addPerson(app);
  }
  const [x, y, before] = store.point ?? [0, 0, ABSENT];
  if (v === before) {
    store.session?.checked.add(`${store.chosen?.id} ${store.keypoint}`);
    store.tell("document", "selection");
    return;
  }
  const at = before === ABSENT && v !== ABSENT ? placeFor(app) : [x, y];
  putPoint(app, [at[0], at[1], v]);
}

/** Put the chosen point where the mouse is. @param {App} app */
export function putAtCursor(app) {
  const { cursor, point } = app.store;
  if (cursor) putPoint(app, [cursor[0], cursor[1], point?.[2] || VISIBLE]);
  else app.announce("Hold the mouse over the picture first");
}

/** Place the chosen point. @param {App} app @param {import("./types.js").Point} point */
export function putPoint(app, point) {
  const { store } = app;
  if (!store.canEdit || !store.document || !store.chosen) return;
  const next = withPoint(store.document, store.person, store.keypoint, point, picture(app));
  app.edit(next, `${rawName(app)} ${V_NAMES[point[2]]}`);
}

/** @param {App} app @returns {number[]} where a point goes that has no place yet: the mouse, a guess, the middle of what is seen */
function placeFor(app) {
  const { store, stage } = app;
  const guess = store.chosen && store.skeleton.guess(store.chosen, store.keypoint);
  const { width, height } = stage.viewport.stage;
  return store.cursor ?? guess ?? stage.viewport.toImage(width / 2, height / 2);
}

/** Exchange left and right, of the chosen point's limb or of the whole body. @param {App} app @param {boolean} isWholeBody */
export function swapSides(app, isWholeBody) {
  const { store } = app;
  if (!store.canEdit || !store.document || !store.chosen) return;
  const { skeleton } = store;
  const pairs = isWholeBody ? skeleton.pairs : skeleton.limbPairs(store.keypoint);
  if (!pairs.length) return app.announce(`${name(app)} has no left and right`);
  const part = isWholeBody ? "body" : skeleton.limbOf(store.keypoint);
  app.edit(withSwapped(store.document, store.person, pairs), `swap ${part}`);
  app.announce(`Left and right exchanged: ${part}`);
}

/** Go to the next point, round and round. @param {App} app @param {1|-1} step */
export function stepPoint(app, step) {
  app.flush();
  app.store.select({ keypoint: app.store.keypoint + step });
  reveal(app);
}

/** @param {App} app @param {number} person @param {number} keypoint */
export function choosePoint(app, person, keypoint) {
  app.flush();
  app.store.select({ person, keypoint });
}

/** Bring the chosen point into sight. @param {App} app */
export function reveal(app) {
  const { point } = app.store;
  if (point && point[2] !== ABSENT && app.stage.viewport.reveal(point[0], point[1])) app.stage.refresh();
}

/** @param {App} app @param {1|-1} step */
export function stepImage(app, step) {
  const entry = app.store.neighbour(step);
  if (entry) app.open(entry.id);
  else app.announce(step > 0 ? "This is the last image of the list" : "This is the first image of the list");
}

/** Go to the next doubtful point, in this image or the next one that has some. @param {App} app */
export function nextDoubt(app) {
  app.flush();
  const { store } = app;
  const { session } = store;
  if (session) {
    const here = store.person * store.skeleton.count + store.keypoint;
    const doubts = (session.document.people ?? []).flatMap((_, person) =>
      session.openDoubts(person).filter((doubt) => doubt.keypoint !== null)
        .map((doubt) => ({ person, keypoint: Number(doubt.keypoint) })));
    const order = (/** @type {{person: number, keypoint: number}} */ d) => d.person * store.skeleton.count + d.keypoint;
    const next = doubts.sort((a, b) => order(a) - order(b)).find((doubt) => order(doubt) > here);
    if (next) {
      store.select(next);
      return reveal(app);
    }
  }
  const entry = store.neighbour(1, isOpenDoubt);
  if (entry) return app.open(entry.id, { firstDoubt: true });
  const isLeft = session && firstOpenDoubt(session);
  return app.announce(isLeft ? "No doubtful image after this one" : "Nothing doubtful is left after this image");
}

/** Accept the image and go on. @param {App} app */
export function accept(app) {
  setStatus(app, "reviewed", [], "accept");
}

/** @param {App} app @param {string[]} reasons @param {string} [note] */
export function reject(app, reasons, note) {
  setStatus(app, "rejected", reasons, "reject", note);
}

/** Take acceptance or rejection back and stay. @param {App} app */
export function unreview(app) {
  const { document } = app.store;
  if (!document || document.status === "unreviewed") return;
  app.edit(withStatus(document, "unreviewed"), "unreview");
  app.announce("Not reviewed again");
}

/** @param {App} app @param {"reviewed"|"rejected"} status @param {string[]} reasons @param {string} action @param {string} [note] */
function setStatus(app, status, reasons, action, note) {
  app.flush();
  const { document, session } = app.store;
  if (!document || !session) return;
  if (status === "reviewed" && !app.store.canAccept) {
    app.announce("A picture that cannot be shown cannot be accepted; R rejects it");
    return;
  }
  if (!app.stage.picture && status === "reviewed") {
    app.announce("The picture is not here yet");
    return;
  }
  const next = app.store.neighbour(1);
  app.edit(withStatus(document, status, reasons, note ?? document.note), action);
  app.announce(status === "reviewed" ? "Accepted" : `Rejected: ${reasons.join(", ") || "no reason"}`);
  if (next) app.open(next.id);
}

/** @param {App} app */
export function addPerson(app) {
  const { store } = app;
  if (!store.canEdit || !store.document) return;
  const document = withNewPerson(store.document, store.skeleton.count);
  app.edit(document, "add person");
  store.select({ person: document.people.length - 1, keypoint: 0 });
}

/** @param {App} app */
export function removePerson(app) {
  const { store } = app;
  if (!store.canEdit || !store.document || !store.chosen) return;
  app.edit(withoutPerson(store.document, store.person), "remove person");
  app.announce("Person removed. Z brings it back");
}

/** @param {App} app @param {1|-1} step */
export function stepPerson(app, step) {
  const count = app.store.document?.people.length ?? 0;
  if (count < 2) return app.announce(count ? "There is one person" : "There is nobody yet");
  app.flush();
  app.store.select({ person: (app.store.person + step + count) % count });
  return app.zoomsIn && app.stage.fitPerson();
}

/** @param {App} app @param {string|null} posture */
export function setPosture(app, posture) {
  const { store } = app;
  if (!store.canEdit || !store.document || !store.chosen) return;
  app.edit(withPerson(store.document, store.person, (person) => ({ ...person, posture })), "posture");
}

/** Open or close box editing; a person without a box gets one around its points. @param {App} app */
export function toggleBox(app) {
  const { store } = app;
  app.flush();
  if (store.mode === "box") return store.setMode("points");
  if (!store.canEdit || !store.chosen) return app.announce("There is nobody to draw a box around");
  if (!store.chosen.bbox) boxAroundPoints(app);
  if (!store.chosen.bbox) return app.announce("Place a point first");
  return store.setMode("box");
}

/** @param {App} app */
export function boxAroundPoints(app) {
  const { store } = app;
  const tight = store.chosen && extent(store.chosen);
  if (!store.canEdit || !store.document || !tight) return;
  const room = BOX_MARGIN * Math.max(tight[2], tight[3]);
  const box = /** @type {Box} */ ([tight[0] - room, tight[1] - room, tight[2] + 2 * room, tight[3] + 2 * room]);
  app.edit(withBox(store.document, store.person, box, picture(app)), "box");
}

/** Move one handle of the box. @param {App} app @param {number} dx @param {number} dy image px */
function nudgeBox(app, dx, dy) {
  const box = app.store.chosen?.bbox;
  if (!box) return;
  app.preview(movedHandle(app, box, app.store.handle, dx, dy), "box");
  settleSoon(app);
}

/** @param {App} app @param {Box} box @param {number} handle 0 to 7, 8: all of the box @param {number} dx @param {number} dy @returns {LabelDocument} */
export function movedHandle(app, [x, y, w, h], handle, dx, dy) {
  let [x0, y0, x1, y1] = [x, y, x + w, y + h];
  if ([0, 6, 7, 8].includes(handle)) x0 += dx;
  if ([2, 3, 4, 8].includes(handle)) x1 += dx;
  if ([0, 1, 2, 8].includes(handle)) y0 += dy;
  if ([4, 5, 6, 8].includes(handle)) y1 += dy;
  const box = /** @type {Box} */ ([Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0)]);
  return withBox(/** @type {LabelDocument} */ (app.store.document), app.store.person, box, picture(app));
}

/** @param {App} app */
const picture = (app) => app.stage.viewport.image;
/** @param {App} app */
const name = (app) => app.store.skeleton.labels[app.store.keypoint];
/** @param {App} app */
const rawName = (app) => app.store.skeleton.names[app.store.keypoint];
