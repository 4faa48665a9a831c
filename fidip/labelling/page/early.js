/** Asks for the project while the rest of the page is still being fetched. */

import { Api } from "./api.js";

export const api = new Api(new URLSearchParams(location.search).get("token") ?? "");
export const project = api.project();
project.catch(() => {}); // main.js says what went wrong
