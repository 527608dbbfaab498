"use strict";

/**
 * A picture as ink on paper, whatever way round it came: what `mnistlab/data/preprocess.py` does with pixels, byte for byte.
 *
 * Laying a picture on white and making it grey follow Pillow's whole numbers (MIT-CMU licence). Decoding a file is the browser's.
 */
(() => {
  /** @type {Engine.Parts} */
  const mnistlab = (globalThis.mnistlab ??= {});
  const { SIDE, fit, roundHalfEven } = mnistlab.fit;

  const SIDES = [8, 6000]; // px
  const MOST_PIXELS = 16_000_000;
  const LEAST_CONTRAST = 16; // of 255 greys between ink and paper; less is an empty sheet
  const FULL_INK = 250; // from here on ink is not stretched, so that an MNIST image comes through unchanged
  const FAINT = 8; // in a large picture, less than an eighth of the strongest ink is none
  const GRAIN = 6; // half the edge differs from its median by less than a sixth of this
  const MOST_INK = 0.75; // share of the picture; more is no digit on paper

  /**
   * Grey values of a picture laid on white, a Uint8Array of height x width.
   * @param {Uint8Array | Uint8ClampedArray} rgba @param {number} width @param {number} height
   */
  function toGrey(rgba, width, height) {
    const grey = new Uint8Array(width * height);
    for (let i = 0, at = 0; i < grey.length; i += 1, at += 4) {
      const alpha = rgba[at + 3];
      const [red, green, blue] = [0, 1, 2].map((channel) => onWhite(rgba[at + channel], alpha));
      grey[i] = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16; // ITU-R 601-2
    }
    return grey;
  }

  /** A colour of some opacity on white, rounded as Pillow's alpha_composite does. @param {number} value @param {number} alpha */
  function onWhite(value, alpha) {
    if (alpha === 255) return value;
    const sum = 128 * (value * alpha + 255 * (255 - alpha)) + (0x80 << 7);
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
   * Paper is what the edge shows most; ink is how far a pixel differs from it, towards the side that differs most.
   * @param {Uint8Array} grey @param {number} width @param {number} height
   * @returns {{ink: Uint8Array} | {reason: "blank" | "full"}}
   */
  function separate(grey, width, height) {
    const around = edge(grey, width, height);
    const paper = Math.floor(median(around));
    let [least, most] = [255, 0];
    for (const value of grey) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const [darker, brighter] = [paper - least, most - paper];
    const strongest = Math.max(darker, brighter);
    let grain = GRAIN * Math.floor(median(around.map((value) => Math.abs(value - paper))));
    if (Math.min(width, height) > 2 * SIDE) grain = Math.max(grain, Math.floor(strongest / FAINT)); // JPEG's marks beside strokes
    if (strongest < Math.max(LEAST_CONTRAST, 2 * grain)) return { reason: "blank" };
    const sign = darker > brighter ? -1 : 1;
    const stretch = strongest < FULL_INK ? 255 / strongest : 1;
    const strengths = Uint8Array.from({ length: 256 }, (_, value) => {
      const difference = sign * (value - paper);
      return difference > grain ? Math.min(255, roundHalfEven(difference * stretch)) : 0;
    });
    const ink = grey.map((value) => strengths[value]);
    const strong = ink.reduce((count, value) => count + Number(value > 127), 0);
    return strong > MOST_INK * ink.length ? { reason: "full" } : { ink };
  }

  /**
   * What the network reads of a picture, or why there is nothing to read.
   * @param {Uint8Array | Uint8ClampedArray} rgba 4 bytes a pixel, row by row, not multiplied by their opacity
   * @param {number} width @param {number} height
   * @returns {{image: Uint8Array} | {reason: "blank" | "full"}}
   * @throws {RangeError} sides or pixels are out of bounds
   */
  function picture(rgba, width, height) {
    const fits = [width, height].every((side) => side >= SIDES[0] && side <= SIDES[1]) && width * height <= MOST_PIXELS;
    if (!fits || rgba.length !== 4 * width * height) {
      throw new RangeError(`a picture of ${width} x ${height} px with ${rgba.length} bytes cannot be read`);
    }
    const found = separate(toGrey(rgba, width, height), width, height);
    return "ink" in found ? { image: fit(found.ink, height, width) } : found;
  }

  mnistlab.paper = Object.freeze({ picture });
})();
