"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

const { mnistlab, vectors, distance } = require("./engine.js");
const { answer, net, why } = mnistlab;
const { data } = vectors;

const changed = (changes) => ({ ...data, ...changes });

test("the same ink speaks for a digit as in Python", async () => {
  const network = await net.load(data);
  for (const { strokes, pen, digit, pieces, weights, strays } of vectors.whys) {
    const steps = why.attribute(network, strokes, pen);
    let [step, passes] = [steps.next(), 0];
    for (; !step.done; step = steps.next()) passes += 1;
    assert.equal(passes, digit === null ? 0 : 1 + Math.min(32, weights.length - strays));
    assert.equal(step.value.digit, digit);
    assert.deepEqual(step.value.pieces, pieces);
    assert.ok(distance(step.value.weights, weights) < 0.05);
  }
  assert.ok(vectors.whys.some(({ strays }) => strays));
});

test("any digit can be explained", async () => {
  const network = await net.load(data);
  const isPlain = ({ digit, weights }) => digit !== null && digit !== 4 && distance(weights, weights.map(() => 0)) > 0.1;
  const { strokes, pen, weights } = vectors.whys.find(isPlain);
  const steps = why.attribute(network, strokes, pen, 4);
  let step = steps.next();
  while (!step.done) step = steps.next();
  assert.equal(step.value.digit, 4);
  assert.notDeepEqual(step.value.weights, weights);
});

test("networks of any size and kind pass their self-test, scrambled or not", async () => {
  assert.ok(vectors.others.length >= 3);
  for (const other of vectors.others) assert.equal((await net.load(other)).version, other.version);
});

test("one wrong bit of the weights is noticed", async () => {
  const raw = Buffer.from(data.weights, "base64");
  raw[raw.length >> 1] ^= 1;
  await assert.rejects(net.load(changed({ weights: raw.toString("base64") })), /its weights have SHA-256 .*, not /);
});

test("weights that do not fit the architecture are noticed", async () => {
  const built = (name, sizes) => net.load(changed({ architecture: { name, arguments: { output_size: 10, ...sizes } } }));
  await assert.rejects(built("convnet", { n_kernels: 5 }), /bytes of weights, not/);
  await assert.rejects(built("fully-connected", { n_hidden: 8 }), /bytes of weights, not 12884/);
  await assert.rejects(built("other", {}), /no architecture other/);
  await assert.rejects(built("convnet", { output_size: 26 }), /26 classes apart, not 10/);
});

test("a network that answers otherwise than in Python reads nothing", async () => {
  const order = Array.from({ length: 784 }, (_, pixel) => 783 - pixel);
  await assert.rejects(net.load(changed({ permutation: order })), /stored images get other answers/);
  await assert.rejects(net.load(changed({ normalisation: { mean: 0.5, std: 0.3081 } })), /stored images get other answers/);
});

test("a permutation holds every pixel once", async () => {
  const from = (first, length) => Array.from({ length }, (_, k) => first + k);
  for (const order of [[], Array(784).fill(0), from(1, 784), from(0, 785)]) {
    await assert.rejects(net.load(changed({ permutation: order })), /does not hold each of 784 pixels once/);
  }
});

test("a set is never empty, and without calibration it is the first choice", () => {
  const logits = Float64Array.from({ length: 10 }, (_, k) => (k === 3 ? 4 : k === 5 ? 3.9 : 0));
  const judge = (calibration) => answer.judge({ calibration }, logits);
  assert.deepEqual(judge({ surprise: 0.01, confidence: 0.2 }).digits, [3]);
  assert.deepEqual(judge({ surprise: 1, confidence: 0.2 }).digits, [3, 5]);
  assert.deepEqual(judge({ surprise: 1, confidence: 0.6 }).digits, []);
  assert.deepEqual(judge(null).digits, [3]);
});
