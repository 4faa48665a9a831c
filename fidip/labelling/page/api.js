/** Talks to the server: one function a call, with the token, a time limit, and errors that say which kind they are. */

/** @import {Edit, ImageState, LabelDocument, Project} from "./types.js" */

const LIMIT_MS = 15_000;

/** The server did not answer, or answered that it cannot just now: try again. */
export class Unreachable extends Error {}

/** The server answered with an error that trying again does not mend. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   * @param {any} body
   */
  constructor(status, detail, body) {
    super(detail);
    this.status = status;
    this.body = body;
  }
}

export class Api {
  /** @param {string} token */
  constructor(token) {
    this.token = token;
  }

  /** @returns {Promise<Project>} */
  project() {
    return this.#call("GET", "/api/project");
  }

  /** @param {number} id @returns {Promise<ImageState>} */
  image(id) {
    return this.#call("GET", `/api/images/${id}`);
  }

  /** @param {Edit} edit @returns {Promise<ImageState>} */
  save(edit) {
    const { image, base, document, action, who } = edit;
    return this.#call("PUT", `/api/images/${image}`, { base_revision: base, document, action, who });
  }

  /** @param {number} id @returns {Promise<{revision: number, action: string, who: string, when: string}[]>} */
  history(id) {
    return this.#call("GET", `/api/images/${id}/history`);
  }

  /** @param {number} id @param {number} revision @returns {Promise<LabelDocument>} */
  revision(id, revision) {
    return this.#call("GET", `/api/images/${id}/revisions/${revision}`);
  }

  /** @param {number} since @returns {Promise<{change: number, images: any[], export_error?: string|null}>} */
  changes(since) {
    return this.#call("GET", `/api/changes?since=${since}`);
  }

  /** @returns {Promise<{path: string, images: number, annotations: number}>} */
  export() {
    return this.#call("POST", "/api/export");
  }

  /**
   * Return the address of a picture, for <img>.
   *
   * @param {number} id
   * @param {{width?: number, overlay?: string}} [options] width: at most so many px wide
   */
  pictureAddress(id, { width, overlay } = {}) {
    const query = new URLSearchParams({ token: this.token });
    if (width) query.set("width", String(width));
    if (overlay) query.set("overlay", overlay);
    return `/api/images/${id}/file?${query}`;
  }

  /** @param {string} method @param {string} path @param {any} [body] */
  async #call(method, path, body) {
    const headers = { "X-Syrip-Token": this.token };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const text = body === undefined ? undefined : JSON.stringify(body);
    let response;
    try {
      response = await fetch(path, {
        method,
        headers,
        body: text,
        // A save that is on its way when the tab closes still arrives; browsers allow that up to 64 kB.
        keepalive: method === "PUT" && text !== undefined && text.length < 60_000,
        signal: AbortSignal.timeout(LIMIT_MS),
      });
    } catch (error) {
      throw new Unreachable(String(error));
    }
    const data = await response.json().catch(() => null);
    if (response.ok && data !== null) return data;
    if (response.ok || response.status >= 500 || response.status === 429) {
      throw new Unreachable(detailOf(data) || `the server answered ${response.status}`);
    }
    throw new Refused(response.status, detailOf(data) || `the server answered ${response.status}`, data);
  }
}

/** @param {any} data @returns {string} */
function detailOf(data) {
  const detail = data?.detail;
  if (typeof detail === "string") return detail;
  return detail === undefined ? "" : JSON.stringify(detail).slice(0, 300);
}
