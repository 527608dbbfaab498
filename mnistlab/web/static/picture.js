"use strict";

/**
 * Picture files: which are allowed, as in mnistlab/data/preprocess.py, and their pixels.
 * @typedef {{bitmap: ImageBitmap, file: Blob}} Picture
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});

  const MIB = 2 ** 20;
  const MOST_BYTES = 5 * MIB;
  const SIDES = [8, 6000]; // px
  const MOST_PIXELS = 16e6;
  /** What is wrong with a picture: a code, and values for the text that says so. */
  class PictureError extends Error {
    /** @param {string} code @param {Record<string, number>} [values] */
    constructor(code, values) {
      super(code);
      this.code = code;
      this.values = values;
    }
  }

  /** @param {Blob} file @returns {Promise<Picture>} rejects with a PictureError */
  async function open(file) {
    if (file.size > MOST_BYTES) throw new PictureError("too-large", { size: file.size / MIB, most: MOST_BYTES / MIB });
    const size = sizeOf(new DataView(await file.arrayBuffer()));
    if (!size) throw new PictureError("unreadable");
    const [width, height] = size; // known before anything is decoded
    if (Math.min(...size) < SIDES[0] || Math.max(...size) > SIDES[1] || width * height > MOST_PIXELS) {
      throw new PictureError("size", { width, height, least: SIDES[0], most: SIDES[1], pixels: MOST_PIXELS / 1e6 });
    }
    try {
      return { bitmap: await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" }), file };
    } catch {
      throw new PictureError("unreadable");
    }
  }

  /** Width and height that a PNG or JPEG states, or null if it is neither. @param {DataView} bytes */
  function sizeOf(bytes) {
    const n = bytes.byteLength;
    if (n > 24 && bytes.getUint32(0) === 0x89504e47) return [bytes.getUint32(16), bytes.getUint32(20)];
    if (n < 4 || bytes.getUint16(0) !== 0xffd8) return null;
    for (let at = 2; at + 9 < n && bytes.getUint8(at) === 0xff; at += 2 + bytes.getUint16(at + 2)) {
      const marker = bytes.getUint8(at + 1);
      const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
      if (isFrame) return [bytes.getUint16(at + 7), bytes.getUint16(at + 5)];
    }
    return null;
  }

  /** The pixels of a picture, 4 bytes each. @param {Picture} picture */
  function pixels({ bitmap }) {
    const { width, height } = bitmap;
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d"));
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, width, height);
  }

  mnistlab.picture = Object.freeze({ PictureError, open, pixels });
})();
