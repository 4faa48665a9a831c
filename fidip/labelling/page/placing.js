/** Placing all points of a new person one after the other, by click or key. */

/** @import {App} from "./app.js" */

import { ABSENT, VISIBLE, labelledCount, withNewPerson, withPoint } from "./document.js";
import { V_NAMES } from "./actions.js";

/** Begin at the first point without a place; with everything placed, with a new person. @param {App} app */
export function startPlacing(app) {
  const { store } = app;
  if (!store.canEdit || !store.document) return;
  app.flush();
  const person = store.chosen;
  const free = person ? person.keypoints.findIndex((point) => point[2] === ABSENT) : 0;
  const isNew = !person || labelledCount(person) === store.skeleton.count;
  if (isNew && person) store.person = store.document.people.length;
  store.keypoint = isNew ? 0 : free;
  store.setMode("place");
}

/** @param {App} app */
export function stopPlacing(app) {
  app.store.setMode("points");
  app.store.select({});
}

/** Place the point that is due and go on to the next. @param {App} app @param {number} x @param {number} y image px @param {0|1|2} v */
export function placeNext(app, x, y, v) {
  const { store, stage } = app;
  const k = store.keypoint;
  let document = store.document;
  if (!document || !store.canEdit) return;
  if (v !== ABSENT) {
    if (!document.people[store.person]) {
      document = withNewPerson(document, store.skeleton.count);
      store.person = document.people.length - 1;
    }
    app.edit(withPoint(document, store.person, k, [x, y, v], stage.viewport.image), `${store.skeleton.names[k]} ${V_NAMES[v]}`);
  } else if (document.people[store.person]?.keypoints[k][2]) {
    app.edit(withPoint(document, store.person, k, [0, 0, ABSENT], stage.viewport.image), `${store.skeleton.names[k]} absent`);
  }
  if (k + 1 < store.skeleton.count) {
    store.keypoint = k + 1;
    store.tell("selection", "mode");
    return;
  }
  stopPlacing(app);
  app.announce("All points are done. A accepts the image");
}

/** Place the point that is due where the mouse is. @param {App} app @param {0|1|2} v */
export function placeAtCursor(app, v) {
  const { cursor } = app.store;
  if (v === ABSENT) placeNext(app, 0, 0, ABSENT);
  else if (cursor) placeNext(app, cursor[0], cursor[1], v);
  else {
    const { stage } = app.stage.viewport;
    const [x, y] = app.stage.viewport.toImage(stage.width / 2, stage.height / 2);
    placeNext(app, x, y, v || VISIBLE);
  }
}

/** Go back to the point before. @param {App} app */
export function placeBefore(app) {
  const { store } = app;
  store.keypoint = Math.max(0, store.keypoint - 1);
  store.tell("selection", "mode");
}
