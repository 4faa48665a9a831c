/** What a person sets for this browser: light or dark, brightness, zoom, name. */

/** @import {App} from "./app.js" */

import { byId } from "./dom.js";

const THEME = "syrip-theme";
const WHO = "syrip-who";
const WHOLE = "syrip-whole-picture";
const THUMBS = "syrip-small-pictures";

/** Follow the system, or what was chosen before. */
export function setTheme() {
  const chosen = localStorage.getItem(THEME);
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}

function toggleTheme() {
  const { dataset } = document.documentElement;
  const isDark = dataset.theme ? dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem(THEME, dataset.theme);
}

/** @param {App} app */
export function connectSettings(app) {
  const { store, stage } = app;
  for (const id of ["theme", "theme-narrow"]) byId(id).addEventListener("click", toggleTheme);
  const brightness = byId("brightness");
  brightness.addEventListener("input", () => {
    store.brightness = Number(brightness.value);
    stage.refresh();
  });
  const zoomsIn = byId("zooms-in");
  app.zoomsIn = localStorage.getItem(WHOLE) !== "yes";
  zoomsIn.checked = app.zoomsIn;
  zoomsIn.addEventListener("change", () => {
    app.zoomsIn = zoomsIn.checked;
    localStorage.setItem(WHOLE, app.zoomsIn ? "no" : "yes");
    if (app.zoomsIn) stage.fitPerson();
    else stage.fitWhole();
  });
  const showsThumbs = byId("shows-thumbs");
  store.showThumbs = localStorage.getItem(THUMBS) !== "no";
  showsThumbs.checked = store.showThumbs;
  store.tell("list");
  showsThumbs.addEventListener("change", () => {
    store.showThumbs = showsThumbs.checked;
    localStorage.setItem(THUMBS, store.showThumbs ? "yes" : "no");
    store.tell("list");
  });
  const who = byId("who");
  store.who = localStorage.getItem(WHO) || store.who;
  who.value = store.who;
  who.addEventListener("change", () => {
    // The server refuses names with signs that do not show; they come with text from elsewhere.
    const name = who.value.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "").trim();
    store.who = name || store.project.who;
    localStorage.setItem(WHO, name);
    who.value = store.who;
  });
  const opacity = byId("mesh-opacity");
  opacity.addEventListener("input", () => {
    store.overlayOpacity = Number(opacity.value);
    stage.refresh();
  });
  store.on(["session", "look"], () => {
    byId("mesh-tools").hidden = !store.isReview || !store.session?.state.overlays.length;
  });
}
