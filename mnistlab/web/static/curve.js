"use strict";

/**
 * The line that a pen draws through its points, as `mnistlab.data.polyline` makes it, number by number.
 * A line is an array of [x, y] in px of the 280 x 280 canvas.
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});

  const NEAR = 4; // px; closer points are taken for one movement that a screen has rounded to whole px
  const SPACING = 4; // px between two points of a curve
  const MOST = 16; // points of a curve between two of the line

  /** @param {Point} a @param {Point} b @returns {Point} */
  const minus = (a, b) => [a[0] - b[0], a[1] - b[1]];
  /** @param {Point} step */
  const size = ([x, y]) => Math.hypot(x, y);

  /**
   * Without the steps of whole px: each point that lies close to both its neighbours moves towards their middle.
   * @param {Stroke} line @returns {Stroke}
   */
  function calm(line) {
    const near = (/** @type {number} */ i) => size(minus(line[i], line[i - 1])) <= NEAR;
    return line.map((point, i) => {
      if (i === 0 || i === line.length - 1 || !near(i) || !near(i + 1)) return point;
      const [before, after] = [line[i - 1], line[i + 1]];
      return [(before[0] + 2 * point[0] + after[0]) / 4, (before[1] + 2 * point[1] + after[1]) / 4];
    });
  }

  /**
   * A smooth curve from point `first` on: centripetal Catmull-Rom.
   * @param {Stroke} line @param {number} [first] @returns {Stroke}
   */
  function smooth(line, first = 0) {
    if (line.length - first < 2) return line.slice(first);
    const n = line.length;
    /** @type {(a: Point, b: Point) => Point} */
    const beyond = (a, b) => [2 * a[0] - b[0], 2 * a[1] - b[1]];
    const ends = [beyond(line[0], line[1]), ...line, beyond(line[n - 1], line[n - 2])];
    const steps = ends.slice(1).map((point, k) => minus(point, ends[k]));
    const knots = steps.map((step) => Math.sqrt(Math.max(size(step), 1e-9)));
    const tangent = (/** @type {number} */ i) => (/** @type {0 | 1} */ axis) => {
      const [one, two] = [steps[i][axis], steps[i + 1][axis]];
      return one / knots[i] - (one + two) / (knots[i] + knots[i + 1]) + two / knots[i + 1];
    };
    /** @type {Stroke} */
    const curve = [];
    for (let i = first; i < n - 1; i += 1) {
      const count = Math.min(Math.max(Math.ceil(size(steps[i + 1]) / SPACING), 1), MOST);
      const [from, to] = [tangent(i), tangent(i + 1)];
      for (let k = 0; k < count; k += 1) {
        const t = k / count;
        const [a, b] = [2 * t ** 3 - 3 * t ** 2 + 1, 3 * t ** 2 - 2 * t ** 3];
        const [u, v] = [knots[i + 1] * (t ** 3 - 2 * t ** 2 + t), knots[i + 1] * (t ** 3 - t ** 2)];
        const at = (/** @type {0 | 1} */ axis) => a * line[i][axis] + b * line[i + 1][axis] + u * from(axis) + v * to(axis);
        curve.push([at(0), at(1)]);
      }
    }
    return [...curve, line[n - 1]];
  }

  const REACH = 4; // points before the new ones that their curve depends on
  /** @param {Stroke} line @param {number} [first] */
  const through = (line, first = 0) => smooth(calm(line), first);

  mnistlab.curve = Object.freeze({ through, REACH });
})();
