/** A magnifier beside the finger, which hides what it points at. */

/** @import {Stage} from "./stage.js" */

import { byId } from "./dom.js";

const SIZE = 132;
const GAP = 34;
const ZOOM = 2.4;

export class Loupe {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    /** @type {HTMLCanvasElement} */
    this.canvas = byId("loupe");
  }

  hide() {
    this.canvas.hidden = true;
  }

  /**
   * Show what lies under a point.
   *
   * @param {number} fingerX
   * @param {number} fingerY  screen px on the stage: the glass keeps clear of it
   * @param {[number, number]} at  image px: what it shows
   * @param {string} color of the cross
   */
  show(fingerX, fingerY, at, color) {
    const { viewport, picture } = this.stage;
    const { canvas } = this;
    const pixels = SIZE * devicePixelRatio;
    if (canvas.width !== pixels) canvas.width = canvas.height = pixels;
    canvas.hidden = false;
    const above = fingerY - SIZE - GAP;
    const x = Math.min(Math.max(fingerX - SIZE / 2, 4), viewport.stage.width - SIZE - 4);
    const aside = fingerX > viewport.stage.width / 2 ? fingerX - SIZE - GAP : fingerX + GAP;
    canvas.style.transform = above >= 4 ? `translate(${x}px, ${above}px)` : `translate(${aside}px, 4px)`;
    this.#draw(at, color, picture?.canvas ?? null);
  }

  /** @param {[number, number]} at @param {string} color @param {HTMLCanvasElement|null} source */
  #draw([x, y], color, source) {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const { width } = this.canvas;
    const { viewport } = this.stage;
    context.fillStyle = "#222";
    context.fillRect(0, 0, width, width);
    if (source) {
      const part = SIZE / (viewport.scale * ZOOM);
      const [kx, ky] = [source.width / viewport.image.width, source.height / viewport.image.height];
      context.drawImage(source, (x - part / 2) * kx, (y - part / 2) * ky, part * kx, part * ky, 0, 0, width, width);
    }
    const middle = width / 2;
    for (const [style, thickness] of /** @type {[string, number][]} */ ([["rgba(0,0,0,0.55)", 4], [color, 2]])) {
      context.strokeStyle = style;
      context.lineWidth = thickness * devicePixelRatio;
      context.beginPath();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(middle + dx * width * 0.06, middle + dy * width * 0.06);
        context.lineTo(middle + dx * width * 0.3, middle + dy * width * 0.3);
      }
      context.stroke();
    }
  }
}
