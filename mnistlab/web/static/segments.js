"use strict";

/**
 * Where the digits of a drawing lie, as far as boxes tell it: what `mnistlab/data/segments.py` does, with its limits and in its
 * order, so that every decision is the same. Where the limits come from is said there.
 */
(() => {
  /** @type {Engine.Parts} */
  const mnistlab = (globalThis.mnistlab ??= {});

  const MOST_PIECES = 256; // more are no digits
  const TALL = 0.35; // of the tallest; less belongs to what is next to it
  const [STRAY_SIZE, STRAY_GAP, STRAY_GROWTH] = [0.3, 0.12, 1.2]; // shares of the digit's size, and of the mark's own
  const OVERLAP = 0.1; // of the height; what overlaps more from left to right is one digit
  const [CROSSING, ALIKE] = [0.3, 0.6]; // of the height; two that overlap up to the first, and share the second, may be slanted
  const LEVEL = 0.1; // of the lower one's height; pieces that share less of it stand on two lines
  const STACKED = 0.15; // of the height of both; what stands closer on top of another is one digit with it
  const REACH = 0.6; // of the tallest; a small mark that is farther from a digit belongs to none
  const LEAST = 1e-9; // of a height that is divided by

  const width = (/** @type {Engine.Box} */ { left, right }) => right - left;
  const height = (/** @type {Engine.Box} */ { top, bottom }) => bottom - top;
  const size = (/** @type {Engine.Box} */ box) => Math.max(width(box), height(box));

  /** The box of a stroke that holds a point. @param {Engine.Stroke} stroke @returns {Engine.Box} */
  function boxOf(stroke) {
    const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
    for (const [x, y] of stroke) {
      if (x < box.left) box.left = x;
      if (x > box.right) box.right = x;
      if (y < box.top) box.top = y;
      if (y > box.bottom) box.bottom = y;
    }
    return box;
  }

  /** The box around boxes, at least one. @param {Engine.Box[]} boxes @returns {Engine.Box} */
  const around = (boxes) => ({
    left: Math.min(...boxes.map((box) => box.left)),
    top: Math.min(...boxes.map((box) => box.top)),
    right: Math.max(...boxes.map((box) => box.right)),
    bottom: Math.max(...boxes.map((box) => box.bottom)),
  });

  /** Pieces as one; its members are in the order they were drawn. @param {...Engine.Part} pieces @returns {Engine.Part} */
  const join = (...pieces) => ({
    members: pieces.flatMap((piece) => piece.members).sort((a, b) => a - b),
    box: around(pieces.map((piece) => piece.box)),
  });

  /** The height of two boxes together. @param {Engine.Box} a @param {Engine.Box} b */
  const heightOfBoth = (a, b) => Math.max(a.bottom, b.bottom) - Math.min(a.top, b.top);

  /** The height at which both stand. @param {Engine.Box} a @param {Engine.Box} b */
  const shared = (a, b) => Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);

  /**
   * How far `b` begins to the right of the end of `a`, as a share of the height of both; negative if they overlap.
   * @param {Engine.Box} a @param {Engine.Box} b
   */
  const gap = (a, b) => (b.left - a.right) / Math.max(heightOfBoth(a, b), LEAST);

  /** The share of the height of both that each of them has. @param {Engine.Box} a @param {Engine.Box} b */
  const sharedHeight = (a, b) => shared(a, b) / Math.max(heightOfBoth(a, b), LEAST);

  /** The gap between two boxes, 0 if they meet. @param {Engine.Box} a @param {Engine.Box} b */
  function distance(a, b) {
    const across = Math.max(a.left - b.right, b.left - a.right, 0);
    const down = Math.max(a.top - b.bottom, b.top - a.bottom, 0);
    return across && down ? Math.sqrt(across * across + down * down) : Math.max(across, down);
  }

  /**
   * The nearest of boxes; of two equally near, the one that comes first by `rank`.
   * @param {Engine.Box} box @param {Engine.Box[]} others @param {(number: number) => number} rank
   */
  function nearest(box, others, rank) {
    let [far, number] = [Infinity, 0];
    for (const [other, its] of others.entries()) {
      const away = distance(box, its);
      if (away < far || (away === far && rank(other) < rank(number))) [far, number] = [away, other];
    }
    return { far, number };
  }

  /** Numbers of the marks that are far from the rest and much smaller. @param {Engine.Box[]} boxes @returns {number[]} */
  function strays(boxes) {
    if (boxes.length < 2) return [];
    const limit = STRAY_SIZE * Math.max(...boxes.map(size));
    if (!limit) return []; // dots alone: none is small beside another
    const large = boxes.filter((box) => size(box) > limit);
    return [...boxes.keys()].filter((number) => {
      const own = size(boxes[number]);
      if (own > limit) return false;
      const found = nearest(boxes[number], large, (other) => size(large[other]));
      return found.far > STRAY_GAP * size(large[found.number]) + STRAY_GROWTH * own;
    });
  }

  /**
   * Boxes, at least one, as lines of pieces in reading order: from the top, each line from the left.
   * @param {Engine.Box[]} boxes
   * @returns {Engine.Part[][]}
   */
  function lines(boxes) {
    if (boxes.length < 2 || boxes.length > MOST_PIECES) return [[{ members: [...boxes.keys()], box: around(boxes) }]];
    const tallest = Math.max(...boxes.map(height));
    const all = boxes.map((box, number) => ({ members: [number], box }));
    const isTall = (/** @type {Engine.Part} */ { box }) => height(box) >= TALL * tallest;
    const small = all.filter((piece) => !isTall(piece));
    const pieces = withMarks(united(all.filter(isTall)), small, REACH * tallest);
    if (pieces.length === 1) return [pieces];
    return inLines(pieces).map((line) => line.sort((a, b) => a.box.left + a.box.right - (b.box.left + b.box.right)));
  }

  /** Two tall boxes of one digit: they overlap, and neither stands on top. @param {Engine.Box} a @param {Engine.Box} b */
  function belong(a, b) {
    const [left, right] = a.left + a.right <= b.left + b.right ? [a, b] : [b, a];
    if (gap(left, right) >= -OVERLAP || isSlanted(left, right)) return false;
    return Math.max(a.top - b.bottom, b.top - a.bottom) < STACKED * heightOfBoth(a, b);
  }

  /** Two that stand side by side although their boxes overlap. @param {Engine.Box} left @param {Engine.Box} right */
  function isSlanted(left, right) {
    const isLevel = gap(left, right) >= -CROSSING && sharedHeight(left, right) >= ALIKE;
    return isLevel && left.right - right.left <= Math.min(width(left), width(right)) / 2;
  }

  /** Pieces, those of one digit put together. @param {Engine.Part[]} pieces @returns {Engine.Part[]} */
  function united(pieces) {
    let done = pieces.slice(0, 1);
    for (let piece of pieces.slice(1)) {
      for (;;) {
        const { box } = piece;
        const parts = done.filter((other) => belong(box, other.box));
        if (!parts.length) break;
        done = done.filter((other) => !parts.includes(other));
        piece = join(piece, ...parts);
      }
      done.push(piece);
    }
    return done;
  }

  /**
   * Each small mark put to the nearest tall piece; one that is near to none stands by itself.
   * @param {Engine.Part[]} tall @param {Engine.Part[]} small @param {number} reach
   */
  function withMarks(tall, small, reach) {
    const pieces = [...tall];
    const boxes = tall.map((piece) => piece.box);
    for (const mark of small) {
      const { far, number } = nearest(mark.box, boxes, (other) => other);
      if (far <= reach) pieces[number] = join(pieces[number], mark);
      else pieces.push(mark);
    }
    return pieces;
  }

  /** Pieces by the line they stand on, the uppermost first. @param {Engine.Part[]} pieces */
  function inLines(pieces) {
    /** @type {Engine.Part[][]} */
    const found = [];
    for (const piece of [...pieces].sort((a, b) => a.box.left - b.box.left)) {
      const levels = found.map((line) => level(piece.box, line[line.length - 1].box));
      const best = levels.indexOf(Math.max(...levels));
      if (levels[best] >= LEVEL) found[best].push(piece);
      else found.push([piece]);
    }
    const middle = (/** @type {Engine.Part[]} */ line) =>
      line.reduce((sum, { box }) => sum + (box.top + box.bottom), 0) / line.length;
    return found.sort((a, b) => middle(a) - middle(b));
  }

  /** The share of the lower one's height at which the other stands too. @param {Engine.Box} a @param {Engine.Box} b */
  const level = (a, b) => shared(a, b) / Math.max(Math.min(height(a), height(b)), LEAST);

  mnistlab.segments = Object.freeze({ OVERLAP, boxOf, join, gap, sharedHeight, strays, lines });
})();
