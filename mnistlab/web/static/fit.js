"use strict";

/**
 * Ink of any size as a centred 28 x 28 digit: what `mnistlab/data/preprocess.py` does, byte for byte.
 *
 * Scaling follows the rules of Pillow's `resize` (MIT-CMU licence), so that the page reads the very pixels that Python reads:
 * weights as whole numbers of 22 bits, two passes, and a whole grey in between.
 *
 * Convention: ink is a Uint8Array, row by row, 0 paper, 255 ink.
 */
(() => {
  /** @type {Engine.Parts} */
  const mnistlab = (globalThis.mnistlab ??= {});

  const SIDE = 28; // px along one edge of what a network reads
  const BOX = 20; // px of the longer side of a digit within it
  const CENTRE = 14; // where the centre of mass goes
  const BITS = 22; // of a weight
  const HALF = 2 ** (BITS - 1);

  /** @type {Engine.Filter} The mean of what lies under a pixel. */
  const box = { reach: 0.5, at: (x) => Number(x > -0.5 && x <= 0.5) };
  /** @type {Engine.Filter} */
  const lanczos = { reach: 3, at: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) };
  const sinc = (/** @type {number} */ x) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

  /** To a whole number, halves to the even one, as Python rounds. @param {number} x */
  function roundHalfEven(x) {
    const low = Math.floor(x);
    const rest = x - low;
    return rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
  }

  /**
   * Rows and columns from the first to the last that hold ink; null if none do.
   * @param {Uint8Array} ink @param {number} height @param {number} width
   * @returns {Engine.Bounds | null}
   */
  function bounds(ink, height, width) {
    let [top, bottom, left, right] = [-1, -1, width, -1];
    for (let y = 0; y < height; y += 1) {
      const [start, end] = [y * width, (y + 1) * width];
      let first = start;
      while (first < end && ink[first] === 0) first += 1;
      if (first === end) continue;
      let last = end - 1;
      while (ink[last] === 0) last -= 1;
      if (top < 0) top = y;
      bottom = y;
      left = Math.min(left, first - start);
      right = Math.max(right, last - start);
    }
    if (top < 0) return null;
    return { top, left, height: bottom - top + 1, width: right - left + 1 };
  }

  /** A part of the ink. @param {Uint8Array} ink @param {number} width of all of it @param {Engine.Bounds} part */
  function crop(ink, width, { top, left, height, width: across }) {
    const cropped = new Uint8Array(height * across);
    for (let y = 0; y < height; y += 1) {
      const start = (top + y) * width + left;
      cropped.set(ink.subarray(start, start + across), y * across);
    }
    return cropped;
  }

  /**
   * What each of `to` pixels is made of: the first of `from` pixels, and the weights of that one and of those after it.
   * @param {number} from @param {number} to @param {Engine.Filter} filter
   * @returns {{first: number, weights: Int32Array}[]}
   */
  function weigh(from, to, filter) {
    const scale = from / to;
    const stretch = Math.max(scale, 1);
    const reach = filter.reach * stretch;
    const parts = [];
    for (let pixel = 0; pixel < to; pixel += 1) {
      const middle = (pixel + 0.5) * scale;
      const first = Math.max(0, Math.trunc(middle - reach + 0.5));
      const shares = new Float64Array(Math.min(from, Math.trunc(middle + reach + 0.5)) - first);
      let sum = 0;
      for (let k = 0; k < shares.length; k += 1) sum += shares[k] = filter.at((k + first - middle + 0.5) * (1 / stretch));
      const weights = new Int32Array(shares.length);
      for (let k = 0; k < shares.length; k += 1) weights[k] = (shares[k] / sum) * 2 ** BITS + (shares[k] < 0 ? -0.5 : 0.5);
      parts.push({ first, weights }); // cut to whole numbers, as an Int32Array does
    }
    return parts;
  }

  /**
   * One pass: every line of `from` pixels becomes one of `to` pixels.
   * @param {Uint8Array} ink @param {number} lines @param {number} from @param {number} to
   * @param {boolean} across the lines are rows, else columns
   * @param {Engine.Filter} filter
   */
  function pass(ink, lines, from, to, across, filter) {
    const made = new Uint8Array(lines * to);
    const [step, between, wide, apart] = across ? [1, from, 1, to] : [lines, 1, lines, 1];
    weigh(from, to, filter).forEach(({ first, weights }, pixel) => {
      for (let line = 0; line < lines; line += 1) {
        let sum = HALF;
        for (let k = 0, at = line * between + first * step; k < weights.length; k += 1, at += step) {
          sum = (sum + Math.imul(ink[at], weights[k])) | 0;
        }
        made[line * apart + pixel * wide] = Math.min(255, Math.max(0, sum >> BITS));
      }
    });
    return made;
  }

  /** @param {Uint8Array} ink @param {Engine.Size} from @param {Engine.Size} to @param {Engine.Filter} filter */
  function resize(ink, from, to, filter) {
    const across = (/** @type {Uint8Array} */ pixels, /** @type {number} */ rows) =>
      from.width === to.width ? pixels : pass(pixels, rows, from.width, to.width, true, filter);
    const down = (/** @type {Uint8Array} */ pixels, /** @type {number} */ columns) =>
      from.height === to.height ? pixels : pass(pixels, columns, from.height, to.height, false, filter);
    // Pillow 13 takes the columns first where a tall picture shrinks; it never does below 40 px of some sizes: one grey apart.
    const columnsFirst = filter === box && from.height > 2 * from.width;
    return columnsFirst ? across(down(ink, from.width), to.height) : down(across(ink, from.height), to.width);
  }

  /**
   * The whole picture with its longer side 20 px: by area, or by Lanczos if it has to grow.
   * @param {Uint8Array} ink @param {Engine.Size} size
   * @returns {Engine.Small}
   */
  function shrink(ink, { height, width }) {
    const scale = BOX / Math.max(height, width);
    if (scale === 1) return { ink, height, width };
    const [tall, wide] = [height, width].map((side) => Math.max(1, roundHalfEven(side * scale)));
    const to = { height: tall, width: wide };
    return { ink: resize(ink, { height, width }, to, scale < 1 ? box : lanczos), ...to };
  }

  /**
   * Row and column of 28 x 28 at which a small picture begins when its centre of mass is in the middle.
   * @param {Engine.Small} small
   */
  function centre({ ink, height, width }) {
    let [mass, rows, columns] = [0, 0, 0];
    for (let y = 0, at = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1, at += 1) {
        mass += ink[at];
        rows += ink[at] * y;
        columns += ink[at] * x;
      }
    }
    const offset = (/** @type {number} */ moment, /** @type {number} */ side) =>
      Math.min(SIDE - side, Math.max(0, Math.floor(CENTRE - moment / Math.max(1, mass) + 0.5)));
    return { top: offset(rows, height), left: offset(columns, width) };
  }

  /** A small picture on paper of 28 x 28. @param {Engine.Small} small @param {{top: number, left: number}} at */
  function place({ ink, height, width }, { top, left }) {
    const image = new Uint8Array(SIDE * SIDE);
    for (let y = 0; y < height; y += 1) image.set(ink.subarray(y * width, (y + 1) * width), (top + y) * SIDE + left);
    return image;
  }

  /**
   * Ink of any size as a centred 28 x 28 digit, 784 bytes.
   * @param {Uint8Array} ink @param {number} height @param {number} width
   * @returns {Uint8Array}
   * @throws {RangeError} there is no ink
   */
  function fit(ink, height, width) {
    const part = bounds(ink, height, width);
    if (!part) throw new RangeError("there is no ink");
    const small = shrink(crop(ink, width, part), part);
    return place(small, centre(small));
  }

  mnistlab.fit = Object.freeze({ SIDE,bounds, crop, shrink, centre, place, fit, roundHalfEven });
})();
