"use strict";

/**
 * @typedef {Engine.Point} Point  x, y in px of the 280 x 280 canvas, y down
 * @typedef {Engine.Stroke} Stroke
 * @typedef {{strokes: Stroke[], picture: Picture | null}} Content  what is on the canvas: ink, or a picture
 */

(() => {
  const mnistlab = (globalThis.mnistlab ??= {});

  const CANVAS = 280; // px along an edge
  const PEN_WIDTH = 20; // px
  const MAX_POINTS = 20_000; // in one drawing, as in Python

  /** What was drawn or loaded, and all that was there before it. */
  class Drawing {
    /** @type {Content[]} */
    #states = [{ strokes: [], picture: null }];
    #at = 0;
    #points = 0;
    #open = false;

    /** @returns {Content} */
    get now() {
      return this.#states[this.#at];
    }

    get isEmpty() {
      return !this.now.picture && !this.now.strokes.length;
    }

    get isOpen() {
      return this.#open;
    }

    get canUndo() {
      return this.#at > 0;
    }

    get canRedo() {
      return this.#at < this.#states.length - 1;
    }

    /** Put the pen down; false if there is no room for more ink. @param {number} x @param {number} y */
    press(x, y) {
      this.release();
      this.#points = this.now.strokes.reduce((sum, stroke) => sum + stroke.length, 0);
      if (this.#points >= MAX_POINTS) return false;
      this.#push({ strokes: [...this.now.strokes, [point(x, y)]], picture: null });
      this.#points += 1;
      this.#open = true;
      return true;
    }

    /** Move the pen; true if that left ink. @param {number} x @param {number} y */
    move(x, y) {
      const stroke = this.now.strokes.at(-1);
      if (!this.#open || !stroke || this.#points >= MAX_POINTS) return false;
      const [next, last] = [point(x, y), stroke[stroke.length - 1]];
      if (next[0] === last[0] && next[1] === last[1]) return false;
      stroke.push(next);
      this.#points += 1;
      return true;
    }

    /** Lift the pen; true if it was down. */
    release() {
      const wasOpen = this.#open;
      this.#open = false;
      return wasOpen;
    }

    undo() {
      this.release();
      this.#at = Math.max(0, this.#at - 1);
    }

    redo() {
      this.release();
      this.#at = Math.min(this.#states.length - 1, this.#at + 1);
    }

    /** An empty canvas; it can be undone. */
    clear() {
      this.release();
      if (!this.isEmpty) this.#push({ strokes: [], picture: null });
    }

    /** @param {Picture} picture */
    load(picture) {
      this.release();
      this.#push({ strokes: [], picture });
    }

    /** @param {Content} content */
    #push(content) {
      this.#at += 1;
      this.#states.splice(this.#at, Infinity, content);
    }
  }

  /**
   * To a hundredth of a px, so that drawings stay short when they are sent.
   * @param {number} x @param {number} y @returns {Point}
   */
  const point = (x, y) => [Math.round(100 * x) / 100, Math.round(100 * y) / 100];

  mnistlab.drawing = Object.freeze({ Drawing, CANVAS, PEN_WIDTH, MAX_POINTS });
})();
