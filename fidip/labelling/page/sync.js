/** Asks the server every few seconds what changed: other tabs, other people, new files. */

/** @import {App} from "./app.js" */
/** @import {Bar} from "./bar.js" */
/** @import {Dialogs} from "./dialogs.js" */

import { Refused, Unreachable } from "./api.js";

const EVERY_MS = 3000;

export class Sync {
  /** @param {App} app @param {Bar} bar @param {Dialogs} dialogs */
  constructor(app, bar, dialogs) {
    this.app = app;
    this.bar = bar;
    this.dialogs = dialogs;
    this.wasLockedOut = false;
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.ask());
    setInterval(() => this.ask(), EVERY_MS);
  }

  async ask() {
    const { app, bar } = this;
    const { store, outbox, api } = app;
    try {
      const { change, images, export_error: exportError } = await api.changes(store.change);
      store.change = change;
      bar.exportError = exportError ?? "";
      if (!bar.online || outbox.trouble === "offline") outbox.wake();
      this.#setOnline(true);
      // What this page just sent comes back as news too: it knows it already.
      await app.learn(images.filter(({ id }) => !outbox.pending(id).length));
      await outbox.adopt();
    } catch (error) {
      if (error instanceof Unreachable) this.#setOnline(false);
      else if (error instanceof Refused && [401, 403].includes(error.status)) this.#lockedOut();
      else throw error;
    }
  }

  /** @param {boolean} online */
  #setOnline(online) {
    if (this.bar.online !== online) this.app.announce(online ? "The server is back" : "The server does not answer");
    this.bar.online = online;
    this.wasLockedOut = false;
    this.bar.drawSaving();
  }

  #lockedOut() {
    this.app.outbox.trouble = "forbidden";
    this.bar.drawSaving();
    if (!this.wasLockedOut) this.dialogs.lockedOut();
    this.wasLockedOut = true;
  }
}
