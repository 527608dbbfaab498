"use strict";

/**
 * Which ink spoke for a digit, and which against: occlusion over the person's own strokes, as `mnistlab/inference/attribution.py`
 * does it. A piece is taken away, the rest stays where it is, and the log-odds of the digit fall or rise.
 */
(() => {
  /** @type {Engine.Parts} */
  const mnistlab = (globalThis.mnistlab ??= {});
  const { bounds, crop, shrink, centre, place, roundHalfEven } = mnistlab.fit;
  const { boxOf, strays } = mnistlab.segments;
  const { CANVAS, PEN_WIDTH, RADIUS, check, clip, draw, isDot, toStandardSize } = mnistlab.ink;

  const PIECES = 16; // about how many a drawing is cut into

  /**
   * How far along a line each of its points lies, px.
   * @param {Engine.Stroke} line
   */
  function along(line) {
    const places = [0];
    for (let k = 1; k < line.length; k += 1) {
      const [dx, dy] = [line[k][0] - line[k - 1][0], line[k][1] - line[k - 1][1]];
      places.push(places[k - 1] + Math.sqrt(dx * dx + dy * dy));
    }
    return places;
  }

  const length = (/** @type {Engine.Stroke} */ line) => along(line)[line.length - 1];

  /**
   * A line from one place to another, shares of its length; its ends are put between points if need be.
   * @param {Engine.Stroke} line @param {number} start @param {number} end
   * @returns {Engine.Stroke}
   */
  function part(line, start, end) {
    if (line.length < 2 || (start === 0 && end === 1)) return line;
    const places = along(line);
    const [low, high] = [start, end].map((share) => share * places[places.length - 1]);
    const between = line.filter((_, k) => places[k] > low && places[k] < high);
    return [pointAt(line, places, low), ...between, pointAt(line, places, high)];
  }

  /** @param {Engine.Stroke} line @param {number[]} places @param {number} at @returns {Engine.Point} */
  function pointAt(line, places, at) {
    let k = places.length - 1;
    while (k > 0 && places[k] > at) k -= 1;
    if (k === places.length - 1 || places[k] === at) return line[k];
    const [from, to, gap] = [line[k], line[k + 1], places[k + 1] - places[k]];
    const between = (/** @type {0 | 1} */ axis) => ((to[axis] - from[axis]) / gap) * (at - places[k]) + from[axis];
    return [between(0), between(1)];
  }

  /** Pieces of about equal length. @param {Engine.Stroke[]} strokes @returns {Engine.Piece[]} */
  function cut(strokes) {
    const lengths = strokes.map(length);
    const total = lengths.reduce((sum, each) => sum + each, 0);
    return lengths.flatMap((each, stroke) => {
      const n = Math.max(1, roundHalfEven((PIECES * each) / Math.max(total, 1)));
      return Array.from({ length: n }, (_, k) => ({ stroke, start: k / n, end: (k + 1) / n }));
    });
  }

  /**
   * The strokes with no ink of a piece: what is left of its stroke ends, round, where the piece began.
   * @param {Engine.Stroke[]} strokes @param {Engine.Piece} piece
   */
  function without(strokes, { stroke, start, end }) {
    const line = strokes[stroke];
    const gap = RADIUS / Math.max(length(line), 1);
    const left = [];
    if (start > 0) left.push(part(line, 0, Math.max(0, start - gap)));
    if (end < 1) left.push(part(line, Math.min(1, end + gap), 1));
    return [...strokes.slice(0, stroke), ...left, ...strokes.slice(stroke + 1)];
  }

  /** log(p / (1 - p)) of a digit. @param {Float64Array} logits @param {number} digit */
  function logOdds(logits, digit) {
    const others = logits.filter((_, k) => k !== digit);
    const most = Math.max(...others);
    return logits[digit] - most - Math.log(others.reduce((sum, logit) => sum + Math.exp(logit - most), 0));
  }

  /**
   * What each piece of ink did for a digit. A pass of the network takes about 2 ms, so the work comes in steps: each `next()` is
   * one pass, and the last gives the result, so that the caller can let the page draw in between.
   * @param {Engine.Network} network
   * @param {Engine.Stroke[]} strokes px of the canvas
   * @param {number} [penWidth] px
   * @param {number} [chosen] the digit to explain; without it the likeliest
   * @returns {Generator<void, Engine.Attribution, void>}
   */
  function* attribute(network, strokes, penWidth = PEN_WIDTH, chosen = undefined) {
    const drawn = check(strokes);
    if (!drawn.length || isDot(drawn, penWidth)) return { digit: null, pieces: [], weights: [] };
    const stray = strays(drawn.map(boxOf)); // they were left out when the drawing was read, and say nothing
    const kept = [...drawn.keys()].filter((number) => !stray.includes(number));
    const standard = toStandardSize(kept.map((number) => drawn[number]));
    const whole = draw(standard);
    const window = /** @type {Engine.Bounds} */ (bounds(whole, CANVAS, CANVAS));
    const look = (/** @type {Uint8Array} */ ink) => shrink(crop(ink, CANVAS, window), window);
    const small = look(whole);
    const at = centre(small);
    const logits = network.logits(place(small, at));
    const digit = chosen ?? logits.indexOf(Math.max(...logits));
    const odds = logOdds(logits, digit);
    yield;
    const pieces = cut(standard);
    const size = (/** @type {Engine.Piece} */ { stroke, start, end }) => length(standard[stroke]) * (end - start);
    const longest = pieces.map((_, k) => k).sort((a, b) => size(pieces[b]) - size(pieces[a]) || a - b);
    const weights = pieces.map(() => 0); // of specks of a scribble, which are not judged
    for (const k of longest.slice(0, 2 * PIECES)) {
      weights[k] = odds - logOdds(network.logits(place(look(draw(without(standard, pieces[k]))), at)), digit);
      yield;
    }
    const told = pieces.map((piece, k) => ({ ...piece, stroke: kept[piece.stroke], weight: weights[k] }));
    for (const stroke of stray) told.push({ stroke, start: 0, end: 1, weight: 0 });
    told.sort((a, b) => a.stroke - b.stroke); // as they were drawn
    const visible = clip(drawn);
    const ink = told.map(({ stroke, start, end }) => part(visible[stroke], start, end));
    return { digit, pieces: ink, weights: told.map(({ weight }) => weight) };
  }

  mnistlab.why = Object.freeze({ attribute });
})();
