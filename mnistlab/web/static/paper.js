"use strict";

/**
 * A clean picture as ink on paper, whatever way round it came: what `mnistlab/data/preprocess.py` does with one, byte for byte.
 * What is no clean picture, a photograph above all, is told apart as there and left to the lab.
 *
 * Laying a picture on white and making it grey follow Pillow's whole numbers (MIT-CMU licence). Decoding a file is the browser's.
 */
(() => {
  /** @type {Engine.Parts} */
  const mnistlab = (globalThis.mnistlab ??= {});
  const { SIDE, bounds, fit, roundHalfEven } = mnistlab.fit;

  const SIDES = [8, 12_000]; // px
  const MOST_PIXELS = 16_000_000;
  const [BRIGHT, BRIGHT_SHARE, CLEAR] = [160, 0.95, 0.25]; // greys of white ink, its share of what is opaque, share of no ink
  const NOTHING = 3; // greys; a picture whose pixels differ by less from its edge holds nothing at all
  const [FLAT, SMALL_FLAT, FLAT_EDGE] = [3, 12, 0.9]; // greys, in a large and a small picture, and share of a clean one's edge
  const LEAST_CONTRAST = 16; // of 255 greys between ink and paper; less is an empty sheet
  const FULL_INK = 250; // from here on ink is not stretched, so that an MNIST image comes through unchanged
  const FAINT = 8; // in a large picture, less than an eighth of the strongest ink is none
  const GRAIN = 6; // half the edge differs from its median by less than a sixth of this
  const MOST_INK = 0.45; // share of the picture; more is what lies around a sheet, or a frame
  const BLURRED = 0.13; // of the digit's longer side; a wider edge leaves no stroke
  const THIN = 0.08; // of the digit's longer side; a thinner pen would have to be made wider

  /**
   * Grey values of a picture laid on white, or on black if its ink is white: a Uint8Array of height x width.
   * @param {Uint8Array | Uint8ClampedArray} rgba @param {number} width @param {number} height
   */
  function toGrey(rgba, width, height) {
    const ground = groundOf(rgba);
    const grey = new Uint8Array(width * height);
    for (let i = 0, at = 0; i < grey.length; i += 1, at += 4) {
      const alpha = rgba[at + 3];
      grey[i] = luma(...channels(rgba, at, (value) => laid(value, alpha, ground)));
    }
    return grey;
  }

  /** What nobody would see on white lies on black: white ink on nothing. @param {Uint8Array | Uint8ClampedArray} rgba */
  function groundOf(rgba) {
    let [opaque, bright] = [0, 0];
    for (let at = 0; at < rgba.length; at += 4) {
      if (rgba[at + 3] < 128) continue;
      opaque += 1;
      if (luma(...channels(rgba, at, (value) => value)) > BRIGHT) bright += 1;
    }
    const clear = 1 - opaque / (rgba.length / 4);
    return opaque && clear > CLEAR && bright / opaque > BRIGHT_SHARE ? 0 : 255;
  }

  /**
   * @param {Uint8Array | Uint8ClampedArray} rgba @param {number} at @param {(value: number) => number} change
   * @returns {[number, number, number]}
   */
  const channels = (rgba, at, change) => [change(rgba[at]), change(rgba[at + 1]), change(rgba[at + 2])];

  /** ITU-R 601-2. @param {number} red @param {number} green @param {number} blue */
  const luma = (red, green, blue) => (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16;

  /**
   * A colour of some opacity on white or black, rounded as Pillow's alpha_composite does.
   * @param {number} value @param {number} alpha @param {number} ground
   */
  function laid(value, alpha, ground) {
    if (alpha === 255) return value;
    const sum = 128 * (value * alpha + ground * (255 - alpha)) + (0x80 << 7);
    return ((sum >> 8) + sum) >> 15;
  }

  /** @param {Uint8Array} values an even number of them */
  function median(values) {
    const sorted = values.slice().sort();
    const half = sorted.length / 2;
    return (sorted[half - 1] + sorted[half]) / 2;
  }

  /** The pixels along the four edges, each once. @param {Uint8Array} grey @param {number} width @param {number} height */
  function edge(grey, width, height) {
    const values = [...grey.subarray(0, width), ...grey.subarray((height - 1) * width)];
    for (let y = 1; y < height - 1; y += 1) values.push(grey[y * width], grey[(y + 1) * width - 1]);
    return Uint8Array.from(values);
  }

  /**
   * Paper is what the edge shows; ink is how far a pixel differs from it, towards the side that differs most.
   * @param {Uint8Array} grey @param {number} width @param {number} height
   * @returns {{ink: Uint8Array} | {reason: "blank" | "photograph"}}
   */
  function separate(grey, width, height) {
    const around = edge(grey, width, height);
    const paper = Math.floor(median(around));
    const away = around.map((value) => Math.abs(value - paper));
    const isLarge = Math.min(width, height) > 2 * SIDE;
    const flat = away.reduce((count, value) => count + Number(value <= (isLarge ? FLAT : SMALL_FLAT)), 0);
    if (flat / away.length <= FLAT_EDGE) return { reason: "photograph" };
    let [least, most] = [255, 0];
    for (const value of grey) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const [darker, brighter] = [paper - least, most - paper];
    const strongest = Math.max(darker, brighter);
    if (strongest < NOTHING) return { reason: "blank" };
    let grain = GRAIN * Math.floor(median(away));
    if (isLarge) grain = Math.max(grain, Math.floor(strongest / FAINT)); // JPEG's marks beside strokes
    if (strongest < Math.max(LEAST_CONTRAST, 2 * grain)) return { reason: "photograph" };
    const sign = darker > brighter ? -1 : 1;
    const stretch = strongest < FULL_INK ? 255 / strongest : 1;
    const strengths = Uint8Array.from({ length: 256 }, (_, value) => {
      const difference = sign * (value - paper);
      return difference > grain ? Math.min(255, roundHalfEven(difference * stretch)) : 0;
    });
    const ink = grey.map((value) => strengths[value]);
    const strong = ink.reduce((count, value) => count + Number(value > 127), 0);
    return strong < MOST_INK * ink.length ? { ink } : { reason: "photograph" };
  }

  /**
   * Whether a large picture's ink is one sharp piece of no thin pen. Rows or columns without ink are a gap beside a second.
   * @param {Uint8Array} ink @param {number} width of all of it @param {Engine.Bounds} part
   */
  function isPlain(ink, width, { top, left, height, width: across }) {
    const rows = new Uint8Array(height);
    const columns = new Uint8Array(across);
    let [sum, change] = [0, 0];
    for (let y = 0; y <= height; y += 1) {
      for (let x = 0; x <= across; x += 1) {
        const at = (/** @type {number} */ row, /** @type {number} */ column) =>
          row < 0 || column < 0 || row >= height || column >= across ? 0 : ink[(top + row) * width + left + column];
        const value = at(y, x);
        if (x < across) change += Math.abs(value - at(y - 1, x));
        if (y < height) change += Math.abs(value - at(y, x - 1));
        if (!value) continue;
        sum += value;
        rows[y] = columns[x] = 1;
      }
    }
    const share = (((8 / Math.PI) * sum) / Math.max(1, change)) / Math.max(height, across);
    let steepest = 0; // in the middle row, which is enough to see
    for (let x = 0, before = 0; x <= across; x += 1) {
      const value = x < across ? ink[(top + (height >> 1)) * width + left + x] : 0;
      steepest = Math.max(steepest, Math.abs(value - before));
      before = value;
    }
    const isSharp = steepest * BLURRED * Math.max(height, across) >= 255;
    return rows.every(Boolean) && columns.every(Boolean) && share >= THIN && isSharp;
  }

  /**
   * What the network reads of a clean picture, or why it reads nothing.
   * @param {Uint8Array | Uint8ClampedArray} rgba 4 bytes a pixel, row by row, not multiplied by their opacity
   * @param {number} width @param {number} height
   * @returns {{image: Uint8Array} | {reason: "blank" | "photograph"}}
   * @throws {RangeError} sides or pixels are out of bounds
   */
  function picture(rgba, width, height) {
    const fits = [width, height].every((side) => side >= SIDES[0] && side <= SIDES[1]) && width * height <= MOST_PIXELS;
    if (!fits || rgba.length !== 4 * width * height) {
      throw new RangeError(`a picture of ${width} x ${height} px with ${rgba.length} bytes cannot be read`);
    }
    const found = separate(toGrey(rgba, width, height), width, height);
    if (!("ink" in found)) return found;
    const part = /** @type {Engine.Bounds} */ (bounds(found.ink, height, width));
    if (Math.min(width, height) > 2 * SIDE && !isPlain(found.ink, width, part)) return { reason: "photograph" };
    return { image: fit(found.ink, height, width) };
  }

  mnistlab.paper = Object.freeze({ picture });
})();
