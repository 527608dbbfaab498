"use strict";

/**
 * A drawing read: stray marks left out, and of several digits each by itself. The rules are those of
 * `mnistlab/inference/page.py`, where it is said how they were chosen.
 */
(() => {
  /** @type {Engine.Parts} */
  const mnistlab = (globalThis.mnistlab ??= {});
  const { check, isDot, look, PEN_WIDTH } = mnistlab.ink;
  const { judge } = mnistlab.answer;
  const { OVERLAP, boxOf, gap, join, lines, sharedHeight, strays } = mnistlab.segments;

  const [SURE, NEAR] = [0.2, 0.15]; // gaps, of the height: from the first on there are two digits; below the second perhaps one
  const [READ, CERTAIN] = [0.5, 0.9]; // probability from which a piece may be a digit by itself; if the two overlap
  const EQUAL = 0.8; // of the height of both, shared; an open 4 has no two parts as much alike
  const OPEN = [4, 9]; // digits that people write as a part and, to the right of it, a stem that reads as a 1
  const PARTS = [0, 1, 2, 6]; // what that part reads as
  const NONE = Object.freeze({ digit: null, digits: [], probabilities: Array(10).fill(0.1), confidence: 0 });

  /** There is nothing to read. @param {string} reason @returns {Engine.Reading} */
  const nothing = (reason) => ({ ...NONE, reason, image: null, parts: [], strays: 0 });

  /**
   * Whether two pieces side by side are parts of one digit.
   * @param {Engine.Box} left @param {Engine.Box} right
   * @param {number[][]} probabilities ten of the left one, of the right one and of both together
   */
  function isOne(left, right, probabilities) {
    const apart = gap(left, right);
    const most = probabilities.map((all) => Math.max(...all));
    const [first, second, both] = probabilities.map((all, k) => all.indexOf(most[k]));
    if (OPEN.includes(both) && second === 1 && PARTS.includes(first) && sharedHeight(left, right) < EQUAL) return apart < SURE;
    return apart < NEAR && Math.min(most[0], most[1]) < (apart > -OVERLAP ? READ : CERTAIN);
  }

  /**
   * A line of pieces, those put together that are one digit; each step is one pass of the network.
   * @param {Engine.Part[]} line @param {(piece: Engine.Part) => Engine.Answer} judged
   * @returns {Generator<void, Engine.Part[], void>}
   */
  function* settle(line, judged) {
    const settled = line.slice(0, 1);
    for (const [k, right] of line.slice(1).entries()) {
      const left = line[k]; // as it was: what was put together counts no further
      let one = false;
      if (gap(left.box, right.box) < SURE) {
        const probabilities = [];
        for (const piece of [left, right, join(left, right)]) {
          probabilities.push(judged(piece).probabilities);
          yield;
        }
        one = isOne(left.box, right.box, probabilities);
      }
      if (one) settled.push(join(/** @type {Engine.Part} */ (settled.pop()), right));
      else settled.push(right);
    }
    return settled;
  }

  /**
   * What a drawing is. A pass of the network takes about 2 ms, so the work comes in steps, as in `why.attribute`.
   * @param {Engine.Network} network
   * @param {Engine.Stroke[]} strokes px of the canvas
   * @param {number} [penWidth] px
   * @returns {Generator<void, Engine.Reading, void>}
   * @throws {RangeError} as `ink.check`
   */
  function* read(network, strokes, penWidth = PEN_WIDTH) {
    const drawn = check(strokes);
    if (!drawn.length) return nothing("empty");
    if (isDot(drawn, penWidth)) return nothing("dot");
    const stray = new Set(strays(drawn.map(boxOf)));
    const kept = drawn.filter((_, number) => !stray.has(number));
    const seen = (/** @type {Engine.Part} */ piece) => look(piece.members.map((member) => kept[member]));
    /** @type {Map<string, Engine.Answer>} */
    const known = new Map(); // a piece stands beside two others
    const judged = (/** @type {Engine.Part} */ piece) => {
      const key = String(piece.members);
      const found = known.get(key) ?? judge(network, network.logits(seen(piece)));
      known.set(key, found);
      return found;
    };
    const pieces = [];
    for (const [number, line] of lines(kept.map(boxOf)).entries()) {
      for (const piece of yield* settle(line, judged)) pieces.push({ ...piece, line: number });
    }
    const image = look(kept);
    if (pieces.length === 1) return { ...judged(pieces[0]), image, parts: [], strays: stray.size };
    const parts = [];
    for (const piece of pieces) {
      parts.push({ ...judged(piece), box: piece.box, line: piece.line });
      yield;
    }
    return { ...NONE, reason: "several", image, parts, strays: stray.size };
  }

  mnistlab.parts = Object.freeze({ isOne, nothing, read });
})();
