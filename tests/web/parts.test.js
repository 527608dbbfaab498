"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

const { mnistlab, vectors, bytes, distance, last } = require("./engine.js");
const { answer, net, parts } = mnistlab;
const { data, drawings } = vectors;
// Pixel for pixel with the Pillow of constraints.txt; another one may round a grey otherwise.
const APART = Number(process.env.PAGE_LEVELS ?? 0);

test("a drawing is read as Python reads it: one digit, several, or none, and without stray marks", async () => {
  const network = await net.load(data);
  for (const { name, strokes, pen, image, logs, ...expected } of drawings) {
    const read = last(parts.read(network, strokes, pen));
    assert.equal(read.image === null, image === null, name);
    if (image) assert.ok(distance(read.image, bytes(image)) <= APART, name);
    assert.ok(distance(read.probabilities.map(Math.log), logs) < 0.02, name);
    const { digit, digits, reason, strays } = read;
    const found = read.parts.map((part) => ({ digit: part.digit, digits: part.digits, box: part.box, line: part.line }));
    assert.deepEqual({ digit, digits, reason, strays, parts: found }, expected, name);
    assert.equal(read.confidence, digit === null ? 0 : read.probabilities[digit]);
  }
  for (const reason of ["", "empty", "dot", "several", "not-a-digit"]) {
    assert.ok(drawings.some((drawing) => drawing.reason === reason), reason);
  }
  assert.ok(drawings.some((drawing) => drawing.strays && drawing.digit !== null));
});

test("each of several digits is what it would be by itself", async () => {
  const network = await net.load(data);
  const one = [[50, 60], [50, 200]];
  const seven = [[150, 60], [220, 60], [170, 200]];
  const { digit, digits, parts: found, probabilities } = last(parts.read(network, [seven, one]));
  assert.deepEqual([digit, digits], [null, []]);
  assert.deepEqual(found.map((part) => part.digit), [1, 7]);
  assert.deepEqual(found.map((part) => part.line), [0, 0]);
  assert.deepEqual(found[1].box, { left: 150, top: 60, right: 220, bottom: 200 });
  assert.deepEqual(probabilities, Array(10).fill(0.1));
  const alone = answer.judge(network, network.logits(mnistlab.ink.look([seven])));
  assert.deepEqual(found[1].probabilities, alone.probabilities);
});

test("the part and the stem of an open 4 are one digit unless they stand apart or are equally tall", () => {
  const sure = (digit, share = 0.99) => Array.from({ length: 10 }, (_, k) => (k === digit ? share : (1 - share) / 9));
  const [left, stem] = [{ left: 0, top: 0, right: 50, bottom: 60 }, { left: 65, top: 0, right: 66, bottom: 100 }];
  assert.ok(parts.isOne(left, stem, [sure(6), sure(1), sure(4)]));
  assert.ok(!parts.isOne(left, { ...stem, left: 75 }, [sure(6), sure(1), sure(4)]));
  assert.ok(!parts.isOne({ ...left, bottom: 100 }, stem, [sure(6), sure(1), sure(4)]));
  assert.ok(!parts.isOne(left, stem, [sure(5), sure(1), sure(4)]));
  assert.ok(!parts.isOne(left, { ...stem, left: 60 }, [sure(5), sure(7), sure(4)]));
  assert.ok(parts.isOne(left, { ...stem, left: 60 }, [sure(5, 0.4), sure(7), sure(4)]));
  assert.ok(parts.isOne(left, { ...stem, left: 40 }, [sure(5, 0.8), sure(7), sure(4)]));
});

test("what is no drawing is refused", () => {
  for (const bad of [[[1, NaN]], [[1, Infinity]], [[1]], [[1, 2, 3]], [["1", 2]]]) {
    const reading = parts.read(null, [[[0, 0]], bad]);
    assert.throws(() => reading.next(), /stroke 1 holds a point that is not two finite numbers/);
  }
  assert.throws(() => parts.read(null, [Array(20_001).fill([1, 1])]).next(), /20001 points; at most 20000/);
});
