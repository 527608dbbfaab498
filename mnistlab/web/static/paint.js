"use strict";

/**
 * What stands on the canvas: ink, ink in the colours of what it said, or a picture.
 * @typedef {{digit: number, pieces: Stroke[], weights: ArrayLike<number>}} Attribution  weight > 0: it spoke for the digit
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { CANVAS, PEN_WIDTH } = mnistlab.drawing;
  const { through, REACH } = mnistlab.curve;

  const LITTLE = 0.15; // of the strongest piece; what weighs less says little
  const FULL = 1; // log-odds from which a piece may have the full colour
  const [THIN, RIM] = [8, 4]; // px of the canvas

  class Paint {
    /** @param {HTMLCanvasElement} canvas @param {() => void} repaint what to do when all has to be painted anew */
    constructor(canvas, repaint) {
      this.canvas = canvas;
      this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      new ResizeObserver(() => this.#resize() && repaint()).observe(canvas);
      for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
        matchMedia(query).addEventListener("change", repaint);
      }
      this.#resize();
    }

    /** Everything anew. @param {Content} content @param {Attribution | null} [attribution] */
    all({ strokes, picture }, attribution) {
      this.context.clearRect(0, 0, CANVAS, CANVAS);
      if (picture) this.#picture(picture.bitmap);
      else if (attribution) this.#coloured(attribution);
      else for (const stroke of strokes) this.#line(through(stroke), this.#colour("--ink"), PEN_WIDTH);
    }

    /** The last piece of the last stroke, so that ink stands where the pen is. @param {Stroke} stroke @param {number} n points */
    tail(stroke, n) {
      const end = stroke.slice(-n - REACH);
      this.#line(through(end, Math.max(0, end.length - n - 2)), this.#colour("--ink"), PEN_WIDTH);
    }

    #resize() {
      const { width } = this.canvas.getBoundingClientRect();
      const px = Math.max(1, Math.round(width * devicePixelRatio));
      if (this.canvas.width === px && this.canvas.height === px) return false;
      this.canvas.width = this.canvas.height = px;
      this.context.scale(px / CANVAS, px / CANVAS);
      this.context.lineCap = this.context.lineJoin = "round";
      return true;
    }

    /** A colour of the style sheet, as it is in this light. @param {string} name */
    #colour(name) {
      this.canvas.style.color = `var(${name})`;
      return getComputedStyle(this.canvas).color;
    }

    /** @param {Stroke} points @param {string} colour @param {number} width */
    #line(points, colour, width) {
      this.context.strokeStyle = colour;
      this.context.lineWidth = width;
      this.context.beginPath();
      this.context.moveTo(points[0][0], points[0][1]);
      for (const [x, y] of points) this.context.lineTo(x, y);
      this.context.stroke();
    }

    /** Told apart by form as by colour: full spoke for the digit, hollow against it, thin said little. @param {Attribution} of */
    #coloured({ pieces, weights }) {
      const values = Array.from(weights);
      const most = Math.max(FULL, ...values.map(Math.abs));
      const shares = values.map((weight) => weight / most);
      const [full, against, neutral, paper] = ["--for", "--against", "--little", "--paper"].map((name) => this.#colour(name));
      const which = (/** @type {(share: number) => boolean} */ is) => pieces.filter((_, k) => is(shares[k]));
      const hollow = which((share) => share <= -LITTLE);
      for (const piece of hollow) this.#line(piece, against, PEN_WIDTH);
      for (const piece of hollow) this.#line(piece, paper, PEN_WIDTH - 2 * RIM);
      for (const piece of which((share) => Math.abs(share) < LITTLE)) this.#line(piece, neutral, THIN);
      pieces.forEach((piece, k) => {
        if (shares[k] < LITTLE) return;
        const strength = Math.round(40 + 60 * shares[k]);
        this.#line(piece, `color-mix(in srgb, ${full} ${strength}%, ${neutral})`, PEN_WIDTH);
      });
    }

    /** @param {ImageBitmap} bitmap */
    #picture(bitmap) {
      const scale = CANVAS / Math.max(bitmap.width, bitmap.height);
      const [width, height] = [scale * bitmap.width, scale * bitmap.height];
      this.context.imageSmoothingEnabled = scale < 1;
      this.context.imageSmoothingQuality = "high";
      this.context.fillStyle = "#fff"; // a transparent picture lies on white
      this.context.fillRect((CANVAS - width) / 2, (CANVAS - height) / 2, width, height);
      this.context.drawImage(bitmap, (CANVAS - width) / 2, (CANVAS - height) / 2, width, height);
    }
  }

  /**
   * What the network saw, 28 x 28, ink bright on black.
   * @param {HTMLCanvasElement} canvas 28 x 28 @param {ArrayLike<number> | null} image 784 values
   */
  function seen(canvas, image) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const pixels = context.createImageData(28, 28);
    for (let i = 0; i < 784; i += 1) pixels.data.set([image?.[i] ?? 0, image?.[i] ?? 0, image?.[i] ?? 0, 255], 4 * i);
    context.putImageData(pixels, 0, 0);
  }

  mnistlab.paint = Object.freeze({ Paint, seen, LITTLE });
})();
