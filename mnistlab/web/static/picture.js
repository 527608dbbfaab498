"use strict";

/**
 * Picture files: which are allowed, as in mnistlab/data/preprocess.py, and their pixels.
 * @typedef {{bitmap: ImageBitmap, file: Blob}} Picture
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});

  const MIB = 2 ** 20;
  const MOST_BYTES = 24 * MIB;
  const SIDES = [8, 12_000]; // px
  const MOST_PIXELS = 64e6;
  const SHOWN_PIXELS = 16e6; // of a larger one the page shows, and reads by itself, a smaller copy
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
    const bytes = new DataView(await file.arrayBuffer());
    const size = sizeOf(bytes);
    if (!size) throw new PictureError(kindOf(bytes));
    const [width, height] = size; // known before anything is decoded
    if (Math.min(...size) < SIDES[0] || Math.max(...size) > SIDES[1] || width * height > MOST_PIXELS) {
      throw new PictureError("size", { width, height, least: SIDES[0], most: SIDES[1], pixels: MOST_PIXELS / 1e6 });
    }
    /** @type {ImageBitmapOptions} */
    const how = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    if (width * height > SHOWN_PIXELS) how.resizeWidth = Math.floor(width * Math.sqrt(SHOWN_PIXELS / (width * height)));
    try {
      return { bitmap: await createImageBitmap(file, how), file };
    } catch {
      throw new PictureError("unreadable");
    }
  }

  /** What a file is that is no picture a browser shows: a code of an error. @param {DataView} bytes */
  function kindOf(bytes) {
    const begin = text(bytes, 0, 64);
    if (!bytes.byteLength) return "empty";
    if (/^....ftyp(heic|heix|hevc|heim|heis|mif1|msf1)/s.test(begin)) return "heic";
    if (/^(II\*\0|MM\0\*)/.test(begin)) return "tiff";
    if (begin.startsWith("%PDF")) return "pdf";
    return /^\W{0,3}\s*<(!doctype )?html/i.test(begin) ? "html" : "unreadable";
  }

  /** @param {DataView} bytes @param {number} from @param {number} to */
  const text = (bytes, from, to) =>
    String.fromCharCode(...new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(from, to));

  /** Width and height that a PNG, GIF, BMP, WEBP or JPEG states, or null if it is none. @param {DataView} bytes */
  function sizeOf(bytes) {
    const n = bytes.byteLength;
    if (n > 24 && bytes.getUint32(0) === 0x89504e47) return [bytes.getUint32(16), bytes.getUint32(20)];
    if (n > 10 && text(bytes, 0, 4) === "GIF8") return [bytes.getUint16(6, true), bytes.getUint16(8, true)];
    if (n > 26 && text(bytes, 0, 2) === "BM") return [bytes.getInt32(18, true), Math.abs(bytes.getInt32(22, true))];
    if (n > 30 && text(bytes, 8, 12) === "WEBP") return sizeOfWebp(bytes);
    if (n < 4 || bytes.getUint16(0) !== 0xffd8) return null;
    for (let at = 2; at + 9 < n && bytes.getUint8(at) === 0xff; at += 2 + bytes.getUint16(at + 2)) {
      const marker = bytes.getUint8(at + 1);
      const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
      if (isFrame) return [bytes.getUint16(at + 7), bytes.getUint16(at + 5)];
    }
    return null;
  }

  /** In each of its three forms. @param {DataView} bytes */
  function sizeOfWebp(bytes) {
    const form = text(bytes, 12, 16);
    if (form === "VP8 ") return [bytes.getUint16(26, true) & 0x3fff, bytes.getUint16(28, true) & 0x3fff];
    if (form === "VP8L") return [(bytes.getUint32(21, true) & 0x3fff) + 1, ((bytes.getUint32(21, true) >> 14) & 0x3fff) + 1];
    return [(bytes.getUint32(24, true) & 0xffffff) + 1, (bytes.getUint32(26, true) >>> 8) + 1];
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
