/** Where the picture lies on the screen: zoom, pan, and the way between image and screen coordinates. */

/** @import {Box} from "./types.js" */

const MAX_SCALE = 40;

export class Viewport {
  scale = 1;
  x = 0;
  y = 0;
  /** Size of the stage and of the image, px. */
  stage = { width: 1, height: 1 };
  image = { width: 1, height: 1 };

  /** @returns {number} the scale that shows the whole image */
  get wholeScale() {
    return Math.min(this.stage.width / this.image.width, this.stage.height / this.image.height);
  }

  /** @param {number} x @param {number} y @returns {[number, number]} */
  toScreen(x, y) {
    return [x * this.scale + this.x, y * this.scale + this.y];
  }

  /** @param {number} x @param {number} y @returns {[number, number]} */
  toImage(x, y) {
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }

  /** Show a part of the image with some room around it. @param {Box} box @param {number} margin of its longer side */
  fit([x, y, w, h], margin = 0) {
    const room = margin * Math.max(w, h);
    const [width, height] = [Math.max(w + 2 * room, 24), Math.max(h + 2 * room, 24)];
    this.scale = Math.min(this.stage.width / width, this.stage.height / height, MAX_SCALE);
    this.scale = Math.max(this.scale, this.wholeScale);
    this.x = this.stage.width / 2 - (x + w / 2) * this.scale;
    this.y = this.stage.height / 2 - (y + h / 2) * this.scale;
    // Rather more of the picture than the empty ground beside it.
    const settle = (/** @type {number} */ at, /** @type {number} */ room, /** @type {number} */ size) =>
      size <= room ? (room - size) / 2 : Math.min(Math.max(at, room - size), 0);
    this.x = settle(this.x, this.stage.width, this.image.width * this.scale);
    this.y = settle(this.y, this.stage.height, this.image.height * this.scale);
  }

  fitWhole() {
    this.fit([0, 0, this.image.width, this.image.height], 0.01);
  }

  /** Zoom, with a point of the screen staying where it is. @param {number} factor @param {number} x @param {number} y */
  zoomAt(factor, x = this.stage.width / 2, y = this.stage.height / 2) {
    const scale = Math.min(Math.max(this.scale * factor, this.wholeScale * 0.5), MAX_SCALE);
    const change = scale / this.scale;
    this.x = x - (x - this.x) * change;
    this.y = y - (y - this.y) * change;
    this.scale = scale;
    this.#keepInSight();
  }

  /** @param {number} dx @param {number} dy screen px */
  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.#keepInSight();
  }

  /** Bring a point into sight. @param {number} x @param {number} y image px @param {number} room screen px @returns {boolean} it moved */
  reveal(x, y, room = 48) {
    const [sx, sy] = this.toScreen(x, y);
    const { width, height } = this.stage;
    const dx = Math.max(room - sx, 0) + Math.min(width - room - sx, 0);
    const dy = Math.max(room - sy, 0) + Math.min(height - room - sy, 0);
    if (dx || dy) this.pan(dx, dy);
    return Boolean(dx || dy);
  }

  /** Some of the image stays on the stage. */
  #keepInSight() {
    const { stage, image, scale } = this;
    const hold = (/** @type {number} */ at, /** @type {number} */ room, /** @type {number} */ size) => {
      const least = Math.min(room, size) / 3;
      return Math.min(Math.max(at, least - size), room - least);
    };
    this.x = hold(this.x, stage.width, image.width * scale);
    this.y = hold(this.y, stage.height, image.height * scale);
  }
}
