/** Asks for the project, its first image and that one's picture while the rest of the page is still being fetched. */

/** @import {Entry, Project} from "./types.js" */

import { Api } from "./api.js";
import { Pictures } from "./pictures.js";

export const api = new Api(new URLSearchParams(location.search).get("token") ?? "");
export const pictures = new Pictures(api);
export const project = api.project();
/** The image to begin with, on its way; null where the project has none. */
export const first = project.then((found) => {
  const entry = firstEntry(found);
  if (!entry) return null;
  const state = api.image(entry.id);
  state.then((image) => (entry.state === "ok" ? pictures.load(image) : null)).catch(() => {}); // told when it is opened
  return { id: entry.id, state };
});
for (const promise of [project, first]) promise.catch(() => {}); // main.js says what went wrong

/** @param {Project} project @returns {Entry|undefined} the image that the address names, else the first to review */
function firstEntry({ images }) {
  const wanted = location.hash.slice(1);
  return (
    images.find((entry) => String(entry.id) === wanted) ??
    images.find((entry) => entry.status === "unreviewed" && entry.state === "ok") ??
    images[0]
  );
}
