"use strict";

/**
 * Pen strokes as the 28 x 28 that a network reads: what `mnistlab/data/strokes.py` does, byte for byte.
 *
 * The browser's canvas draws for the eye; what is read is drawn here, in whole numbers, by the rules of Pillow's `ImageDraw`
 * (MIT-CMU licence): a disc at every point, a quadrilateral for every line between two.
 *
 * Convention: a stroke is an array of points [x, y], px of a 280 x 280 canvas, y down; ink is a Uint8Array, row by row,
 * 0 paper, 255 ink.
 */
(() => {
  /** @type {Engine.Parts} */
  const mnistlab = (globalThis.mnistlab ??= {});
  const { fit } = mnistlab.fit;
  const { picture } = mnistlab.paper;

  const CANVAS = 280; // px along one edge
  const PEN_WIDTH = 20; // px; of the pen that people draw with
  const DIGIT = 200; // px of the longer side of a digit redrawn for reading
  const PEN = 24; // px; of the pen it is redrawn with
  const RADIUS = PEN / 2;
  const DOT = 0.5; // pens; a drawing that reaches no further is a dot
  const MAX_POINTS = 20_000; // in one drawing
  const MANY_POINTS = 2_000; // from here on ink is drawn in a way whose time does not grow with the points
  const INK = 255;

  /** Half the width of each row of a disc, from the uppermost to the lowest. @param {number} most dx^2 + dy^2 */
  const disc = (most) =>
    Int32Array.from({ length: PEN + 1 }, (_, row) => Math.floor(Math.sqrt(most - (row - RADIUS) ** 2)));
  const POINT = disc(156); // the disc of 25 px that Pillow draws
  const NEAR = disc(RADIUS ** 2); // all within reach of a pen

  /**
   * The strokes that hold a point.
   * @param {Engine.Stroke[]} strokes
   * @returns {Engine.Stroke[]}
   * @throws {RangeError} a coordinate is no finite number, or there are more than 20,000 points
   */
  function check(strokes) {
    const points = strokes.reduce((sum, stroke) => sum + stroke.length, 0);
    if (points > MAX_POINTS) throw new RangeError(`the drawing has ${points} points; at most ${MAX_POINTS} are allowed`);
    strokes.forEach((stroke, number) => {
      const isPoint = (/** @type {Engine.Point} */ point) => point.length === 2 && point.every(Number.isFinite);
      if (!stroke.every(isPoint)) throw new RangeError(`stroke ${number} holds a point that is not two finite numbers`);
    });
    return strokes.filter((stroke) => stroke.length);
  }

  /** The least and the greatest of all x, and of all y. @param {Engine.Stroke[]} strokes */
  function extent(strokes) {
    const all = [Infinity, -Infinity, Infinity, -Infinity];
    for (const stroke of strokes) {
      for (const [x, y] of stroke) {
        if (x < all[0]) all[0] = x;
        if (x > all[1]) all[1] = x;
        if (y < all[2]) all[2] = y;
        if (y > all[3]) all[3] = y;
      }
    }
    return all;
  }

  /**
   * True if all points lie within half a pen of each other, across and down.
   * @param {Engine.Stroke[]} strokes @param {number} penWidth
   */
  function isDot(strokes, penWidth) {
    const [left, right, top, bottom] = extent(strokes);
    return Math.max(right - left, bottom - top) <= DOT * penWidth;
  }

  /** What lies outside the canvas is pulled to its edge. @param {Engine.Stroke[]} strokes @returns {Engine.Stroke[]} */
  function clip(strokes) {
    const within = (/** @type {number} */ value) => Math.min(Math.max(value, 0), CANVAS);
    return strokes.map((stroke) => stroke.map(([x, y]) => [within(x), within(y)]));
  }

  /**
   * The drawing as large as any other: its ink 200 px long, in the middle of the canvas.
   * @param {Engine.Stroke[]} strokes at least one, none empty
   * @returns {Engine.Stroke[]}
   */
  function toStandardSize(strokes) {
    const visible = clip(strokes);
    const [left, right, top, bottom] = extent(visible);
    const scale = (DIGIT - PEN) / Math.max(right - left, bottom - top, 1);
    const [x0, y0] = [(left + right) / 2, (top + bottom) / 2]; // the order of operations is Python's, to the last bit
    return visible.map((stroke) => stroke.map(([x, y]) => [(x - x0) * scale + CANVAS / 2, (y - y0) * scale + CANVAS / 2]));
  }

  /** A disc round a point. @param {Uint8Array} ink @param {number} x @param {number} y @param {Int32Array} halves */
  function drawPoint(ink, x, y, halves) {
    for (let row = 0; row <= PEN; row += 1) {
      const middle = (y + row - RADIUS) * CANVAS + x;
      ink.fill(INK, middle - halves[row], middle + halves[row] + 1);
    }
  }

  const LEFT = new Float32Array(CANVAS + 1); // where the ink of each row of a line begins and ends
  const RIGHT = new Float32Array(CANVAS + 1);

  /**
   * A line as wide as the pen, without its ends.
   * @param {Uint8Array} ink @param {Engine.Point} from @param {Engine.Point} to whole px
   */
  function drawLine(ink, [x0, y0], [x1, y1]) {
    const [dx, dy] = [x1 - x0, y1 - y0];
    const length = Math.sqrt(dx * dx + dy * dy);
    if (!length) return;
    // An even width has no middle: 11 px lie on one side of the line, 12 on the other. No half ever has to be rounded.
    const [a, b, c, d] = [(11 * dy) / length, (12 * dy) / length, (11 * dx) / length, (12 * dx) / length].map(Math.round);
    const corners = [
      [x0 - a, y0 + d],
      [x1 - a, y1 + d],
      [x1 + b, y1 - c],
      [x0 + b, y0 - c],
    ];
    const first = Math.min(...corners.map((corner) => corner[1]));
    const last = Math.max(...corners.map((corner) => corner[1]));
    LEFT.fill(Infinity, first, last + 1);
    RIGHT.fill(-Infinity, first, last + 1);
    corners.forEach((corner, k) => traceEdge(corner, corners[(k + 1) % 4]));
    for (let y = first; y <= last; y += 1) {
      ink.fill(INK, y * CANVAS + Math.floor(LEFT[y] + 0.5), y * CANVAS + Math.ceil(RIGHT[y] - 0.5) + 1);
    }
  }

  /** Where an edge crosses each row, in the single precision of Pillow. @param {number[]} from @param {number[]} to */
  function traceEdge([x0, y0], [x1, y1]) {
    const slope = y0 === y1 ? 0 : Math.fround((x1 - x0) / (y1 - y0));
    for (let y = Math.min(y0, y1); y <= Math.max(y0, y1); y += 1) {
      const x = Math.fround(Math.fround((y - y0) * slope) + x0);
      if (x < LEFT[y]) LEFT[y] = x;
      if (x > RIGHT[y]) RIGHT[y] = x;
    }
    if (y0 === y1 && x1 < LEFT[y0]) LEFT[y0] = x1;
    if (y0 === y1 && x1 > RIGHT[y0]) RIGHT[y0] = x1;
  }

  /**
   * A line one px wide, by Bresenham's way (1965).
   * @param {Uint8Array} ink @param {Engine.Point} from @param {Engine.Point} to whole px
   */
  function drawThinLine(ink, [x0, y0], [x1, y1]) {
    const [dx, dy] = [Math.abs(x1 - x0), Math.abs(y1 - y0)];
    const [stepX, stepY] = [x1 < x0 ? -1 : 1, (y1 < y0 ? -1 : 1) * CANVAS];
    const [along, aside, most, least] = dx > dy ? [stepX, stepY, dx, dy] : [stepY, stepX, dy, dx];
    let error = 2 * least - most;
    for (let k = 0, at = y0 * CANVAS + x0; k <= most; k += 1, at += along) {
      ink[at] = INK;
      if (error >= 0) {
        at += aside;
        error -= 2 * most;
      }
      error += 2 * least;
    }
  }

  /**
   * Ink of a drawing at its standard size; points are cut to whole px.
   * @param {Engine.Stroke[]} strokes
   * @returns {Uint8Array} 280 x 280
   */
  function draw(strokes) {
    const ink = new Uint8Array(CANVAS * CANVAS);
    const points = strokes.reduce((sum, stroke) => sum + stroke.length, 0);
    const whole = strokes.map((stroke) => stroke.map(([x, y]) => /** @type {Engine.Point} */ ([Math.floor(x), Math.floor(y)])));
    if (points > MANY_POINTS) return thicken(drawThin(whole));
    for (const stroke of whole) {
      stroke.forEach((point, k) => {
        if (k > 0) drawLine(ink, stroke[k - 1], point);
        drawPoint(ink, point[0], point[1], POINT);
      });
    }
    return ink;
  }

  /** @param {Engine.Stroke[]} strokes whole px */
  function drawThin(strokes) {
    const ink = new Uint8Array(CANVAS * CANVAS);
    for (const stroke of strokes) stroke.forEach((point, k) => drawThinLine(ink, stroke[Math.max(0, k - 1)], point));
    return ink;
  }

  /** All that lies within reach of thin lines. @param {Uint8Array} thin */
  function thicken(thin) {
    const ink = new Uint8Array(CANVAS * CANVAS);
    thin.forEach((value, at) => {
      if (value) drawPoint(ink, at % CANVAS, Math.floor(at / CANVAS), NEAR);
    });
    return ink;
  }

  /** Strokes, at least one and none empty, as 28 x 28. @param {Engine.Stroke[]} strokes */
  const look = (strokes) => fit(draw(toStandardSize(strokes)), CANVAS, CANVAS);

  mnistlab.ink = Object.freeze({ CANVAS, PEN_WIDTH, RADIUS, check, isDot, clip, toStandardSize, draw, look, fit, picture });
})();
